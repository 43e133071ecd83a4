"""One of any number of workers on a job. Every step may be done twice, and by two at once.

What a worker does it does under a lease; the ledger refuses what a worker notes whose lease another has taken
over, and the target refuses copies that are older than what it has. So a worker that was paused, or lost its
way to the cluster, harms nothing when it comes back.
"""

import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from enricher.errors import EngineError, EngineUnavailable
from indexer.engines.elasticsearch.copies import Copied, EntranceClosed, Point, checkpoints
from indexer.engines.elasticsearch.targets import entrance
from indexer.pipeline import DocumentEnricher
from indexer.reindex.claims import Claims
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.id_snapshot import Census
from indexer.reindex.cluster.routes import Route, route_of
from indexer.reindex.failpoints import reached
from indexer.reindex.gate import Gate, GateClosed, is_closed
from indexer.reindex.job import Interval, Job, JobKind, Lease, Phase
from indexer.reindex.jobs import Progress
from indexer.reindex.ledger import LeaseLost, Ledger
from indexer.reindex.pace import Pace

WIDTH = 5_000
"""Operations of an interval, or more where there would be too many intervals."""
MOST_INTERVALS = 256
LITTLE = 1_000
"""Operations of a pass, from which on the end of the job comes in sight."""
MOST_PASSES = 20
"""Passes after which the job goes on although writers are as quick as it is."""
MOST_BLOCKS = 10
"""Write blocks that may be too short, after which the job stops."""
AFTER_SWAP = 1.0
"""Seconds between the swap and the pass that copies what came late."""
TICK = 0.5
"""Seconds after which the server knows that a delete is not of this moment, and can forget it."""
SHORT_PASSES = 10
"""Passes by one worker right before a swap without a block, at most."""
FEW = 20
"""Operations of such a pass, from which on the swap follows."""
PATIENCE = 600.0
"""Seconds that a cluster may be away, all in all without an answer between."""


