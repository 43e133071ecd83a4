"""From documents to an active bundle: segment, train, write, activate."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from enricher.model.bundle import write_bundle
from enricher.model.corpus import segment
from enricher.model.store import BundleStore
from enricher.model.training import TrainingSettings, import_gensim, train
from enricher.records import Document
from enricher.text import Analyzer, language_of

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and of how much (0: not known)."""


def train_bundle(
    store: BundleStore,
    documents: Iterable[Document],
    fields: Sequence[str],
    analyzer: Analyzer,
    settings: TrainingSettings,
    language: str = "auto",
    lexicon: Path | None = None,
    progress: Progress = lambda step, done, total: None,
) -> str:
    """Train a model on documents and add its bundle to the store; returns the version.

    Documents are read once; nothing of a training that fails or is interrupted stays behind.
    Raises TrainingFailed.
    """
    with store.workspace() as scratch:
        corpus = segment(_counted(documents, progress), fields, analyzer, scratch)
        model = train(corpus, settings, lambda done, total: progress("training", done, total))
        return store.add(
            lambda folder: write_bundle(
                folder,
                model,
                analyzer.describe(),
                corpus.language if language == "auto" else language,
                corpus.fingerprint,
                lexicon,
                lambda step: progress(step, 0, 0),
            )
        )


def import_bundle(store: BundleStore, path: Path, analyzer: Analyzer, language: str = "auto") -> str:
    """Add a bundle made from a model that gensim saved; returns the version. Raises BundleInvalid."""
    model = import_gensim(path)
    spoken = language_of(model.words[:2000]) if language == "auto" else language
    return store.add(lambda folder: write_bundle(folder, model, analyzer.describe(), spoken, ""))


def _counted(documents: Iterable[Document], progress: Progress) -> Iterable[Document]:
    for number, document in enumerate(documents, start=1):
        yield document
        if number % 100 == 0:
            progress("segmenting documents", number, 0)
