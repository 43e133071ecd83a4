"""A migration from a cluster into an index of the embedded engine, by one process at a time.

That process holds the write lock of the target, so nobody else writes to it: no copy comes late, and there is
no alias to fence. A killed job goes on from what was committed.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Protocol

from enricher.enrichment import DocumentEnricher, enriched
from enricher.errors import EngineError, EngineUnavailable, IndexNotFound, UsageError
from enricher.records import EnrichedDocument, SearchEngine
from indexer.engines.cluster.jobs.shards import ShardPoint
from indexer.engines.cluster.jobs.versioned import Refused, VersionedDocument
from indexer.engines.names import check_new_alias
from indexer.reindex.cluster.cluster import Cluster, removed_source
from indexer.reindex.cluster.context import MAX_AWAY_SECONDS
from indexer.reindex.cluster.intervals import intervals_of
from indexer.reindex.cluster.phases.passes import (
    COMPARED_PASSES,
    FOLLOWING_DELAY_SECONDS,
    MAX_LAST_PASS_OPERATIONS,
    MAX_PASSES,
)
from indexer.reindex.cluster.preflight import MIN_FREE_RATIO, check_readable
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Interval, Job, JobKind, JobOptions, Phase
from indexer.reindex.jobs import Progress
from indexer.reindex.ledger import Ledger
from indexer.reindex.naming import create_exclusive, name_of
from indexer.reindex.pace import Pace

BATCH_DOCUMENTS = 100
"""Documents that are enriched together."""
COMPARED_DOCUMENTS = 1_000
"""Documents of the target that are looked up in the source together."""
MAX_COMPARISONS = 10
"""Comparisons before the job ends; each repeats the last pass."""


class EmbeddedEngine(SearchEngine, Protocol):
    """An engine in a local folder, to whose indexes one process at a time writes."""

    @property
    def root(self) -> Path:
        """The folder of all indexes."""

    def held(self, index: str) -> AbstractContextManager[None]:
        """Hold the write lock of an index in a block. Raises EngineError if another process holds it."""


def plan(
    ledger: Ledger,
    source: Cluster,
    target: EmbeddedEngine,
    name: str,
    alias: str,
    enricher: DocumentEnricher,
    options: JobOptions,
) -> Job:
    """Check and plan a job that fills an index of the embedded engine, and gives it an alias there.

    name: of the index of the cluster, or an alias of it. Raises UsageError or EngineError, before anything is
    written, if the job is impossible.
    """
    concrete = check_readable(source, name, blocks=options.write_block)
    if target.exists(alias):
        raise UsageError(
            f"There is an index or alias {alias!r} in the target already: name another with --to."
        )
    check_new_alias(alias)
    _check_disk(source, concrete, target)
    job_name, now = name_of(alias, lambda taken: target.exists(taken) or source.engine.exists(taken))
    job = Job(job_name, concrete, alias, job_name, enricher.model_version, enricher.fields, now, options)
    job.kind, job.destination = JobKind.MIGRATION, f"{target.name}:{target.root.absolute()}"
    return create_exclusive(ledger, job)


def cancel(ledger: Ledger, source: Cluster, target: EmbeddedEngine, name: str) -> Job:
    """End a job: remove the new index, and lift the write block. Raises UsageError if the job has ended."""

    def change(job: Job) -> None:
        if job.phase.ended or target.aliases().get(job.alias) == (job.target,):
            raise UsageError(f"The job {name!r} cannot be cancelled: it is {job.phase}.")
        job.phase = Phase.CANCELLED

    target_index = ledger.load(name).target
    if target.exists(target_index):
        with target.held(target_index):
            job = ledger.update(name, change)
        target.drop(target_index)
    else:
        job = ledger.update(name, change)
    if job.blocked:
        source.targets.unblock(job.source)
    return job


class Migration:
    """One run of a job, from whatever state an earlier run has left."""

    def __init__(
        self,
        ledger: Ledger,
        source: Cluster,
        target: EmbeddedEngine,
        enricher: DocumentEnricher,
        job: str,
        on_progress: Progress,
        is_ending: Callable[[], bool],
    ) -> None:
        self._ledger, self._source, self._target = ledger, source, target
        self._enricher, self._job = enricher, job
        self._on_progress, self._is_ending = on_progress, is_ending
        self._pace = Pace(ledger.load(job).options.rate)

    def to_the_end(self) -> Job:
        """Work until the job has ended, and return it. Raises EngineError.

        While the cluster gives no answer, it waits for MAX_AWAY_SECONDS.
        """
        job = self._ledger.load(self._job)
        if job.phase.ended:
            return job
        if not self._target.exists(job.target):
            self._target.create(job.target, self._enricher.layout())
        reached("target-ready")
        with self._target.held(job.target):
            away_since: float | None = None
            while True:
                try:
                    return self._run()
                except IndexNotFound as error:
                    raise removed_source(self._source, job) or error from None
                except EngineUnavailable:
                    now = time.monotonic()
                    away_since = away_since or now
                    if now - away_since > MAX_AWAY_SECONDS:
                        raise
                    time.sleep(1.0)

    def _run(self) -> Job:
        job = self._ledger.load(self._job)
        if self._target.aliases().get(job.alias) != (job.target,):
            for _ in range(MAX_PASSES):
                if self._copy(Phase.COPYING) <= MAX_LAST_PASS_OPERATIONS:
                    break
            self._delete_gone()
            if job.options.follow:
                self._follow()
            self._block()
            self._settle()
            reached("swap-unsent")
            self._target.set_alias(job.alias, job.target)
            reached("swap-sent")
        reached("before-end")
        return self._note(lambda job: _enter(job, Phase.DONE))

    def _follow(self) -> None:
        """Copy what is written until the user ends the job."""
        passes = 0
        while not self._is_ending():
            self._copy(Phase.FOLLOWING)
            passes += 1
            if passes % COMPARED_PASSES == 0:
                self._delete_gone()
            deadline = time.monotonic() + FOLLOWING_DELAY_SECONDS
            while time.monotonic() < deadline and not self._is_ending():
                time.sleep(0.05)

    def _copy(self, phase: Phase) -> int:
        """Copy what was written since the last pass, and return how many operations it was."""
        job = self._ledger.load(self._job)
        points = self._source.shards.points(job.source)
        self._source.shards.refresh(job.source)
        intervals = intervals_of(job, points)

        def planned(job: Job) -> None:
            _enter(job, phase)
            job.passes += 1
            job.terms = {shard: point.term for shard, point in points.items()}
            job.intervals = intervals
            for interval in reversed(intervals):  # lower than before where a shard has a new primary
                job.cursors[interval.shard] = interval.after

        self._note(planned)
        for place, interval in enumerate(intervals):
            self._copy_interval(place, interval)
        self._note(lambda job: _enter(job, phase, points))
        reached("pass-done")
        return sum(interval.length for interval in intervals)

    def _copy_interval(self, place: int, interval: Interval) -> None:
        job = self._ledger.load(self._job)
        at, upto = interval.at, interval.upto
        while at < upto:
            self._pace.begin()
            page = self._source.shards.read(job.source, interval.shard, at, upto, self._pace.page)
            refused = self._write(job, page)
            if refused:
                self._source.rejects.keep(job.rejects, interval.shard, refused)
            self._target.refresh(job.target)  # a killed job goes on from what was committed
            reached("page-written")
            at = page[-1].sequence if page else upto
            self._note_page(place, interval.shard, at, len(page), len(refused))
            reached("page-noted")
            time.sleep(self._pace.rest(len(page), 0, 0, 0.0))

    def _write(self, job: Job, page: Sequence[VersionedDocument]) -> list[Refused]:
        """Write a page, and return what the target refuses; it keeps no older state of that."""
        batches = [page[start : start + BATCH_DOCUMENTS] for start in range(0, len(page), BATCH_DOCUMENTS)]
        plain = ([one.as_document() for one in batch] for batch in batches)
        refused: list[Refused] = []
        for batch, (documents, added) in zip(batches, self._enricher.apply(enriched, plain), strict=True):
            lines = [
                EnrichedDocument(one.id, one.source, more) for one, more in zip(documents, added, strict=True)
            ]
            rejections = {one.where: one.reason for one in self._target.write(job.target, lines)}
            refused += [Refused(one, rejections[one.id]) for one in batch if one.id in rejections]
        if refused:
            self._target.delete(job.target, [document.id for document, _ in refused])
        return refused

    def _note_page(self, place: int, shard: int, at: int, read: int, refused: int) -> None:
        def noted(job: Job) -> None:
            job.intervals[place].at = job.cursors[shard] = at
            job.counters.read += read
            job.counters.written += read - refused
            job.counters.refused += refused

        self._note(noted)

    def _delete_gone(self) -> None:
        """Delete from the target the documents that the source does not have."""
        job = self._ledger.load(self._job)
        deleted, documents = 0, self._target.read(job.target)
        while some := [one.id for one in islice(documents, COMPARED_DOCUMENTS)]:
            gone = self._source.shards.absent(job.source, some)
            deleted += self._target.delete(job.target, gone) if gone else 0
        self._target.refresh(job.target)
        reached("deletes-sent")

        def noted(job: Job) -> None:
            job.counters.deleted += deleted

        self._note(noted)

    def _block(self) -> None:
        """Let the source refuse writes, if the user wants that."""
        if not self._ledger.load(self._job).options.write_block:
            return

        def blocked(job: Job) -> None:
            job.blocked, job.blocks = True, 1
            job.block_seconds = 0.0

        job = self._note(blocked)
        reached("block-noted")
        self._source.targets.block(job.source)

    def _settle(self) -> None:
        """Copy what is left until both indexes hold the same documents, refused ones included.

        Raises EngineError if they do not although nobody has written to the source meanwhile.
        """
        for _ in range(MAX_COMPARISONS):
            self._copy(Phase.CATCHING_UP)
            self._delete_gone()
            job = self._counted()
            if job.documents == job.copied + job.rejected:
                return
            points = self._source.shards.points(job.source)
            if all(point.checkpoint <= job.cursors.get(shard, -1) for shard, point in points.items()):
                raise EngineError(
                    f"The index {job.source!r} has {job.documents:,} documents, but its copy {job.target!r} "
                    f"has {job.copied:,}, and {job.rejected:,} were refused. (Documents of one id under "
                    f"several routings become one.) The copy got no alias: cancel the job {job.id!r}."
                )

    def _counted(self) -> Job:
        job = self._ledger.load(self._job)
        self._source.shards.refresh(job.source)
        rejected = self._source.rejects.settle(job.rejects, job.source)
        documents = self._source.shards.count(job.source)
        copied = self._target.count(job.target)

        def noted(job: Job) -> None:
            job.documents, job.rejected, job.copied = documents, rejected, copied

        return self._note(noted)

    def _note(self, change: Callable[[Job], None]) -> Job:
        """Note a change of the job. Raises UsageError if it was cancelled."""

        def noted(job: Job) -> None:
            if job.phase is Phase.CANCELLED:
                raise UsageError(f"The job {job.id!r} was cancelled.")
            change(job)

        job = self._ledger.update(self._job, noted)
        self._on_progress(job)
        return job


def _enter(job: Job, phase: Phase, points: dict[int, ShardPoint] | None = None) -> None:
    """Move a job to a phase. points: up to which its source is copied."""
    job.phase, job.intervals = phase, []
    for shard, point in (points or {}).items():
        job.cursors[shard] = point.checkpoint


def _check_disk(source: Cluster, index: str, target: EmbeddedEngine) -> None:
    """Raise EngineError if the disk of a folder has no room for a copy of an index."""
    needed, folder = MIN_FREE_RATIO * source.engine.bytes_on_disk(index), target.root.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise EngineError(
            f"A copy of {index!r} may need {needed / 1e9:.1f} GB, but the disk of {str(folder)!r} has "
            f"{free / 1e9:.1f} GB free. Free some disk space."
        )
