"""One of any number of instances that keep the enrichment of an index up to date.

An instance looks at the sequence numbers of the index twice per lag. Where others have written something, it
takes the lease on the shard, reads the documents, and enriches those that need it. The writes of followers
are known by their sequence numbers, so they are not read again. Every write is conditional, so it may come
late, twice, or from two instances at once.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace

from enricher.enrichment import in_processes
from enricher.errors import EngineUnavailable, IndexBlocked, IndexNotFound, WorkerLost
from indexer.engines.cluster.jobs.copies import FencedOut
from indexer.engines.cluster.jobs.shards import FollowedIndex, FollowedShard
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.follow.claims import ShardClaim, ShardClaims
from indexer.reindex.cluster.follow.followed import (
    Followed,
    NotEnriched,
    check_primaries,
    index_behind,
    join,
    open_followed,
)
from indexer.reindex.cluster.follow.reading import enriched_pages
from indexer.reindex.cluster.follow.state import FollowState, rejects_of
from indexer.reindex.cluster.follow.status import Tally
from indexer.reindex.failpoints import reached
from indexer.reindex.following import FollowStatus, OnStatus
from indexer.reindex.jobs import EnrichmentSettings, Say
from indexer.reindex.ledger import LeaseLost, Ledger, StateLedger
from indexer.reindex.pace import Pace

LOOKS_PER_LAG = 2
"""How often an instance looks for changes within the lag."""
STATUS_SECONDS = 60.0
"""Seconds between two reports."""
MAX_PAUSE_SECONDS = 30.0
"""The longest pause after a failure."""
MAX_AWAY_SECONDS = 60.0
"""Seconds that `once` waits for a cluster that does not answer; otherwise an instance waits for ever."""


MAX_FAILURES = 10
"""Failures in a row that make a pause longer."""


class Waits(Exception):
    """Nothing can be enriched at this moment; the message says why."""


class Follower:
    """Implements `Following` for Elasticsearch."""

    def __init__(
        self,
        cluster: Cluster,
        ledger: StateLedger[FollowState],
        jobs: Ledger,
        alias: str,
        settings: EnrichmentSettings,
        lag_seconds: float,
        workers: int = 1,
    ) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:4]}"
        self._cluster, self._ledger, self._jobs = cluster, ledger, jobs
        self._alias, self._settings, self._lag_seconds = alias, settings, lag_seconds
        self._workers, self._processes = workers, ExitStack()
        self._pace = Pace()
        self._tally = Tally(alias)
        self._followed: Followed | None = None
        self._last: Followed | None = None
        self._state: FollowState | None = None
        self._goal: FollowedIndex | None = None
        self._opened = ""
        self._ended = threading.Event()
        self._reported = time.monotonic()
        self._on_status: OnStatus = lambda status: None
        self._say: Say = lambda sentence: None

    def status(self) -> FollowStatus:
        return self._tally.status()

    def run(self, *, once: bool, on_status: OnStatus, say: Say) -> FollowStatus:
        self._on_status, self._say = on_status, say
        try:
            with suppress(FencedOut):
                self._open(index_behind(self._cluster, self._alias))
            self._repeat(once)
        finally:
            self._give_back()
            self._processes.close()
        return self.status()

    def end(self) -> None:
        self._ended.set()

    # ------------------------------------------------------------------ rounds

    def _repeat(self, once: bool) -> None:
        """Begin a round twice per lag, later after a failure; with `once` until everything is enriched."""
        failures, away_since = 0, None
        period = self._lag_seconds / LOOKS_PER_LAG
        while True:
            began = time.monotonic()
            try:
                is_done = self._round()
                if self._tally.error is not None:
                    self._say(f"{self._alias} is followed again.")
                failures, away_since, self._tally.error = 0, None, None
                if once and is_done:
                    return
                pause = began + period - time.monotonic()
            except LeaseLost:
                pause = 0.1
            except (EngineUnavailable, WorkerLost, Waits) as error:
                away_since = away_since or began
                if once and time.monotonic() - away_since > MAX_AWAY_SECONDS:
                    if isinstance(error, Waits):
                        raise EngineUnavailable(str(error)) from error
                    raise
                if str(error) != self._tally.error:
                    self._say(f"{error} Trying again until it succeeds.")
                self._tally.errors, self._tally.error = self._tally.errors + 1, str(error)
                failures = min(failures + 1, MAX_FAILURES)
                pause = min(MAX_PAUSE_SECONDS, period if isinstance(error, Waits) else 0.25 * 2**failures)
            self._report()
            if self._ended.wait(max(0.0, pause)):
                return

    def _report(self) -> None:
        """Report the status if that was not done for a minute."""
        if time.monotonic() - self._reported >= STATUS_SECONDS:
            self._reported = time.monotonic()
            self._on_status(self.status())

    def _round(self) -> bool:
        """Enrich what was written up to now. Returns whether everything of the first round is enriched."""
        index = index_behind(self._cluster, self._alias)
        try:
            if self._followed is None or not self._followed.is_same(index):
                self._open(index)
            return self._follow(index)
        except NotEnriched as error:
            self._close()
            raise Waits(str(error)) from error
        except IndexBlocked as error:  # it may be lifted by now
            raise Waits(str(error)) from error
        except IndexNotFound as error:  # FencedOut too: the index was removed, or others have changed it
            self._close()
            raise LeaseLost from error

    def _open(self, index: FollowedIndex) -> None:
        """Begin to follow an index. Raises FencedOut if it changes at this moment."""
        self._close()
        followed = self._pooled(open_followed(self._cluster, index, self._alias, self._settings, self._last))
        self._state = join(self._cluster, self._ledger, self._jobs.jobs(), index, followed.layout)
        self._followed = self._last = followed
        held = followed.layout.model_version
        self._tally.open(followed.index, held)
        self._cluster.rejects.settle(rejects_of(index.name), index.name)
        with_model = f"with the model {held}" if held else "with words only"
        opened = f"{self._alias} points to {index.name}: its documents are enriched {with_model}."
        if opened != self._opened:  # else a job or another follower has interrupted this one for a moment
            self._say(opened)
        self._opened = opened

    def _pooled(self, followed: Followed) -> Followed:
        """The same index, whose documents are enriched in several processes."""
        if self._last is not None and followed.enricher is self._last.enricher:
            return followed
        self._processes.close()
        enricher = self._processes.enter_context(in_processes(followed.enricher, self._workers))
        return replace(followed, enricher=enricher)

    def _close(self) -> None:
        self._give_back()
        self._followed = self._state = None
        self._tally.open(None, None)

    # ------------------------------------------------------------------ one round

    def _follow(self, index: FollowedIndex) -> bool:
        """Enrich what was written up to the checkpoints of an index. Returns whether `once` has ended."""
        assert self._followed is not None and self._state is not None
        if self._goal is None or (self._goal.name, self._goal.uuid) != (index.name, index.uuid):
            self._goal = index
        for number, shard in index.shards.items():
            self._tally.seen(number, shard.checkpoint, self._state.shard(number, shard).at)
        if _operations_left(self._state, index.shards):
            self._state = self._ledger.load(index.name)
            if _operations_left(self._state, index.shards):
                self._cluster.shards.refresh(index.name)
                self._take_turns(self._followed, index)
        self._tally.checkpoints = {number: one.at for number, one in self._state.shards.items()}
        self._tally.behind = _operations_left(self._state, index.shards)
        check_primaries(self._cluster, index, self._followed.shards)
        return not _operations_left(self._state, self._goal.shards)

    def _take_turns(self, followed: Followed, index: FollowedIndex) -> None:
        """Read one shard after the other, as long as one is free."""
        assert self._state is not None
        claims = self._claims(index.name)
        shards = _rotated(index.shards, hash(self.name))
        while True:
            taken = claims.take(self._state, shards)
            if taken is None:
                return
            self._state, claim = taken
            with claims.heartbeats(claim.fence):
                self._read(followed, claims, claim)

    def _read(self, followed: Followed, claims: ShardClaims, claim: ShardClaim) -> None:
        after = claim.after
        for page in enriched_pages(self._cluster, followed, claim, self._pace):
            written, refused = list(page.enriched.sequences), len(page.enriched.refused)
            self._state = claims.note_page(claim, page.at, written, refused)
            reached("page-noted")
            self._tally.add(claim.shard, after, page)
            after = page.at
            self._report()
            time.sleep(page.rest)
        reached("interval-done")

    def _claims(self, index: str) -> ShardClaims:
        return ShardClaims(self._ledger, index, self.name)

    def _give_back(self) -> None:
        """Give back the leases of this instance, if it holds any."""
        state = self._state
        if state is not None and any(
            one.lease is not None and one.lease.worker == self.name for one in state.shards.values()
        ):
            self._claims(state.id).give_back()


def _operations_left(state: FollowState, shards: Mapping[int, FollowedShard]) -> int:
    """How many operations of others are not read yet."""
    return sum(state.shard(number, shard).operations_left(shard) for number, shard in shards.items())


def _rotated(shards: Mapping[int, FollowedShard], by: int) -> dict[int, FollowedShard]:
    """The shards in another order, so that not all instances begin with the same one."""
    numbers = sorted(shards)
    by %= max(1, len(numbers))
    return {number: shards[number] for number in [*numbers[by:], *numbers[:by]]}
