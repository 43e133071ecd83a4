"""Stretches: words that touch each other, so that they may be one phrase."""

from collections.abc import Iterator, Sequence

from enricher.records import Token

HYPHENS = ("-", "\u2010", "\u2011")


def stretches(text: str, tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The words of a text, stop words included, parted where something else than a blank or a hyphen
    stands between two of them.
    """
    start = 0
    end = -1
    for place, token in enumerate(tokens):
        if end >= 0 and token.start != end and not _joins(text[end : token.start]):
            yield tokens[start:place]
            start = place
        end = token.end
    if tokens:
        yield tokens[start:]


def _joins(gap: str) -> bool:
    return gap in HYPHENS or (gap.isspace() and "\n" not in gap)
