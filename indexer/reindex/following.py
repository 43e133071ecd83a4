"""Following an index, as commands see it: what is asked for, and what is reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from indexer.reindex.jobs import Say

DEFAULT_LAG_SECONDS = 5.0
"""Seconds within which a changed document is enriched, unless more is written than can be enriched."""
MIN_LAG_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class FollowStatus:
    """What an instance has done since it started.

    time: ISO 8601, UTC. index, model: None if nothing can be enriched at this moment. enriched: documents
    written. unchanged: documents read whose enrichment was up to date. conflicts: documents that others have
    changed while they were enriched; they are read again. refused: documents that cannot be enriched; the
    index `rejects` holds them with the reasons.
    retried: documents sent again because the server was busy (429). lag_seconds: the longest time that a
    document that was enriched since the last status may have waited. behind: operations that nobody has read
    yet. checkpoints: shard → the sequence number up to which all documents are enriched. errors: attempts
    that failed. error: the last failure, None once an attempt has succeeded again.
    """

    time: str
    alias: str
    index: str | None
    model: str | None
    enriched: int
    unchanged: int
    conflicts: int
    refused: int
    rejects: str | None
    retried: int
    lag_seconds: float
    behind: int
    checkpoints: Mapping[str, int]
    errors: int
    error: str | None


OnStatus = Callable[[FollowStatus], None]
"""Is called once a minute."""


class Following(Protocol):
    """Keeps the enrichment of one index up to date. Any number of instances share the work."""

    def run(self, *, once: bool, on_status: OnStatus, say: Say) -> FollowStatus:
        """Enrich what others write, for ever, or with `once` up to the present.

        Raises EngineError, UsageError, ModelError. If anything ends it, it gives back what it holds.
        """

    def status(self) -> FollowStatus:
        """What was done so far."""

    def end(self) -> None:
        """Let `run`, in another thread, return after the present round."""
