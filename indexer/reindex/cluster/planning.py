"""How a job on a cluster begins and ends early: what the ledger notes before any worker acts."""

import json
from collections.abc import Sequence

from enricher.enrichment import DocumentEnricher
from enricher.errors import AccessDenied, UsageError
from indexer.engines.cluster.jobs.shards import checkpoints
from indexer.reindex.cluster.cluster import Cluster, ClusterPair
from indexer.reindex.cluster.phases.blocking import note_unblocked
from indexer.reindex.cluster.privileges import check_rollback
from indexer.reindex.job import Job, JobKind, JobOptions, Phase
from indexer.reindex.ledger import Ledger
from indexer.reindex.naming import create_exclusive, name_of, rollback_of

MAX_ENDED_IN_PLACE = 5
"""Ended jobs in place that are kept of every index."""
Selection = tuple[tuple[str, ...], str | None, tuple[str, ...]]
"""Which documents a job in place enriches: `only`, the query as JSON, the ids."""
EVERYTHING: Selection = ((), None, ())


def start(
    ledger: Ledger, cluster: Cluster, source: str, alias: str, enricher: DocumentEnricher, options: JobOptions
) -> Job:
    """Plan a job that fills a new index and moves an alias to it."""
    name, now = _name_of(cluster, alias)
    concrete = cluster.engine.name_of(source)
    job = Job(name, concrete, alias, name, enricher.model_version, enricher.fields, now, options)
    return create_exclusive(ledger, job)


def start_migration(
    ledger: Ledger,
    clusters: ClusterPair,
    source: str,
    alias: str,
    enricher: DocumentEnricher,
    options: JobOptions,
) -> Job:
    """Plan a job that fills a new index of another cluster, and gives it an alias there."""
    target = clusters.target
    name, now = name_of(
        target.targets.beginning_for(alias),
        lambda name: target.engine.exists(name) or clusters.source.engine.exists(name),
    )
    concrete = clusters.source.engine.name_of(source)
    job = Job(name, concrete, alias, name, enricher.model_version, enricher.fields, now, options)
    job.kind, job.destination = JobKind.MIGRATION, str(target.engine.server.addresses)
    return create_exclusive(ledger, job)


def start_in_place(
    ledger: Ledger, cluster: Cluster, index: str, alias: str, enricher: DocumentEnricher, options: JobOptions
) -> Job:
    """Plan a job that enriches documents where they are.

    A job for stale documents begins where the last one of its kind has ended. Of an index the last
    MAX_ENDED_IN_PLACE ended jobs are kept, and older ones only if documents are still refused.
    """
    name, now = _id_of(cluster, alias)
    concrete = cluster.engine.name_of(index)
    settings, _, _ = cluster.targets.described(concrete)
    job = Job(name, concrete, alias, concrete, enricher.model_version, enricher.fields, now, options)
    job.kind, job.uuid = JobKind.IN_PLACE, str(settings["index.uuid"])
    ended = [one for one in ledger.jobs() if one.kind is JobKind.IN_PLACE and one.source == concrete]
    ended = [one for one in ended if one.phase.ended]
    for before in ended:
        if _continues(job, before):
            job.cursors, job.since, job.terms = (
                dict(before.checkpoints),
                dict(before.checkpoints),
                dict(before.terms),
            )
            break
    planned = create_exclusive(ledger, job)
    for place in range(MAX_ENDED_IN_PLACE, len(ended)):
        old = ended[place]
        if not _has_rejects(cluster, old, planned, ended[:place]):
            cluster.targets.drop(old.rejects)
            ledger.remove(old.id)
    return planned


