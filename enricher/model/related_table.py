"""The relatedness table: the most related words of every word, computed once in training.

Two memory-mapped files of a bundle: related_words.npy, int32 (V, K), and related_log_probabilities.npy,
float32 (V, K), ln p(y|x) of these words. The rows are sorted by the formula with which the table was built.
Queries with another formula are answered from the table if the answer is provably exact, else by a search in
the tree.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from enricher.errors import BundleInvalid, UsageError
from enricher.model.arrays import FloatArray, IntArray, mapped
from enricher.model.relatedness import (
    INNER_PRODUCT,
    SEARCH_BATCH,
    Relatedness,
    TreeSearch,
    disagreement,
    log_conditionals,
    most_related,
)
from enricher.model.row_files import RowFile, complete_rows
from enricher.model.word2vec import Word2Vec
from enricher.records import RelatedWord

WORDS_FILE = "related_words.npy"
LOG_PROBABILITIES_FILE = "related_log_probabilities.npy"
TABLE_COLUMNS = 50
SCORE_TOLERANCE = 1e-4
"""Scores that differ by less can be in either order, because they are sums of some dozen float32 values."""


@dataclass(frozen=True)
class RelatedTable:
    """The opened table. words: int32 (V, K), −1 after the last word; log_probabilities: float32 (V, K)."""

    words: IntArray
    log_probabilities: FloatArray
    formula: Relatedness

    @classmethod
    def open(cls, folder: Path, formula: Relatedness, vocabulary: int) -> "RelatedTable":
        """Map the files of a bundle. Raises BundleInvalid if they cannot be read or belong to other words."""
        try:
            words = mapped(folder / WORDS_FILE, np.integer, 2)
            values = mapped(folder / LOG_PROBABILITIES_FILE, np.floating, 2)
        except (OSError, ValueError) as error:
            raise BundleInvalid(
                f"The relatedness table of the model {folder.name} cannot be read."
            ) from error
        if words.shape != values.shape or len(words) != vocabulary:
            raise BundleInvalid(f"The relatedness table of {folder.name} was made for another model.")
        return cls(words, values, formula)

    def look_up(
        self, word2vec: Word2Vec, row: int, top: int, formula: Relatedness
    ) -> tuple[FloatArray, IntArray] | None:
        """The `top` best scores and rows by a formula; None if the table cannot prove them.

        A word outside the row has at most the K-th score of the row. With another formula, it gains at most
        the maximum difference of the two offsets over all words. Scores above that bound are proven.
        """
        found = self.words[row]
        found = np.asarray(found[found >= 0])
        complete = len(found) >= word2vec.trained - 1
        if top > len(found) and not complete:
            return None
        values = np.asarray(self.log_probabilities[row, : len(found)])
        scores = values + formula.offsets_of(word2vec, found)
        order = np.lexsort((found, -scores))[:top]
        if not complete and formula != self.formula:
            last = float(values[-1] + self.formula.offsets_of(word2vec, found[-1:])[0])
            gain = float((formula.offsets(word2vec) - self.formula.offsets(word2vec)).max())
            if scores[order[-1]] < last + gain + SCORE_TOLERANCE:
                return None
        return scores[order], found[order]


def build_table(
    folder: Path,
    word2vec: Word2Vec,
    formula: Relatedness,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write the table of a model to a folder, on all cores. An interrupted build is resumed.

    The files are identical even if the build was interrupted. Raises OSError if the disk is full.
    """
    total = len(word2vec.words)
    columns = min(TABLE_COLUMNS, total - 1)
    search = TreeSearch(word2vec, formula)
    offsets = formula.offsets(word2vec)

    def batch(rows: IntArray) -> tuple[IntArray, FloatArray]:
        scores, found = search.best(rows, columns)
        return found, scores - offsets[found]

    files = [
        RowFile(folder / WORDS_FILE, np.int32, total, columns),
        RowFile(folder / LOG_PROBABILITIES_FILE, np.float32, total, columns),
    ]
    complete_rows(files, SEARCH_BATCH, batch, progress)