class Worker:
    """Works on one job until it has ended.

    enricher: None where documents go back into an index that was never enriched. gate: measures the old index
    and the new one, nDCG@10 of each.
    """

    def __init__(
        self,
        ledger: Ledger,
        cluster: Cluster,
        enricher: DocumentEnricher | None,
        job: str,
        on_progress: Progress = lambda job: None,
        patience: float = PATIENCE,
        gate: Gate | None = None,
    ) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:4]}"
        self._ledger, self._cluster, self._enricher = ledger, cluster, enricher
        self._targets, self._copies, self._rejects = cluster.targets, cluster.copies, cluster.rejects
        self._job, self._on_progress, self._patience, self._gate = job, on_progress, patience, gate
        self._claims = Claims(ledger, job, self.name)
        self._pace = Pace()
        self._route: Route
        self._steps: dict[Phase, Callable[[Job, int], None]] = {
            Phase.PREPARING: self._prepare,
            Phase.COPYING: self._between_passes,
            Phase.RECONCILING: self._reconcile,
            Phase.GATING: self._measure,
            Phase.CATCHING_UP: self._between_passes,
            Phase.BLOCKING: self._block_and_swap,
            Phase.SWAPPING: self._swap,
            Phase.TRAILING: self._between_passes,
        }

    def run(self) -> Job:
        """Work until the job has ended, and answer it. Raises EngineError, GateClosed.

        Whatever ends the worker before, it gives back its leases, so that nobody waits for them.
        """
        ended: Job | None = None
        try:
            ended = self._run()
            return ended
        finally:
            if ended is None:
                self._claims.give_back()

    def _run(self) -> Job:
        job = self._ledger.load(self._job)
        undone = self._ledger.load(job.undoes) if job.undoes is not None else None
        self._route = route_of(job.kind, self._cluster, self._enricher, undone)
        self._pace = Pace(job.options.rate)
        away_since: float | None = None
        while True:
            try:
                job = self._ledger.load(self._job)
                self._on_progress(job)
                if job.phase.ended:
                    return job
                self._step(job)
                away_since = None
            except (LeaseLost, EntranceClosed):
                time.sleep(0.1)
            except EngineUnavailable:
                now = time.monotonic()
                away_since = away_since or now
                if now - away_since > self._patience:
                    raise
                time.sleep(min(5.0, 0.2 + (now - away_since) / 4))

    def _step(self, job: Job) -> None:
        """Do one thing that nobody else does, or wait a moment."""
        if job.waiting:
            taken = self._claims.interval(job)
            if taken is not None:
                self._copy(*taken)
                return
        else:
            led = self._claims.lead(job)
            if led is not None:
                with self._claims.alive(led[1]):
                    self._steps[led[0].phase](*led)
                return
        time.sleep(min(0.2, self._ledger.lease_seconds / 10))

    def _prepare(self, job: Job, fence: int) -> None:
        self._route.prepare(job)
        reached("target-ready")
        self._enter(fence, Phase.COPYING)

    def _enter(self, fence: int, phase: Phase, change: Callable[[Job], None] = lambda job: None) -> Job:
        """Go on to a phase; the lease ends with the step."""

        def noted(job: Job, lease: Lease) -> None:
            change(job)
            job.phase, job.lease, job.intervals, job.planned = phase, None, [], False

        return self._claims.note(fence, noted)

    # ------------------------------------------------------------------ passes

    def _between_passes(self, job: Job, fence: int) -> None:
        """End the pass that is done, and plan the next or go on to the next phase."""
        if job.planned:
            reached("pass-done")
            self._after_pass(job, fence)
            return
        if job.phase is Phase.TRAILING:
            time.sleep(AFTER_SWAP)
        points = self._copies.points(job.source)
        self._copies.refresh(job.source)
        intervals = intervals_of(job, points)
        self._route.open(job, str(job.passes + 1))
        reached("pass-planned")

        def planned(job: Job, lease: Lease) -> None:
            job.passes += 1
            job.terms = {shard: point.term for shard, point in points.items()}
            if job.passes == 1 and job.kind is JobKind.IN_PLACE:
                job.stood = checkpoints(points)
            job.intervals, job.planned = intervals, True
            job.written_before = job.counters.written
            job.lease = None

        self._claims.note(fence, planned)

    def _after_pass(self, job: Job, fence: int) -> None:
        """Go on to the next pass or phase."""
        if job.kind is JobKind.IN_PLACE:
            unchanged = job.counters.written == job.written_before
            if job.options.is_partial or unchanged or job.passes >= MOST_PASSES:
                self._end(job, fence)
            else:
                self._enter(fence, Phase.COPYING)
            return
        match job.phase:
            case Phase.COPYING if job.operations <= LITTLE or job.passes >= MOST_PASSES:
                self._enter(fence, Phase.RECONCILING)
            case Phase.CATCHING_UP:
                self._enter(fence, Phase.BLOCKING if job.options.write_block else Phase.SWAPPING)
            case Phase.TRAILING:
                self._end(job, fence)
            case _:
                self._enter(fence, job.phase)

    def _copy(self, job: Job, interval: Interval, fence: int) -> None:
        """Copy an interval, and note every page."""
        with self._claims.alive(fence):
            try:
                for page in self._pages(job, interval, str(job.passes)):
                    self._on_progress(self._claims.note(fence, partial(_page_noted, page)))
                    reached("page-noted")
                    time.sleep(page.rest)
            except EntranceClosed:
                self._lost_entrance(job, fence)
        reached("interval-done")

    def _pages(self, job: Job, interval: Interval, number: str) -> Iterator["_Page"]:
        """Copy an interval page by page, by the entrance of that number."""
        at = interval.at
        while at < interval.upto:
            self._pace.begin()
            page = self._route.read(job, interval.shard, at, interval.upto, self._pace.page)
            reached("page-read")
            copied = self._route.write(job, interval.shard, page, number) if page else Copied()
            if copied.refused:
                self._rejects.keep(job.rejects, interval.shard, copied.refused)
                reached("refused-kept")
            reached("page-written")
            at = page[-1].sequence if page else interval.upto
            rest = self._pace.rest(len(page), copied.retried, copied.size, copied.seconds)
            yield _Page(at, len(page), copied, rest)

    def _lost_entrance(self, job: Job, fence: int) -> NoReturn:
        """Another has taken over and has gone further, or one that was paused has closed the entrance."""
        if not self._targets.behind(job.target):
            raise EngineError(f"The index {job.target!r} was removed: cancel the job {job.id!r}.")
        self._claims.note(fence)  # the pass is still the one of the job
        self._targets.open_entrance(job.target, str(job.passes))
        raise LeaseLost

    def _pass_alone(self, job: Job, fence: int) -> int:
        """Copy by oneself what is left; answers how many operations it was."""
        points = self._copies.points(job.source)
        self._copies.refresh(job.source)
        intervals = intervals_of(job, points)
        for interval in intervals:
            for _ in self._pages(job, interval, led(fence)):
                pass

        def copied(job: Job, lease: Lease) -> None:
            job.cursors = checkpoints(points)

        self._claims.note(fence, copied)
        return sum(interval.length for interval in intervals)

    # ------------------------------------------------------------------ deletes, gate

    def _reconcile(self, job: Job, fence: int) -> None:
        self._route.open(job, led(fence))
        self._delete(job, fence)
        self._replicate(job)
        self._enter(fence, Phase.GATING if job.options.gate else Phase.CATCHING_UP)

    def _replicate(self, job: Job) -> None:
        """Wait for the replicas of the target: once it is swapped, clients rely on it."""
        self._targets.replicate(job.source, job.target)
        reached("replicas-set")
        deadline = time.monotonic() + self._patience
        while not self._targets.is_as_safe(job.source, job.target):
            if time.monotonic() > deadline:
                raise EngineError(
                    f"The replicas of {job.target!r} are not there after {self._patience:g} s, while those "
                    f"of {job.source!r} are; make room for them and resume the job {job.id!r}."
                )
            time.sleep(0.5)

    def _delete(self, job: Job, fence: int, census: Census | None = None) -> tuple[Job, bool]:
        """Delete copies of what is gone. What is missing is copied again by the next pass; answers whether
        anything is. census: notes what the source held.
        """
        deleted, kept, missing = 0, 0, dict[int, int]()
        trailing = job.phase is Phase.TRAILING
        name = job.target if trailing else entrance(job.target, led(fence))
        for found in self._route.differences(job, census):
            reached("deletes-found")
            gone = found.gone
            if trailing:  # what is newer is of clients, who may have deleted what is missing too
                gone = [one for one in gone if one.sequence <= job.swapped_at[found.shard]]
            elif found.missing is not None:
                missing[found.shard] = min(missing.get(found.shard, found.missing), found.missing)
            deleted += self._copies.delete(name, gone)
            kept += found.kept
        reached("deletes-sent")

        def noted(job: Job, lease: Lease) -> None:
            job.counters.deleted += deleted
            job.kept = kept
            for shard, sequence in missing.items():
                job.cursors[shard] = min(job.cursors.get(shard, -1), sequence - 1)

        job = self._claims.note(fence, noted)
        reached("deletes-noted")
        return job, bool(missing)

    def _measure(self, job: Job, fence: int) -> None:
        """Go on where the new index is as good as the old one. GateClosed where it is not."""
        if self._gate is None:
            raise EngineError(
                f"The job {job.id!r} waits to be measured, which can be done where it was started."
            )
        gates = self._gate(job)
        reached("measured")

        def measured(job: Job) -> None:
            job.gates = gates

        if is_closed(gates):
            self._enter(fence, Phase.GATING, measured)
            raise GateClosed(job.id, gates)
        self._enter(fence, Phase.CATCHING_UP, measured)

    # ------------------------------------------------------------------ block, swap

    def _block_and_swap(self, job: Job, fence: int) -> None:
        """The strict end: no write between the last copy and the swap."""
        if self._is_swapped(job):
            self._after_swap(job, fence)
            return
        if job.blocks >= MOST_BLOCKS:
            raise EngineError(
                f"The last copies took longer than {job.options.block_limit:g} s {job.blocks} times: cancel "
                f"the job {job.id!r}, and start another with a larger --block-limit or when less is written."
            )

        self._route.open(job, led(fence))
        with TemporaryDirectory() as folder, closing(Census(Path(folder))) as census:
            job, _ = self._delete(job, fence, census)  # so that little is left for the moment of the block
            self._block_and_finish(job, fence, census)

    def _block_and_finish(self, job: Job, fence: int, census: Census) -> None:
        """Block, finish, and lift the block where that was not possible in time."""

        def blocked(job: Job, lease: Lease) -> None:
            job.blocked = True
            job.blocks += 1

        job = self._claims.note(fence, blocked)  # before the block itself, so that it is always known of
        reached("block-noted")
        since = time.monotonic()
        self._targets.block(job.source)
        reached("block-set")
        try:
            if self._finish_blocked(job, fence, since, census):
                return
        except (LeaseLost, EntranceClosed):
            if self._ledger.load(job.id).phase is Phase.CANCELLED:  # before the block was set
                self._targets.unblock(job.source)
            raise
        self._targets.close_entrance(job.target)
        self._claims.note(fence)  # whoever has taken over has set a block of his own
        self._targets.unblock(job.source)
        self._enter(fence, Phase.COPYING, unblocked)

    def _finish_blocked(self, job: Job, fence: int, since: float, census: Census) -> bool:
        """Copy the rest, compare, swap; False where it took too long or the indexes differ still."""

        def late() -> bool:
            return time.monotonic() - since > job.options.block_limit

        self._pass_alone(job, fence)
        reached("last-pass-done")
        if late() or not self._same(job, fence, census):
            return False
        reached("compared")
        self._restore(job)
        job = self._note_standing(job, fence)
        if late():
            return False
        self._swap_alias(job, fence, since)
        self._after_swap(job, fence)
        return True

    def _swap(self, job: Job, fence: int) -> None:
        """The end without a block: copy the rest, swap, and copy what comes late."""
        if not self._is_swapped(job):
            time.sleep(TICK)
            self._route.open(job, led(fence))
            self._restore(job)
            for _ in range(SHORT_PASSES):
                if self._pass_alone(self._ledger.load(job.id), fence) <= FEW:
                    break
            self._swap_alias(self._note_standing(job, fence), fence)
        self._enter(fence, Phase.TRAILING)
        reached("swap-noted")

    def _after_swap(self, job: Job, fence: int) -> None:
        """End; or, should the block have been lifted by somebody, copy what was written then."""
        points = self._copies.points(job.source)
        if any(point.checkpoint > job.cursors.get(shard, -1) for shard, point in points.items()):
            self._enter(fence, Phase.TRAILING)
        else:
            self._end(job, fence)

    def _is_swapped(self, job: Job) -> bool:
        """Whether a worker has swapped, who could not note it."""
        return self._targets.behind(job.alias) == [job.target]

    def _restore(self, job: Job) -> None:
        """Give the target its settings."""
        reached("before-restore")
        self._targets.restore(job.source, job.target)
        reached("restored")

    def _note_standing(self, job: Job, fence: int) -> Job:
        """Note where the target stands: all that is written later is of clients."""
        points = self._copies.points(job.target)

        def stands(job: Job, lease: Lease) -> None:
            job.swapped_at = {shard: point.last for shard, point in points.items()}

        return self._claims.note(fence, stands)

    def _swap_alias(self, job: Job, fence: int, blocked_since: float | None = None) -> None:
        reached("swap-unsent")
        started = time.monotonic()
        if not self._targets.swap(job.alias, job.source, job.target, led(fence)):
            raise LeaseLost
        reached("swap-sent")
        now = time.monotonic()

        def swapped(job: Job, lease: Lease) -> None:
            job.swap_seconds = now - started
            job.block_seconds = None if blocked_since is None else now - blocked_since

        self._claims.note(fence, swapped)

    def _same(self, job: Job, fence: int, census: Census) -> bool:
        """Whether both indexes hold the same documents, after copies of deleted ones are gone.

        All documents of the source were copied or refused: the copies are the same when they are as many.
        What the census shows to be deleted is tried first, the comparison of both indexes last.
        """
        ways: list[Callable[[Job, int], tuple[Job, bool]]] = [
            partial(self._delete_since, census),
            self._delete,
        ]
        while True:
            self._copies.refresh(job.target)
            refused = self._standing(job)
            documents = self._copies.count(job.source)
            if documents + job.kept == self._copies.count(job.target) + refused:
                self._claims.note(fence, partial(_counted, documents, refused))
                return True
            if not ways:
                return False
            job, is_missing = ways.pop(0)(job, fence)
            if is_missing:
                return False

    def _delete_since(self, census: Census, job: Job, fence: int) -> tuple[Job, bool]:
        """Delete copies of what was deleted since a census of the source."""
        deleted = 0
        for keys in census.deleted(self._copies, job.source):
            gone = self._copies.found(job.target, keys)
            deleted += self._copies.delete(entrance(job.target, led(fence)), gone)

        def noted(job: Job, lease: Lease) -> None:
            job.counters.deleted += deleted

        return self._claims.note(fence, noted), False

    def _standing(self, job: Job) -> int:
        """How many documents of the source are refused as they are now."""
        return self._rejects.settle(job.rejects, job.source)

    def _end(self, job: Job, fence: int) -> None:
        if job.phase is Phase.TRAILING:
            self._delete(job, fence)
            reached("late-pass-done")
        if job.phase is not Phase.BLOCKING:
            self._copies.refresh(job.source)
            self._claims.note(fence, partial(_counted, self._copies.count(job.source), self._standing(job)))
        self._route.finish(job)
        reached("before-end")
        self._enter(fence, Phase.DONE)


