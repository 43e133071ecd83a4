"""The leases of one worker, taken and renewed in the ledger that all workers share."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, Protocol, TypeVar

from enricher.errors import EngineError, EnricherError, UsageError
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Interval, Job, Lease
from indexer.reindex.ledger import LeaseLost, Ledger, Recorded, StateLedger

MAX_GIVE_BACK_SECONDS = 5.0
"""How long a worker that ends waits for the ledger to note that it holds no lease."""


class Holder(Protocol):
    """What can be leased to one worker."""

    lease: Lease | None


class Leased(Recorded, Protocol):
    """A state with parts that are leased."""

    def holders(self) -> Iterable[Holder]:
        """Everything that can be leased."""


L = TypeVar("L", bound=Leased)


class LeaseClaims(Generic[L]):
    """Renews and gives back the leases of a worker on one state, and changes the state under them."""

    def __init__(self, ledger: StateLedger[L], name: str, worker: str) -> None:
        self._ledger, self._name, self._worker = ledger, name, worker

    def _is_free(self, held: L, lease: Lease | None) -> bool:
        """Whether this worker can take a lease: it expired, or this worker held it before an error."""
        return (lease is not None and lease.worker == self._worker) or self._ledger.is_free(held, lease)

    def note(self, fence: int, change: Callable[[L, Lease], None] = lambda held, lease: None) -> L:
        """Change the state under a lease, which counts as a heartbeat.

        Raises LeaseLost if this worker no longer holds the lease of that fence.
        """

        def guarded(held: L) -> None:
            for one in held.holders():
                if one.lease is not None and one.lease.fence == fence:
                    one.lease.heartbeats += 1
                    change(held, one.lease)
                    return
            raise LeaseLost

        return self._ledger.update(self._name, guarded)

    def release(self) -> None:
        """Give back all leases of this worker."""

        def change(held: L) -> None:
            for one in held.holders():
                if one.lease is not None and one.lease.worker == self._worker:
                    one.lease = None

        self._ledger.update(self._name, change)

    def give_back(self) -> None:
        """Release the leases if the ledger answers within MAX_GIVE_BACK_SECONDS; otherwise they expire."""

        def release() -> None:
            with suppress(EnricherError):
                self.release()

        thread = threading.Thread(target=release, daemon=True)
        thread.start()
        thread.join(MAX_GIVE_BACK_SECONDS)

    @contextmanager
    def heartbeats(self, fence: int) -> Iterator[None]:
        """Send a heartbeat four times per lease period, in the background, while the block runs."""
        ended = threading.Event()

        def send() -> None:
            while not ended.wait(self._ledger.lease_seconds / 4):
                try:
                    self.note(fence)
                except (LeaseLost, UsageError):  # UsageError: the state was removed
                    return
                except EngineError:
                    continue

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


class Claims(LeaseClaims[Job]):
    """Takes, renews and gives back the leases of a worker on a job, and changes the job under them."""

    def __init__(self, ledger: Ledger, job: str, worker: str) -> None:
        super().__init__(ledger, job, worker)

    def take_step(self, job: Job) -> tuple[Job, int] | None:
        """Take the lease on the next step of a job, which one worker does alone.

        Returns the job and the fence of the lease; None if another worker holds it.
        """
        if not self._can_take_step(job):
            return None
        fence: int | None = None

        def change(job: Job) -> None:
            nonlocal fence
            fence = None
            if self._can_take_step(job):
                job.fence += 1
                fence, job.lease = job.fence, Lease(self._worker, job.fence)

        job = self._ledger.update(self._name, change)
        return None if fence is None else (job, fence)

    def take_interval(self, job: Job) -> tuple[Job, Interval, int] | None:
        """Take the lease on an interval that is not copied yet.

        Returns the job, the interval and the fence of the lease; None if others hold all of them.
        """
        if self._free_interval(job) is None:
            return None
        taken: Interval | None = None

        def change(job: Job) -> None:
            nonlocal taken
            taken = self._free_interval(job)
            if taken is not None:
                job.fence += 1
                taken.lease = Lease(self._worker, job.fence)

        job = self._ledger.update(self._name, change)
        if taken is None or taken.lease is None:
            return None
        reached("interval-claimed")
        return job, taken, taken.lease.fence

    def _can_take_step(self, job: Job) -> bool:
        return not (job.phase.ended or job.waiting) and self._is_free(job, job.lease)

    def _free_interval(self, job: Job) -> Interval | None:
        free = (one for one in job.intervals if not one.done and self._is_free(job, one.lease))
        return next(free, None)
