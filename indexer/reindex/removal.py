"""Removal of a job that has ended, with its rejects and the index that it has replaced."""

from collections.abc import Callable, Collection, Mapping, Sequence

from enricher.errors import UsageError
from enricher.records import SearchEngine
from indexer.reindex.job import Job, JobKind, Phase
from indexer.reindex.ledger import Ledger


def replaced(jobs: Sequence[Job], aliases: Mapping[str, Collection[str]]) -> dict[str, Job]:
    """The indexes that are only kept for a rollback, each with the last job that has replaced it.

    jobs: all jobs, the newest first. aliases: name → indexes. An index that any alias points to is in use,
    and not among them.
    """
    used = {index for behind in aliases.values() for index in behind}
    return {
        job.source: job
        for job in reversed(jobs)
        if job.kind in (JobKind.COPY, JobKind.ROLLBACK)
        and job.phase is Phase.DONE
        and job.alias in aliases
        and job.source not in used
    }


Confirm = Callable[[str, int], None]
"""Is called with an index and its number of documents before it is removed; an exception keeps the index."""


def remove(
    ledger: Ledger,
    engine: SearchEngine,
    job: Job,
    aliases: Collection[str],
    *,
    old_index: bool,
    confirm: Confirm = lambda index, documents: None,
) -> None:
    """Forget a job and its rejects; with old_index, remove the index that it has replaced as well.

    aliases: those of the source of the job. confirm: is called last, before the first removal. Raises
    UsageError if something still needs what would be removed.
    """
    if not job.phase.ended:
        raise UsageError(f"The job {job.id!r} is under way: let it end, or cancel it first.")
    under_way = ledger.under_way()
    for other in under_way:
        if other.undoes == job.id:
            raise UsageError(f"The job {other.id!r} rolls back {job.id!r}, and needs it.")
    if old_index:
        _refuse_needed(engine, job, aliases, under_way)
        if engine.exists(job.source):
            confirm(job.source, engine.count(job.source))
    for index in [job.source] * old_index + [job.rejects]:
        if engine.exists(index):
            engine.drop(index)
    ledger.remove(job.id)


def _refuse_needed(engine: SearchEngine, job: Job, aliases: Collection[str], under_way: list[Job]) -> None:
    """Raise UsageError if the source of a job was not replaced, or is in use."""
    if job.kind not in (JobKind.COPY, JobKind.ROLLBACK) or job.phase is not Phase.DONE:
        raise UsageError(f"The job {job.id!r} has replaced no index: omit --old-index.")
    if aliases:
        named = ", ".join(sorted(aliases))
        raise UsageError(f"The index {job.source!r} is in use by the alias {named}: nothing was removed.")
    if job.alias not in engine.aliases():
        raise UsageError(f"The alias {job.alias!r} points to no index: nothing was removed.")
    for other in under_way:
        if job.source in (other.source, other.target):
            raise UsageError(f"The job {other.id!r} works on {job.source!r}: nothing was removed.")
