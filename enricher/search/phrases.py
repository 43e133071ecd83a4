"""Resolve the required phrases and the excluded words of a query to the fields of an index."""

from collections.abc import Sequence
from dataclasses import dataclass

from enricher.errors import UsageError
from enricher.records import ALL, MAX_TERM_CHARACTERS, TOKENS, FieldKind, IndexLayout, clean


@dataclass(frozen=True, slots=True)
class Phrase:
    """One word, or adjacent words. A document contains it if one of the fields does.

    fields: paths under `enrichment`.
    """

    words: tuple[str, ...]
    fields: tuple[str, ...]


def phrases_of(phrases: Sequence[Sequence[str]], layout: IndexLayout, index: str) -> list[Phrase]:
    """Resolve phrases to the word fields of an index.

    A single word is searched where the terms of a query are, several words in the fields with positions.
    Raises UsageError if the index has no such fields.
    """
    return [_phrase(words, layout, index) for words in phrases]


def _phrase(typed: Sequence[str], layout: IndexLayout, index: str) -> Phrase:
    words = tuple(clean(word)[:MAX_TERM_CHARACTERS] for word in typed)
    fields = layout.family(TOKENS) if len(words) == 1 else _with_positions(layout)
    if not fields:
        raise UsageError(
            f"The index {index!r} does not record the positions of words, so the phrase {' '.join(words)!r} "
            "cannot be searched. Remove the quotes, or index the documents again."
        )
    return Phrase(words, tuple(fields))


def _with_positions(layout: IndexLayout) -> list[str]:
    """The word fields with positions: the one of all enriched fields, else those of each field."""
    found = [path for path, kind in layout.mapping.items() if kind is FieldKind.WORDS]
    whole = f"{ALL}.{TOKENS}"
    return [whole] if whole in found else [path for path in found if path.startswith(f"{TOKENS}.")]
