"""New jobs: their names, and the rule that no two jobs work on the same index or alias."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from enricher.errors import IndexConflict
from enricher.records import IndexLayout
from indexer.engines.names import index_name_for
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Job, JobKind
from indexer.reindex.ledger import Ledger

MAX_NAME_BYTES = 200
"""Bytes of the name of a job. Names made from it, like that of its index of rejects, are longer, and the name
of an index may have 255.
"""


def name_of(beginning: str, is_taken: Callable[[str], bool]) -> tuple[str, str]:
    """A name for a job and for the index that it fills, and the time (ISO 8601, UTC).

    beginning: the alias, or what is like it. is_taken: whether there is something of a name already.
    """
    while True:
        now = datetime.now(UTC)
        ending = f"-{now:%Y%m%dt%H%M%S}-{uuid.uuid4().hex[:4]}"
        name = index_name_for(beginning, ending, MAX_NAME_BYTES)
        if not is_taken(name):
            return name, now.isoformat()


def rollback_of(undone: Job, layout: IndexLayout | None, named: tuple[str, str]) -> Job:
    """The job that undoes another.

    layout: that of the old index; None if it was never enriched. named: the name and the time of `name_of`.
    """
    name, now = named
    model, fields = (None, ()) if layout is None else (layout.model_version, layout.fields)
    options = replace(undone.options, gate=None)
    job = Job(name, undone.target, undone.alias, undone.source, model, fields, now, options)
    job.kind, job.undoes = JobKind.ROLLBACK, undone.id
    return job


def create_exclusive(ledger: Ledger, job: Job) -> Job:
    """Keep a new job. Raises IndexConflict if another job works on one of its indexes, or on its alias."""
    for other in ledger.under_way():
        shared = {job.alias, job.source} & {other.alias, other.source, other.target}
        if shared:
            raise IndexConflict(
                f"The job {other.id!r} works on {min(shared)!r}: let it end, or resume or cancel it first."
            )
    ledger.create(job)
    reached("job-written")
    return job
