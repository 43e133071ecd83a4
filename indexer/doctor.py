"""The checks of `enricher doctor`: configuration, model, plug-ins, engine, indexes, jobs and vectors."""

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from enricher.bundle.store import BundleStore
from enricher.enrichment import EnricherRecipe
from enricher.errors import AccessDenied, ConfigurationError, EnricherError
from enricher.library.library import library_store, load_library
from enricher.loaded_model import load
from enricher.plugins import PluginContext, load_enrichments, load_rewriters
from enricher.recipe.configuration import keeping_fields, names_of
from enricher.recipe.differences import difference
from enricher.recipe.reopening import storable
from enricher.records import Check, IndexLayout, SearchEngine, fingerprint
from enricher.sentences import counted
from enricher.settings import read_configuration
from indexer.reindex.job import Job
from indexer.reindex.jobs import Jobs
from indexer.reindex.opening import JOBS, open_jobs
from indexer.reindex.removal import replaced
from indexer.stored_vectors import check_vectors
from indexer.vocabulary.applying import root_of

ENRICH_COMMAND = "to enrich them run `enricher reindex start {} --in-place --only missing --only stale`"
"""The command that enriches documents which other programs have written or changed."""

MAX_UNENRICHED = 0.05
"""Maximum share of documents without up-to-date enrichment before the check of the index fails."""

MAX_ADDED_SHARE = 0.05
"""Share of added words in the vocabulary of a model from which on it should be trained anew."""

NOT_CHECKED = "Indexes and jobs were not checked, because a check of the engine failed."


def examine(
    models: Path,
    open_engine: Callable[[], SearchEngine],
    config: Path | None,
    max_unenriched: float = MAX_UNENRICHED,
) -> list[Check]:
    """Run all checks, in the order in which a user would fix them. Never raises an EnricherError.

    open_engine: may raise an EnricherError, which is a failed check. max_unenriched: maximum share,
    from 0 to 1, of the documents of an index without enrichment or with a text that has changed since. With a
    larger share the check of the index fails.
    """
    checks = [
        _check("configuration", lambda: _configuration(config)),
        _check("active model", lambda: _active_model(models)),
    ]
    if library_store(models).active_version() is not None:
        checks.append(_check("active library", lambda: _active_library(models)))
    if all(check.passed for check in checks):
        checks.append(_check("plug-ins", lambda: _plugins(models, config)))
    try:
        engine = open_engine()
    except EnricherError as error:
        return [*checks, Check("engine", False, str(error))]
    with closing(engine):
        found = engine.check()
        if all(check.passed for check in found):
            found += _contents(_Examined(engine, models, config, max_unenriched))
        else:
            found.append(Check("indexes", False, NOT_CHECKED))
    return checks + found


@dataclass(frozen=True, slots=True)
class _Examined:
    """The engine to check, and what its indexes are compared with."""

    engine: SearchEngine
    models: Path
    config: Path | None
    max_unenriched: float


def _contents(examined: _Examined) -> list[Check]:
    """One check for each enriched index, and for each job that is unfinished or could not copy documents."""
    engine = examined.engine
    if engine.name not in JOBS:
        return [*_indexes(examined, {}), Check("jobs", True, "This engine has no jobs.")]
    try:
        jobs, aliases = open_jobs(engine), engine.aliases()
        kept = jobs.ledger.jobs()
    except AccessDenied as error:
        return [*_indexes(examined, {}), Check("jobs", True, f"Not checked. {error}")]
    except EnricherError as error:
        return [*_indexes(examined, {}), Check("jobs", False, str(error))]
    left = [job for job in kept if not job.phase.ended or _lacks(job, aliases)]
    checks = [_check(f"job {job.id}", partial(_job, jobs, job)) for job in left]
    return _indexes(examined, replaced(kept, aliases)) + checks


def _indexes(examined: _Examined, old: Mapping[str, Job]) -> list[Check]:
    """One check for each enriched index. old: the indexes that a job has replaced, with that job."""
    engine = examined.engine
    try:
        names = engine.indexes()
    except EnricherError as error:
        return [Check("indexes", False, str(error))]
    looks = {
        name: partial(_old_index, engine, name, old[name]) if name in old else partial(_index, examined, name)
        for name in names
    }
    checks = [_check(f"index {name}", look) for name, look in looks.items()]
    return checks + check_vectors(engine, examined.models, [name for name in names if name not in old])


def _lacks(job: Job, aliases: Mapping[str, Collection[str]]) -> bool:
    """Whether the index that a job created is in use, but lacks documents that it refused."""
    return bool(job.rejected) and job.target in aliases.get(job.alias, (job.alias,))


def _job(jobs: Jobs, job: Job) -> str:
    """Describe a job. Raises EnricherError if it lacks documents or still blocks writes."""
    if job.phase.ended:
        raise EnricherError(
            f"{job.rejected:,} of its documents could not be written to {job.target}. To try again and see "
            f"the reasons, run `enricher reindex replay {job.id}`; to forget them, run "
            f"`enricher reindex remove {job.id}`"
        )
    if jobs.is_blocking(job):
        raise EnricherError(
            f"it still blocks writes to {job.source}. If it is not running now, run "
            f"`enricher reindex resume {job.id}` or `enricher reindex cancel {job.id}`"
        )
    return f"{job.phase}, {counted(job.counters.read, 'document')} read; it is running or can be resumed"


def _check(name: str, look: Callable[[], str]) -> Check:
    """Run one check: its detail is the result of `look`, or the message of its error."""
    try:
        return Check(name, True, look())
    except EnricherError as error:
        return Check(name, False, str(error))


