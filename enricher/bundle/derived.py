"""Derived bundles: those of a parent with words added or removed, without a new training.

A derived bundle is a whole bundle, which needs no other one. The rows of the trained words are byte-identical
in every array, and the tables of these words never name an added word. So a text without an added word is
enriched byte for byte as before. The added words have rows at the end:

    words, counts, document_frequencies, vectors, outputs, related_*, near_*      a row for each of them
    neighbors.faiss                                                              with their vectors
    phrase_*                          the use of a word, if the training text has no such phrase
    text_*                            a feature of the word whose vector is the sum of its parts
    overlay.txt          the words themselves
    overlay_*.npy        which keys of phrases and which features are theirs
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enricher.bundle.bundle import OVERLAY_FILE, Bundle, write_derived_manifest
from enricher.bundle.store import BundleStore
from enricher.model.arrays import FloatArray, mapped, save
from enricher.model.near_words import COSINES_FILE, MAX_TARGET_WORDS, WORDS_FILE, near_lists
from enricher.model.related_table import LOG_PROBABILITIES_FILE, TABLE_COLUMNS
from enricher.model.related_table import WORDS_FILE as RELATED_FILE
from enricher.model.relatedness import TreeSearch
from enricher.model.text_vectors.features import WORD
from enricher.model.text_vectors.vectors import FEATURES, QUERY, TEXT
from enricher.model.usage import FILES as USAGE_FILES
from enricher.model.usage import key_of
from enricher.model.word2vec import Word2Vec
from enricher.model.word_list import WordList
from enricher.text import Lexicon, lexicon_text
from enricher.text.lexicon import as_token

OVERLAY_PHRASES = "overlay_phrases.npy"
"""uint64 (k,): the keys that were added to the phrases of the training text."""
OVERLAY_FEATURES = "overlay_features.npy"
"""int32 (k,): the rows of the features that were added. They are the last ones."""
REWRITTEN = (
    "words.utf8", "words_ends.npy", "words_order.npy", "counts.npy", "document_frequencies.npy",
    "vectors.npy", "outputs.npy", "neighbors.faiss", RELATED_FILE, LOG_PROBABILITIES_FILE, WORDS_FILE,
    COSINES_FILE, *(USAGE_FILES[name] for name in ("keys", "frequencies", "boundary_entropy")),
    OVERLAY_FILE, OVERLAY_PHRASES, OVERLAY_FEATURES,
)  # fmt: skip
"""The files that a derived bundle does not share with its parent, beside those of the text vectors."""


@dataclass(frozen=True, slots=True)
class AddedWord:
    """A word that the training did not know.

    count, documents: occurrences and documents, in the proportion of the training text. vector: float32 (d,).
    output: float32 (d,), the output vector, only with negative sampling. boundary_entropy: of the words
    beside it, in nats. parts: the words into which a text was cut there before.
    """

    text: str
    count: int
    documents: int
    vector: FloatArray
    output: FloatArray | None
    boundary_entropy: float
    parts: tuple[str, ...]


def derive(
    store: BundleStore, parent: Bundle, overlay: Lexicon, analysis: dict[str, str], added: Sequence[AddedWord]
) -> str:
    """Add a derived bundle to the store, and return its version. It is not activated.

    overlay: all words that are added to those of the training, those of the parent that are to stay too.
    analysis: what segments with them (`Analyzer.describe`). added: those that neither the training nor the
    parent knows. Raises ModelError.
    """
    with store.building(f"derived-{overlay.sha256}") as folder:
        files = folder / "bundle"
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir()
        writer = _Writer(parent, files, overlay, added)
        writer.write()
        version = write_derived_manifest(files, parent, analysis, writer.number)
        store.publish(files, version)
        return version


class _Writer:
    """Writes the files of a derived bundle into an empty folder."""

    def __init__(self, parent: Bundle, folder: Path, overlay: Lexicon, added: Sequence[AddedWord]) -> None:
        self._parent, self._folder, self._overlay, self._added = parent, folder, overlay, added
        word2vec = parent.word2vec
        self._trained = word2vec.trained
        names = {as_token(word.text) for word in overlay.words}
        rows = range(self._trained, len(word2vec.words))
        self._kept = [row for row in rows if word2vec.words[row] in names]
        self._dropped = {word2vec.words[row] for row in rows} - names

    @property
    def number(self) -> int:
        """The number of rows that are added to those of the training."""
        return len(self._kept) + len(self._added)

    def write(self) -> None:
        """Write all files but the manifest."""
        changed = {*REWRITTEN, *(f"{FEATURES}{end}" for end in (".utf8", "_ends.npy", "_order.npy"))}
        changed |= {f"{side}_{part}.npy" for side in (QUERY, TEXT) for part in ("codes", "weights")}
        for name in self._parent.manifest.files:
            if name not in changed:
                _share(self._parent.path / name, self._folder / name)
        word2vec = self._write_words()
        self._write_tables(word2vec)
        self._write_neighbors(word2vec)
        self._write_usage()
        self._write_text_vectors()
        if self._overlay.words:
            (self._folder / OVERLAY_FILE).write_text(lexicon_text(self._overlay), encoding="utf-8")

    def _rows(self, array: NDArray[Any], new: Any) -> NDArray[Any]:
        """The rows of the trained words, of the added words that stay, and of the new ones."""
        parts = [array[: self._trained], array[self._kept]]
        if len(new):
            parts.append(np.asarray(new, array.dtype).reshape(len(new), *array.shape[1:]))
        return np.concatenate(parts)

    def _write_words(self) -> Word2Vec:
        parent, added = self._parent.word2vec, self._added
        words = list(parent.words)
        words = words[: self._trained] + [words[row] for row in self._kept] + [one.text for one in added]
        WordList.write(self._folder, words)
        outputs, frequencies = parent.outputs, parent.document_frequencies
        arrays = {
            "counts": self._rows(parent.counts, [one.count for one in added]),
            "vectors": self._rows(parent.vectors, [one.vector for one in added]),
        }
        if frequencies is not None:
            arrays["document_frequencies"] = self._rows(frequencies, [one.documents for one in added])
        if outputs is not None:
            arrays["outputs"] = self._rows(outputs, [one.output for one in added])
        for name, array in arrays.items():
            save(self._folder / f"{name}.npy", array)
        return Word2Vec(
            words,
            arrays["counts"],
            arrays["vectors"],
            parent.tree,
            parent.nodes,
            arrays.get("outputs"),
            arrays.get("document_frequencies"),
            parent.documents,
            parent.training,
            self.number,
        )

    def _write_tables(self, word2vec: Word2Vec) -> None:
        """Write the related and the near words; those of the new words are trained words."""
        new = np.arange(len(word2vec.counts) - len(self._added), len(word2vec.counts), dtype=np.int32)
        table, near = self._parent.related_table, self._parent.near_words
        if table is not None:
            columns = table.words.shape[1]
            scores = np.empty((0, columns), np.float32)
            found = np.empty((0, columns), np.int32)
            if len(new):
                search = TreeSearch(word2vec, table.formula)
                scores, found = search.best(new, min(TABLE_COLUMNS, columns))
                scores = scores - table.formula.offsets(word2vec)[found]
            save(self._folder / RELATED_FILE, self._rows(table.words, found))
            save(self._folder / LOG_PROBABILITIES_FILE, self._rows(table.log_probabilities, scores))
        targets = word2vec.vectors[: min(MAX_TARGET_WORDS, self._trained)]
        words, cosines = near_lists(new, word2vec.vectors[new], targets)
        save(self._folder / WORDS_FILE, self._rows(near.words, words))
        save(self._folder / COSINES_FILE, self._rows(near.cosines, cosines))

    def _write_neighbors(self, word2vec: Word2Vec) -> None:
        from enricher.model.neighbors import NeighborIndex

        path = self._parent.path / "neighbors.faiss"
        NeighborIndex.extended(path, self._trained, word2vec.vectors).save(self._folder / "neighbors.faiss")

    def _write_usage(self) -> None:
        """Write the use of words: an added word gets a row unless the training text has such a phrase."""
        usage = self._parent.usage
        if usage is None:
            return
        before = self._recorded(OVERLAY_PHRASES, np.uint64)
        dropped = np.array([key_of(word) for word in self._dropped], np.uint64)
        stay = np.isin(before, dropped, invert=True)
        left = np.isin(usage.keys, before[~stay], invert=True)
        new = [one for one in self._added if usage.find(np.array([key_of(one.text)], np.uint64))[0] < 0]
        new.sort(key=lambda one: key_of(one.text))
        keys = np.array([key_of(one.text) for one in new], np.uint64)
        places = np.searchsorted(usage.keys[left], keys)
        columns: dict[str, tuple[NDArray[Any], Any]] = {
            "keys": (usage.keys, keys),
            "frequencies": (usage.frequencies, [one.documents for one in new]),
            "boundary_entropy": (usage.boundary_entropy, [one.boundary_entropy for one in new]),
        }
        for name, (present, more) in columns.items():
            values = np.asarray(more, present.dtype)
            save(self._folder / USAGE_FILES[name], np.insert(present[left], places, values))
        save(self._folder / OVERLAY_PHRASES, np.concatenate([before[stay], keys]))

    def _recorded(self, name: str, kind: type[np.generic]) -> NDArray[Any]:
        """What the parent records of its own added words; an empty array if it is not derived."""
        path = self._parent.path / name
        return mapped(path, kind, 1) if path.exists() else np.empty(0, kind)

    def _write_text_vectors(self) -> None:
        if self._parent.text_vectors is None:
            return
        features = list(WordList.open(self._parent.path, FEATURES))
        rows = {name: row for row, name in enumerate(features)}
        before = self._recorded(OVERLAY_FEATURES, np.int32).tolist()
        stay = [row for row in before if features[row].removeprefix(WORD) not in self._dropped]
        kept = [*range(len(features) - len(before)), *stay]
        new = [one for one in self._added if WORD + one.text not in rows]
        parts = [[rows[WORD + part] for part in one.parts if WORD + part in rows] for one in new]
        summed = [(one, own) for one, own in zip(new, parts, strict=True) if own]
        WordList.write(
            self._folder,
            [*(features[row] for row in kept), *(WORD + one.text for one, _ in summed)],
            FEATURES,
        )
        last = len(kept) + len(summed)
        save(self._folder / OVERLAY_FEATURES, np.arange(last - len(stay) - len(summed), last, dtype=np.int32))
        for side in (QUERY, TEXT):
            codes = mapped(self._parent.path / f"{side}_codes.npy", np.int8, 2)
            weights = mapped(self._parent.path / f"{side}_weights.npy", np.floating, 1)
            more_codes, more_weights = _sums(codes, weights, [own for _, own in summed])
            save(self._folder / f"{side}_codes.npy", np.concatenate([codes[kept], more_codes]))
            save(self._folder / f"{side}_weights.npy", np.concatenate([weights[kept], more_weights]))


def _sums(
    codes: NDArray[np.int8], weights: FloatArray, parts: Sequence[Sequence[int]]
) -> tuple[NDArray[np.int8], FloatArray]:
    """The codes and the weights of features whose vectors are sums of those of others.

    codes: int8 (F, d). weights: float32 (F,). parts: the rows of each sum. A text whose words were cut into
    these parts before keeps its direction.
    """
    most = np.iinfo(np.int8).max
    found, scales = np.empty((len(parts), codes.shape[1]), np.int8), np.empty(len(parts), np.float32)
    for place, rows in enumerate(parts):
        total = weights[rows] @ codes[rows].astype(np.float32)
        scales[place] = max(float(np.abs(total).max()), 1e-9) / most
        found[place] = np.rint(total / scales[place])
    return found, scales


def _share(source: Path, target: Path) -> None:
    """Let a second name stand for a file, or copy it where the disk cannot do that."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
