"""What an instance reports of its work."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from indexer.reindex.cluster.follow.lag import ShardLag
from indexer.reindex.cluster.follow.reading import Page
from indexer.reindex.cluster.follow.state import rejects_of
from indexer.reindex.following import FollowStatus


@dataclass(slots=True)
class Tally:
    """Counts what this instance does.

    started: when it began with the present index (monotonic). lags: of every shard of that index.
    """

    alias: str
    started: float = field(default_factory=time.monotonic)
    index: str | None = None
    model: str | None = None
    read: int = 0
    enriched: int = 0
    unchanged: int = 0
    conflicts: int = 0
    refused: int = 0
    retried: int = 0
    errors: int = 0
    error: str | None = None
    lag: float = 0.0
    behind: int = 0
    checkpoints: Mapping[int, int] = field(default_factory=dict)
    lags: dict[int, ShardLag] = field(default_factory=dict)

    def open(self, index: str | None, model: str | None) -> None:
        """Begin with another index; None if nothing can be enriched at this moment."""
        self.index, self.model = index, model
        self.started = time.monotonic()
        self.lags.clear()

    def seen(self, shard: int, checkpoint: int, at: int) -> None:
        """Note how far a shard has come, and up to which operation it is read."""
        lag = self.lags.setdefault(shard, ShardLag(self.started))
        lag.seen(checkpoint, time.monotonic())
        lag.since(at)  # forgets what is past

    def add(self, shard: int, after: int, page: Page) -> None:
        """Count a page. after: the sequence number after which it began."""
        enriched = page.enriched
        touched = enriched.written + len(enriched.passed_over) + len(enriched.refused)
        self.read += page.read
        self.enriched += enriched.written
        self.unchanged += page.read - touched
        self.conflicts += len(enriched.passed_over)
        self.refused += len(enriched.refused)
        self.retried += enriched.retried
        if enriched.written:
            since = self.lags.setdefault(shard, ShardLag(self.started)).since(after)
            self.lag = max(self.lag, time.monotonic() - since)

    def status(self) -> FollowStatus:
        """The status now; the lag begins again at 0."""
        lag, self.lag = self.lag, 0.0
        return FollowStatus(
            datetime.now(UTC).isoformat(timespec="seconds"),
            self.alias,
            self.index,
            self.model,
            self.enriched,
            self.unchanged,
            self.conflicts,
            self.refused,
            rejects_of(self.index) if self.index and self.refused else None,
            self.retried,
            round(lag, 3),
            self.behind,
            {str(shard): at for shard, at in sorted(self.checkpoints.items())},
            self.errors,
            self.error,
        )
