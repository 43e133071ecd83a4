"""How a job on a cluster begins, ends early, and is taken back: what is noted before any worker acts."""

import json
from collections.abc import Sequence

from enricher.errors import UsageError
from indexer.engines.elasticsearch.jobs.shards import checkpoints
from indexer.pipeline import DocumentEnricher
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.phases.blocking import note_unblocked
from indexer.reindex.job import Job, JobKind, JobOptions, Phase
from indexer.reindex.ledger import Ledger
from indexer.reindex.naming import keep_new, name_of, way_back

KEPT_JOBS = 5
"""Ended jobs in place that are kept of every index."""
Selection = tuple[tuple[str, ...], str | None, tuple[str, ...]]
"""Which documents a job in place is about: kinds, a query as JSON, ids."""
EVERYTHING: Selection = ((), None, ())


def start(
    ledger: Ledger, cluster: Cluster, source: str, alias: str, enricher: DocumentEnricher, options: JobOptions
) -> Job:
    """Plan a job that makes a new index and puts it behind an alias."""
    name, now = _name_of(cluster, alias)
    concrete = cluster.engine.name_of(source)
    job = Job(name, concrete, alias, name, enricher.model_version, enricher.fields, now, options)
    return keep_new(ledger, job)


def _name_of(cluster: Cluster, alias: str) -> tuple[str, str]:
    """A name that an index can be made of, and the time."""
    return name_of(cluster.targets.beginning_for(alias), cluster.engine.exists)


def start_in_place(
    ledger: Ledger, cluster: Cluster, index: str, alias: str, enricher: DocumentEnricher, options: JobOptions
) -> Job:
    """Plan a job that enriches documents where they are.

    What a job for stale documents has looked at, the next one does not look at again.
    """
    name, now = _name_of(cluster, alias)
    concrete = cluster.engine.name_of(index)
    settings, _, _ = cluster.targets.described(concrete)
    job = Job(name, concrete, alias, concrete, enricher.model_version, enricher.fields, now, options)
    job.kind, job.uuid = JobKind.IN_PLACE, str(settings["index.uuid"])
    ended = [one for one in ledger.jobs() if one.kind is JobKind.IN_PLACE and one.source == concrete]
    ended = [one for one in ended if one.phase.ended]
    for before in ended:
        if _goes_on(job, before):
            job.cursors, job.since, job.terms = dict(before.stood), dict(before.stood), dict(before.terms)
            break
    planned = keep_new(ledger, job)
    for place in range(KEPT_JOBS, len(ended)):
        old = ended[place]
        if not _has_rejects(cluster, old, planned, ended[:place]):
            cluster.targets.drop(old.rejects)
            ledger.remove(old.id)
    return planned


def _has_rejects(cluster: Cluster, old: Job, planned: Job, newer: Sequence[Job]) -> bool:
    """Whether documents of a job in place are refused still, of which only that job tells.

    A newer job that was done on the same documents or on all has tried them again, and has its own rejects.
    """
    selections = {_selection(one) for one in newer if one.phase is Phase.DONE}
    tried_again = selections & {EVERYTHING, _selection(old)}
    if old.phase is not Phase.DONE or old.uuid != planned.uuid or tried_again or not old.rejected:
        return False
    return cluster.rejects.settle(old.rejects, old.source) > 0


def _selection(job: Job) -> Selection:
    """Which documents a job in place is about."""
    options = job.options
    query = None if options.query is None else json.dumps(options.query, sort_keys=True)
    return options.only, query, options.ids


def _goes_on(job: Job, before: Job) -> bool:
    """Whether a job for stale documents has looked at all that another would look at again."""
    both = (job, before)
    return (
        before.phase is Phase.DONE
        and not before.rejected
        and all("stale" in one.options.only and not one.options.is_partial for one in both)
        and set(job.options.only) <= set(before.options.only)
        and (job.uuid, job.model, job.fields) == (before.uuid, before.model, before.fields)
    )


def rollback(ledger: Ledger, cluster: Cluster, undone: Job) -> Job:
    """Plan the way back: the old index gets what was written since the swap, and its place again."""
    layout = cluster.layout(undone.source)
    back = way_back(undone, layout, _name_of(cluster, undone.alias))
    back.cursors, back.since = dict(undone.swapped_at), dict(undone.swapped_at)
    back.stood = checkpoints(cluster.shards.points(undone.source))
    return keep_new(ledger, back)


def to_roll_back(jobs: Sequence[Job], cluster: Cluster) -> list[Job]:
    """The jobs that can be taken back: of each alias the one that has put its index there."""
    found: dict[str, Job] = {}
    for job in jobs:
        if job.kind is JobKind.IN_PLACE or job.phase is not Phase.DONE or job.alias in found:
            continue
        if cluster.aliases.behind(job.alias) == [job.target] and cluster.aliases.behind(job.source):
            found[job.alias] = job
    return list(found.values())


def cancel(ledger: Ledger, cluster: Cluster, name: str) -> Job:
    """End a job before its swap: a new index is removed, and a block lifted."""

    def change(job: Job) -> None:
        if job.phase.ended or (
            job.kind is not JobKind.IN_PLACE and cluster.aliases.behind(job.alias) == [job.target]
        ):
            raise UsageError(f"The job {name!r} is {job.phase}: there is nothing to cancel.")
        job.phase = Phase.CANCELLED
        job.fence += 1
        job.lease, job.intervals = None, []

    job = ledger.update(name, change)
    if job.blocked:
        cluster.targets.unblock(job.source)
        ledger.update(name, note_unblocked)
    if job.kind is JobKind.COPY:
        if cluster.aliases.behind(job.target) == [job.target] and cluster.targets.made_by(job.target, job.id):
            cluster.targets.drop(job.target)
    elif job.kind is JobKind.ROLLBACK:
        cluster.aliases.close_fencing_alias(job.target)
        cluster.targets.restore(job.source, job.target)
        cluster.targets.forget_deletes(job.source, job.target)
    return job
