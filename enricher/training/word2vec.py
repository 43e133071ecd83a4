"""Train word2vec with gensim, and import models that gensim saved. Only this module imports gensim."""

import logging
import os
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from gensim.models import Word2Vec as GensimWord2Vec
from gensim.models.callbacks import CallbackAny2Vec
from numpy.typing import NDArray

from enricher.errors import BundleInvalid, TrainingFailed, UsageError
from enricher.model.arrays import FloatArray
from enricher.model.huffman import HuffmanTree
from enricher.model.word2vec import Word2Vec
from enricher.sentences import counted
from enricher.training.corpus import SegmentedCorpus
from enricher.training.word_counts import vocabulary

ARCHITECTURES = ("skip-gram", "cbow")
LOSSES = ("hierarchical-softmax", "negative-sampling")
NEGATIVE_SAMPLES = 5
DEFAULT_SUBSAMPLING = 1e-3
"""The share of a word of text from which on some of its occurrences are left out (gensim's default)."""
TARGET_TRAINING_WORDS = 10_000_000
"""Target number of words read in training. A small corpus gets more epochs (5 to 25)."""
MIN_LARGE_CORPUS_WORDS = 200_000
"""Minimum words of a large corpus, which keeps words that occur 5 times. A smaller corpus keeps words that
occur twice.
"""
MAX_LEARNED_TOKENS = 20_000_000
"""Default maximum of words of the sample that is learned from: 15 minutes on two cores (docs/words.md)."""

MAX_HEAD_BYTES = 1000
VECTORS_HEAD = re.compile(rb"[0-9]+ [0-9]+\s*")
"""The first line of a file in word2vec's own format: the number of words and of dimensions."""
NO_OUTPUT_WEIGHTS = "Vectors alone have no output weights, without which there is no p(y|x)"

