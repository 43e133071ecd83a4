"""Which job a command means: the one it names, or the only one that qualifies."""

from collections.abc import Sequence

from enricher.errors import JobNotFound, UsageError
from indexer.reindex.job import Job, Phase
from indexer.reindex.jobs import Jobs
from indexer.reindex.ledger import Ledger


def job_under_way(ledger: Ledger, name: str | None) -> Job:
    """The job of that name, also if it has ended; without a name, the only one that has not ended."""
    return _one_of(ledger.under_way(), None, "under way") if name is None else ledger.load(name)


def job_to_roll_back(jobs: Jobs, name: str | None) -> Job:
    """The job of that name among those that can be rolled back, or the only one."""
    return _one_of(jobs.to_roll_back(), name, "that can be rolled back")


def job_with_rejects(ledger: Ledger, name: str | None) -> Job:
    """The job of that name among those that are done and have rejects, or the only one."""
    found = [job for job in ledger.jobs() if job.phase is Phase.DONE and job.rejected]
    return _one_of(found, name, "with rejected documents")


def _one_of(jobs: Sequence[Job], name: str | None, which: str) -> Job:
    """The job of that name, or the only one.

    which: completes the sentence "There is no job ...". Raises JobNotFound, and UsageError if several qualify
    and none is named.
    """
    found = [job for job in jobs if name in (None, job.id)]
    if len(found) != 1 and name is not None:
        raise JobNotFound(f"There is no job {name!r} {which}; `enricher reindex status` lists all.")
    if len(found) != 1:
        names = f" ({', '.join(job.id for job in found)}): name one" if found else ""
        raise (UsageError if found else JobNotFound)(
            f"There {'are' if found else 'is'} {len(found) or 'no'} job{'s' * bool(found)} {which}{names}."
        )
    return found[0]
