"""Stretches: words that touch each other, so that they may be one phrase; a name is one word."""

from collections.abc import Iterator, Sequence

from enricher.records import Token
from enricher.text.name_words import SUFFIXES
from enricher.text.names import GLUE, HYPHENS, NameFinder

DOTS = (".", ",", "\uff0e")


def stretches(text: str, tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The words of a text, stop words included, parted where something else than a blank or a hyphen
    stands between two of them.

    The words of a name such as `covid-19` or `boeing 737` are one, spelled as in the text.
    """
    names = NameFinder(text, tokens)
    start, end = 0, -1
    joints: list[int] = []
    is_after_number = False
    for place, (word, begin, finish) in enumerate(tokens):
        is_number = word < ":"  # it begins with a digit, or as .net does
        if begin == end or (gap := text[end:begin]) == " ":
            if is_number or is_after_number:
                joints.append(place)
        elif gap in GLUE and (is_number or gap not in DOTS or word in SUFFIXES):
            joints.append(place)
        elif not gap.isspace() or "\n" in gap:
            if place:
                yield from _named(names, start, place, joints) if joints else (tokens[start:place],)
            start = place
            joints = []
        end, is_after_number = finish, is_number
    if tokens:
        yield from _named(names, start, len(tokens), joints) if joints else (tokens[start:],)


def _named(names: NameFinder, start: int, stop: int, joints: Sequence[int]) -> Iterator[Sequence[Token]]:
    """The stretches of the words from `start` to `stop`, names as one word each.

    joints: the words before which glue stands, and those that begin with a digit or a sign.
    """
    part: list[Token] = []
    for place in joints:
        if place <= start:
            continue
        end = names.end_of_name(place - 1, stop)
        if end > place:
            part += names.tokens[start : place - 1]
            part.append(names.join(place - 1, end))
            start = end
        elif names.gap(place) not in HYPHENS and names.gap(place) in GLUE:
            yield [*part, *names.tokens[start:place]]
            part, start = [], place
    if part or start < stop:
        yield [*part, *names.tokens[start:stop]]
