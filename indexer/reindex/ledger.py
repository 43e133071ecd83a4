"""The ledger: jobs, changed by any number of workers, each change on top of all that were before it."""

import json
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from enricher.errors import EngineError, EngineUnavailable, UsageError
from indexer.reindex.job import Job, Lease

TRIES = 50
LEASE_SECONDS = 30.0
"""How long a lease is held without a sign of life, on the clock of whoever watches."""


Seen = tuple[int, int]
"""What tells two versions of a state apart."""


class States(Protocol):
    """Where states are kept: written only where nobody else has changed them since they were read."""

    def create(self, name: str, value: Mapping[str, Any]) -> None: ...

    def load(self, name: str) -> tuple[dict[str, Any], Seen] | None: ...

    def save(self, name: str, value: Mapping[str, Any], seen: Seen) -> Seen | None: ...

    def names(self) -> list[str]: ...

    def remove(self, name: str) -> None: ...


class LeaseLost(Exception):
    """Another worker has taken over what this one was doing."""


class Ledger:
    """Jobs by name, and the watch over their leases."""

    def __init__(self, states: States, lease_seconds: float = LEASE_SECONDS) -> None:
        self.lease_seconds = lease_seconds
        self._states = states
        self._states_known: dict[str, tuple[dict[str, Any], Seen]] = {}
        self._beats_seen: dict[tuple[str, int], tuple[int, float]] = {}

    def create(self, job: Job) -> None:
        """Keep a new job."""
        self._states.create(job.id, job.as_json())

    def load(self, name: str) -> Job:
        """A job as it stands; UsageError where there is none of that name."""
        found = self._states_known[name] = self._read(name)
        return Job.from_json(found[0])

    def jobs(self) -> list[Job]:
        """All jobs, the newest first."""
        return [self.load(name) for name in self._states.names()]

    def under_way(self) -> list[Job]:
        """Those that have not ended."""
        return [job for job in self.jobs() if not job.phase.ended]

    def remove(self, name: str) -> None:
        """Forget a job."""
        self._states.remove(name)

    def update(self, name: str, change: Callable[[Job], None]) -> Job:
        """Change a job; `change` is called again on what another has written meanwhile.

        It is called first on the state that was last read or written here, which is one request less.
        """
        for _ in range(TRIES):
            known = self._states_known.pop(name, None)
            state, seen = self._read(name) if known is None else known
            job = Job.from_json(state)
            change(job)
            job.noted = datetime.now(UTC).isoformat()
            value = json.loads(json.dumps(job.as_json()))
            written = self._written(name, value, seen)
            if written is not None:
                self._states_known[name] = value, written
                return job
            time.sleep(random.uniform(0, 0.05))
        raise EngineError(f"The job {name!r} is changed by others all the time.")

    def _written(self, name: str, value: Mapping[str, Any], seen: Seen) -> Seen | None:
        """What tells a state that was written; where no answer came, what is kept tells whether it was."""
        try:
            return self._states.save(name, value, seen)
        except EngineUnavailable:
            found = self._states.load(name)
            return found[1] if found is not None and found[0] == value else None

    def _read(self, name: str) -> tuple[dict[str, Any], Seen]:
        found = self._states.load(name)
        if found is None:
            raise UsageError(f"There is no job {name!r}; `enricher reindex status` lists them.")
        return found

    def is_free(self, job: Job, lease: Lease | None) -> bool:
        """Whether nobody holds it, or its holder gave no sign of life while it was watched long enough."""
        if lease is None:
            return True
        key, now = (job.id, lease.fence), time.monotonic()
        beat, since = self._beats_seen.get(key, (-1, now))
        if beat != lease.beat:
            self._beats_seen[key] = (lease.beat, now)
            return False
        return now - since > self.lease_seconds
