"""A model bundle: one immutable folder of plain data files and a manifest.

    manifest.json                 what it is, how it was made, SHA-256 of every file
    words.utf8, words_*.npy       the vocabulary in model order (`enricher.model.word_list`)
    counts.npy                    int64 (V,)
    document_frequencies.npy      int64 (V,), where the model was trained here
    vectors.npy                   float32 (V, d)
    nodes.npy, tree_*.npy         hierarchical softmax: θ, float32 (V−1, d), and the Huffman tree
    outputs.npy                   negative sampling: output vectors, float32 (V, d)
    related_*.npy                 hierarchical softmax: the relatedness table
    near_*.npy                    the words near every word by cosine (`enricher.model.near_words`)
    neighbors.faiss               unit vectors, inner product; codes of 4 bits in a large vocabulary
    phrase_*.npy, role_*.npy      how words are used (`enricher.model.usage`), where it was trained here
    text_*                        vectors of texts (`enricher.model.text_vectors`), where they were tuned
    lexicon.txt                   the user's words, where there are any
    overlay.txt                   the words that a derived bundle adds to those of its first parent

No pickle is ever written or loaded. Arrays are memory-mapped.
"""

import hashlib
import importlib.metadata
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from enricher.bundle.manifest import (
    MANIFEST,
    CorpusFacts,
    Counts,
    FileFacts,
    Manifest,
    TableFacts,
    TextVectorFacts,
    UsageFacts,
    manifest_as_json,
    read_manifest,
)
from enricher.errors import BundleInvalid
from enricher.files import sync
from enricher.model.arrays import mapped, save
from enricher.model.huffman import HuffmanTree
from enricher.model.related_table import WORDS_FILE, RelatedTable
from enricher.model.relatedness import Relatedness
from enricher.model.usage import Usage
from enricher.model.word2vec import Word2Vec
from enricher.model.word_list import WordList

if TYPE_CHECKING:
    from enricher.model.near_words import NearWords
    from enricher.model.neighbors import NeighborIndex
    from enricher.model.text_vectors.vectors import TextVectors

OVERLAY_FILE = "overlay.txt"
ITEMS = "items"
"""The language of a library: its words are items that are used together."""
LIBRARIES = ("numpy", "numba", "gensim", "faiss-cpu", "jieba", "rjieba")


ARRAYS: dict[str, tuple[type[np.generic], int]] = {
    "counts": (np.integer, 1),
    "document_frequencies": (np.integer, 1),
    "vectors": (np.floating, 2),
    "nodes": (np.floating, 2),
    "outputs": (np.floating, 2),
    "tree_children": (np.integer, 2),
    "tree_parents": (np.integer, 1),
    "tree_leaf_parents": (np.integer, 1),
}
"""The arrays of the words and weights: what their values are, and their axes."""


REAL_TITLES = 0.5
"""Share of the words of a title that its text holds, from which on titles count as such. Numbered
sections and labels have .1 to .3, titles .7 and more.
"""
SHORT_TEXTS = 15
"""Content words of a document in the mean, under which texts are short: questions, headings."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model comes from: its language, what cut the text (`Analyzer.describe`), a hash of the text.

    title_share: the mean share of the words of a title that its text holds; 0 where few have both.
    mean_words: content words of a text in the mean; 0 where the texts are not known.
    """

    language: str
    analysis: Mapping[str, str]
    fingerprint: str
    title_share: float = 0.0
    mean_words: float = 0.0


