"""Bulk writes to a cluster: requests of limited size, retried until every action has a result."""

import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from enricher.errors import EngineError, EngineUnavailable
from enricher.sentences import counted
from indexer.engines.cluster.errors import (
    Refusal,
    explain_no_answer,
    explain_refusal,
    failures,
    misfit,
    refusal,
    refusal_of,
)
from indexer.engines.cluster.server import NoAnswer, Refused, Server, Unreadable, Untrusted

CHUNK_BYTES = 8_000_000
CHUNK_ACTIONS = 1_000
DEFAULT_MAX_REQUEST_BYTES = 100_000_000
"""Default of `http.max_content_length`, the size limit of a request."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff of bulk requests. All times are in seconds.

    The pause before the n-th retry is min(`longest`, `first` · 2ⁿ⁻¹), times a random factor between 0.5
    and 1. `tries` limits the attempts for one chunk, `total` their time.
    """

    tries: int = 10
    first: float = 0.5
    longest: float = 20.0
    total: float = 300.0

    def pause(self, tried: int) -> float:
        """The pause after the given number of attempts, in seconds."""
        whole = min(self.longest, self.first * 2.0 ** (tried - 1))
        return whole * random.uniform(0.5, 1.0)


class Action(NamedTuple):
    """One operation on one document id: its lines in a bulk request, each with a line break.

    key: identifies the action for the caller, if the id is not enough.
    """

    id: str
    lines: bytes
    key: object = None


@dataclass(slots=True)
class Outcome:
    """The results of the actions.

    results: result → number of actions. conflicts: actions with a version conflict. refused: refused
    actions with their reasons. retried: how often an action was sent again because the server was busy.
    sequences: the sequence numbers of what was written, if the writer keeps them.
    """

    results: Counter[str] = field(default_factory=Counter)
    conflicts: list[Action] = field(default_factory=list)
    refused: list[tuple[Action, str]] = field(default_factory=list)
    retried: int = 0
    sequences: list[int] = field(default_factory=list)


