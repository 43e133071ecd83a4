"""What an index held a moment ago, so that what was deleted since is found without reading all of it again.

Documents of a shard are noted in the order of their sequence numbers, in buckets. A document that was
deleted, or written anew, is missing from its bucket; one aggregation tells which lack any, and only these are
read.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path

from indexer.engines.elasticsearch.copies import Bucket, Copies, Key, VersionedDocument

MOST_BUCKETS = 10_000
"""Of a shard; the server answers 65,536 at once."""
SMALLEST = 10
"""Documents of a bucket, or more where there would be too many buckets."""


@dataclass(slots=True)
class _Shard:
    """The buckets of a shard, and where each begins in its file."""

    file: TextIOWrapper
    size: int
    buckets: list[Bucket] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)


class Census:
    """The ids of an index as they were read, in files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shards: dict[int, _Shard] = {}

    def noted(
        self, shard: int, documents: Iterable[VersionedDocument], count: int
    ) -> Iterator[VersionedDocument]:
        """Note the documents of a shard, at most `count`, in the order of their numbers, as they pass."""
        file = (self._folder / f"census-{shard}").open("w+", encoding="utf-8")
        kept = self._shards[shard] = _Shard(file, max(SMALLEST, -(-count // MOST_BUCKETS)))
        for place, one in enumerate(documents):
            if place % kept.size == 0:
                kept.offsets.append(file.tell())
                kept.buckets.append(Bucket(one.sequence, one.sequence, 0))
            last = kept.buckets[-1]
            kept.buckets[-1] = Bucket(last.first, one.sequence, last.documents + 1)
            file.write(json.dumps([one.id, one.routing]) + "\n")
            yield one

    def deleted(self, copies: Copies, index: str) -> Iterator[list[Key]]:
        """The documents that were there and are not now, shard by shard. The index must be refreshed."""
        for shard, kept in self._shards.items():
            counts = copies.counts(index, shard, kept.buckets)
            touched = [n for n, bucket in enumerate(kept.buckets) if counts[n] < bucket.documents]
            present = copies.keys_of(index, shard, [kept.buckets[n] for n in touched])
            gone = [key for n in touched for key in self._keys(kept, n) if key not in present]
            found = {one.key for one in copies.found(index, gone)}
            yield [key for key in gone if key not in found]

    @staticmethod
    def _keys(kept: _Shard, bucket: int) -> Iterator[Key]:
        kept.file.seek(kept.offsets[bucket])
        for _ in range(kept.buckets[bucket].documents):
            name, routing = json.loads(kept.file.readline())
            yield name, routing

    def close(self) -> None:
        """Close the files; whoever made the folder removes it."""
        for kept in self._shards.values():
            kept.file.close()
