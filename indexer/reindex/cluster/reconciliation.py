"""How a target differs from its source. Deletes leave no trace in a search, so both indexes are compared.

The documents of a shard are compared by id, routing and version, in parts that fit in memory: a hash of the
id assigns each document to one of several files. The target is read first, so a document that it has and the
source lacks was deleted.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

Placed = tuple[int, VersionedDocument]
"""A document and the number of its shard."""
RefusedSequences = Mapping[Key, int]
"""The key of a document that the target refused → the sequence number at which it was refused."""


@dataclass(slots=True)
class Differences:
    """How one part of a shard differs.

    shard: of the target for `gone` and `kept`, of the source for `missing`. gone: copies whose document was
    deleted, or is refused in its present state. missing: the lowest sequence number of a document that should
    have been copied and was not; None if there is none. kept: how many documents of the target are no copies,
    and stay.
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
    source_shards: Shards,
    target_shards: Shards,
    source: str,
    target: str,
    cursors: Mapping[int, int],
    rules: Rules,
    snapshot: IdSnapshot | None = None,
    max_part_documents: int = MAX_PART_DOCUMENTS,
    *,
    is_aligned: bool = True,
) -> Iterator[Differences]:
    """Compare two indexes, part by part; both are refreshed.

    source_shards, target_shards: read the shards of the cluster of each index. cursors: shard → the sequence
    number up to which the source was copied; newer documents are left to the next pass. snapshot: records the
    ids of the source. is_aligned: whether both indexes put each document into the shard of the same number;
    else all shards are compared at once.
    """
    target_shards.refresh(target)
    numbers = sorted(source_shards.points(source))
    parts = 1 + target_shards.count(target) // max_part_documents
    groups = [([number], [number]) for number in numbers]
    if not is_aligned:
        groups = [(numbers, sorted(target_shards.points(target)))]

    def present(shards: Sequence[int]) -> Iterator[Placed]:
        for shard in shards:
            checkpoint = source_shards.points(source)[shard].checkpoint
            source_shards.refresh(source)
            identities = source_shards.identities(source, shard, checkpoint)
            if snapshot is not None:
                identities = snapshot.recorded(shard, identities, source_shards.count(source))
            yield from ((shard, one) for one in identities)

    def copied(shards: Sequence[int]) -> Iterator[Placed]:
        for shard in shards:
            yield from ((shard, one) for one in target_shards.identities(target, shard))

    for of_source, of_target in groups:
        with TemporaryDirectory() as folder:
            right = _parted(copied(of_target), Path(folder, "target"), parts)
            left = _parted(present(of_source), Path(folder, "source"), parts)
            for one, other in zip(left, right, strict=True):
                yield from _compare_part(of_source, one, other, cursors, rules)


def _compare_part(
    shards: Sequence[int],
    source: Iterable[Placed],
    target: Iterable[Placed],
    cursors: Mapping[int, int],
    rules: Rules,
) -> Iterator[Differences]:
    """Yield the differences of every shard of the source, also if there are none, and of others."""
    found = {shard: Differences(shard) for shard in shards}

    def of(shard: int) -> Differences:
        return found.setdefault(shard, Differences(shard))

    copied: dict[Key, Placed] = {one.key: (shard, one) for shard, one in target}
    for shard, document in source:
        place, copy = copied.pop(document.key, (shard, None))
        if document.sequence > cursors.get(shard, -1):
            continue  # the next pass copies it
        if copy is not None and rules.is_current(document, copy):
            continue
        if rules.refused.get(document.key) != document.sequence:
            missing = of(shard).missing
            of(shard).missing = document.sequence if missing is None else min(missing, document.sequence)
        elif copy is not None:  # a copy of what the document was before
            of(place).gone.append(copy)
    for place, copy in copied.values():
        if rules.is_own(place, copy):
            of(place).kept += 1
        else:
            of(place).gone.append(copy)
    yield from found.values()


def _parted(documents: Iterable[Placed], folder: Path, parts: int) -> list[Iterator[Placed]]:
    """Write documents to as many files as there are parts, by a hash of the id; each is read again later."""
    folder.mkdir()
    paths = [folder / str(part) for part in range(parts)]
    with ExitStack() as open_files:
        files = [open_files.enter_context(path.open("w", encoding="utf-8")) for path in paths]
        for shard, one in documents:
            line = json.dumps([shard, one.id, one.routing, one.sequence, one.term, one.version])
            files[zlib.crc32(one.id.encode()) % parts].write(line + "\n")
    return [_read(path) for path in paths]


def _read(path: Path) -> Iterator[Placed]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            shard, *identity = json.loads(line)
            yield shard, VersionedDocument(*identity)
