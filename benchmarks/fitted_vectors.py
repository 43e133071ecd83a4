"""How near the fitted vector of an added word comes to the trained one, for words that a model knows."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.applying import CORPORA, applied_model
from benchmarks.vocabulary import FIELDS, texts
from enricher.loaded_model import load
from enricher.model.arrays import FloatArray
from enricher.model.neighbors import unit
from enricher.records import Document
from enricher.text import is_content
from enricher.vocabulary.occurrences import OccurrenceCounter
from enricher.vocabulary.vectors import PRIOR, usual_length, vector_from_contexts

COLUMNS = ("vector", "of the ten nearest words, shared with the trained vector", "chosen")
PRIORS = (1.0, 5.0, 20.0, 100.0, 500.0)
WORDS, SEED, NEAREST = 100, 7, 10
COUNTS = (20, 2_000)
"""The fewest and the most occurrences of the words that are drawn."""


def rows(models: Path, data: Path) -> Iterator[Sequence[str]]:
    """The mean of the contexts, and vectors that are fitted with different λ."""
    model = load(applied_model(models, data))
    word2vec = model.word2vec
    counts = np.asarray(word2vec.counts)
    middle = np.flatnonzero((counts >= COUNTS[0]) & (counts <= COUNTS[1]))
    known = [row for row in middle.tolist() if is_content(word2vec.words[row])]
    drawn = np.random.default_rng(SEED).choice(known, min(WORDS, len(known)), replace=False).tolist()
    counter = OccurrenceCounter([word2vec.words[row] for row in drawn], model.analyzer, model, FIELDS)
    for number, document in enumerate(texts(data, CORPORA)):
        counter.add(Document(str(number), document))
    contexts = [np.array(counter.found[word2vec.words[row]].contexts, np.int32) for row in drawn]
    pairs = [(row, around) for row, around in zip(drawn, contexts, strict=True) if len(around)]
    units = unit(word2vec.vectors)
    means = np.stack([units[around].mean(axis=0) for _, around in pairs])
    yield "mean of the contexts", _shared(units, pairs, means), ""
    for prior in PRIORS:
        fitted = [
            vector_from_contexts(word2vec, around, usual_length(word2vec, int(counts[row])), prior)
            for row, around in pairs
        ]
        shown = "yes" if prior == PRIOR else ""
        yield f"fitted, λ = {prior:g}", _shared(units, pairs, np.stack(fitted)), shown


def _shared(units: FloatArray, pairs: Sequence[tuple[int, np.ndarray]], vectors: FloatArray) -> str:
    """The mean share of the NEAREST words of each vector that the trained vector has too."""
    shares = []
    for (row, _), vector in zip(pairs, unit(vectors), strict=True):
        near = []
        for one in (units[row], vector):
            cosines = units @ one
            cosines[row] = -2
            near.append(set(np.argsort(-cosines)[:NEAREST].tolist()))
        shares.append(len(near[0] & near[1]) / NEAREST)
    return f"{np.mean(shares):.3f} ({len(pairs)} words of {len(units):,})"
