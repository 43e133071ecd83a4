"""Add words to the active model, or remove them, and enrich again the documents that are affected."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from enricher.bundle.store import BundleStore
from enricher.errors import ModelError, UsageError
from enricher.files import file_lock
from enricher.loaded_model import Model, load
from enricher.recipe.configuration import recorded_layout
from enricher.records import SearchEngine
from enricher.sentences import counted
from enricher.text import Lexicon
from enricher.text.analysis import STRIP_HTML
from enricher.text.lexicon import as_text
from enricher.vocabulary.affected import subwords_of
from enricher.vocabulary.overlay import OverlayBuilder, Standing, overlay_with, overlay_without, standing_of
from enricher.vocabulary.review_file import ReviewFile
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Job, JobOptions, Phase
from indexer.reindex.jobs import EnrichmentSettings, Jobs, Say
from indexer.reindex.opening import open_jobs
from indexer.reindex.starting import StartRequest, start

LOCK = ".vocabulary.lock"
"""The file in the folder of models that one process at a time holds while it changes the words."""

Step = Callable[[str], None]
"""Is called with what is done next."""


@dataclass(frozen=True, slots=True)
class ChangedModel:
    """The model after a change. added, removed: the words that came and went; both empty if none did."""

    version: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


@contextmanager
def changing(store: BundleStore) -> Iterator[None]:
    """Hold the lock of the vocabulary in a block. Raises ModelError if another process holds it."""
    store.folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = file_lock(store.folder / LOCK, wait=False)
        with lock:
            yield
    except BlockingIOError:
        raise ModelError("Another process is changing the vocabulary now; wait until it is done.") from None


def add_words(
    store: BundleStore,
    engine: SearchEngine,
    words: Sequence[str],
    step: Step = lambda what: None,
    note: Say = lambda sentence: None,
) -> ChangedModel:
    """Make a version of the active model that keeps more words whole, and activate it.

    What the model learns of a new word comes from the documents of the indexes that a version of the model
    has enriched. Words that are whole already, or that enrichment does not use, are noted and left out. If no
    word is left, nothing is made. Raises ModelNotFound, BundleInvalid; SourceError for a word that cannot be
    a token.
    """
    model = load(store.folder)
    return _change(store, engine, model, overlay_with(model, new_words(model, words, note)), step)


def new_words(model: Model, words: Sequence[str], note: Say = lambda sentence: None) -> list[str]:
    """The words that would change something. The others are noted. Raises SourceError as `add_words` does."""
    groups: dict[Standing, list[str]] = {standing: [] for standing in Standing}
    for word in Lexicon.of(words).words:
        groups[standing_of(model, word)].append(word.text)
    if known := groups[Standing.KNOWN]:
        note(f"{counted(len(known), 'word')} left out, because the model knows them already: {_some(known)}.")
    if unused := groups[Standing.UNUSED]:
        note(
            f"{counted(len(unused), 'word')} left out: enrichment uses no single characters, stop words and "
            f"numbers: {_some(unused)}."
        )
    return groups[Standing.NEW]


def remove_words(
    store: BundleStore, engine: SearchEngine, words: Sequence[str], step: Step = lambda what: None
) -> ChangedModel:
    """Make a version of the active model without some of its added words, and activate it.

    Raises UsageError if a word was not added. If none was, but an index is not at the active version yet, an
    earlier call was interrupted: then nothing is made.
    """
    model = load(store.folder)
    added = model.analyzer.overlay.texts
    named = [
        spaced if word.text not in added and (spaced := as_text(word.text)) in added else word.text
        for word in Lexicon.of(words).words
    ]
    absent = [word for word in named if word not in added]
    if len(absent) == len(named) and is_unfinished(store, engine, model.version):
        return ChangedModel(model.version, (), ())
    if absent:
        raise UsageError(f"Not among the words that were added to the active model: {_some(absent)}.")
    return _change(store, engine, model, overlay_without(model, named), step)


def still_applied(store: BundleStore, review: ReviewFile, accepted: Sequence[str]) -> list[str]:
    """A sentence if words of a file that are not accepted any more are still in the active model."""
    added = load(store.folder).analyzer.overlay.texts
    left = [one.word for one in review.candidates if one.word in added and one.word not in accepted]
    if not left:
        return []
    return [
        f"{counted(len(left), 'word')} of the file that are not accepted any more stay applied; "
        f"`enricher vocabulary withdraw WORD` removes them: {_some(left)}."
    ]


def is_unfinished(store: BundleStore, engine: SearchEngine, version: str) -> bool:
    """Whether an index of the family of a version is not at this version, or a job is on the way there."""
    jobs = open_jobs(engine)
    indexes = family_indexes(store, engine, version)
    under_way = {job.source for job in jobs.ledger.under_way() if job.options.former}
    return any(index in under_way or former_versions(jobs, index, version) for index in indexes)


def check_indexes(store: BundleStore, engine: SearchEngine, names: Sequence[str] | None) -> None:
    """Raise UsageError if a name is not that of an index that a version of the active model has enriched."""
    if names:
        version = store.open().version
        family = family_indexes(store, engine, version)
        for name in names:
            _of_family(engine, name, family, version)


def _some(words: Sequence[str], most: int = 5) -> str:
    return ", ".join(map(repr, words[:most])) + ", …" * (len(words) > most)


def _change(
    store: BundleStore, engine: SearchEngine, model: Model, overlay: Lexicon, step: Step
) -> ChangedModel:
    before, after = (one.texts for one in (model.analyzer.overlay, overlay))
    if before == after:
        return ChangedModel(model.version, (), ())
    builder = count_documents(store, engine, model, overlay, step)
    step("writing the model")
    version = builder.build(store)
    reached("model-derived")
    store.activate(version)
    reached("model-activated")
    return ChangedModel(version, tuple(sorted(after - before)), tuple(sorted(before - after)))


def count_documents(
    store: BundleStore,
    engine: SearchEngine,
    model: Model,
    overlay: Lexicon,
    step: Step = lambda what: None,
) -> OverlayBuilder:
    """A builder of a version with other added words that has counted the new ones in all indexes."""
    builder = OverlayBuilder(model, overlay)
    groups = [subwords_of(model.analyzer, as_text(word)) for word in builder.new]
    for index in family_indexes(store, engine, model.version) if groups else ():
        step(f"reading the documents of {index} with new words")
        layout, total = engine.layout(index), engine.count(index)
        strips_html = STRIP_HTML in layout.segmenter
        builder.count(engine.read_containing(index, groups), layout.fields, total, strips_html)
    return builder


def family_indexes(store: BundleStore, engine: SearchEngine, version: str) -> list[str]:
    """The indexes that were enriched with a version or with another one of its family."""
    layouts = {index: recorded_layout(engine, index) for index in engine.indexes()}
    versions = {index: None if layout is None else layout.model_version for index, layout in layouts.items()}
    root = root_of(store, version)
    family = {one for one in set(versions.values()) if one is not None and root_of(store, one) == root}
    return [index for index, one in versions.items() if one in family]


def root_of(store: BundleStore, version: str | None) -> str | None:
    """The trained version from which a version was derived, or itself; None if it is not there."""
    if version is None:
        return None
    try:
        return store.open(version).manifest.root or version
    except ModelError:
        return None


def jobs_to_do(
    store: BundleStore,
    jobs: Jobs,
    settings: EnrichmentSettings,
    say: Say,
    names: Sequence[str] | None = None,
) -> Iterator[Job]:
    """Yield the jobs that bring the indexes of a family to its active version, each planned when it is due.

    A job that was interrupted comes again. names: of the indexes, or aliases; None for all of the family.
    Raises UsageError for an index of another family.
    """
    active = store.open().version
    family = family_indexes(store, jobs.engine, active)
    chosen = family if names is None else [_of_family(jobs.engine, name, family, active) for name in names]
    for index in chosen:
        under_way = [one for one in jobs.ledger.under_way() if one.source == index and one.options.former]
        if under_way and under_way[0].model_version == active:
            yield under_way[0]
            continue
        for job in under_way:  # the words were changed again before it had ended
            jobs.cancel(job.id)
        former = former_versions(jobs, index, active)
        if former:
            yield start(jobs, StartRequest(index, None, JobOptions(former=former)), settings, say)[0]


def former_versions(jobs: Jobs, index: str, active: str) -> tuple[str, ...]:
    """The versions that have enriched documents of an index that a change to the active one may affect.

    Usually that is the version of the index. After a job that was cancelled, it is also the version before
    that, because the job has not reached all documents.
    """
    version = jobs.engine.layout(index).model_version
    found = dict.fromkeys([version])
    for job in jobs.ledger.jobs():
        if job.source == index and job.options.former:
            if job.phase is not Phase.CANCELLED:
                break
            found |= dict.fromkeys([*job.options.former, job.model_version])
    return tuple(one for one in found if one is not None and one != active)


def _of_family(engine: SearchEngine, name: str, family: Sequence[str], version: str) -> str:
    found = [index for index in engine.aliases().get(name, (name,)) if index in family]
    if not found:
        raise UsageError(
            f"The index {name!r} was not enriched with the model {version} or one that it was derived "
            "from: reindex it."
        )
    return found[0]


@dataclass(frozen=True, slots=True)
class WordStatus:
    """On which indexes of the family of the active model a word is live, and on which it is not yet."""

    word: str
    live: tuple[str, ...]
    not_live: tuple[str, ...]


def status_of_words(store: BundleStore, jobs: Jobs, words: Sequence[str] | None) -> list[WordStatus]:
    """The status of words; None for all words that were added to the active model.

    Raises UsageError for a word that was not added.
    """
    model = load(store.folder)
    added = [word.text for word in model.analyzer.overlay.words]
    asked = added if not words else [word.text for word in Lexicon.of(words).words]
    for word in asked:
        if word not in added:
            raise UsageError(f"Not among the words that were added to the active model: {word!r}.")
    family = family_indexes(store, jobs.engine, model.version)
    live = {index: _live_words(store, jobs, index) for index in family}
    return [
        WordStatus(
            word,
            tuple(index for index, found in live.items() if word in found),
            tuple(index for index, found in live.items() if word not in found),
        )
        for word in asked
    ]


def _live_words(store: BundleStore, jobs: Jobs, index: str) -> frozenset[str]:
    """The added words that are whole in all documents of an index."""
    version = jobs.engine.layout(index).model_version
    if version is None:
        return frozenset()
    versions = [version, *former_versions(jobs, index, version)]
    for job in jobs.ledger.under_way():
        versions += job.options.former if job.source == index else ()
    overlays = [load(store.folder, one).analyzer.overlay for one in versions]
    return frozenset.intersection(*(overlay.texts for overlay in overlays))
