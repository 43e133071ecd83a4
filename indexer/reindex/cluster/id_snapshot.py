"""The ids of an index at one moment, from which deleted documents are found without reading the index again.

The documents of a shard are recorded in the order of their sequence numbers, in buckets. A document that was
deleted or written since is missing from its bucket. One aggregation counts all buckets; only those that lack
documents are read.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path

from indexer.engines.cluster.jobs.documents import Documents
from indexer.engines.cluster.jobs.shards import Bucket, Shards
from indexer.engines.cluster.jobs.versioned import Key, VersionedDocument

MAX_BUCKETS = 10_000
"""Buckets of a shard; the server answers at most 65,536 at once."""
MIN_BUCKET_DOCUMENTS = 10
"""Documents of a bucket; more if there would be more than MAX_BUCKETS."""


@dataclass(slots=True)
class _Shard:
    """The buckets of a shard, the documents per bucket, and the offset in the file at which each begins."""

    file: TextIOWrapper
    size: int
    buckets: list[Bucket] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)


class IdSnapshot:
    """The ids of an index, kept in one file per shard in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shards: dict[int, _Shard] = {}

    def recorded(
        self, shard: int, documents: Iterable[VersionedDocument], count: int
    ) -> Iterator[VersionedDocument]:
        """Record the documents of a shard while they pass through.

        documents: in the order of their sequence numbers. count: how many there are at most.
        """
        file = (self._folder / f"shard-{shard}").open("w+", encoding="utf-8")
        kept = self._shards[shard] = _Shard(file, max(MIN_BUCKET_DOCUMENTS, -(-count // MAX_BUCKETS)))
        for place, one in enumerate(documents):
            if place % kept.size == 0:
                kept.offsets.append(file.tell())
                kept.buckets.append(Bucket(one.sequence, one.sequence, 0))
            last = kept.buckets[-1]
            kept.buckets[-1] = Bucket(last.first, one.sequence, last.documents + 1)
            file.write(json.dumps([one.id, one.routing]) + "\n")
            yield one

    def deleted(self, shards: Shards, documents: Documents, index: str) -> Iterator[list[Key]]:
        """Find the recorded documents that no longer exist, shard by shard. The index must be refreshed."""
        for shard, kept in self._shards.items():
            counts = shards.counts(index, shard, kept.buckets)
            touched = [n for n, bucket in enumerate(kept.buckets) if counts[n] < bucket.documents]
            present = shards.keys_of(index, shard, [kept.buckets[n] for n in touched])
            gone = [key for n in touched for key in self._keys(kept, n) if key not in present]
            found = {one.key for one in documents.found(index, gone)}
            yield [key for key in gone if key not in found]

    @staticmethod
    def _keys(kept: _Shard, bucket: int) -> Iterator[Key]:
        kept.file.seek(kept.offsets[bucket])
        for _ in range(kept.buckets[bucket].documents):
            name, routing = json.loads(kept.file.readline())
            yield name, routing

    def close(self) -> None:
        """Close the files. The caller removes the folder."""
        for kept in self._shards.values():
            kept.file.close()
