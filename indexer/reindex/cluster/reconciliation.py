"""How a target differs from its source. Deletes leave no trace in a search, so both indexes are compared.

The documents of a shard are compared by id, routing and version, in parts that fit in memory: a hash of the
id assigns each document to one of several files. The target is read first, so a document that it has and the
source lacks was deleted.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from indexer.engines.cluster.jobs.shards import Shards
from indexer.engines.cluster.jobs.versioned import Key, VersionedDocument
from indexer.reindex.cluster.id_snapshot import IdSnapshot

MAX_PART_DOCUMENTS = 200_000
"""Documents of the target that are compared at once, about."""

RefusedSequences = Mapping[Key, int]
"""The key of a document that the target refused → the sequence number at which it was refused."""


@dataclass(slots=True)
class Differences:
    """How one part of a shard differs.

    gone: copies whose document was deleted, or is refused in its present state. missing: the lowest sequence
    number of a document that should have been copied and was not; None if there is none. kept: how many
    documents of the target are no copies, and stay.
    """

    shard: int
    gone: list[VersionedDocument] = field(default_factory=list)
    missing: int | None = None
    kept: int = 0


class Rules(NamedTuple):
    """What counts as a difference.

    refused: what the target refused. is_current: whether the second document, a copy, is up to date with the
    first. is_own: whether a document of a shard of the target is no copy.
    """

    refused: RefusedSequences
    is_current: Callable[[VersionedDocument, VersionedDocument], bool]
    is_own: Callable[[int, VersionedDocument], bool] = lambda shard, document: False


def compare(
    shards: Shards,
    source: str,
    target: str,
    cursors: Mapping[int, int],
    rules: Rules,
    snapshot: IdSnapshot | None = None,
    max_part_documents: int = MAX_PART_DOCUMENTS,
) -> Iterator[Differences]:
    """Compare two indexes, part by part; both are refreshed.

    cursors: shard → the sequence number up to which the source was copied; newer documents are left to the
    next pass. snapshot: records the ids of the source.
    """
    shards.refresh(target)
    parts = 1 + shards.count(target) // max_part_documents
    for shard in sorted(shards.points(source)):
        with TemporaryDirectory() as folder:
            copied = _parted(shards.identities(target, shard), Path(folder, "target"), parts)
            checkpoint = shards.points(source)[shard].checkpoint
            shards.refresh(source)
            identities = shards.identities(source, shard, checkpoint)
            if snapshot is not None:
                identities = snapshot.recorded(shard, identities, shards.count(source))
            present = _parted(identities, Path(folder, "source"), parts)
            for left, right in zip(present, copied, strict=True):
                yield _compare_part(shard, left, right, cursors.get(shard, -1), rules)


def _compare_part(
    shard: int,
    source: Iterable[VersionedDocument],
    target: Iterable[VersionedDocument],
    cursor: int,
    rules: Rules,
) -> Differences:
    found = Differences(shard)
    copied: dict[Key, VersionedDocument] = {one.key: one for one in target}
    for document in source:
        copy = copied.pop(document.key, None)
        if document.sequence > cursor:
            continue  # the next pass copies it
        if copy is not None and rules.is_current(document, copy):
            continue
        if rules.refused.get(document.key) != document.sequence:
            known = document.sequence if found.missing is None else found.missing
            found.missing = min(known, document.sequence)
        elif copy is not None:  # a copy of what the document was before
            found.gone.append(copy)
    for copy in copied.values():
        if rules.is_own(shard, copy):
            found.kept += 1
        else:
            found.gone.append(copy)
    return found


def _parted(
    documents: Iterable[VersionedDocument], folder: Path, parts: int
) -> list[Iterator[VersionedDocument]]:
    """Write documents to as many files as there are parts, by a hash of the id; each is read again later."""
    folder.mkdir()
    paths = [folder / str(part) for part in range(parts)]
    with ExitStack() as open_files:
        files = [open_files.enter_context(path.open("w", encoding="utf-8")) for path in paths]
        for one in documents:
            line = json.dumps([one.id, one.routing, one.sequence, one.term, one.version])
            files[zlib.crc32(one.id.encode()) % parts].write(line + "\n")
    return [_read(path) for path in paths]


def _read(path: Path) -> Iterator[VersionedDocument]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield VersionedDocument(*json.loads(line))
