"""The leases of one worker on a job, taken and renewed in the ledger that all workers share."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from enricher.errors import EngineError, EnricherError, UsageError
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Interval, Job, Lease
from indexer.reindex.ledger import LeaseLost, Ledger

MAX_GIVE_BACK_SECONDS = 5.0
"""How long a worker that ends waits for the ledger to note that it holds no lease."""


class Claims:
    """Takes, renews and gives back the leases of a worker, and changes the job under them."""

    def __init__(self, ledger: Ledger, job: str, worker: str) -> None:
        self._ledger, self._job, self._worker = ledger, job, worker

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

        job = self._ledger.update(self._job, change)
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

        job = self._ledger.update(self._job, change)
        if taken is None or taken.lease is None:
            return None
        reached("interval-claimed")
        return job, taken, taken.lease.fence

    def _can_take_step(self, job: Job) -> bool:
        return not (job.phase.ended or job.waiting) and self._is_free(job, job.lease)

    def _free_interval(self, job: Job) -> Interval | None:
        free = (one for one in job.intervals if not one.done and self._is_free(job, one.lease))
        return next(free, None)

    def _is_free(self, job: Job, lease: Lease | None) -> bool:
        """Whether this worker can take a lease: it expired, or this worker held it before an error."""
        return (lease is not None and lease.worker == self._worker) or self._ledger.is_free(job, lease)

    def note(self, fence: int, change: Callable[[Job, Lease], None] = lambda job, lease: None) -> Job:
        """Change the job under a lease, which counts as a heartbeat.

        Raises LeaseLost if this worker no longer holds the lease of that fence.
        """

        def guarded(job: Job) -> None:
            for lease in job.leases():
                if lease.fence == fence:
                    lease.heartbeats += 1
                    change(job, lease)
                    return
            raise LeaseLost

        return self._ledger.update(self._job, guarded)

    def release(self) -> None:
        """Give back all leases of this worker."""

        def change(job: Job) -> None:
            held: list[Job | Interval] = [job, *job.intervals]
            for one in held:
                if one.lease is not None and one.lease.worker == self._worker:
                    one.lease = None

        self._ledger.update(self._job, change)

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
                except (LeaseLost, UsageError):  # UsageError: the job was removed
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
