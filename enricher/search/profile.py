"""What a search costs: the time of its steps, and the requests and bytes that each sends to a server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Step:
    """One step of a search. ms: its time, without the steps inside it. sent, received: bytes of bodies."""

    name: str
    ms: float = 0.0
    requests: int = 0
    sent: int = 0
    received: int = 0

    def as_json(self) -> dict[str, object]:
        """The step as JSON, with the time in milliseconds."""
        return {
            "step": self.name,
            "ms": round(self.ms, 3),
            "requests": self.requests,
            "bytes_sent": self.sent,
            "bytes_received": self.received,
        }


@dataclass(slots=True)
class Profile:
    """The steps of the searches inside one `profiling` block, in the order in which they began."""

    steps: list[Step] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """Number of requests to a server."""
        return sum(step.requests for step in self.steps)


_profile: ContextVar[Profile | None] = ContextVar("profile", default=None)
_running: ContextVar[Step | None] = ContextVar("step", default=None)


@contextmanager
def profiling() -> Iterator[Profile]:
    """Record the steps of all searches of this thread in the block."""
    profile = Profile()
    token = _profile.set(profile)
    try:
        yield profile
    finally:
        _profile.reset(token)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Record the block as one step, if a profile is wanted."""
    profile = _profile.get()
    if profile is None:
        yield
        return
    outer, running = _running.get(), Step(name)
    profile.steps.append(running)
    token, started = _running.set(running), time.perf_counter()
    try:
        yield
    finally:
        ms = (time.perf_counter() - started) * 1000
        running.ms += ms
        if outer is not None:
            outer.ms -= ms
        _running.reset(token)


def count_request(sent: int, received: int) -> None:
    """Count a request to a server in the running step."""
    running = _running.get()
    if running is not None:
        running.requests += 1
        running.sent += sent
        running.received += received
