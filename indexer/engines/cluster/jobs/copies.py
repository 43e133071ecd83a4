"""Writes and deletes of copies, each safe to repeat, to come late, or to come from two workers at once.

A copy carries an external version: the sequence number of its document + 1, or the version of the document
where that is larger (clients that bring versions of their own). The server refuses a copy that is older than
what the target holds. Where the versions of source and target cannot be compared, a copy is written on the
condition that the target is as it was before the source was read: `write_if_unchanged`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from enricher.errors import IndexNotFound
from indexer.engines.cluster.bulk import Action, Outcome
from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.cluster.jobs.aliases import is_fencing_alias
from indexer.engines.cluster.jobs.documents import Documents
from indexer.engines.cluster.jobs.versioned import (
    Copied,
    Key,
    Line,
    Named,
    Present,
    Refused,
    VersionedDocument,
)
from indexer.engines.fields import encode


class FencedOut(IndexNotFound):
    """The fencing alias of a write no longer exists: another worker has replaced it."""


class Copies:
    """Writes and deletes the copies of a job."""

    def __init__(self, engine: ClusterEngine, documents: Documents) -> None:
        self._engine = engine
        self._documents = documents

    def write(self, fencing_alias: str, lines: Sequence[Line]) -> Copied:
        """Write copies with their external versions through a fencing alias.

        Raises FencedOut if the alias no longer exists.
        """
        heads = [{"index": _versioned(line.document, line.document.copied_version)} for line in lines]
        return self._write(fencing_alias, lines, heads)

    def write_if_unchanged(
        self, name: str, lines: Sequence[Line], seen: Mapping[Key, Present | None]
    ) -> Copied:
        """Write each document on the condition that its last operation in `name` is still the one in `seen`.

        None in `seen`: the document must not exist. name: an index or a fencing alias. Raises FencedOut if a
        fencing alias no longer exists.
        """
        heads = []
        for line in lines:
            there, head = seen[line.document.key], _head(line.document)
            heads.append({"create": head} if there is None else {"index": head | there.condition()})
        return self._write(name, lines, heads)

    def write_late(self, target: str, lines: Sequence[Line], swapped_at: Mapping[Key, int]) -> Copied:
        """Write copies after the swap; a document that a client has written or deleted since stays as it is.

        swapped_at: for each document, the sequence number of the last operation before the swap on its shard
        of the target.
        """
        kept: list[Line] = []
        heads: list[dict[str, object]] = []
        passed_over = []
        current = self._documents.current(target, [line.document for line in lines])
        for line, seen in zip(lines, current, strict=True):
            if seen is not None and seen.sequence > swapped_at[line.document.key]:
                passed_over.append(line.document)
                continue
            kept.append(line)
            if seen is None:
                heads.append({"index": _versioned(line.document, 0)})  # refused if a client has deleted it
            else:
                heads.append({"index": _head(line.document) | seen.condition()})
        copied = self._write(target, kept, heads)
        return replace(copied, passed_over=[*passed_over, *copied.passed_over])

    def delete(self, name: str, documents: Sequence[VersionedDocument]) -> int:
        """Delete copies that nobody has written since they were read, and return how many were deleted.

        name: an index or a fencing alias. Raises FencedOut if a fencing alias no longer exists.
        """
        heads = [_head(one) | one.present.condition() for one in documents]
        lines = [encode({"delete": head}) + b"\n" for head in heads]
        actions = [Action(one.id, line) for one, line in zip(documents, lines, strict=True)]
        return self._send(name, actions).results["deleted"]

    def _write(self, name: str, lines: Sequence[Line], heads: Sequence[Mapping[str, object]]) -> Copied:
        actions = [
            Action(line.document.id, encode(head) + b"\n" + line.json, line.document)
            for line, head in zip(lines, heads, strict=True)
        ]
        started = time.monotonic()
        outcome = self._send(name, actions)
        return Copied(
            len(lines) - len(outcome.conflicts) - len(outcome.refused),
            [_document_of(action) for action in outcome.conflicts],
            [Refused(_document_of(action), reason) for action, reason in outcome.refused],
            outcome.retried,
            sum(len(line.json) for line in lines),
            time.monotonic() - started,
            outcome.sequences,
        )

    def _send(self, name: str, actions: Sequence[Action]) -> Outcome:
        """Send bulk actions past the default ingest pipeline."""
        fenced = is_fencing_alias(name)
        try:
            writer = self._engine.bulk(name, alias_only=fenced, pipeline="_none", keep_sequences=True)
            return writer.run(actions)
        except IndexNotFound as error:
            raise FencedOut(str(error)) if fenced else error from error


def _document_of(action: Action) -> VersionedDocument:
    assert isinstance(action.key, VersionedDocument)
    return action.key


def _head(document: Named) -> dict[str, object]:
    head: dict[str, object] = {"_id": document.id}
    return head if document.routing is None else head | {"routing": document.routing}


def _versioned(document: VersionedDocument, version: int) -> dict[str, object]:
    return _head(document) | {"version": version, "version_type": "external"}