@dataclass(frozen=True)
class Bundle:
    """An opened bundle. The arrays are mapped, not read, until they are used."""

    path: Path
    manifest: Manifest

    @property
    def version(self) -> str:
        return self.manifest.version

    @property
    def language(self) -> str:
        return self.manifest.language

    @property
    def size(self) -> int:
        """The size of its files, in bytes."""
        return sum(facts.bytes for facts in self.manifest.files.values())

    @cached_property
    def word2vec(self) -> Word2Vec:
        """The words and weights."""
        counts = self.manifest.counts
        model = read_word2vec(self.path, counts.documents, self.manifest.training, counts.added)
        if len(model.words) != counts.words or len(model.vectors) != len(model.words):
            raise BundleInvalid(
                f"The model {self.version} holds other numbers of words than its manifest says."
            )
        _check_arrays(model, self.version)
        return model

    @cached_property
    def neighbor_index(self) -> "NeighborIndex":
        """The index of the vectors; faiss is imported here and not before."""
        from enricher.model.neighbors import NeighborIndex

        return NeighborIndex.open(self.path / "neighbors.faiss", self.word2vec.vectors)

    @cached_property
    def related_table(self) -> RelatedTable | None:
        """The relatedness table, None where the model has none (negative sampling)."""
        facts = self.manifest.table
        if facts is None:
            return None
        formula = Relatedness(facts.alpha, facts.shrinkage)
        return RelatedTable.open(self.path, formula, self.manifest.counts.words)

    @cached_property
    def near_words(self) -> "NearWords":
        """The words near every word, by which documents are expanded."""
        from enricher.model.near_words import NearWords

        return NearWords.open(self.path, self.manifest.counts.words)

    @cached_property
    def text_vectors(self) -> "TextVectors | None":
        """What gives texts their vectors; None where they were not tuned."""
        from enricher.model.text_vectors.vectors import TextVectors

        facts = self.manifest.text_vectors
        return TextVectors.open(self.path, facts.mean_length) if facts is not None else None

    @cached_property
    def usage(self) -> Usage | None:
        """How words are used in the training text; None where the model came from elsewhere."""
        facts = self.manifest.usage
        return Usage.open(self.path, facts.documents) if facts is not None else None

    @property
    def lexicon_path(self) -> Path | None:
        """The user's lexicon that the model was trained with, None where there is none."""
        return self.path / "lexicon.txt" if "lexicon.txt" in self.manifest.files else None

    @property
    def overlay_path(self) -> Path | None:
        """The words that were added to the lexicon after the training, None where there are none."""
        return self.path / OVERLAY_FILE if OVERLAY_FILE in self.manifest.files else None

    def verify(self) -> None:
        """Compare every file with the manifest's SHA-256; BundleInvalid names the first that differs."""
        for name, facts in self.manifest.files.items():
            if _sha256(self.path / name) != facts.sha256:
                raise BundleInvalid(
                    f"The file {name} of the model {self.version} has changed since it was made."
                )


def open_bundle(path: Path) -> Bundle:
    """Open a bundle, refusing what is incomplete or of another format (BundleInvalid).

    The manifest's keys and the sizes of all files are checked; `Bundle.verify` compares the hashes.
    """
    manifest = read_manifest(path)
    for name, facts in manifest.files.items():
        file = path / name
        if not file.is_file():
            raise BundleInvalid(f"The file {name} of the model {path.name} is missing.")
        if file.stat().st_size != facts.bytes:
            raise BundleInvalid(f"The file {name} of the model {path.name} has changed since it was made.")
    return Bundle(path, manifest)


def write_word2vec(folder: Path, word2vec: Word2Vec) -> None:
    """Write the arrays of a model and its neighbour index into an empty folder."""
    from enricher.model.neighbors import NeighborIndex

    WordList.write(folder, word2vec.words)
    arrays: dict[str, Any] = {
        "counts": word2vec.counts,
        "vectors": word2vec.vectors,
        "nodes": word2vec.nodes,
        "outputs": word2vec.outputs,
        "document_frequencies": word2vec.document_frequencies,
    }
    if word2vec.tree is not None:
        arrays |= {f"tree_{part.name}": getattr(word2vec.tree, part.name) for part in fields(HuffmanTree)}
    for name, array in arrays.items():
        if array is not None:
            save(folder / f"{name}.npy", array)
    NeighborIndex.build(word2vec.vectors).save(folder / "neighbors.faiss")


def read_word2vec(folder: Path, documents: int, training: Mapping[str, object], added: int = 0) -> Word2Vec:
    """Map the arrays of a model; BundleInvalid names the file that cannot be read."""

    def array(name: str) -> Any:
        try:
            return mapped(folder / f"{name}.npy", *ARRAYS[name])
        except (OSError, ValueError) as error:
            raise BundleInvalid(f"The file {name}.npy of the model {folder.name} cannot be read.") from error

    def optional(name: str) -> Any:
        return array(name) if (folder / f"{name}.npy").exists() else None

    try:
        words = WordList.open(folder)
    except (OSError, ValueError) as error:
        raise BundleInvalid(f"The words of the model {folder.name} cannot be read.") from error
    has_tree = (folder / "tree_children.npy").exists()
    return Word2Vec(
        words=words,
        counts=array("counts"),
        vectors=array("vectors"),
        tree=HuffmanTree(*(array(f"tree_{part.name}") for part in fields(HuffmanTree))) if has_tree else None,
        nodes=optional("nodes"),
        outputs=optional("outputs"),
        document_frequencies=optional("document_frequencies"),
        documents=documents,
        training=training,
        added=added,
    )


