"""From documents to a bundle: segment, train, tabulate, write."""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from enricher.bundle.bundle import REAL_TITLES, Origin, read_word2vec, write_manifest, write_word2vec
from enricher.bundle.manifest import TextVectorFacts, UsageFacts
from enricher.bundle.store import BundleStore
from enricher.decoding import decode_json
from enricher.files import write_atomically
from enricher.model.near_words import build_near_words
from enricher.model.related_table import build_table
from enricher.model.relatedness import Relatedness
from enricher.model.text_vectors.vectors import write_text_vectors
from enricher.model.usage import Usage
from enricher.model.word2vec import Word2Vec
from enricher.records import Document
from enricher.text import Analyzer, Lexicon, language_of, lexicon_text
from enricher.training.corpus import segment
from enricher.training.mining import mine
from enricher.training.sample import DocumentSample, cut_sample
from enricher.training.word2vec import TrainingSettings, import_gensim, train

if TYPE_CHECKING:  # scipy, which tuning alone needs, takes time to import
    from enricher.training.tuning import Tuned

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and of how much (0: not known)."""

BUNDLE = "bundle"
TRAINED, USED, TUNED = "trained.json", "used.json", "tuned.json"


def train_bundle(
    store: BundleStore,
    documents: Iterable[Document],
    fields: Sequence[str],
    analyzer: Analyzer,
    settings: TrainingSettings,
    language: str = "auto",
    progress: Progress = lambda step, done, total: None,
    workers: int = 1,
    backgrounds: Iterable[Document] = (),
) -> str:
    """Train a model on documents and add its bundle to the store; returns the version.

    Words and phrases are learned from the backgrounds too, but the documents alone say whether titles are
    real, and the vectors of texts are tuned on them. Both are read once, and cut into words by so many worker
    processes. Nothing of a training that fails or is interrupted stays behind; of one that was killed
    after the training itself, the same call again takes up what was made. Raises TrainingFailed.
    """
    count = _Counter(progress)
    sample, background_sample = DocumentSample(fields), DocumentSample(fields)
    with store.workspace() as scratch:
        own, others = count(sample.watch(documents)), count(background_sample.watch(backgrounds))
        corpus = segment(own, fields, analyzer, scratch, workers, others)
        settings = settings.resolve(corpus.tokens)
        spoken = corpus.language if language == "auto" else language
        origin = Origin(
            spoken, analyzer.describe(), corpus.fingerprint, corpus.title_share, corpus.mean_words
        )

        def trained() -> Word2Vec:
            return train(corpus, settings, lambda done, total: progress("training", done, total))

        def tuned(word2vec: Word2Vec) -> "Tuned | None":
            from enricher.training.tuning import tune

            cut = cut_sample(sample, fields, analyzer, workers)
            real_titles = corpus.title_share >= REAL_TITLES
            return tune(word2vec, cut, real_titles, lambda done, total: progress("tuning", done, total))

        def used() -> Usage:
            progress("collecting phrases", 0, 0)
            return mine([*sample.documents, *background_sample.documents], fields, analyzer, workers)

        key = _key(origin, asdict(settings))
        tuning = tuned if settings.tuning else None
        return _add(store, key, trained, origin, analyzer.lexicon, progress, used, tuning)


def import_bundle(
    store: BundleStore,
    path: Path,
    analyzer: Analyzer,
    language: str = "auto",
    progress: Progress = lambda step, done, total: None,
) -> str:
    """Add a bundle made from a model that gensim saved; returns the version. Raises BundleInvalid."""
    model = import_gensim(path)
    spoken = language_of(model.words[:2000]) if language == "auto" else language
    contents = hashlib.sha256(orjson.dumps(list(model.words)) + model.vectors.tobytes()).hexdigest()
    origin = Origin(spoken, analyzer.describe(), contents)
    return _add(store, _key(origin, model.training), lambda: model, origin, analyzer.lexicon, progress)


def _key(origin: Origin, settings: object) -> str:
    """What a half-made bundle is known by: a hash of all that goes into it."""
    return hashlib.sha256(orjson.dumps([asdict(origin), settings], option=orjson.OPT_SORT_KEYS)).hexdigest()


def _add(
    store: BundleStore,
    key: str,
    make: Callable[[], Word2Vec],
    origin: Origin,
    lexicon: Lexicon,
    progress: Progress,
    used: Callable[[], Usage] | None = None,
    tuned: Callable[[Word2Vec], "Tuned | None"] | None = None,
) -> str:
    """Make the model or take up a half-made bundle, complete it, and give it its name."""
    with store.building(key) as building:
        folder = building / BUNDLE
        model = _model_in(building, make)
        if model.tree is not None and model.tree.inner_nodes:
            build_table(
                folder, model, Relatedness(), lambda done, total: progress("relating words", done, total)
            )
        build_near_words(
            folder, model.vectors, lambda done, total: progress("finding near words", done, total)
        )
        usage = _usage_in(building, used) if used is not None else None
        text_vectors = _text_vectors_in(building, model, tuned) if tuned is not None else None
        if lexicon.words:
            (folder / "lexicon.txt").write_text(lexicon_text(lexicon), encoding="utf-8")
        progress("writing the model", 0, 0)
        version = write_manifest(folder, model, origin, text_vectors, usage)
        store.publish(folder, version)
        return version


class _Trained(msgspec.Struct, frozen=True):
    """What a trained model is besides its arrays."""

    documents: int
    training: Mapping[str, Any]


def _model_in(building: Path, make: Callable[[], Word2Vec]) -> Word2Vec:
    """The model of a half-made bundle: the one that is there whole, or a new one. Its arrays are mapped."""
    folder, marker = building / BUNDLE, building / TRAINED
    if not marker.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        model = make()
        write_word2vec(folder, model)
        write_atomically(marker, msgspec.json.encode(_Trained(model.documents, dict(model.training))))
    trained = decode_json(_Trained, marker.read_bytes())
    return read_word2vec(folder, trained.documents, trained.training)


def _usage_in(building: Path, used: Callable[[], Usage]) -> UsageFacts:
    """How words are used, of a half-made bundle: the tables that are there whole or new ones."""
    marker = building / USED
    if not marker.exists():
        usage = used()
        usage.write(building / BUNDLE)
        write_atomically(marker, msgspec.json.encode(UsageFacts(usage.documents)))
    return decode_json(UsageFacts, marker.read_bytes())


def _text_vectors_in(
    building: Path, word2vec: Word2Vec, tuned: Callable[[Word2Vec], "Tuned | None"]
) -> TextVectorFacts | None:
    """The text vectors of a half-made bundle, those that are there whole or new ones: what is to be known
    of them, None where there was too little to tune on.
    """
    marker = building / TUNED
    if not marker.exists():
        found = tuned(word2vec)
        if found is None:
            return None
        query, text = (found.query_vectors, found.query_weights), (found.text_vectors, found.text_weights)
        write_text_vectors(building / BUNDLE, found.features, query, text)
        facts = TextVectorFacts(mean_length=found.mean_length, loss=found.loss, has_learned=found.has_learned)
        write_atomically(marker, msgspec.json.encode(facts))
    return decode_json(TextVectorFacts, marker.read_bytes())


class _Counter:
    """Reports how many documents have passed through it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._number = 0

    def __call__(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            self._number += 1
            yield document
            if self._number % 100 == 0:
                self._report()
        self._report()

    def _report(self) -> None:
        self._progress("segmenting documents", self._number, 0)
