"""The relatedness table: the words most related to every word, computed once, looked up ever after.

Two files of a bundle, memory-mapped: related_words.npy, int32 (V, K), and
related_log_probabilities.npy, float32 (V, K), log p(y|x) of those words. The rows are in the
order of the formula that the table was made with. Another formula is answered from the same rows
where that is provably exact, and else by the search over the tree.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from enricher.errors import BundleInvalid, UsageError
from enricher.model.huffman import FloatArray, IntArray
from enricher.model.relatedness import (
    INNER_PRODUCT,
    SEARCH_BATCH,
    Relatedness,
    TreeSearch,
    most_related,
)
from enricher.model.word2vec import Word2Vec
from enricher.records import RelatedWord

WORDS_FILE = "related_words.npy"
LOG_PROBABILITIES_FILE = "related_log_probabilities.npy"
COLUMNS = 50
ROUNDING = 1e-4
"""Scores that differ by less may be in either order: sums of some dozen float32 values."""


@dataclass(frozen=True)
class RelatedTable:
    """An opened table. words: int32 (V, K), −1 where there are fewer; log_probabilities: float32 (V, K)."""

    words: IntArray
    log_probabilities: FloatArray
    formula: Relatedness

    @classmethod
    def open(cls, folder: Path, formula: Relatedness, vocabulary: int) -> "RelatedTable":
        """Map the files of a bundle; BundleInvalid where they do not fit its vocabulary."""
        try:
            words = np.asarray(np.load(folder / WORDS_FILE, mmap_mode="r", allow_pickle=False))
            values = np.asarray(np.load(folder / LOG_PROBABILITIES_FILE, mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError) as error:
            raise BundleInvalid(
                f"The relatedness table of the model {folder.name} cannot be read."
            ) from error
        if words.shape != values.shape or len(words) != vocabulary:
            raise BundleInvalid(f"The relatedness table of {folder.name} was made for another model.")
        return cls(words, values, formula)

    def look_up(
        self, model: Word2Vec, row: int, top: int, formula: Relatedness
    ) -> tuple[FloatArray, IntArray] | None:
        """The `top` best scores and rows by a formula, or None where the table cannot prove them.

        A word that is not among the K of this row has at most the K-th score there. By another
        formula it gains at most max over y of the difference of the two offsets; what is still
        ahead of that is surely best.
        """
        found = self.words[row]
        found = np.asarray(found[found >= 0])
        complete = len(found) == len(model.words) - 1
        if top > len(found) and not complete:
            return None
        values = np.asarray(self.log_probabilities[row, : len(found)])
        scores = values + formula.offsets_of(model, found)
        order = np.lexsort((found, -scores))[:top]
        if not complete and formula != self.formula:
            last = float(values[-1] + self.formula.offsets_of(model, found[-1:])[0])
            gain = float((formula.offsets(model) - self.formula.offsets(model)).max())
            if scores[order[-1]] < last + gain + ROUNDING:
                return None
        return scores[order], found[order]


def build_table(
    folder: Path,
    model: Word2Vec,
    formula: Relatedness,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write the table of a model into a folder, on all cores; one that a killed process began is completed.

    The bytes are the same however often it was interrupted. Raises OSError when the disk is full.
    """
    total = len(model.words)
    columns = min(COLUMNS, total - 1)
    search = TreeSearch(model, formula)
    offsets = formula.offsets(model)

    def batch(start: int) -> tuple[IntArray, FloatArray]:
        rows = np.arange(start, min(start + SEARCH_BATCH, total), dtype=np.int32)
        scores, found = search.best(rows, columns)
        return found, scores - offsets[found]

    with (folder / WORDS_FILE).open("ab") as words, (folder / LOG_PROBABILITIES_FILE).open("ab") as values:
        done = min(_begun(words, np.int32, total, columns), _begun(values, np.float32, total, columns))
        done -= done % SEARCH_BATCH if done < total else 0
        _cut(words, np.int32, total, columns, done)
        _cut(values, np.float32, total, columns, done)
        for found, log_probabilities in _in_order(batch, range(done, total, SEARCH_BATCH)):
            words.write(found.tobytes())
            values.write(log_probabilities.tobytes())
            done += len(found)
            progress(done, total)


def _in_order(
    work: Callable[[int], tuple[IntArray, FloatArray]], starts: range
) -> Iterator[tuple[IntArray, FloatArray]]:
    """The answers of work in the order of starts, a few of them under way at a time."""
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        ahead = threads * 4
        waiting = [pool.submit(work, start) for start in starts[:ahead]]
        for start in [*starts[ahead:], *([None] * min(ahead, len(starts)))]:
            answer = waiting.pop(0).result()
            if start is not None:
                waiting.append(pool.submit(work, start))
            yield answer


def _header(kind: type[np.generic], total: int, columns: int) -> bytes:
    """The head of a .npy file of that shape."""
    from io import BytesIO

    head = BytesIO()
    description = np.lib.format.dtype_to_descr(np.dtype(kind))
    np.lib.format.write_array_header_1_0(
        head, {"descr": description, "fortran_order": False, "shape": (total, columns)}
    )
    return head.getvalue()


def _begun(file: BinaryIO, kind: type[np.generic], total: int, columns: int) -> int:
    """How many whole rows a file holds already."""
    held = file.seek(0, os.SEEK_END) - len(_header(kind, total, columns))
    return max(0, held // (columns * np.dtype(kind).itemsize)) if columns else 0


def _cut(file: BinaryIO, kind: type[np.generic], total: int, columns: int, rows: int) -> None:
    """Leave so many rows of a file, and begin one that holds none."""
    head = _header(kind, total, columns)
    if rows == 0:
        file.truncate(0)
        file.write(head)
    else:
        file.truncate(len(head) + rows * columns * np.dtype(kind).itemsize)


def related_rows(model: Word2Vec, table: RelatedTable | None, row: int) -> IntArray:
    """The COLUMNS words most related to a word, as the table has them: int32 (k,)."""
    if table is None:
        formula = INNER_PRODUCT if model.tree is None else Relatedness()
        _, found = most_related(model, np.array([row], np.int32), COLUMNS, formula)
        words = found[0]
    else:
        words = table.words[row]
    return np.asarray(words[words >= 0])


def related(
    model: Word2Vec, table: RelatedTable | None, word: str, top: int, formula: Relatedness
) -> list[RelatedWord]:
    """The words most related to a word, itself left out, best first; exact over the vocabulary.

    Raises UnknownWord, and UsageError when `top` is under 1.
    """
    if top < 1:
        raise UsageError(f"The number of words must be 1 or more, not {top}.")
    row = model.row(word)
    top = min(top, len(model.words))
    answer = table.look_up(model, row, top, formula) if table is not None else None
    if answer is None:
        scores, found = most_related(model, np.array([row], np.int32), top, formula)
        answer = scores[0][found[0] >= 0], found[0][found[0] >= 0]
    priors = model.log_priors_of(answer[1])
    offsets = formula.offsets_of(model, answer[1])
    return [
        RelatedWord(model.words[y], float(score), float(score - offset), float(prior))
        for score, y, offset, prior in zip(*answer, offsets, priors, strict=True)
    ]
