"""What sets a copy apart from its source: deletes leave no trace in a search.

Documents of a shard are compared by id, routing and version, in parts that fit in memory: each goes by a hash
of its id to one of several files. The copy is read first, so that what the source lacks was deleted.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from indexer.engines.elasticsearch_copies import Copies, VersionedDocument

PART = 500_000
"""Documents of a shard that are compared at once."""
LATEST = 2**62

Key = tuple[str, str | None]
Refused = Mapping[tuple[int, str, str | None], int]
"""Shard, id and routing of what the target refused → its sequence number."""


@dataclass(slots=True)
class Differences:
    """gone: of each shard the copies of documents that were deleted. missing: of each the lowest sequence
    number of a document that should have been copied and was not.
    """

    gone: dict[int, list[VersionedDocument]] = field(default_factory=dict)
    missing: dict[int, int] = field(default_factory=dict)


def compare(
    copies: Copies,
    source: str,
    target: str,
    cursors: Mapping[int, int],
    refused: Refused,
    part: int = PART,
) -> Differences:
    """Compare two indexes, shard by shard; cursors say up to which number the source was copied."""
    found = Differences()
    copies.refresh(target)
    parts = 1 + copies.count(target) // part
    for shard in sorted(copies.points(source)):
        with TemporaryDirectory() as folder:
            theirs = _parted(copies.identities(target, shard, LATEST), Path(folder, "target"), parts)
            checkpoint = copies.points(source)[shard].checkpoint
            copies.refresh(source)
            ours = _parted(copies.identities(source, shard, checkpoint), Path(folder, "source"), parts)
            for left, right in zip(ours, theirs, strict=True):
                _compare_part(found, shard, left, right, cursors.get(shard, -1), refused)
    return found


def _compare_part(
    found: Differences,
    shard: int,
    source: Iterable[VersionedDocument],
    target: Iterable[VersionedDocument],
    cursor: int,
    refused: Refused,
) -> None:
    copied: dict[Key, VersionedDocument] = {(one.id, one.routing): one for one in target}
    for document in source:
        copy = copied.pop((document.id, document.routing), None)
        if document.sequence > cursor:
            continue  # the next pass copies it
        if copy is not None and copy.version >= document.copied_version:
            continue
        if refused.get((shard, document.id, document.routing)) != document.sequence:
            found.missing[shard] = min(found.missing.get(shard, LATEST), document.sequence)
    if copied:
        found.gone.setdefault(shard, []).extend(copied.values())


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