def plan_rollback(ledger: Ledger, cluster: Cluster, undone: Job) -> Job:
    """Plan a rollback: the old index gets what was written since the swap, and then its alias again.

    Raises AccessDenied if the user lacks a privilege that the job needs.
    """
    check_rollback(cluster, undone.alias, undone.source, undone.target)
    layout = cluster.layout(undone.source)
    job = rollback_of(undone, layout, _id_of(cluster, undone.alias))
    job.cursors, job.since = dict(undone.swapped_at), dict(undone.swapped_at)
    job.checkpoints = checkpoints(cluster.shards.points(undone.source))
    return create_exclusive(ledger, job)


def to_roll_back(jobs: Sequence[Job], cluster: Cluster) -> list[Job]:
    """The jobs that can be rolled back: for every alias, the one whose target it points to.

    jobs: the newest first.
    """
    found: dict[str, Job] = {}
    for job in jobs:
        if job.kind in (JobKind.IN_PLACE, JobKind.MIGRATION) or job.phase is not Phase.DONE:
            continue
        if job.alias in found:
            continue
        if cluster.aliases.behind(job.alias) == [job.target] and cluster.aliases.behind(job.source):
            found[job.alias] = job
    return list(found.values())


def cancel(ledger: Ledger, clusters: ClusterPair, name: str) -> Job:
    """End a job before its swap: remove the new index, and lift the write block.

    Raises UsageError if the job has ended or has swapped its alias.
    """
    source, target = clusters.source, clusters.target

    def change(job: Job) -> None:
        if job.phase.ended or (
            job.kind is not JobKind.IN_PLACE and target.aliases.behind(job.alias) == [job.target]
        ):
            raise UsageError(f"The job {name!r} cannot be cancelled: it is {job.phase}.")
        job.phase = Phase.CANCELLED
        job.fence += 1
        job.lease, job.intervals = None, []

    job = ledger.update(name, change)
    if job.blocked:
        source.targets.unblock(job.source)
        ledger.update(name, note_unblocked)
    if job.kind in (JobKind.COPY, JobKind.MIGRATION):
        is_index = target.aliases.behind(job.target) == [job.target]
        if is_index and target.targets.made_by(job.target, job.id):
            target.targets.drop(job.target)
    elif job.kind is JobKind.ROLLBACK:
        target.aliases.close_fencing_alias(job.target)
        settings, _ = clusters.described(job.source)
        target.targets.restore(settings, job.target)
        target.targets.forget_deletes(settings, job.target)
    return job


def _name_of(cluster: Cluster, alias: str) -> tuple[str, str]:
    """A free name for a job and its index, and the time."""
    return name_of(cluster.targets.beginning_for(alias), cluster.engine.exists)


def _id_of(cluster: Cluster, alias: str) -> tuple[str, str]:
    """A name for a job that creates no index, and the time. Needs no privilege on other indexes."""
    try:
        return _name_of(cluster, alias)
    except AccessDenied:
        return name_of(alias, lambda name: False)


def _has_rejects(cluster: Cluster, old: Job, planned: Job, newer: Sequence[Job]) -> bool:
    """Whether documents of an old job in place are still refused, and no newer job has tried them.

    newer: the ended jobs after the old one. Those of the same documents, or of all, have their own rejects.
    """
    selections = {_selection(one) for one in newer if one.phase is Phase.DONE}
    tried_again = selections & {EVERYTHING, _selection(old)}
    if old.phase is not Phase.DONE or old.uuid != planned.uuid or tried_again or not old.rejected:
        return False
    return cluster.rejects.settle(old.rejects, old.source) > 0


def _selection(job: Job) -> Selection:
    options = job.options
    query = None if options.query is None else json.dumps(options.query, sort_keys=True)
    return options.only, query, options.ids


def _continues(job: Job, before: Job) -> bool:
    """Whether a job for stale documents may skip what an earlier one has looked at."""
    both = (job, before)
    return (
        before.phase is Phase.DONE
        and not before.rejected
        and all("stale" in one.options.only and not one.options.is_partial for one in both)
        and set(job.options.only) <= set(before.options.only)
        and (job.uuid, job.model_version, job.fields) == (before.uuid, before.model_version, before.fields)
    )
