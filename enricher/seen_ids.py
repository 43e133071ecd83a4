"""The repeated ids of a stream of any length, counted in bounded memory."""

import hashlib
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from enricher.errors import EnricherError
from enricher.files import why_not_written
from enricher.records import Document

BLOCK_IDS = 250_000
"""Ids in memory. The others are on disk, in the folder for temporary files: 12 bytes each."""
COUNTED_IDS = 500_000
"""Ids that are counted at a time, on average."""

Hashes = NDArray[np.uint64]


class SeenIds:
    """Counts the repeated ids of a stream by hashes of eight bytes.

    Each full block of ids is sorted and written to a temporary file, which disappears with the process.
    Raises EnricherError if it cannot be written.
    """

    def __init__(self) -> None:
        self._block = array("Q")
        self._file: BinaryIO | None = None
        self._blocks = 0

    def add(self, identity: str) -> None:
        """Add the next id."""
        digest = hashlib.blake2b(identity.encode("utf-8", "replace"), digest_size=8).digest()
        self._block.append(int.from_bytes(digest))
        if len(self._block) == BLOCK_IDS:
            self._write_block()

    def watch(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Pass documents through and add their ids."""
        for document in documents:
            self.add(document.id)
            yield document

    @property
    def distinct(self) -> int:
        """The number of distinct ids."""
        return self.distinct_among(self._number)

    def distinct_among(self, first: int) -> int:
        """The number of distinct ids among the first `first` ids."""
        runs = list(self._runs(min(first, self._number)))
        parts = max(1, sum(map(len, runs)) // COUNTED_IDS)
        # The hashes of a part are those in one range, so that no id is in two parts.
        limits = [part * (2**64 // parts) for part in range(1, parts)]
        bounds = [[0, *np.searchsorted(run, np.array(limits, np.uint64)), len(run)] for run in runs]
        ranges = zip(*map(pairwise, bounds), strict=True)
        return sum(
            len(
                np.unique(
                    np.concatenate([run[start:end] for run, (start, end) in zip(runs, part, strict=True)])
                )
            )
            for part in ranges
        )

    @property
    def repeated(self) -> int:
        """The number of ids that had been added before."""
        return self._number - self.distinct

    @property
    def _number(self) -> int:
        return self._blocks * BLOCK_IDS + len(self._block)

    def _write_block(self) -> None:
        """Append the sorted hashes of the block to the file, and then their places in the block (uint32)."""
        hashes = np.frombuffer(self._block, np.uint64)
        order = np.argsort(hashes)
        try:
            self._file = self._file or tempfile.TemporaryFile()  # noqa: SIM115  (closed with this object)
            self._file.write(hashes[order].tobytes() + order.astype(np.uint32).tobytes())
            self._file.flush()
        except OSError as error:
            raise EnricherError(
                f"The ids that were read cannot be kept in {tempfile.gettempdir()!r}: "
                f"{why_not_written(error)}. Set TMPDIR to a folder with more space."
            ) from error
        self._blocks += 1
        self._block = array("Q")

    def _runs(self, first: int) -> Iterator[Hashes]:
        """The sorted hashes of the first ids, one array for each block; those on disk are memory-mapped."""
        kind = np.dtype([("hashes", "<u8", BLOCK_IDS), ("places", "<u4", BLOCK_IDS)])
        if self._file is not None:
            blocks = np.memmap(self._file, kind, "r", shape=(self._blocks,))
            whole, rest = divmod(first, BLOCK_IDS)
            for block in blocks[:whole]:
                yield block["hashes"]
            if whole < self._blocks:
                yield blocks[whole]["hashes"][blocks[whole]["places"] < rest]
                return
        yield np.sort(np.frombuffer(self._block, np.uint64)[: first - self._blocks * BLOCK_IDS])
