"""What sets a copy apart from its source: deletes leave no trace in a search.

Documents of a shard are compared by id, routing and version, in parts that fit in memory: each goes by a hash
of its id to one of several files. The copy is read first, so that what the source lacks was deleted.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from indexer.engines.elasticsearch.copies import Copies, Key, VersionedDocument
from indexer.reindex.cluster.id_snapshot import Census

PART = 200_000
"""Documents of a shard that are compared at once."""

Refused = Mapping[Key, int]
"""What the target refused → its sequence number."""


@dataclass(slots=True)
class Differences:
    """Of a part of a shard. gone: copies of documents that were deleted, or are refused as they are now.
    missing: the lowest sequence number of a document that should have been copied and was not. kept: how many
    documents of the target are no copies, and stay.
    """

    shard: int
    gone: list[VersionedDocument] = field(default_factory=list)
    missing: int | None = None
    kept: int = 0


class Rules(NamedTuple):
    """What a difference is. is_current: whether the second is as new a copy of the first. is_own: whether a
    document of a shard of the target is no copy.
    """

    refused: Refused
    is_current: Callable[[VersionedDocument, VersionedDocument], bool]
    is_own: Callable[[int, VersionedDocument], bool] = lambda shard, document: False


def compare(
    copies: Copies,
    source: str,
    target: str,
    cursors: Mapping[int, int],
    rules: Rules,
    census: Census | None = None,
    part: int = PART,
) -> Iterator[Differences]:
    """Compare two indexes, part by part; cursors say up to which number the source was copied.

    census: notes what the source held.
    """
    copies.refresh(target)
    parts = 1 + copies.count(target) // part
    for shard in sorted(copies.points(source)):
        with TemporaryDirectory() as folder:
            theirs = _parted(copies.identities(target, shard), Path(folder, "target"), parts)
            checkpoint = copies.points(source)[shard].checkpoint
            copies.refresh(source)
            identities = copies.identities(source, shard, checkpoint)
            if census is not None:
                identities = census.noted(shard, identities, copies.count(source))
            ours = _parted(identities, Path(folder, "source"), parts)
            for left, right in zip(ours, theirs, strict=True):
                yield _compared(shard, left, right, cursors.get(shard, -1), rules)


def _compared(
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
        elif copy is not None:  # of what it was before
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
    """Documents by a hash of their ids, in files that are read again one by one."""
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
