"""Vectors of candidates, and how near they are to the subject.

word2vec learns from the domain and from some of the background, so that general words have their own place.
The text of the domain stands there twice: once in words, and once with the cohesive candidates as one token
each. So words and terms get vectors in one space. Lines are shuffled.

    nearness = ½ ( z(mean cos(u, u_s)) + z(mean of the TOP_SEEDS largest cos(u, u_s)) + z(mean v_s · c) )

over the seeds s; u are unit vectors without their mean, v input and c output vectors (v_s · c ≈ PMI − ln k),
z is standardised over the candidates.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import DoubleArray, FloatArray, IntArray
from enricher.training.word2vec import TrainingSettings, train_vectors
from enricher.vocabulary.candidates import Candidates, is_cohesive
from enricher.vocabulary.ngrams import NgramTable
from enricher.vocabulary.token_stream import TokenStream

LINE_TOKENS = 1_000
MAX_DOMAIN_TOKENS = 12_000_000
"""Tokens of the domain that are learned from, evenly from all of it."""
MAX_BACKGROUND_TOKENS = 4_000_000
SMALL_DOMAIN_TOKENS = 1_500_000
"""A smaller domain is repeated until it has so many tokens, at most MAX_REPEATS times."""
MAX_REPEATS = 8
SUBSAMPLING = 1e-4
MIN_COUNT = 3
TOP_SEEDS = 5
PART_TOKENS = 20_000


@dataclass(frozen=True, slots=True)
class TermVectors:
    """The input and output vectors of K candidates, float32 (K, d); zero where nothing is known."""

    vectors: FloatArray
    outputs: FloatArray

    def part(self, rows: NDArray[Any]) -> "TermVectors":
        """The vectors of some of the candidates."""
        return TermVectors(self.vectors[rows], self.outputs[rows])

    def cosines(self, seeds: "TermVectors") -> FloatArray:
        """The cosines of K candidates and S seeds, without the mean of the candidates: float32 (K, S)."""
        units, others = _unit(self.vectors), _unit(seeds.vectors)
        mean = units.mean(axis=0)
        return _unit(units - mean) @ _unit(others - mean).T

    def nearness(self, seeds: "TermVectors") -> DoubleArray:
        """The nearness of every candidate to seeds, float64 (K,)."""
        cosines = self.cosines(seeds)
        best = np.sort(cosines, axis=1)[:, -TOP_SEEDS:].mean(axis=1)
        information = (self.outputs @ seeds.vectors.T).mean(axis=1)
        return 0.5 * (standardised(cosines.mean(axis=1)) + standardised(best) + standardised(information))


def standardised(values: NDArray[np.floating]) -> DoubleArray:
    """Values with mean 0 and deviation 1; zeros if all are equal."""
    found: DoubleArray = np.asarray(values, np.float64)
    return np.asarray((found - found.mean()) / max(float(found.std()), 1e-9)) if len(found) else found


def _unit(vectors: FloatArray) -> FloatArray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


def learn_vectors(
    domain: TokenStream,
    background: Sequence[TokenStream],
    table: NgramTable,
    every: Candidates,
    chosen: NDArray[np.int64],
    folder: Path,
    workers: int,
    seed: int = 1,
) -> TermVectors:
    """Train, and answer the vectors of some candidates.

    every: all candidates; those that are cohesive are tokens of their own. chosen: rows of `every`, (K,).
    folder: for the text. Raises TrainingFailed.
    """
    path = folder / "text"
    share = min(1.0, MAX_DOMAIN_TOKENS / max(1, len(domain)))
    repeats = int(np.clip(round(SMALL_DOMAIN_TOKENS / max(1, domain.number)), 1, MAX_REPEATS))
    merger, lines = _Merger(table, every), []
    for _ in range(repeats):
        for part in _parts(domain, share):
            lines += [*_lines(part), *_lines(merger(part))]
    for stream in background:
        few = min(1.0, MAX_BACKGROUND_TOKENS / len(background) / max(1, len(stream)))
        for part in _parts(stream, few):
            lines += _lines(part)
    # The rate of learning falls while the text is read: in its own order, one subject would have it all.
    random.Random(seed).shuffle(lines)
    path.write_text("".join(lines), encoding="ascii")
    del lines
    epochs = 3 if domain.number > SMALL_DOMAIN_TOKENS else 4
    settings = TrainingSettings(
        loss="negative-sampling", dimensions=100, window=5, epochs=epochs, seed=seed, workers=workers
    )
    words, vectors, outputs = train_vectors(path, settings, MIN_COUNT, SUBSAMPLING)
    path.unlink()
    return _of_candidates(words, vectors, outputs, every.part(chosen), merger.tokens[chosen])


def _of_candidates(
    words: Sequence[str],
    vectors: FloatArray,
    outputs: FloatArray,
    chosen: Candidates,
    tokens: NDArray[np.int64],
) -> TermVectors:
    """The vectors of candidates; one without a vector of its own gets the mean of its words' unit vectors."""
    rows = {int(word): row for row, word in enumerate(words)}
    units = _unit(vectors)
    found = np.zeros((len(chosen), vectors.shape[1]), np.float32)
    answered = np.zeros_like(found)
    for place, (token, sequence) in enumerate(zip(tokens.tolist(), chosen.sequences.tolist(), strict=True)):
        row = rows.get(token)
        if row is not None:
            found[place], answered[place] = vectors[row], outputs[row]
            continue
        parts = [rows[number] for number in sequence if number in rows]
        if parts:
            found[place], answered[place] = units[parts].mean(axis=0), outputs[parts].mean(axis=0)
    return TermVectors(found, answered)


