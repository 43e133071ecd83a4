"""What can be wrong, looked at one by one."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from enricher.enricher import load
from enricher.errors import EnricherError
from enricher.model.store import BundleStore
from enricher.plugins import PluginContext, load_enrichments, load_rewriters
from enricher.records import Check, SearchEngine
from enricher.settings import read_configuration
from indexer.engines import open_engine
from indexer.reindex.job import Job
from indexer.reindex.jobs import Jobs
from indexer.reindex.removal import replaced
from indexer.stored_vectors import check_vectors

MENDED = {"elasticsearch": "`enricher reindex start {} --only missing` enriches them"}
"""How documents get their enrichment that were written past us, by engine."""


def examine(models: Path, engine_url: str, config: Path | None) -> list[Check]:
    """All checks, in the order in which a user would mend them; never raises an EnricherError."""
    checks = [
        _check("configuration", lambda: _configuration(config)),
        _check("active model", lambda: _active_model(models)),
    ]
    if all(check.passed for check in checks):
        checks.append(_check("plug-ins", lambda: _plugins(models, config)))
    try:
        engine = open_engine(engine_url)
    except EnricherError as error:
        return [*checks, Check("engine", False, str(error))]
    found = engine.check()
    if all(check.passed for check in found):
        found += _contents(engine, models)
    engine.close()
    return checks + found


def _contents(engine: SearchEngine, models: Path) -> list[Check]:
    """One check for each index of ours, and each job that has not ended or has left documents behind."""
    from indexer.reindex.opening import open_jobs  # loads the libraries of all engines

    try:
        jobs, aliases = open_jobs(engine), engine.aliases()
        kept = jobs.ledger.jobs()
    except EnricherError as error:
        return [*_indexes(engine, models, {}), Check("jobs", False, str(error))]
    left = [job for job in kept if not job.phase.ended or _lacks(job, aliases)]
    checks = [_check(f"job {job.id}", partial(_job, jobs, job)) for job in left]
    return _indexes(engine, models, replaced(kept, aliases)) + checks


def _indexes(engine: SearchEngine, models: Path, old: Mapping[str, Job]) -> list[Check]:
    """One check for each index of ours; old: those that a job has replaced."""
    try:
        names = engine.indexes()
    except EnricherError as error:
        return [Check("indexes", False, str(error))]
    looks = {
        name: partial(_old_index, engine, name, old[name])
        if name in old
        else partial(_index, engine, name, models)
        for name in names
    }
    checks = [_check(f"index {name}", look) for name, look in looks.items()]
    return checks + check_vectors(engine, models, [name for name in names if name not in old])


def _lacks(job: Job, aliases: Mapping[str, str]) -> bool:
    """Whether the index that a job has made is in use without the documents that it refused."""
    return bool(job.rejected) and aliases.get(job.alias, job.alias) == job.target


def _job(jobs: Jobs, job: Job) -> str:
    """That a job goes on, or has stopped without doing harm."""
    if job.phase.ended:
        raise EnricherError(
            f"{job.rejected:,} of its documents could not be written to {job.target}: "
            f"`enricher reindex replay {job.id}` tries again and says why, `remove` forgets them"
        )
    if jobs.is_blocking(job):
        raise EnricherError(
            f"it has blocked writes to {job.source}, which are refused still: unless it runs now, resume or "
            "cancel it"
        )
    return f"{job.phase}, {job.counters.read:,} documents read; runs now, or waits to be resumed"


def _check(name: str, look: Callable[[], str]) -> Check:
    """What `look` says, or the sentence of its error."""
    try:
        return Check(name, True, look())
    except EnricherError as error:
        return Check(name, False, str(error))


def _configuration(path: Path | None) -> str:
    tables = read_configuration(path).indexes
    return f"{len(tables)} index tables" if tables else "defaults"


def _active_model(models: Path) -> str:
    enricher = load(models)
    enricher.bundle.verify()
    kept = len(BundleStore(models).versions())
    return f"{enricher.version}, {len(enricher.words):,} words, all files whole; {kept} models in {models}"


def _plugins(models: Path, config: Path | None) -> str:
    configuration = read_configuration(config)
    enricher = load(models)
    names: set[str] = set()
    for table in (configuration.for_index(""), *configuration.indexes.values()):
        context = PluginContext(table.fields or ("title", "text"), enricher.analyzer, enricher)
        names.update(plugin.name for plugin in load_enrichments(table, context))
        names.update(plugin.name for plugin in load_rewriters(table, context))
    return ", ".join(sorted(names))


def _index(engine: SearchEngine, name: str, models: Path) -> str:
    """Whether an index can be read, and the model that enriched it is there to cut its queries."""
    model, count = engine.layout(name).model, engine.count(name)
    if model is not None and model not in BundleStore(models).versions():
        raise EnricherError(f"{count:,} documents, enriched by the model {model}, which is not in {models}")
    foreign = engine.foreign(name)
    if foreign:
        raise EnricherError(
            f"{foreign:,} of {count:,} documents lack the words or the vector of its model: "
            f"{MENDED.get(engine.name, 'index them again').format(name)}"
        )
    for older in engine.layout(name).compatible:
        left = engine.made_by(name, older)
        if left:
            raise EnricherError(
                f"{left:,} of {count:,} documents are by {older}, and not by the model {model} of the index: "
                f"`enricher reindex start {name} --in-place` makes them one"
            )
    return f"{count:,} documents, {f'model {model}' if model else 'words only'}"


def _old_index(engine: SearchEngine, name: str, job: Job) -> str:
    """What an index is kept for that nobody uses."""
    return (
        f"{engine.count(name):,} documents, kept for the way back from {job.target}: "
        f"`enricher reindex remove {job.id} --old-index` ends it"
    )
