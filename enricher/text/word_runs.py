"""Word runs: sequences of adjacent words in a text that can contain a phrase. A name is one word."""

from collections.abc import Iterator, Sequence

from enricher.records import Token
from enricher.text.name_words import SUFFIXES
from enricher.text.names import HYPHENS, JOINERS, NameFinder

DOTS = (".", ",", "\uff0e")


def word_runs(text: str, tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Split the words of a text, including stop words, into runs of adjacent words.

    Two words are adjacent if there is only a space or a hyphen between them. The words of a name such as
    `covid-19` or `boeing 737` become one token, spelled as in the text.
    """
    names = NameFinder(text, tokens)
    start, end = 0, -1
    joints: list[int] = []
    is_after_number = False
    for place, (word, begin, finish) in enumerate(tokens):
        is_number = word < ":"  # it begins with a digit, or with a dot like .net
        if begin == end or (gap := text[end:begin]) == " ":
            if is_number or is_after_number:
                joints.append(place)
        elif gap in JOINERS and (is_number or gap not in DOTS or word in SUFFIXES):
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
    """Yield the runs of the words from `start` to `stop`, with each name joined to one token.

    joints: the indexes of words that follow a joiner, or begin with a digit or a sign. Only these can be
    joined to the word before them.
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
        elif names.gap(place) not in HYPHENS and names.gap(place) in JOINERS:
            yield [*part, *names.tokens[start:place]]
            part, start = [], place
    if part or start < stop:
        yield [*part, *names.tokens[start:stop]]