class _Merger:
    """Replaces cohesive candidates of several words in a text by one token each, the longest first.

    tokens: int64 (K,), the token of every candidate: the number of a single word, else a number after those
    of the words.
    """

    def __init__(self, table: NgramTable, every: Candidates) -> None:
        self._table = table
        merged = is_cohesive(every) & (every.lengths > 1)
        numbers = table.vocabulary + np.arange(len(every))
        self.tokens = np.where(every.lengths == 1, every.sequences[:, 0], numbers).astype(np.int64)
        self._by_level: list[NDArray[np.int64]] = []
        for length, level in enumerate(table.levels, start=1):
            tokens = np.full(len(level), -1, np.int64)
            here = merged & (every.lengths == length)
            tokens[every.rows[here]] = self.tokens[here]
            self._by_level.append(tokens)

    def __call__(self, part: IntArray) -> NDArray[np.int64]:
        """The tokens of a part of the text, int64 (n,); −1 for breaks."""
        best, sizes = part.astype(np.int64), np.ones(len(part), np.int64)
        for length, rows in enumerate(self._table.places_in(part), start=1):
            if length > 1 and len(self._by_level[length - 1]):
                tokens = np.where(rows >= 0, self._by_level[length - 1][np.maximum(rows, 0)], -1)
                best = np.where(tokens >= 0, tokens, best)
                sizes = np.where(tokens >= 0, length, sizes)
        from enricher.vocabulary.ngram_kernels import jumps  # load compiled code only if needed

        return np.asarray(best[jumps(sizes)])


def _parts(stream: TokenStream, share: float) -> Iterator[IntArray]:
    """Parts of a text; with a share below 1, some of them, evenly from all of it."""
    taken = 1 - 1e-9 if share < 1 else 0.0
    for start in range(0, len(stream), PART_TOKENS):
        taken += share
        if taken >= 1:
            taken -= 1
            yield stream.part(start, start + PART_TOKENS)


def _lines(tokens: NDArray[np.integer]) -> list[str]:
    """Tokens as lines of LINE_TOKENS numbers, without breaks."""
    known = tokens[tokens >= 0].tolist()
    return [
        " ".join(map(str, known[start : start + LINE_TOKENS])) + "\n"
        for start in range(0, len(known), LINE_TOKENS)
    ]