logging.getLogger("gensim").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """The settings of a training. `epochs` and `min_count` of None depend on the size of the sample.

    max_tokens: maximum words of the random sample of the corpus that word2vec learns from; 0 for all.
    Hierarchical softmax gives the exact p(y|x) that relatedness needs. tuning: whether to train text vectors.
    Raises UsageError for an invalid value.
    """

    architecture: str = "skip-gram"
    loss: str = "hierarchical-softmax"
    dimensions: int = 100
    window: int = 10
    min_count: int | None = None
    epochs: int | None = None
    seed: int = 1
    workers: int = 1
    tuning: bool = True
    max_tokens: int = MAX_LEARNED_TOKENS

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise UsageError(
                f"The architecture must be {' or '.join(ARCHITECTURES)}, not {self.architecture!r}."
            )
        if self.loss not in LOSSES:
            raise UsageError(f"The loss must be {' or '.join(LOSSES)}, not {self.loss!r}.")
        for name in ("dimensions", "window", "min_count", "epochs", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"--{name.replace('_', '-')} must be 1 or more, not {value}.")
        if self.max_tokens < 0:
            raise UsageError(f"--max-tokens must be 0 (all words) or more, not {self.max_tokens}.")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"The seed must be a number from 0 to {2**32 - 1}, not {self.seed}.")

    def resolve(self, tokens: int) -> "TrainingSettings":
        """Fill in `epochs` and `min_count` for `tokens` words that are learned from."""
        values = asdict(self)
        if self.epochs is None:
            values["epochs"] = int(np.clip(TARGET_TRAINING_WORDS // max(tokens, 1), 5, 25))
        if self.min_count is None:
            values["min_count"] = 5 if tokens >= MIN_LARGE_CORPUS_WORDS else 2
        return TrainingSettings(**values)


@dataclass(frozen=True, slots=True)
class TrainingLines:
    """A file of lines of words to learn from.

    counts: word → how often it counts, for the tree and p(y). lines, tokens: how many lines and words it has.
    """

    path: Path
    counts: Mapping[str, int]
    lines: int
    tokens: int


def train(
    corpus: SegmentedCorpus,
    settings: TrainingSettings,
    on_epoch: Callable[[int, int], None] = lambda done, total: None,
) -> Word2Vec:
    """Train a model on a segmented corpus. Reproducible with one worker and a seed.

    The vocabulary is the words that are frequent enough in the sample that is learned from. Their counts, and
    so the tree and p(y), are those of the whole corpus.
    on_epoch: is called as on_epoch(done, total) after every epoch. Raises TrainingFailed if fewer than two
    words are frequent enough.
    """
    settings = settings.resolve(corpus.learned_tokens)
    assert settings.min_count is not None and settings.epochs is not None
    counts = vocabulary(corpus.counts, corpus.learned_counts, settings.min_count)
    if len(counts) < 2:
        raise TrainingFailed(_why_too_few(corpus, settings.min_count, len(counts)))
    lines = TrainingLines(corpus.path, counts, corpus.lines, corpus.learned_tokens)
    model = _trained(lines, settings, DEFAULT_SUBSAMPLING, on_epoch)
    frequencies = [
        # An occurrence that was forgotten (see `WordCounts`) counts as a document.
        min(corpus.document_frequencies[word] + counts[word] - corpus.counts[word], corpus.documents)
        for word in model.wv.index_to_key
    ]
    facts = {"tokens": corpus.tokens, "learned_tokens": corpus.learned_tokens}
    return _from_gensim(model, np.array(frequencies, np.int64), corpus.documents, asdict(settings) | facts)


def train_lines(
    lines: TrainingLines,
    settings: TrainingSettings,
    subsampling: float,
    on_epoch: Callable[[int, int], None] = lambda done, total: None,
) -> Word2Vec:
    """Train a model on a file of lines. Reproducible with one worker and a seed.

    settings: with `epochs`. subsampling: the share of a word from which on some of its occurrences are left
    out; 0 for none. Raises TrainingFailed if there are fewer than two words.
    """
    if len(lines.counts) < 2:
        raise TrainingFailed("There are fewer than two words: there is nothing to learn.")
    model = _trained(lines, settings, subsampling, on_epoch)
    return _from_gensim(model, None, 0, asdict(settings))


def _trained(
    lines: TrainingLines,
    settings: TrainingSettings,
    subsampling: float,
    on_epoch: Callable[[int, int], None],
) -> GensimWord2Vec:
    """Train gensim's model on a file of lines. settings: with `epochs`."""
    assert settings.epochs is not None
    hierarchical = settings.loss == "hierarchical-softmax"
    model = GensimWord2Vec(
        vector_size=settings.dimensions,
        window=settings.window,
        min_count=settings.min_count or 1,
        sg=int(settings.architecture == "skip-gram"),
        hs=int(hierarchical),
        negative=0 if hierarchical else NEGATIVE_SAMPLES,
        sample=subsampling,
        seed=settings.seed,
        workers=settings.workers,
    )
    model.build_vocab_from_freq(dict(lines.counts), corpus_count=lines.lines)
    model.train(
        corpus_file=str(lines.path),
        total_examples=lines.lines,
        total_words=lines.tokens,
        epochs=settings.epochs,
        callbacks=[_Epochs(settings.epochs, on_epoch)],
    )
    return model


def train_vectors(
    path: Path, settings: TrainingSettings, min_count: int, subsampling: float
) -> tuple[list[str], FloatArray, FloatArray]:
    """Train skip-gram with negative sampling on a file of lines, for one use.

    Returns the words, their vectors and their output vectors, float32 (V, d) both.
    settings: dimensions, window, epochs, seed and workers count. subsampling: the share of a word from which
    on some of its occurrences are left out. Raises TrainingFailed if fewer than two words occur min_count
    times.
    """
    model = GensimWord2Vec(
        vector_size=settings.dimensions,
        window=settings.window,
        min_count=min_count,
        sg=1,
        hs=0,
        negative=NEGATIVE_SAMPLES,
        sample=subsampling,
        seed=settings.seed,
        workers=settings.workers,
    )
    try:
        model.build_vocab(corpus_file=str(path))
    except RuntimeError:
        model.wv.index_to_key = []
    if len(model.wv.index_to_key) < 2:
        raise TrainingFailed(
            f"Fewer than two words occur {min_count} times or more: there is nothing to learn."
        )
    model.train(
        corpus_file=str(path),
        total_examples=model.corpus_count,
        total_words=model.corpus_total_words,
        epochs=settings.epochs or 1,
    )
    words = [str(word) for word in model.wv.index_to_key]
    return words, np.asarray(model.wv.vectors, np.float32), np.asarray(model.syn1neg, np.float32)


def _why_too_few(corpus: SegmentedCorpus, min_count: int, kept: int) -> str:
    """A sentence that says which words were too few, and which options to change."""
    of = counted(corpus.documents, "document")
    options = "a smaller --min-count"
    if corpus.learned_tokens < corpus.tokens:
        of = f"{counted(corpus.learned_tokens, 'sampled word')} of {of}"
        options += " or a larger --max-tokens"
    return (
        f"{counted(kept, 'word')} of {of} occur {min_count} times or more: too few to learn from. "
        f"Train on more text or with {options}."
    )


class _Epochs(CallbackAny2Vec):  # type: ignore[misc]
    """Forwards gensim's event at the end of an epoch."""

    def __init__(self, total: int, report: Callable[[int, int], None]) -> None:
        self.done, self.total, self.report = 0, total, report

    def on_epoch_end(self, model: object) -> None:
        self.done += 1
        self.report(self.done, self.total)


def import_gensim(path: Path) -> Word2Vec:
    """Read a Word2Vec model that gensim saved. Words stay unchanged, in the order of the model.

    Integer words (of item2vec or node2vec) are converted to digits. A gensim file is a pickle, which can
    run code: import only files that you trust. Raises BundleInvalid for anything but a Word2Vec model, and
    for vectors without output weights.
    """
    _check_file(path)
    try:
        model = GensimWord2Vec.load(str(path))
    except Exception as error:  # a pickle runs code, which may raise anything
        raise BundleInvalid(_why_no_model(path, error)) from error
    if type(model) is not GensimWord2Vec or not hasattr(model, "wv"):
        raise BundleInvalid(f"{str(path)!r} holds a {type(model).__name__}, not a Word2Vec model.")
    try:
        return _from_gensim(model, None, 0, _settings_of(model))
    except TrainingFailed as error:
        raise BundleInvalid(f"{str(path)!r} cannot be used. {error}") from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise BundleInvalid(f"{str(path)!r} lacks a part of a model ({error}): copy it again.") from error


def _check_file(path: Path) -> None:
    """Raise BundleInvalid if a file is missing, unreadable, empty, or contains only vectors."""
    if path.is_dir():
        raise BundleInvalid(f"{str(path)!r} is a folder: name the file that Word2Vec.save was given.")
    if not path.is_file():
        raise BundleInvalid(f"There is no file {str(path)!r}.")
    try:
        with path.open("rb") as file:
            first = file.readline(MAX_HEAD_BYTES)
    except OSError as error:
        raise BundleInvalid(f"{str(path)!r} cannot be read: {error.strerror or error}.") from error
    if not first:
        raise BundleInvalid(f"{str(path)!r} is empty: copy the model again.")
    if VECTORS_HEAD.fullmatch(first):
        raise BundleInvalid(
            f"{str(path)!r} holds vectors in the format of word2vec. {NO_OUTPUT_WEIGHTS}; save the model "
            "itself with Word2Vec.save."
        )


def _why_no_model(path: Path, error: Exception) -> str:
    """A sentence that explains why gensim cannot load a file."""
    if isinstance(error, FileNotFoundError) and error.filename:
        missing = Path(os.fsdecode(error.filename)).name
        return (
            f"The file {missing!r}, which belongs to {path.name!r}, is missing: gensim saves a large model "
            f"in several files; copy all whose names begin with {path.name!r} into one folder."
        )
    if isinstance(error, EOFError | pickle.UnpicklingError) and _is_pickle(path):
        return f"{str(path)!r} is cut off or damaged: copy the model again."
    return (
        f"{str(path)!r} is not a Word2Vec model saved by gensim (Word2Vec.save), or one of its files is "
        f"damaged ({type(error).__name__}). {NO_OUTPUT_WEIGHTS}."
    )


def _is_pickle(path: Path) -> bool:
    """Whether a file begins like a pickle with a binary protocol."""
    with path.open("rb") as file:
        return file.read(1) == pickle.PROTO


def _words_of(model: Any) -> list[str]:
    """The words of a gensim model as strings.

    Raises TrainingFailed if a word is neither a string nor an integer, or if two words become equal.
    """
    words: dict[str, object] = {}
    for word in model.wv.index_to_key:
        if isinstance(word, bool) or not isinstance(word, str | Integral):
            raise TrainingFailed(
                f"Its word {word!r} is not text but of the type {type(word).__name__}. "
                "Train on words that are strings or integers."
            )
        written = str(word)
        if written in words:
            raise TrainingFailed(
                f"Its words {words[written]!r} and {word!r} would be equal. Train on words of one type."
            )
        words[written] = word
    return list(words)


def _settings_of(model: Any) -> dict[str, object]:
    return {
        "architecture": "skip-gram" if model.sg else "cbow",
        "loss": "hierarchical-softmax" if model.hs else "negative-sampling",
        "dimensions": int(model.vector_size),
        "window": int(model.window),
        "min_count": int(model.min_count),
        "epochs": int(model.epochs),
        "seed": int(model.seed),
        "imported": True,
    }


def _from_gensim(
    model: Any, frequencies: NDArray[np.int64] | None, documents: int, training: dict[str, object]
) -> Word2Vec:
    """Convert a gensim model; the inner nodes are renumbered in pre-order."""
    words = _words_of(model)
    # Access by row, not by word: gensim would take integer words for rows.
    facts = model.wv.expandos
    counts = np.array(facts["count"], np.int64)
    tree = nodes = outputs = None
    if model.hs and getattr(model, "syn1", None) is not None:
        tree, order = HuffmanTree.from_paths(
            list(facts["point"]),
            list(facts["code"]),
        )
        nodes = np.ascontiguousarray(model.syn1[order], np.float32)
    elif model.negative and getattr(model, "syn1neg", None) is not None:
        outputs = np.ascontiguousarray(model.syn1neg, np.float32)
    vectors = np.ascontiguousarray(model.wv.vectors, np.float32)
    learned = Word2Vec(words, counts, vectors, tree, nodes, outputs, frequencies, documents, training)
    learned.check()
    return learned
