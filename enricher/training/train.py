"""Train a bundle: segment the documents, train word2vec, build the tables, write the bundle."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from enricher.bundle.bundle import REAL_TITLES, Origin, write_manifest
from enricher.bundle.store import BundleStore
from enricher.model.usage import Usage
from enricher.model.word2vec import Word2Vec
from enricher.records import Document
from enricher.text import Analyzer, language_of
from enricher.training.corpus import segment
from enricher.training.mining import mine
from enricher.training.sample import DocumentSample, SegmentedSample, segment_sample
from enricher.training.stages import (
    TEXT_VECTORS,
    USAGE,
    Draft,
    Progress,
    Stage,
    lexicon_stage,
    near_words_stage,
    related_words_stage,
    run_stages,
    text_vectors_stage,
    usage_stage,
    word2vec_stage,
)
from enricher.training.word2vec import TrainingSettings, import_gensim, train


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
    """Train a model on documents, and add its bundle to the store. Returns the version.

    backgrounds: additional texts from which words and phrases are learned. All documents are counted, but
    word2vec learns from a random sample of the lines of both (`TrainingSettings.max_tokens`). Titles and
    text vectors are learned from the documents only. Both streams are read once, and segmented by `workers`
    processes. A training that fails or is interrupted leaves no files. A training that was killed after
    word2vec was trained is resumed by the same call. Raises TrainingFailed.
    """
    count = _Counter(progress)
    sample, background_sample = DocumentSample(fields), DocumentSample(fields)
    with store.workspace() as scratch:
        own, others = count(sample.watch(documents)), count(background_sample.watch(backgrounds))
        most = settings.max_tokens
        corpus = segment(own, fields, analyzer, scratch, workers, others, most)
        settings = settings.resolve(corpus.learned_tokens)
        spoken = corpus.language if language == "auto" else language
        origin = Origin(
            spoken, analyzer.describe(), corpus.fingerprint, corpus.title_share, corpus.mean_words
        )

        def trained() -> Word2Vec:
            return train(corpus, settings, lambda done, total: progress("training", done, total))

        def used() -> Usage:
            return mine([*sample.documents, *background_sample.documents], fields, analyzer, workers)

        def cut() -> SegmentedSample:
            return segment_sample(sample, fields, analyzer, workers)

        stages = [
            word2vec_stage(trained),
            related_words_stage(),
            near_words_stage(),
            usage_stage(used),
            *([text_vectors_stage(cut, corpus.title_share >= REAL_TITLES)] if settings.tuning else []),
            lexicon_stage(analyzer.lexicon),
        ]
        return make_bundle(store, bundle_key(origin, asdict(settings)), stages, origin, progress)


def import_bundle(
    store: BundleStore,
    path: Path,
    analyzer: Analyzer,
    language: str = "auto",
    progress: Progress = lambda step, done, total: None,
) -> str:
    """Import a model that gensim saved, and add its bundle to the store. Returns the version.

    Raises BundleInvalid.
    """
    model = import_gensim(path)
    spoken = language_of(model.words[:2000]) if language == "auto" else language
    contents = hashlib.sha256(orjson.dumps(list(model.words)) + model.vectors.tobytes()).hexdigest()
    origin = Origin(spoken, analyzer.describe(), contents)
    stages = [
        word2vec_stage(lambda: model),
        related_words_stage(),
        near_words_stage(),
        lexicon_stage(analyzer.lexicon),
    ]
    return make_bundle(store, bundle_key(origin, model.training), stages, origin, progress)


def bundle_key(origin: Origin, settings: object) -> str:
    """The key of an unfinished bundle: a hash of its inputs and settings."""
    return hashlib.sha256(orjson.dumps([asdict(origin), settings], option=orjson.OPT_SORT_KEYS)).hexdigest()


def make_bundle(
    store: BundleStore, key: str, stages: Sequence[Stage], origin: Origin, progress: Progress
) -> str:
    """Run the stages that are not done, and publish the bundle under its version."""
    with store.building(key) as folder:
        draft = Draft(folder, progress)
        run_stages(draft, stages)
        progress("writing the model", 0, 0)
        text_vectors, usage = draft.facts.get(TEXT_VECTORS), draft.facts.get(USAGE)
        version = write_manifest(draft.files, draft.word2vec(), origin, text_vectors, usage)
        store.publish(draft.files, version)
        return version


class _Counter:
    """Passes documents through, and reports their number."""

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
