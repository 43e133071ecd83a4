"""What machines read of a job: the JSON of the contract, for every door to the jobs."""

from dataclasses import asdict
from datetime import datetime

from enricher.recipe.configuration import recorded_layout
from indexer.reindex.job import Job, Phase
from indexer.reindex.jobs import Jobs


def report_of(job: Job) -> dict[str, object]:
    """The report of a job, as `--json` prints it."""
    return {
        "job": job.id,
        "kind": str(job.kind),
        "phase": str(job.phase),
        "source": job.source,
        "alias": job.alias,
        "target": job.target,
        "model": job.model_version,
        "created": job.created,
        "noted": job.noted,
        "undoes": job.undoes,
        "passes": job.passes,
        "operations": job.operations,
        "operations_done": job.operations_done,
        **asdict(job.counters),
        "documents": job.documents,
        "rejected": job.rejected,
        "copied": job.copied,
        "destination": job.destination,
        "blocked": job.blocked,
        "block_seconds": job.block_seconds,
        "swap_seconds": job.swap_seconds,
        "ndcg@10": list(job.gates) if job.gates else None,
        "workers": job.workers,
    }


def status_of(job: Job, now: datetime) -> dict[str, object]:
    """The report of a job, with the seconds since its last heartbeat."""
    return report_of(job) | {"seconds_since_heartbeat": seconds_since_heartbeat(job, now)}


def seconds_since_heartbeat(job: Job, now: datetime) -> float | None:
    """Seconds since the last heartbeat of any worker; None before the first.

    The heartbeat carries the time of the worker's machine. If the clocks differ, the result may be wrong, but
    it is never below 0.
    """
    return seconds_since(job.noted, now)


def seconds_since(moment: str | None, now: datetime) -> float | None:
    """Seconds from a moment (ISO 8601) to now, at least 0; None for None."""
    return None if moment is None else max(0.0, (now - datetime.fromisoformat(moment)).total_seconds())


def documents_without_words(jobs: Jobs, job: Job) -> tuple[int, tuple[str, ...]]:
    """How many documents of the index that a job has filled hold no word in the enriched fields.

    Returns the number, and the fields; 0 for a job that is not done, or whose target is not enriched.
    """
    if job.phase is not Phase.DONE:
        return 0, ()
    engine = jobs.engine_of_target(job)
    layout = recorded_layout(engine, job.target)
    return (0, ()) if layout is None else (engine.count_without_words(job.target), layout.fields)
