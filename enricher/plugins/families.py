"""Fields of words: one field with the words of all enriched fields, and fields with the words of one."""

from collections.abc import Callable, Sequence

from enricher.records import (
    ALL,
    AnalyzedDocument,
    FieldKind,
    Token,
    nested,
)


def family_mapping(
    name: str, fields: Sequence[str], kind: FieldKind, own: Sequence[str]
) -> dict[str, FieldKind]:
    """The fields of a family under `enrichment`.

    A single enriched field has NAME.field. Several have ALL.NAME, and NAME.field for each field in `own`. If
    every field has one, only these keep positions, if `kind` has them.
    """
    if len(fields) == 1:
        return {f"{name}.{fields[0]}": kind}
    whole = FieldKind.TERMS if set(own) == set(fields) else kind
    return {f"{name}.{field}": kind for field in own} | {f"{ALL}.{name}": whole}


def family_values(
    name: str,
    document: AnalyzedDocument,
    text_of: Callable[[Sequence[Token]], str],
    own: Sequence[str],
) -> dict[str, object]:
    """The values of one document for the fields of `family_mapping`.

    ALL.NAME has one value for each enriched field with words, so that no phrase crosses two fields.
    """
    texts = {field: text_of(tokens) for field, tokens in document.tokens.items()}
    if len(texts) == 1:
        return {name: nested(texts)}
    values: dict[str, object] = {ALL: {name: [text for text in texts.values() if text]}}
    if own:
        values[name] = nested({field: texts[field] for field in own})
    return values
