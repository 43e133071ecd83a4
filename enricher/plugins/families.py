"""Fields of words: one for every enriched field, and one of all fields together."""

from collections.abc import Callable, Sequence

from enricher.records import (
    ALL,
    AnalyzedDocument,
    FieldKind,
    Token,
    nested,
)


def family_mapping(name: str, fields: Sequence[str], kind: FieldKind) -> dict[str, FieldKind]:
    """The fields of a family, and that of all together where there are several."""
    mapping = {f"{name}.{field}": kind for field in fields}
    return mapping | ({f"{ALL}.{name}": FieldKind.TERMS} if len(fields) > 1 else {})


def family_values(
    name: str, document: AnalyzedDocument, text_of: Callable[[Sequence[Token]], str]
) -> dict[str, object]:
    """What `family_mapping` names, for one document."""
    texts = {field: text_of(tokens) for field, tokens in document.tokens.items()}
    whole = {ALL: {name: " ".join(filter(None, texts.values()))}} if len(texts) > 1 else {}
    return {name: nested(texts), **whole}
