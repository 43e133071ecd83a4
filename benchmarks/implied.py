"""Words that a text implies without saying them: how many of the given keywords they are."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

import enricher
from benchmarks.keyphrases import SETS, KeywordSet, rows_of
from enricher.model.arrays import FloatArray, IntArray

MOST = (5, 20, 100)
COLUMNS = (
    "collection", "given keywords", "not in the text", "of them words of the model", "ranked by",
    *(f"among {most}" for most in MOST),
)  # fmt: skip


def rows(models: Path, data: Path) -> Iterator[Sequence[str]]:
    """The rows of the table."""
    for chosen in SETS:
        yield from measured(chosen, chosen.model(models, data), data)


def measured(chosen: KeywordSet, model: enricher.Model, data: Path) -> Iterator[Sequence[str]]:
    """How many keywords that are not in the text stand among the first words that it does not hold."""
    documents, given = chosen.read(data)
    vectors = np.asarray(model.word2vec.vectors)
    directions = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    own = {chosen.same(word): row for row, word in reversed(list(enumerate(model.words)))}
    total = absent = 0
    places: dict[str, list[int]] = {"information": [], "cosine": []}
    for document, wanted in zip(documents, given, strict=True):
        text = chosen.same(" ".join(map(str, document.source.values())))
        missing = {keyword for keyword in wanted if keyword not in text}
        total, absent = total + len(wanted), absent + len(missing)
        targets = [own[keyword] for keyword in missing if keyword in own]
        if not targets:
            continue
        rows, counts = np.unique(rows_of(model, document), return_counts=True)
        weights = model.word2vec.idf[rows] * np.minimum(counts, 3)
        for name, scores in (
            ("information", by_information(model, rows, weights)),
            ("cosine", by_cosine(directions, rows, weights)),
        ):
            scores[rows] = -np.inf
            places[name] += [int((scores > scores[target]).sum()) for target in targets]
    for name, found in places.items():
        shares = [f"{sum(place < most for place in found) / len(found):.3f}" for most in MOST]
        yield chosen.name, str(total), str(absent), str(len(found)), name, *shares


def by_information(model: enricher.Model, rows: IntArray, weights: FloatArray) -> FloatArray:
    """Σ_k weight_k · max(0, log p(y|w_k) − log p(y)) of every word y, (V,), over the words w_k of a text."""
    information = model.word2vec.log_probabilities_of_rows(rows) - model.word2vec.log_priors
    return np.asarray(weights @ information.clip(min=0))


def by_cosine(directions: FloatArray, rows: IntArray, weights: FloatArray) -> FloatArray:
    """Of every word, (V,), with the weighted mean direction of the words of a text; directions: (V, d)."""
    return np.asarray(directions @ (weights @ directions[rows]))