def related_rows(word2vec: Word2Vec, table: RelatedTable | None, row: int) -> IntArray:
    """The TABLE_COLUMNS most related words of a word, int32 (k,): from the table, else by a search."""
    if table is None:
        formula = INNER_PRODUCT if word2vec.tree is None else Relatedness()
        _, found = most_related(word2vec, np.array([row], np.int32), TABLE_COLUMNS, formula)
        words = found[0]
    else:
        words = table.words[row]
    return np.asarray(words[words >= 0])


def related(
    word2vec: Word2Vec, table: RelatedTable | None, word: str, top: int, formula: Relatedness
) -> list[RelatedWord]:
    """The `top` most related words of a word, best first, without the word itself.

    Without shrinkage, the result is exact over the vocabulary. With shrinkage, the best TABLE_COLUMNS words
    (or `top`, if larger) are reranked by `disagreement`. Raises UnknownWord; UsageError if `top` is below
    1.
    """
    if top < 1:
        raise UsageError(f"The number of words must be 1 or more, not {top}.")
    row = word2vec.row(word)
    depth = min(max(top, TABLE_COLUMNS) if formula.shrinkage else top, len(word2vec.words))
    answer = table.look_up(word2vec, row, depth, formula) if table is not None else None
    if answer is None:
        scores, found = most_related(word2vec, np.array([row], np.int32), depth, formula)
        answer = scores[0][found[0] >= 0], found[0][found[0] >= 0]
    return as_related_words(word2vec, row, *answer, formula)[:top]


def related_to_all(word2vec: Word2Vec, rows: IntArray, top: int, formula: Relatedness) -> list[RelatedWord]:
    """The `top` words most related to n words together, best first, without these words. Exact.

    rows: int32 (n,), distinct. The score is Σ_i w_i · r(x_i → y) with w_i = idf(x_i) / Σ idf, and so is the
    log-probability. With shrinkage, the best TABLE_COLUMNS words (or `top`, if larger) are reranked by
    `disagreement` with every word. Raises UsageError if `top` is below 1.
    """
    if top < 1:
        raise UsageError(f"The number of words must be 1 or more, not {top}.")
    shares = word2vec.idf[rows] / word2vec.idf[rows].sum()
    values = shares @ log_conditionals(word2vec, rows)
    scores = values + formula.offsets(word2vec)
    scores[rows] = -np.inf
    depth = max(top, TABLE_COLUMNS) if formula.shrinkage else top
    best = np.argsort(-scores, kind="stable")[: min(depth, len(scores) - len(rows))].astype(np.int32)
    kept = scores[best]
    if formula.shrinkage:
        kept = kept - shares @ np.stack([disagreement(word2vec, int(row), best) for row in rows])
    priors = word2vec.log_priors_of(best)
    return [
        RelatedWord(word2vec.words[best[n]], float(kept[n]), float(values[best[n]]), float(priors[n]))
        for n in np.argsort(-kept, kind="stable")[:top]
    ]


def as_related_words(
    word2vec: Word2Vec, row: int, scores: FloatArray, rows: IntArray, formula: Relatedness
) -> list[RelatedWord]:
    """Build the records of n related words of the word in `row`, best first.

    scores: float32 (n,), by the formula. rows: int32 (n,). With shrinkage, `disagreement` is subtracted
    from the scores.
    """
    raw = scores - formula.offsets_of(word2vec, rows)
    if formula.shrinkage:
        scores = scores - disagreement(word2vec, row, rows)
    priors = word2vec.log_priors_of(rows)
    return [
        RelatedWord(word2vec.words[rows[n]], float(scores[n]), float(raw[n]), float(priors[n]))
        for n in np.argsort(-scores, kind="stable")
    ]
