"""New jobs: what they are called, and that two of them do not work on the same names."""

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

MAX_BYTES = 200
"""Bytes of the name of a job: what is made of it, like its index of rejects, is longer and no index may have
more than 255.
"""


def name_of(beginning: str, is_taken: Callable[[str], bool]) -> tuple[str, str]:
    """A name for a job and for the index that it makes, which nothing has yet, and the time; beginning: the
    alias, or what is like it.
    """
    while True:
        now = datetime.now(UTC)
        ending = f"-{now:%Y%m%dt%H%M%S}-{uuid.uuid4().hex[:4]}"
        name = index_name_for(beginning, ending, MAX_BYTES)
        if not is_taken(name):
            return name, now.isoformat()


def way_back(undone: Job, layout: IndexLayout | None, named: tuple[str, str]) -> Job:
    """The job that takes another back; layout: of the old index, None where it was never enriched.

    named: what `name_of` answers.
    """
    name, now = named
    model, fields = (None, ()) if layout is None else (layout.model_version, layout.fields)
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
