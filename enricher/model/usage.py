"""The tables of a bundle that say how words are used, and their look-ups.

    phrase_keys.npy        uint64 (n,), sorted: words and phrases of up to LONGEST words
    phrase_documents.npy   uint32 (n,): sampled documents that hold each
    phrase_freedom.npy     float32 (n,): the lower entropy of its neighbours, left or right, in nats
    role_keys.npy          uint64 (m,), sorted: English words, and endings of words as `-ing`
    role_shares.npy        float32 (m, 4): shares of their occurrences (`Role`)

A key is a hash of 64 bits: two phrases of a large model share one with a probability of 1e-6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enricher.errors import BundleInvalid
from enricher.model.arrays import FloatArray, IntArray, mapped, save

Keys = NDArray[np.uint64]

LONGEST = 5
"""Words of the longest phrase."""
ENDINGS = (4, 3, 2)
"""Letters of the endings that tell how an unknown word is used; the longest that is known counts."""
ANY = ""
"""The ending of every word."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class Role(IntEnum):
    """In what company a word stands: columns of the shares.

    BEFORE, AFTER: of a lexical word that touches it. DETERMINED: after a determiner, as nouns and
    adjectives do. VERBAL: after `to`, an auxiliary or a pronoun, or before a determiner, as verbs do.
    """

    BEFORE = 0
    AFTER = 1
    DETERMINED = 2
    VERBAL = 3


@dataclass(frozen=True, slots=True)
class Usage:
    """How words are used. documents: sampled, from which the tables were made."""

    documents: int
    keys: Keys
    frequencies: NDArray[np.uint32]
    freedom: FloatArray
    role_keys: Keys
    role_shares: FloatArray

    @classmethod
    def open(cls, folder: Path, documents: int) -> "Usage":
        """Map the tables of a folder; BundleInvalid where they cannot be read or do not fit."""
        try:
            usage = cls(documents, **{field: mapped(folder / name) for field, name in FILES.items()})
        except (OSError, ValueError) as error:
            raise BundleInvalid(f"The phrases of the model {folder.name} cannot be read.") from error
        sizes = {len(usage.keys), len(usage.frequencies), len(usage.freedom)}
        if len(sizes) > 1 or usage.role_shares.shape != (len(usage.role_keys), len(Role)):
            raise BundleInvalid(f"The phrases of the model {folder.name} differ in number.")
        return usage

    def write(self, folder: Path) -> None:
        """Write the tables to a folder."""
        for field, name in FILES.items():
            save(folder / name, getattr(self, field))

    def find(self, keys: Keys) -> IntArray:
        """The rows of phrases, int32 (k,), −1 where one is not known."""
        return _find(self.keys, keys)

    def roles(self, word: str) -> FloatArray:
        """The shares of a word, float32 (4,); of an unknown one those of words that end as it does."""
        endings = [word[-letters:] for letters in ENDINGS if len(word) > letters]
        names = [word, *(f"-{ending}" for ending in endings), f"-{ANY}"]
        rows = _find(self.role_keys, np.array([key_of(name) for name in names], np.uint64))
        known = rows[rows >= 0]
        if not len(known):
            return np.zeros(len(Role), np.float32)
        return np.asarray(self.role_shares[known[0]], np.float32)


FILES = {
    "keys": "phrase_keys.npy",
    "frequencies": "phrase_documents.npy",
    "freedom": "phrase_freedom.npy",
    "role_keys": "role_keys.npy",
    "role_shares": "role_shares.npy",
}
"""Field → file."""


def key_of(word: str) -> int:
    """The key of a single word."""
    digest = blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def longer(keys: Keys, following: Keys) -> Keys:
    """The keys of phrases that go on with one more word."""
    return np.asarray(keys * _MULTIPLIER + following, np.uint64)


def phrase_keys(words: Keys) -> list[Keys]:
    """The keys of all phrases of 1 to LONGEST words, by length, each list by its first word: uint64 (n,)
    gives n, n − 1, … of them.
    """
    found: list[Keys] = [words]
    for length in range(2, min(LONGEST, len(words)) + 1):
        found.append(longer(found[-1][:-1], words[length - 1 :]))
    return found


def _find(table: Keys, keys: Keys) -> IntArray:
    if not len(table):
        return np.full(len(keys), -1, np.int32)
    rows = np.minimum(np.searchsorted(table, keys), len(table) - 1)
    return np.where(table[rows] == keys, rows, -1).astype(np.int32)


def sorted_rows(keys: Sequence[int]) -> tuple[Keys, IntArray]:
    """Keys in their order in a table, and the places where they came from."""
    unsorted = np.array(keys, np.uint64)
    order = np.argsort(unsorted)
    return unsorted[order], order.astype(np.int32)
