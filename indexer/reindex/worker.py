"""One of any number of workers on a job. Every step may be done twice, and by two at once.

What a worker does it does under a lease; the ledger refuses what a worker notes whose lease another has taken
over, and the target refuses copies that are older than what it has. So a worker that was paused, or lost its
way to the cluster, harms nothing when it comes back.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import NoReturn

from enricher.errors import EngineError, EngineUnavailable, IndexConflict, UsageError
from indexer.engines.elasticsearch_copies import (
    Copies,
    EntranceClosed,
    Point,
    VersionedDocument,
    as_document,
    entrance,
)
from indexer.pipeline import DocumentEnricher
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Interval, Job, JobOptions, Lease, Phase
from indexer.reindex.ledger import LeaseLost, Ledger
from indexer.reindex.reconciliation import Differences, compare

PAGE = 500
"""Documents that are read, enriched and written together."""
WIDTH = 5_000
"""Operations of an interval, or more where there would be too many intervals."""
MOST_INTERVALS = 256
LITTLE = 1_000
"""Operations of a pass, from which on the end of the job comes in sight."""
MOST_PASSES = 20
"""Passes after which the job goes on although writers are as quick as it is."""
AFTER_SWAP = 1.0
"""Seconds between the swap and the pass that copies what came late."""
PATIENCE = 600.0
"""Seconds that a cluster may be away, all in all without an answer between."""

Progress = Callable[[Job], None]


def start(
    ledger: Ledger, copies: Copies, source: str, alias: str, enricher: DocumentEnricher, options: JobOptions
) -> Job:
    """Plan a job and keep it; a worker makes it real."""
    now = datetime.now(UTC)
    name = f"{alias}-{now:%Y%m%dt%H%M%S}-{uuid.uuid4().hex[:4]}"
    concrete = copies.engine.name_of(source)
    for job in ledger.jobs():
        if not job.phase.ended and alias in (job.alias, job.source, job.target):
            raise IndexConflict(f"The job {job.id!r} works on {alias!r}: resume or cancel it first.")
    job = Job(name, concrete, alias, name, enricher.model, enricher.fields, now.isoformat(), options)
    ledger.create(job)
    reached("job-written")
    return job


def cancel(ledger: Ledger, copies: Copies, name: str) -> Job:
    """End a job before its swap: the target is removed, and a block lifted."""

    def change(job: Job) -> None:
        if job.phase.ended or copies.behind(job.alias) == [job.target]:
            raise UsageError(f"The job {name!r} is {job.phase}: there is nothing to cancel.")
        job.phase = Phase.CANCELLED
        job.fence += 1
        job.lease, job.intervals = None, []

    job = ledger.update(name, change)
    if job.blocked:
        copies.unblock(job.source)
        ledger.update(name, _unblocked)
    copies.drop(job.target)
    return job


def _counted(documents: int, rejected: int, job: Job, lease: Lease) -> None:
    job.documents, job.rejected = documents, rejected


def _unblocked(job: Job) -> None:
    job.blocked = False


class Worker:
    """Works on one job until it has ended."""

    def __init__(
        self,
        ledger: Ledger,
        copies: Copies,
        enricher: DocumentEnricher,
        job: str,
        on_progress: Progress = lambda job: None,
        patience: float = PATIENCE,
    ) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:4]}"
        self._ledger, self._copies, self._enricher = ledger, copies, enricher
        self._job, self._on_progress, self._patience = job, on_progress, patience
        self._layout = enricher.layout()
        self._steps: dict[Phase, Callable[[Job, int], None]] = {
            Phase.PREPARING: self._prepare,
            Phase.COPYING: self._between_passes,
            Phase.RECONCILING: self._reconcile,
            Phase.CATCHING_UP: self._between_passes,
            Phase.BLOCKING: self._block_and_swap,
            Phase.SWAPPING: self._swap,
            Phase.TRAILING: self._between_passes,
        }

    def run(self) -> Job:
        """Work until the job has ended, and answer it. Raises EngineError."""
        away_since: float | None = None
        while True:
            try:
                job = self._ledger.load(self._job)
                if job.phase.ended:
                    return job
                self._on_progress(job)
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
        if any(not interval.done for interval in job.intervals):
            taken = self._claim_interval()
            if taken is not None:
                self._copy(*taken)
                return
        else:
            led = self._claim_lead()
            if led is not None:
                with self._alive(led[1]):
                    self._steps[led[0].phase](*led)
                return
        time.sleep(min(0.2, self._ledger.lease_seconds / 10))

    # ------------------------------------------------------------------ leases

    def _claim_lead(self) -> tuple[Job, int] | None:
        """Become the one that does the next step: the job and the fence of the lease."""
        fence: int | None = None

        def change(job: Job) -> None:
            nonlocal fence
            fence = None
            waiting = any(not interval.done for interval in job.intervals)
            if not (job.phase.ended or waiting) and self._is_free(job, job.lease):
                job.fence += 1
                fence, job.lease = job.fence, Lease(self.name, job.fence)

        job = self._ledger.update(self._job, change)
        return None if fence is None else (job, fence)

    def _claim_interval(self) -> tuple[Job, Interval, int] | None:
        """Take an interval that nobody works on."""
        taken: Interval | None = None

        def change(job: Job) -> None:
            nonlocal taken
            free = (one for one in job.intervals if not one.done and self._is_free(job, one.lease))
            taken = next(free, None)
            if taken is not None:
                job.fence += 1
                taken.lease = Lease(self.name, job.fence)

        job = self._ledger.update(self._job, change)
        if taken is None or taken.lease is None:
            return None
        reached("interval-claimed")
        return job, taken, taken.lease.fence

    def _is_free(self, job: Job, lease: Lease | None) -> bool:
        """Whether it may be taken; what this worker held before something went wrong, it may take again."""
        return (lease is not None and lease.worker == self.name) or self._ledger.is_free(job, lease)

    def _note(self, fence: int, change: Callable[[Job, Lease], None]) -> Job:
        """Change the job under a lease that is still ours; LeaseLost where it is not."""

        def guarded(job: Job) -> None:
            for lease in job.leases():
                if lease.fence == fence:
                    lease.beat += 1
                    change(job, lease)
                    return
            raise LeaseLost

        return self._ledger.update(self._job, guarded)

    @contextmanager
    def _alive(self, fence: int) -> Iterator[None]:
        """Give signs of life while the block runs."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(self._ledger.lease_seconds / 4):
                try:
                    self._note(fence, lambda job, lease: None)
                except LeaseLost:
                    return
                except EngineError:
                    continue

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    # ------------------------------------------------------------------ passes

    def _prepare(self, job: Job, fence: int) -> None:
        self._copies.create_like(job.source, job.target, self._layout, job.id)
        reached("target-created")
        self._enter(fence, Phase.COPYING)

    def _enter(self, fence: int, phase: Phase, change: Callable[[Job], None] = lambda job: None) -> Job:
        """Go on to a phase; the lease ends with the step."""

        def noted(job: Job, lease: Lease) -> None:
            change(job)
            job.phase, job.lease, job.intervals, job.planned = phase, None, [], False

        return self._note(fence, noted)

    def _between_passes(self, job: Job, fence: int) -> None:
        """End the pass that is done, and plan the next or go on to the next phase."""
        if job.planned:
            reached("pass-done")
            length = sum(interval.upto - interval.after for interval in job.intervals)
            if job.phase is Phase.COPYING and (length <= LITTLE or job.passes >= MOST_PASSES):
                self._enter(fence, Phase.RECONCILING)
            elif job.phase is Phase.CATCHING_UP:
                self._enter(fence, Phase.BLOCKING if job.options.write_block else Phase.SWAPPING)
            elif job.phase is Phase.TRAILING:
                self._end(job, fence)
            else:
                self._enter(fence, job.phase)
            return
        if job.phase is Phase.TRAILING:
            time.sleep(AFTER_SWAP)
        points = self._copies.points(job.source)
        self._copies.refresh(job.source)
        intervals = intervals_of(job, points)
        self._copies.open_entrance(job.target, str(job.passes + 1))
        reached("pass-planned")

        def planned(job: Job, lease: Lease) -> None:
            job.passes += 1
            job.terms = {shard: point.term for shard, point in points.items()}
            job.intervals, job.planned = intervals, True
            job.lease = None

        self._note(fence, planned)

    def _copy(self, job: Job, interval: Interval, fence: int) -> None:
        """Copy an interval, and note every page."""
        with self._alive(fence):
            started = time.monotonic()
            try:
                for page in self._pages(job, interval, str(job.passes)):
                    self._note(fence, partial(_page_noted, page))
                    reached("page-noted")
                    if job.options.rate:
                        time.sleep(max(0.0, page.read / job.options.rate - (time.monotonic() - started)))
                    started = time.monotonic()
            except EntranceClosed:
                self._lost_entrance(job, fence)
        reached("interval-done")

    def _pages(self, job: Job, interval: Interval, number: str) -> Iterator["_Page"]:
        """Copy an interval page by page, by the entrance of that number."""
        at = interval.at
        while at < interval.upto:
            page = self._copies.read(job.source, interval.shard, at, interval.upto, PAGE)
            reached("page-read")
            written, present, refused = self._write(job, interval.shard, page, number)
            reached("page-written")
            at = page[-1].sequence if page else interval.upto
            yield _Page(at, len(page), written, present, refused)

    def _lost_entrance(self, job: Job, fence: int) -> NoReturn:
        """Another has taken over and has gone further, or one that was paused has closed the entrance."""
        if not self._copies.behind(job.target):
            raise EngineError(f"The index {job.target!r} was removed: cancel the job {job.id!r}.")
        self._note(fence, lambda job, lease: None)  # the pass is still the one of the job
        self._copies.open_entrance(job.target, str(job.passes))
        raise LeaseLost

    def _write(
        self, job: Job, shard: int, page: list[VersionedDocument], number: str
    ) -> tuple[int, int, int]:
        """Enrich and write documents: how many were written, were there already, were refused."""
        if not page:
            return 0, 0, 0
        added = self._enricher.enrich([as_document(document) for document in page])
        if job.phase is Phase.TRAILING:
            copied = self._copies.write_late(job.target, self._layout, page, added, job.swapped_at[shard])
        else:
            copied = self._copies.write(entrance(job.target, number), self._layout, page, added)
        if copied.refused:
            self._copies.keep_refused(rejects_of(job), shard, copied.refused)
            reached("refused-kept")
        return copied.written, copied.present, len(copied.refused)

    def _pass_alone(self, job: Job, fence: int) -> None:
        """Copy by oneself what is left, while nobody can write."""
        points = self._copies.points(job.source)
        self._copies.refresh(job.source)
        for interval in intervals_of(job, points):
            for _ in self._pages(job, interval, led(fence)):
                pass

        def copied(job: Job, lease: Lease) -> None:
            job.cursors = {shard: point.checkpoint for shard, point in points.items()}

        self._note(fence, copied)

    # ------------------------------------------------------------------ deletes, block, swap

    def _differences(self, job: Job) -> Differences:
        """What sets both indexes apart, now; both are refreshed."""
        refused = self._copies.refused(rejects_of(job))
        return compare(self._copies, job.source, job.target, job.cursors, refused)

    def _reconcile(self, job: Job, fence: int) -> None:
        self._copies.open_entrance(job.target, led(fence))
        self._delete(job, self._differences(job), fence)
        self._enter(fence, Phase.CATCHING_UP)

    def _delete(self, job: Job, differences: Differences, fence: int) -> None:
        """Delete copies of what is gone; what is missing is copied again by the next pass."""
        reached("deletes-found")
        deleted = 0
        trailing = job.phase is Phase.TRAILING
        name = job.target if trailing else entrance(job.target, led(fence))
        for shard, gone in differences.gone.items():
            if trailing:  # what is newer is of clients
                gone = [one for one in gone if one.sequence <= job.swapped_at[shard]]
            deleted += self._copies.delete(name, gone)
        reached("deletes-sent")

        def noted(job: Job, lease: Lease) -> None:
            job.counters.deleted += deleted
            for shard, sequence in differences.missing.items():
                job.cursors[shard] = min(job.cursors.get(shard, -1), sequence - 1)

        self._note(fence, noted)
        reached("deletes-noted")

    def _block_and_swap(self, job: Job, fence: int) -> None:
        """The strict end: no write between the last copy and the swap."""
        if self._is_swapped(job):
            self._after_swap(job, fence)
            return

        def blocked(job: Job, lease: Lease) -> None:
            job.blocked = True

        job = self._note(fence, blocked)  # before the block itself, so that it is always known of
        reached("block-noted")
        self._copies.open_entrance(job.target, led(fence))
        since = time.monotonic()
        self._copies.block(job.source)
        reached("block-set")
        try:
            if self._finish_blocked(job, fence, since):
                return
        except (LeaseLost, EntranceClosed):
            if self._ledger.load(job.id).phase is Phase.CANCELLED:  # before the block was set
                self._copies.unblock(job.source)
            raise
        self._copies.close_entrance(job.target)
        self._note(fence, lambda job, lease: None)  # whoever has taken over has set a block of his own
        self._copies.unblock(job.source)
        self._enter(fence, Phase.COPYING, _unblocked)

    def _finish_blocked(self, job: Job, fence: int, since: float) -> bool:
        """Copy the rest, compare, swap; False where it took too long or the indexes differ still."""

        def late() -> bool:
            return time.monotonic() - since > job.options.block_limit

        self._pass_alone(job, fence)
        reached("last-pass-done")
        if late() or not self._same(job, fence):
            return False
        reached("compared")
        job = self._make_ready(job, fence)
        if late():
            return False
        self._swap_alias(job, fence, since)
        self._after_swap(job, fence)
        return True

    def _swap(self, job: Job, fence: int) -> None:
        """The end without a block: swap, and copy what comes late."""
        if not self._is_swapped(job):
            self._copies.refresh(job.target)
            self._copies.open_entrance(job.target, led(fence))
            self._swap_alias(self._make_ready(job, fence), fence)
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
        return self._copies.behind(job.alias) == [job.target]

    def _make_ready(self, job: Job, fence: int) -> Job:
        """Give the target its settings, and note where it stands: all that is written later is of clients."""
        reached("before-restore")
        self._copies.restore(job.source, job.target)
        reached("restored")
        points = self._copies.points(job.target)

        def stands(job: Job, lease: Lease) -> None:
            job.swapped_at = {shard: point.checkpoint for shard, point in points.items()}

        return self._note(fence, stands)

    def _swap_alias(self, job: Job, fence: int, blocked_since: float | None = None) -> None:
        reached("swap-unsent")
        started = time.monotonic()
        if not self._copies.swap(job.alias, job.source, job.target, led(fence)):
            raise LeaseLost
        reached("swap-sent")
        now = time.monotonic()

        def swapped(job: Job, lease: Lease) -> None:
            job.swap_seconds = now - started
            job.block_seconds = None if blocked_since is None else now - blocked_since

        self._note(fence, swapped)

    def _same(self, job: Job, fence: int) -> bool:
        """Whether both indexes hold the same documents, after copies of deleted ones are gone.

        All documents of the source were copied or refused: the copies are the same when they are as many.
        """
        self._copies.refresh(job.target)
        for _ in range(2):
            refused = self._standing(job)
            documents = self._copies.count(job.source)
            if documents == self._copies.count(job.target) + refused:
                self._note(fence, partial(_counted, documents, refused))
                return True
            differences = self._differences(job)
            self._delete(job, differences, fence)
            if differences.missing:
                return False
            self._copies.refresh(job.target)
        return False

    def _standing(self, job: Job) -> int:
        """How many documents of the source are refused as they are now."""
        return self._copies.settle_refused(rejects_of(job), job.source)

    def _end(self, job: Job, fence: int) -> None:
        if job.phase is Phase.TRAILING:
            differences = self._differences(job)
            differences.missing.clear()  # a client may have deleted it since the swap
            self._delete(job, differences, fence)
            reached("late-pass-done")
            self._note(fence, partial(_counted, self._copies.count(job.source), self._standing(job)))
        self._copies.forget_deletes(job.source, job.target)
        reached("before-end")
        self._enter(fence, Phase.DONE)