class BulkWriter:
    """Sends actions to one index, in order, one chunk at a time.

    Writes by id are idempotent, so everything that may succeed later is retried: items and requests refused
    with 429 or 503, lost connections, and time-outs. A chunk is sent after the previous one is complete, so
    the last write of an id wins. Callers give an id at most once in a call of `run`.

    shard_timeout: seconds that the server waits for a missing shard before it refuses an item. It must be
    less than the request time-out, so that the reason is received.
    alias_only: the name must be an alias. Raises IndexNotFound if the alias was removed.
    pipeline: replaces the default ingest pipeline of the index.
    keep_sequences: whether the outcome lists the sequence number of every write.
    """

    def __init__(
        self,
        server: Server,
        index: str,
        policy: RetryPolicy,
        *,
        chunk_bytes: int = CHUNK_BYTES,
        shard_timeout: float = 10.0,
        alias_only: bool = False,
        pipeline: str | None = None,
        keep_sequences: bool = False,
    ) -> None:
        self._server = server.once
        self._index = index
        self._policy = policy
        self._chunk_bytes = chunk_bytes
        self._shard_timeout = f"{max(1, int(shard_timeout * 1000))}ms"
        self._alias_only = alias_only
        self._pipeline = pipeline
        self._keep_sequences = keep_sequences
        self._content_bytes: int | None = None

    def run(self, actions: Iterable[Action]) -> Outcome:
        """Send all actions and return their results. Raises EngineUnavailable if the retries are used up."""
        outcome = Outcome()
        for chunk in self._chunks(actions):
            self._settle(chunk, outcome)
        return outcome

    def _chunks(self, actions: Iterable[Action]) -> Iterator[list[Action]]:
        chunk: list[Action] = []
        size = 0
        for action in actions:
            full = size + len(action.lines) > self._chunk_bytes or len(chunk) >= CHUNK_ACTIONS
            if chunk and full:
                yield chunk
                chunk, size = [], 0
            chunk.append(action)
            size += len(action.lines)
        if chunk:
            yield chunk

    def _settle(self, chunk: list[Action], outcome: Outcome) -> None:
        if self._is_too_large(chunk, outcome):
            return
        waiting, tried = chunk, 0
        deadline = time.monotonic() + self._policy.total
        while True:
            last = self._send(waiting, outcome)
            if last is None:
                return
            waiting, failure = last
            outcome.retried += len(waiting)
            tried += 1
            pause = self._policy.pause(tried)
            if tried >= self._policy.tries or time.monotonic() + pause > deadline:
                break
            time.sleep(pause)
        if len(waiting) == 1 and len(waiting[0].lines) > self._chunk_bytes and self._is_size(failure):
            outcome.refused.append(
                (waiting[0], f"The document is too large for the memory of the server: {failure.reason}.")
            )
            return
        raise EngineUnavailable(
            f"{self._server.product} at {self._server.addresses} did not accept "
            f"{counted(len(waiting), 'document')} for the index {self._index!r} in {tried} tries "
            f"({failure.reason}); try again later."
        )

    def _send(self, chunk: list[Action], outcome: Outcome) -> tuple[list[Action], Refusal] | None:
        """Send a chunk once. Returns the actions to retry and the reason, or None if all have a result."""
        lines = [action.lines.rstrip(b"\n") for action in chunk]
        try:
            answer = self._server.put(
                self._index,
                "_bulk",
                body=lines,
                timeout=self._shard_timeout,
                require_alias=self._alias_only,
                pipeline=self._pipeline,
            )
        except Refused as error:
            said = refusal_of(error)
            if said.is_too_large:
                self._divide(chunk, said, outcome)
                return None
            if not said.may_pass:
                raise explain_refusal(said, self._server, self._index) from error
            return chunk, said
        except (Untrusted, Unreadable) as error:
            raise explain_no_answer(error, self._server) from error
        except NoAnswer as error:
            return chunk, Refusal(0, "", error.message)
        return self._sort_items(chunk, answer["items"], outcome)

    def _sort_items(
        self, chunk: Sequence[Action], items: Sequence[Mapping[str, Mapping[str, object]]], outcome: Outcome
    ) -> tuple[list[Action], Refusal] | None:
        again: list[Action] = []
        latest: Refusal | None = None
        for action, item in zip(chunk, items, strict=True):
            (result,) = item.values()
            if "error" not in result:
                outcome.results[str(result.get("result"))] += 1
                if self._keep_sequences:
                    outcome.sequences.append(int(str(result["_seq_no"])))
                continue
            said = refusal(int(str(result.get("status"))), result["error"])
            if said.type == "version_conflict_engine_exception":
                outcome.conflicts.append(action)
            elif said.may_pass:
                again.append(action)
                latest = said
            elif self._concerns_all(said):
                raise explain_refusal(said, self._server, self._index)
            else:
                outcome.refused.append((action, misfit(said) or said.sentence))
        return (again, latest) if latest is not None else None

    @staticmethod
    def _concerns_all(said: Refusal) -> bool:
        types = {"index_not_found_exception", "index_closed_exception", "security_exception"}
        return said.is_block or said.is_full_disk or said.type in types

    @staticmethod
    def _is_size(failure: Refusal) -> bool:
        return failure.status == 429 and failure.type in {
            "circuit_breaking_exception",
            "es_rejected_execution_exception",
            "rejected_execution_exception",
        }

    def _divide(self, chunk: list[Action], said: Refusal, outcome: Outcome) -> None:
        if len(chunk) == 1:
            outcome.refused.append((chunk[0], f"The document is too large for the server: {said.reason}."))
            return
        middle = len(chunk) // 2
        self._settle(chunk[:middle], outcome)
        self._settle(chunk[middle:], outcome)

    def _is_too_large(self, chunk: list[Action], outcome: Outcome) -> bool:
        """Refuse a document over the size limit: the server would close the connection while it is sent."""
        if len(chunk) > 1 or len(chunk[0].lines) <= self._chunk_bytes:
            return False
        if self._content_bytes is None:
            self._content_bytes = self._ask_content_bytes()
        size = len(chunk[0].lines)
        if size <= self._content_bytes:
            return False
        reason = f"The document is too large: {size} bytes, the server accepts {self._content_bytes}."
        outcome.refused.append((chunk[0], reason))
        return True

    def _ask_content_bytes(self) -> int:
        path = "nodes.*.http.max_content_length_in_bytes"
        try:
            with failures(self._server):
                nodes = self._server.get("_nodes", "http", filter_path=path).body.get("nodes", {})
        except EngineError:
            return DEFAULT_MAX_REQUEST_BYTES
        limits = [int(node["http"]["max_content_length_in_bytes"]) for node in nodes.values()]
        return min(limits, default=DEFAULT_MAX_REQUEST_BYTES)
