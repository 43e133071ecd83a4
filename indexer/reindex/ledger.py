"""The ledger that workers share. Any number of them change a state, each time its latest version."""

import json
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

from enricher.errors import EngineError, EngineUnavailable, JobNotFound
from indexer.reindex.job import Job, Lease

MAX_TRIES = 50
"""Attempts to change a job that others change at the same time."""
LEASE_SECONDS = 30.0
"""Seconds without a heartbeat after which a lease is free, on the clock of the worker that wants it."""

Seen = tuple[int, int]
"""The version of a state."""


class States(Protocol):
    """Where the states of jobs are kept. `save` is a compare-and-set: None if the state has changed since."""

    def create(self, name: str, value: Mapping[str, Any]) -> None: ...

    def load(self, name: str) -> tuple[dict[str, Any], Seen] | None: ...

    def save(self, name: str, value: Mapping[str, Any], seen: Seen) -> Seen | None: ...

    def names(self) -> list[str]: ...

    def remove(self, name: str) -> None: ...


class LeaseLost(Exception):
    """Another worker has taken over what this one was doing."""


class Recorded(Protocol):
    """A state in its typed form. id: its name. noted: when it was last changed (ISO 8601, UTC)."""

    id: str
    noted: str | None

    def as_json(self) -> dict[str, Any]: ...


R = TypeVar("R", bound=Recorded)


class StateLedger(Generic[R]):
    """Keeps states by name, and decides when a lease has expired.

    decode: reads the JSON of a state. absent: the sentence for a name that has no state; "{}" is the name.
    """

    def __init__(
        self,
        states: States,
        decode: Callable[[Mapping[str, Any]], R],
        absent: str,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.lease_seconds = lease_seconds
        self._states, self._decode, self._absent = states, decode, absent
        self._states_known: dict[str, tuple[dict[str, Any], Seen]] = {}
        self._heartbeats_seen: dict[tuple[str, int], tuple[int, float]] = {}

    def create(self, new: R) -> None:
        """Keep a new state. Raises EngineError if there is one of that name."""
        self._states.create(new.id, new.as_json())

    def load(self, name: str) -> R:
        """Read a state. Raises JobNotFound if there is none of that name."""
        found = self._states_known[name] = self._read(name)
        return self._decode(found[0])

    def find(self, name: str) -> R | None:
        """Read a state; None if there is none of that name."""
        found = self._states.load(name)
        if found is None:
            return None
        self._states_known[name] = found
        return self._decode(found[0])

    def names(self) -> list[str]:
        """The names of the states, the newest first."""
        return self._states.names()

    def remove(self, name: str) -> None:
        """Forget a state."""
        self._states.remove(name)

    def update(self, name: str, change: Callable[[R], None]) -> R:
        """Change a state, and return it. Raises JobNotFound if there is none of that name.

        change: is called again if another worker has changed it meanwhile. The first call gets the version
        that this ledger last read or wrote, which saves a request.
        """
        for _ in range(MAX_TRIES):
            known = self._states_known.pop(name, None)
            state, seen = self._read(name) if known is None else known
            found = self._decode(state)
            change(found)
            found.noted = datetime.now(UTC).isoformat()
            value = json.loads(json.dumps(found.as_json()))
            written = self._written(name, value, seen)
            if written is not None:
                self._states_known[name] = value, written
                return found
            time.sleep(random.uniform(0, 0.05))
        raise EngineError(
            f"The state of {name!r} could not be changed: others changed it at each of {MAX_TRIES} attempts."
        )

    def _written(self, name: str, value: Mapping[str, Any], seen: Seen) -> Seen | None:
        """Save a state and return its version; if no answer comes, read it to see whether it was saved."""
        try:
            return self._states.save(name, value, seen)
        except EngineUnavailable:
            found = self._states.load(name)
            return found[1] if found is not None and found[0] == value else None

    def _read(self, name: str) -> tuple[dict[str, Any], Seen]:
        found = self._states.load(name)
        if found is None:
            raise JobNotFound(self._absent.format(repr(name)))
        return found

    def is_free(self, held: R, lease: Lease | None) -> bool:
        """Whether nobody holds a lease, or this ledger has seen no heartbeat of it for lease_seconds."""
        if lease is None:
            return True
        key, now = (held.id, lease.fence), time.monotonic()
        beat, since = self._heartbeats_seen.get(key, (-1, now))
        if beat != lease.heartbeats:
            self._heartbeats_seen[key] = (lease.heartbeats, now)
            return False
        return now - since > self.lease_seconds


class Ledger(StateLedger[Job]):
    """Keeps jobs."""

    def __init__(self, states: States, lease_seconds: float = LEASE_SECONDS) -> None:
        absent = "There is no job {}; `enricher reindex status` lists them."
        super().__init__(states, Job.from_json, absent, lease_seconds)

    def jobs(self) -> list[Job]:
        """All jobs, the newest first, without those that are removed in the meantime."""
        found = (self.find(name) for name in self.names())
        return [job for job in found if job is not None]

    def under_way(self) -> list[Job]:
        """The jobs that have not ended, the newest first."""
        return [job for job in self.jobs() if not job.phase.ended]