def intervals_of(job: Job, points: Mapping[int, Point]) -> list[Interval]:
    """What is to be copied of every shard up to where it stands, in pieces.

    Where a shard got a new primary all of it is copied again: the new one may have lost operations and given
    their numbers anew.
    """
    starts = {
        shard: job.cursors.get(shard, -1) if job.terms.get(shard, point.term) == point.term else -1
        for shard, point in points.items()
    }
    total = sum(point.checkpoint - starts[shard] for shard, point in points.items())
    width = max(WIDTH, -(-total // MOST_INTERVALS))
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
    written: int
    present: int
    refused: int


def _page_noted(page: _Page, job: Job, lease: Lease) -> None:
    """The change of the ledger after a page."""
    for interval in job.intervals:
        if interval.lease is lease:
            interval.at = page.at
            if interval.done:
                interval.lease = None
    job.counters.read += page.read
    job.counters.written += page.written
    job.counters.present += page.present
    job.counters.refused += page.refused
    if all(interval.done for interval in job.intervals):
        for interval in job.intervals:
            job.cursors[interval.shard] = max(job.cursors.get(interval.shard, -1), interval.upto)


def led(fence: int) -> str:
    """The number of the entrance while one worker leads; those of passes are plain numbers."""
    return f"led-{fence}"


def rejects_of(job: Job) -> str:
    """The index of what the target refused."""
    return f"{job.target}-rejects"