def _configuration(path: Path | None) -> str:
    tables = read_configuration(path).indexes
    return counted(len(tables), "index table") if tables else "defaults"


def _active_model(models: Path) -> str:
    enricher = load(models)
    enricher.bundle.verify()
    words = counted(len(enricher.words), "word")
    kept = counted(len(BundleStore(models).versions()), "model")
    found = f"{enricher.version}, {words}, all files complete; {kept} in {models}"
    added = len(enricher.analyzer.overlay.words)
    if added > MAX_ADDED_SHARE * enricher.word2vec.trained:
        found += (
            f"; {added:,} words were added since it was trained: train it anew with them (`models export "
            "userdict`, `train --lexicon`), and reindex"
        )
    return found


def _active_library(models: Path) -> str:
    library = load_library(models)
    library.bundle.verify()
    return f"{library.version}, {counted(len(library.items), 'item')}, all files complete"


def _plugins(models: Path, config: Path | None) -> str:
    configuration = read_configuration(config)
    enricher = load(models)
    names: set[str] = set()
    for table in (configuration.for_index(""), *configuration.indexes.values()):
        context = PluginContext(table.fields or ("title", "text"), enricher.analyzer, enricher)
        names.update(plugin.name for plugin in load_enrichments(table, context))
        names.update(plugin.name for plugin in load_rewriters(table, context))
    return ", ".join(sorted(names))


def _index(examined: _Examined, name: str) -> str:
    """Describe the contents of an index.

    Raises EnricherError if its model is missing, if documents have another model or other settings, or if too
    many documents are not enriched.
    """
    engine = examined.engine
    layout, count = engine.layout(name), engine.count(name)
    if (
        layout.model_version is not None
        and layout.model_version not in BundleStore(examined.models).versions()
    ):
        raise EnricherError(
            f"its {count:,} documents were enriched with the model {layout.model_version}, "
            f"which is not in {examined.models}"
        )
    waiting = _waiting(examined, name, layout, count)
    store = BundleStore(examined.models)
    for older in layout.compatible:
        left = engine.count_enriched_with(name, older)
        if left and root_of(store, older) != root_of(store, layout.model_version):
            raise EnricherError(
                f"{left:,} of {count:,} documents were enriched with the model {older}, but the model of the "
                f"index is {layout.model_version}. To enrich all documents with one model, run "
                f"`enricher reindex start {name} --in-place`"
            )
    if layout.mixed:
        raise EnricherError(
            "some of its documents may have other settings, because a reindex in place did not finish. To "
            f"enrich all of them again, run `enricher reindex start {name} --in-place`"
        )
    _compare_configuration(examined, name, layout)
    held = f"model {layout.model_version}" if layout.model_version else "words only"
    parts = [f"{counted(count, 'document')}, {held}", *waiting]
    excess = engine.excess_share(name)
    if excess:
        parts.append(
            f"about {excess:.0%} of its stored documents is derived text, which a new index does not store: "
            f"`enricher reindex start {name} --to ALIAS`"
        )
    wordless = engine.count_without_words(name)
    if wordless:
        parts.append(f"{counted(wordless, 'document')} without a word in {', '.join(layout.fields)}")
    return "; ".join(parts)


def _waiting(examined: _Examined, name: str, layout: IndexLayout, count: int) -> list[str]:
    """Count the documents without enrichment, and those whose text has changed since.

    Raises EnricherError if their share is too large. If the engine has no other writers, one is too many.
    """
    engine = examined.engine
    missing = engine.count_unenriched(name)
    stale = engine.count_stale(name, lambda document: fingerprint(document, layout.fields))
    estimate = round(stale.number / stale.of * (count - missing)) if stale.of else 0
    found = []
    if missing:
        found.append(f"{missing:,} of {count:,} documents have no or incomplete enrichment")
    if estimate:
        about = "" if stale.of >= count - missing else "about "
        found.append(f"the text of {about}{estimate:,} has changed since it was enriched")
    if not found:
        return []
    mended = ENRICH_COMMAND.format(name) if engine.has_other_writers else "index them again"
    limit = examined.max_unenriched if engine.has_other_writers else 0.0
    if missing + estimate > limit * count:
        raise EnricherError(f"{', and '.join(found)}: {mended}")
    return [*found, mended]


def _compare_configuration(examined: _Examined, name: str, layout: IndexLayout) -> None:
    """Raise EnricherError if enricher.toml has other settings for an index than those it was made with."""
    try:
        tables = read_configuration(examined.config)
    except ConfigurationError:  # another check reports it
        return
    names = names_of(examined.engine, name) if tables.indexes else (name,)
    table = tables.table_of(*names)
    if table is None or layout.model_version is None:
        return
    table = keeping_fields(table, layout)
    recipe = EnricherRecipe(examined.models, layout.model_version, table.fields or layout.fields, table)
    enricher = storable(recipe.open(), examined.engine, name)
    other = difference(layout, enricher.layout())
    if other is not None:
        raise EnricherError(
            f"its settings differ from the configuration: {other}. Restore the configuration, or apply the "
            f"new settings with `enricher reindex start {name} --to ALIAS`"
        )


def _old_index(engine: SearchEngine, name: str, job: Job) -> str:
    """Describe an index that a job has replaced."""
    return (
        f"{counted(engine.count(name), 'document')}, kept for a rollback from {job.target}; to remove it run "
        f"`enricher reindex remove {job.id} --old-index`"
    )
