"""The statistics of n-grams against a slow count in dictionaries."""

import math
import random
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from enricher.vocabulary import ngram_counting, ngram_pairs, ngrams
from enricher.vocabulary.ngram_counting import count_ngrams
from enricher.vocabulary.ngrams import NgramTable
from enricher.vocabulary.token_stream import BREAK, TokenStream

LONGEST, LEAST, WORDS = 4, 3, 12
BOUNDARY = np.arange(WORDS) == 0
INNER = ~BOUNDARY


def stream(size: int, seed: int) -> TokenStream:
    """Random tokens, some of them breaks; repeated pieces make long n-grams frequent."""
    chance = random.Random(seed)
    pieces = [[chance.randrange(WORDS) for _ in range(6)] for _ in range(5)]
    tokens: list[int] = []
    while len(tokens) < size:
        tokens += chance.choice(pieces) if chance.random() < 0.4 else [chance.randrange(-1, WORDS)]
    return TokenStream(np.array(tokens, np.int32), np.array([size // 2, len(tokens)], np.int64))


@pytest.fixture(params=[None, 700], ids=["in one part", "in many parts"])
def small_parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts and ranges so small that there are many."""
    if request.param is not None:
        monkeypatch.setattr(ngrams, "PART_TOKENS", request.param)
        monkeypatch.setattr(ngram_counting, "PART_TOKENS", request.param)
        monkeypatch.setattr(ngram_pairs, "RANGE_PAIRS", 50)


def counted(one: TokenStream, folder: Path) -> NgramTable:
    return count_ngrams(one, WORDS, LONGEST, LEAST, folder, is_boundary=BOUNDARY, is_inner=INNER)


@pytest.mark.usefixtures("small_parts")
def test_every_statistic_equals_a_slow_count(tmp_path: Path) -> None:
    """Counts, entropies, the most frequent extension, isolated occurrences, places and cohesion."""
    given = stream(5_000, 1)
    tokens = given.tokens.tolist()
    counts: Counter[tuple[int, ...]] = Counter()
    left, right = (defaultdict[tuple[int, ...], Counter[int]](Counter) for _ in range(2))
    isolated: Counter[tuple[int, ...]] = Counter()
    places: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for start in range(len(tokens)):
        for length in range(1, LONGEST + 1):
            gram = tuple(tokens[start : start + length])
            if len(gram) < length or any(token <= 0 for token in gram):
                break
            before = tokens[start - 1] if start else BREAK
            after = tokens[start + length] if start + length < len(tokens) else BREAK
            counts[gram] += 1
            left[gram][before] += 1
            right[gram][after] += 1
            isolated[gram] += before <= 0 and after <= 0
            places[gram].append(start)
    table = counted(given, tmp_path)
    total = sum(token >= 0 for token in tokens)
    assert table.tokens == total
    for length in range(1, LONGEST + 1):
        level, cohesion = table.levels[length - 1], table.cohesion(length)
        rows = [tuple(row) for row in table.sequences(length).tolist()]
        assert set(rows) == {gram for gram in counts if len(gram) == length and counts[gram] >= LEAST}
        for row, gram in enumerate(rows):
            assert level.counts[row] == counts[gram]
            assert level.left[row] == pytest.approx(entropy(left[gram]), abs=1e-4)
            assert level.right[row] == pytest.approx(entropy(right[gram]), abs=1e-4)
            beside = [n for side in (left, right) for token, n in side[gram].items() if token >= 0]
            assert level.extended[row] == max(beside, default=0)
            assert level.isolated[row] == isolated[gram]
            assert (level.first[row], level.last[row]) == (places[gram][0], places[gram][-1])
            splits = [
                math.log(counts[gram] * total / (counts[gram[:cut]] * counts[gram[cut:]]))
                for cut in range(1, length)
            ]
            assert cohesion[row] == pytest.approx(min(splits, default=math.inf), abs=1e-3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_parts")
def test_the_same_terms_are_counted_in_another_stream(tmp_path: Path) -> None:
    table, other = counted(stream(5_000, 1), tmp_path), stream(4_000, 2)
    text = other.tokens.tolist()
    for length, found in enumerate(table.counts_in(other), start=1):
        grams = Counter(tuple(text[at : at + length]) for at in range(len(text) - length + 1))
        assert found.tolist() == [grams[tuple(row)] for row in table.sequences(length).tolist()]


def test_too_many_terms_raise_the_minimum_count(tmp_path: Path) -> None:
    """The most frequent ones stay, with the same statistics, and so do all their parts."""
    given, most = stream(5_000, 1), 20
    every = counted(given, tmp_path)
    table = count_ngrams(
        given, WORDS, LONGEST, LEAST, tmp_path, is_boundary=BOUNDARY, is_inner=INNER, most=most
    )
    assert [len(level) > most for level in every.levels] == [False, True, True, True]
    for length, (one, other) in enumerate(zip(table.levels, every.levels, strict=True), start=1):
        kept = other.counts >= one.counts.min()
        assert len(one) == kept.sum() <= most
        assert table.sequences(length).tolist() == every.sequences(length)[kept].tolist()
        assert table.cohesion(length) == pytest.approx(every.cohesion(length)[kept])
        for name in ("counts", "left", "right", "extended", "isolated", "first", "last"):
            assert getattr(one, name) == pytest.approx(getattr(other, name)[kept])


def test_an_empty_stream_has_no_terms(tmp_path: Path) -> None:
    none = TokenStream(np.empty(0, np.int32), np.empty(0, np.int64))
    assert [len(level) for level in counted(none, tmp_path).levels] == [0] * LONGEST


def entropy(beside: Counter[int]) -> float:
    """A break counts as a distinct token each time."""
    total = beside.total()
    return math.log(total) - sum(n * math.log(n) for token, n in beside.items() if token >= 0) / total
