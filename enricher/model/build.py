"""From documents to a bundle: segment, train, tabulate, write."""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from enricher.files import write_atomically
from enricher.model.bundle import Origin, read_model, write_manifest, write_model
from enricher.model.corpus import segment
from enricher.model.related_table import build_table
from enricher.model.relatedness import Relatedness
from enricher.model.store import BundleStore
from enricher.model.training import TrainingSettings, import_gensim, train
from enricher.model.word2vec import Word2Vec
from enricher.records import Document
from enricher.text import Analyzer, language_of

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and of how much (0: not known)."""

BUNDLE = "bundle"
TRAINED = "trained.json"


def train_bundle(
    store: BundleStore,
    documents: Iterable[Document],
    fields: Sequence[str],
    analyzer: Analyzer,
    settings: TrainingSettings,
    language: str = "auto",
    lexicon: Path | None = None,
    progress: Progress = lambda step, done, total: None,
    workers: int = 1,
) -> str:
    """Train a model on documents and add its bundle to the store; returns the version.

    Documents are read once, and cut into words by so many worker processes. Nothing of a training
    that fails or is interrupted stays behind; of one that was killed after the training itself, the
    same call again takes up what was made. Raises TrainingFailed.
    """
    with store.workspace() as scratch:
        corpus = segment(_counted(documents, progress), fields, analyzer, scratch, workers)
        settings = settings.resolve(corpus.tokens)
        spoken = corpus.language if language == "auto" else language
        origin = Origin(spoken, analyzer.describe(), corpus.fingerprint, corpus.title_share)

        def trained() -> Word2Vec:
            return train(corpus, settings, lambda done, total: progress("training", done, total))

        return _add(store, _key(origin, asdict(settings)), trained, origin, lexicon, progress)


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
    return _add(store, _key(origin, model.training), lambda: model, origin, None, progress)


def _key(origin: Origin, settings: object) -> str:
    """What a half-made bundle is known by: a hash of all that goes into it."""
    return hashlib.sha256(orjson.dumps([asdict(origin), settings], option=orjson.OPT_SORT_KEYS)).hexdigest()


def _add(
    store: BundleStore,
    key: str,
    make: Callable[[], Word2Vec],
    origin: Origin,
    lexicon: Path | None,
    progress: Progress,
) -> str:
    """Make the model or take up a half-made bundle, complete it, and give it its name."""
    with store.building(key) as building:
        folder = building / BUNDLE
        model = _model_in(building, make)
        if model.tree is not None and model.tree.inner_nodes:
            build_table(
                folder, model, Relatedness(), lambda done, total: progress("relating words", done, total)
            )
        if lexicon is not None:
            shutil.copyfile(lexicon, folder / "lexicon.txt")
        progress("writing the model", 0, 0)
        version = write_manifest(folder, model, origin)
        store.publish(folder, version)
        return version


def _model_in(building: Path, make: Callable[[], Word2Vec]) -> Word2Vec:
    """The model of a half-made bundle: the one that is there whole, or a new one. Its arrays are mapped."""
    folder, marker = building / BUNDLE, building / TRAINED
    if not marker.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        model = make()
        write_model(folder, model)
        facts = {"documents": model.documents, "training": dict(model.training)}
        write_atomically(marker, orjson.dumps(facts))
    facts = orjson.loads(marker.read_bytes())
    return read_model(folder, facts["documents"], facts["training"])


def _counted(documents: Iterable[Document], progress: Progress) -> Iterable[Document]:
    number = 0
    for number, document in enumerate(documents, start=1):
        yield document
        if number % 100 == 0:
            progress("segmenting documents", number, 0)
    progress("segmenting documents", number, 0)
