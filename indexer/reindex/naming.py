"""New jobs: what they are called, and that two of them do not work on the same names."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime

from enricher.errors import IndexConflict
from enricher.records import IndexLayout
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Job, JobKind
from indexer.reindex.ledger import Ledger


def name_of(alias: str) -> tuple[str, str]:
    """A name for a job on an alias, and the time."""
    now = datetime.now(UTC)
    return f"{alias}-{now:%Y%m%dt%H%M%S}-{uuid.uuid4().hex[:4]}", now.isoformat()


def way_back(undone: Job, layout: IndexLayout | None) -> Job:
    """The job that takes another back; layout: of the old index, None where it was never enriched."""
    name, now = name_of(undone.alias)
    model, fields = (None, ()) if layout is None else (layout.model, layout.fields)
    options = replace(undone.options, gate=None)
    back = Job(name, undone.target, undone.alias, undone.source, model, fields, now, options)
    back.kind, back.undoes = JobKind.ROLLBACK, undone.id
    return back


def keep_new(ledger: Ledger, job: Job) -> Job:
    """Keep a new job. IndexConflict where another works on the same names."""
    for other in ledger.under_way():
        shared = {job.alias, job.source} & {other.alias, other.source, other.target}
        if shared:
            raise IndexConflict(
                f"The job {other.id!r} works on {min(shared)!r}: let it end, or resume or cancel it first."
            )
    ledger.create(job)
    reached("job-written")
    return job
