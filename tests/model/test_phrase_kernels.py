"""The compiled loops that find candidates for keywords, against slow ones that are easy to read."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

from enricher.model.phrase_kernels import candidates_of_texts, rank
from enricher.model.usage import MAX_PHRASE_WORDS, Keys, PhraseTable, extended_keys, key_of
from enricher.model.usage import Usage as Tables

VOCABULARY = 9


@dataclass
class Word:
    """A word of a text with its flags."""

    key: int
    in_runs: bool
    is_content: bool
    in_title: bool
    is_last: bool
    idf: float


@dataclass
class Sequence:
    """What a slow loop finds about a sequence of words."""

    places: list[int] = field(default_factory=list)
    whole: int = 0
    titled: bool = False
    inside: int = 0


def key_of_sequence(keys: tuple[int, ...]) -> int:
    """The key of a phrase, word by word."""
    found: Keys = np.array(keys[:1], np.uint64)
    for key in keys[1:]:
        found = extended_keys(found, np.array([key], np.uint64))
    return int(found[0])


def slow_candidates(
    text: list[Word], is_chinese: bool, known: dict[int, float]
) -> dict[int, tuple[int, int, int, int, int, float, float, bool]]:
    """Key → place, length, count, whole, inside, boundary entropy, idf and title of every candidate."""
    pairs = pairwise(text)
    joined = [a.in_runs and b.in_runs and a.key != b.key and not a.is_last for a, b in pairs] + [False]
    found: dict[tuple[int, ...], Sequence] = defaultdict(Sequence)
    for first in range(len(text)):
        for length in range(1, MAX_PHRASE_WORDS + 1):
            part, last = text[first : first + length], first + length - 1
            keys = tuple(word.key for word in part)
            goes = len(part) == length and all(joined[first:last]) and len(set(keys)) == length
            if not goes or not part[0].in_runs:
                break
            found[keys].places.append(first)
            found[keys].whole += (first == 0 or not joined[first - 1]) and not joined[last]
            found[keys].titled |= part[0].in_title
    kept = {}
    for keys, one in sorted(found.items(), key=lambda item: -len(item[0])):
        key, first, count = key_of_sequence(keys), one.places[0], len(one.places)
        short = len(keys) == 2 and one.titled and one.whole == count
        is_phrase = not is_chinese or count > 1 or key in known or short
        is_candidate = text[first].is_content if len(keys) == 1 else is_phrase
        for part in (keys[:-1], keys[1:]) if len(keys) > 1 else ():
            found[part].inside = max(found[part].inside, count if is_candidate else 0, one.inside)
        if is_candidate:
            idf = sum(word.idf for word in text[first : first + len(keys)])
            entropy = known.get(key, 0.0)
            kept[key] = (first, len(keys), count, one.whole, one.inside, entropy, idf, one.titled)
    return kept


def some_text(chance: random.Random) -> list[Word]:
    """A text of few different words, so that phrases are repeated."""
    names = [chance.randrange(VOCABULARY) for _ in range(chance.randrange(40))]
    return [
        Word(
            key_of(f"word {name}"), name > 0, name > 1, chance.random() < 0.2, chance.random() < 0.2, name + 1
        )
        for name in names
    ]


def columns_of(texts: list[list[Word]]) -> tuple[np.ndarray, ...]:
    """The words of all texts as arrays."""
    words = [word for text in texts for word in text]
    flags = ("in_runs", "is_content", "in_title", "is_last")
    return (
        np.array([word.key for word in words], np.uint64),
        *(np.array([getattr(word, name) for word in words], np.bool_) for name in flags),
        np.array([word.idf for word in words], np.float64),
    )


@pytest.mark.parametrize("has_table", [True, False])
def test_the_candidates_are_those_of_a_slow_loop(has_table: bool) -> None:
    """In many texts at once, of both languages, empty ones among them."""
    chance = random.Random(5)
    texts = [[], *(some_text(chance) for _ in range(200)), []]
    is_chinese = np.array([chance.random() < 0.5 for _ in texts])
    pairs = [(f"word {a}", f"word {b}") for a in range(1, VOCABULARY, 2) for b in range(VOCABULARY)]
    keys = sorted(key_of_sequence((key_of(a), key_of(b))) for a, b in pairs) if has_table else []
    known = {key: float(place % 7) for place, key in enumerate(keys)}
    none: Keys = np.empty(0, np.uint64)
    entropies = np.array(list(known.values()), np.float32)
    usage = Tables(
        9, np.array(keys, np.uint64), np.ones(len(keys), np.uint32), entropies, none, np.empty((0, 4))
    )
    table = PhraseTable.of(usage if has_table else None)
    starts = np.cumsum([0, *map(len, texts)])
    ends, *found = candidates_of_texts(
        columns_of(texts), starts, is_chinese, table.keys, table.entropies, table.buckets, table.shift
    )
    begin = 0
    for text, start, end, chinese in zip(texts, starts, ends, is_chinese, strict=False):
        keys_found, places, *others = (column[begin:end].tolist() for column in found)
        assert places == sorted(places)
        rows = zip(keys_found, [place - start for place in places], *others, strict=True)
        assert {key: tuple(row) for key, *row in rows} == slow_candidates(text, bool(chinese), known)
        begin = end


def test_the_order_is_by_score_then_place_then_key() -> None:
    """Within every text; equal scores are frequent."""
    chance = np.random.default_rng(3)
    ends = np.array([0, 40, 40, 100])
    places = np.concatenate([np.sort(chance.integers(0, 15, 40)), np.sort(chance.integers(20, 50, 60))])
    scores, keys = chance.integers(0, 4, 100) / 4, chance.permutation(100).astype(np.uint64)
    wanted = [
        row
        for start, end in ((0, 40), (40, 100))
        for row in sorted(range(start, end), key=lambda row: (-scores[row], places[row], keys[row]))
    ]
    assert rank(scores, places, keys, ends).tolist() == wanted