def _check_arrays(word2vec: Word2Vec, version: str) -> None:
    """Raise BundleInvalid where arrays do not fit each other, or a tree leads out of itself.

    Compiled code follows the tree without looking where it goes.
    """
    words, (_, dimensions) = len(word2vec.words), word2vec.vectors.shape
    trained = word2vec.trained
    fits = len(word2vec.counts) == words and dimensions > 0 and trained > 0
    for rows, found in ((trained - 1, word2vec.nodes), (words, word2vec.outputs)):
        fits &= found is None or found.shape == (rows, dimensions)
    fits &= word2vec.document_frequencies is None or len(word2vec.document_frequencies) == words
    if word2vec.tree is not None:
        tree = word2vec.tree
        shapes = (tree.children.shape, tree.parents.shape, tree.leaf_parents.shape)
        fits &= shapes == ((trained - 1, 2), (trained - 1,), (trained,)) and word2vec.nodes is not None
        for nodes, least in ((tree.children, -trained), (tree.parents, -1), (tree.leaf_parents, -1)):
            fits &= bool(nodes.min(initial=0) >= least and nodes.max(initial=-1) < trained - 1)
    if not fits:
        raise BundleInvalid(
            f"The arrays of the model {version} do not fit each other; `enricher models verify {version}` "
            "names the file that has changed."
        )


def _version_of(made: datetime) -> str:
    """A new version: names sort by the time at which they were made, to the millisecond."""
    return f"{made:%Y%m%dT%H%M%S}-{made.microsecond // 1000:03x}{secrets.randbelow(16**3):03x}"


def write_manifest(
    folder: Path,
    word2vec: Word2Vec,
    origin: Origin,
    text_vectors: TextVectorFacts | None = None,
    usage: UsageFacts | None = None,
) -> str:
    """Describe a folder that holds a whole model, and make it durable; returns the new version.

    text_vectors, usage: None where there are none. The caller makes the folder visible under its version by
    one rename.
    """
    files, made = _facts_of(folder), datetime.now(UTC)
    formula = Relatedness() if WORDS_FILE in files else None
    manifest = Manifest(
        version=_version_of(made),
        created=made.isoformat(timespec="seconds"),
        language=origin.language,
        analysis=dict(origin.analysis),
        training=dict(word2vec.training),
        table=TableFacts(formula.alpha, formula.shrinkage) if formula else None,
        text_vectors=text_vectors,
        usage=usage,
        counts=Counts(
            words=len(word2vec.words),
            occurrences=word2vec.occurrences,
            documents=word2vec.documents,
        ),
        corpus=CorpusFacts(origin.fingerprint, round(origin.title_share, 4), round(origin.mean_words, 1)),
        libraries=_library_versions(LIBRARIES),
        files=files,
    )
    return _write(folder, manifest)


def write_derived_manifest(folder: Path, parent: Bundle, analysis: Mapping[str, str], added: int) -> str:
    """Describe a folder with the files of a derived bundle, and make it durable; returns the new version.

    analysis: what segments with the added words. added: the number of words that the training did not know.
    """
    present, made = parent.manifest, datetime.now(UTC)
    counts = present.counts
    manifest = msgspec.structs.replace(
        present,
        version=_version_of(made),
        parent=present.version,
        root=present.root or present.version,
        created=made.isoformat(timespec="seconds"),
        analysis=dict(analysis),
        counts=msgspec.structs.replace(counts, words=counts.words - counts.added + added, added=added),
        libraries=_library_versions(LIBRARIES),
        files=_facts_of(folder),
    )
    return _write(folder, manifest)


def _facts_of(folder: Path) -> dict[str, FileFacts]:
    return {path.name: FileFacts(path.stat().st_size, _sha256(path)) for path in sorted(folder.iterdir())}


def _write(folder: Path, manifest: Manifest) -> str:
    """Write the manifest, make all files durable, and return the version."""
    (folder / MANIFEST).write_bytes(manifest_as_json(manifest))
    for path in folder.iterdir():
        sync(path)
    sync(folder)
    return manifest.version


def _library_versions(names: Sequence[str]) -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in names}


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BundleInvalid(
            f"The file {path.name} of the model {path.parent.name} cannot be read."
        ) from error