def intervals_of(job: Job, points: Mapping[int, Point]) -> list[Interval]:
    """What is to be copied of every shard up to where it stands, in pieces.

    Where a shard got a new primary all of it is copied again: the new one may have lost operations and given
    their numbers anew.
    """
    starts = {
        shard: job.cursors.get(shard, -1)
        if job.terms.get(shard, point.term) == point.term
        else job.since.get(shard, -1)
        for shard, point in points.items()
    }
    total = sum(point.checkpoint - starts[shard] for shard, point in points.items())
    width = max(WIDTH, -(-total // MOST_INTERVALS))
    if job.kind is JobKind.IN_PLACE and (job.options.is_partial or job.passes):
        width = max(width, total)  # few documents of it are looked at
    return [
        Interval(shard, after, min(after + width, point.checkpoint), after)
        for shard, point in sorted(points.items())
        for after in range(starts[shard], point.checkpoint, width)
    ]


@dataclass(frozen=True, slots=True)
class _Page:
    """What became of a page of documents; at: the number up to which the interval is copied now."""

    at: int
    read: int
    copied: Copied
    rest: float


def _page_noted(page: _Page, job: Job, lease: Lease) -> None:
    """The change of the ledger after a page."""
    for interval in job.intervals:
        if interval.lease is lease:
            interval.at = page.at
            if interval.done:
                interval.lease = None
    job.counters.read += page.read
    job.counters.written += page.copied.written
    job.counters.present += len(page.copied.passed_over)
    job.counters.refused += len(page.copied.refused)
    job.counters.retried += page.copied.retried
    if all(interval.done for interval in job.intervals):
        for interval in job.intervals:
            job.cursors[interval.shard] = max(job.cursors.get(interval.shard, -1), interval.upto)


def _counted(documents: int, rejected: int, job: Job, lease: Lease) -> None:
    job.documents, job.rejected = documents, rejected


def unblocked(job: Job) -> None:
    """The change of the ledger when a block is lifted."""
    job.blocked = False


def led(fence: int) -> str:
    """The number of the entrance while one worker leads; those of passes are plain numbers."""
    return f"led-{fence}"
