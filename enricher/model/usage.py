"""Usage statistics of words and phrases in the training text, stored as tables of a bundle.

    phrase_keys.npy        uint64 (n,), sorted: keys of words and phrases of up to MAX_PHRASE_WORDS words
    phrase_documents.npy   uint32 (n,): document frequency in the sample
    phrase_freedom.npy     float32 (n,): boundary entropy: the lower of the entropies of the left and right
                           neighbors, in nats
    role_keys.npy          uint64 (m,), sorted: keys of English words, and of word endings such as `-ing`
    role_shares.npy        float32 (m, 4): shares of their occurrences by context (`Role`)

A key is a 64-bit hash. Two phrases of a large model have the same key with a probability of 1e-6.
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

MAX_PHRASE_WORDS = 5
"""Maximum words of a phrase."""
ENDING_LETTERS = (4, 3, 2)
"""Lengths of the endings that estimate the use of an unknown word. The longest known ending counts."""
ANY_ENDING = ""
"""The empty ending, which every word has."""
MAX_BUCKET_BITS = 16
"""Maximum bits of a key by which the phrases are divided into buckets."""

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class Role(IntEnum):
    """Contexts of a word; the columns of the shares.

    BEFORE, AFTER: directly before, or after, a lexical word. DETERMINED: after a determiner, like nouns and
    adjectives. VERBAL: after `to`, an auxiliary or a pronoun, or before a determiner, like verbs.
    """

    BEFORE = 0
    AFTER = 1
    DETERMINED = 2
    VERBAL = 3


@dataclass(frozen=True, slots=True)
class Usage:
    """The opened tables. documents: number of documents in the sample."""

    documents: int
    keys: Keys
    frequencies: NDArray[np.uint32]
    boundary_entropy: FloatArray
    role_keys: Keys
    role_shares: FloatArray

    @classmethod
    def open(cls, folder: Path, documents: int) -> "Usage":
        """Map the tables in a folder. Raises BundleInvalid if they cannot be read or differ in length."""
        try:
            usage = cls(documents, **{field: mapped(folder / name) for field, name in FILES.items()})
        except (OSError, ValueError) as error:
            raise BundleInvalid(f"The phrases of the model {folder.name} cannot be read.") from error
        sizes = {len(usage.keys), len(usage.frequencies), len(usage.boundary_entropy)}
        if len(sizes) > 1 or usage.role_shares.shape != (len(usage.role_keys), len(Role)):
            raise BundleInvalid(f"The phrases of the model {folder.name} differ in number.")
        return usage

    def write(self, folder: Path) -> None:
        """Write the tables to a folder."""
        for field, name in FILES.items():
            save(folder / name, getattr(self, field))

    def find(self, keys: Keys) -> IntArray:
        """The rows of k phrases, int32 (k,); −1 for unknown phrases."""
        return _find(self.keys, keys)

    def knows(self, words: Sequence[str]) -> bool:
        """Whether some words in a row are a phrase of the training text."""
        if not 1 <= len(words) <= MAX_PHRASE_WORDS:
            return False
        keys = phrase_keys(np.array([key_of(word) for word in words], np.uint64))[-1]
        return bool(self.find(keys)[0] >= 0)

    def roles(self, word: str) -> FloatArray:
        """The context shares of a word, float32 (4,); for an unknown word, those of its ending."""
        endings = [word[-letters:] for letters in ENDING_LETTERS if len(word) > letters]
        names = [word, *(f"-{ending}" for ending in endings), f"-{ANY_ENDING}"]
        rows = _find(self.role_keys, np.array([key_of(name) for name in names], np.uint64))
        known = rows[rows >= 0]
        if not len(known):
            return np.zeros(len(Role), np.float32)
        return np.asarray(self.role_shares[known[0]], np.float32)


@dataclass(frozen=True, slots=True)
class PhraseTable:
    """The phrases of `Usage` in the form that compiled loops search.

    keys: uint64 (n,), sorted. entropies: float32 (n,). buckets: int64, the first row of the keys with each
    value of their highest bits. shift: the number of the other bits.
    """

    keys: Keys
    entropies: FloatArray
    buckets: NDArray[np.int64]
    shift: np.uint64

    @classmethod
    def of(cls, usage: Usage | None) -> "PhraseTable":
        """The phrases of a model; an empty table if it has none."""
        keys = np.empty(0, np.uint64) if usage is None else usage.keys
        entropies = np.empty(0, np.float32) if usage is None else usage.boundary_entropy
        bits = max(1, min(MAX_BUCKET_BITS, len(keys).bit_length()))
        shift = np.uint64(64 - bits)
        firsts = np.arange(2**bits, dtype=np.uint64) << shift
        return cls(keys, entropies, np.append(np.searchsorted(keys, firsts), len(keys)), shift)


FILES = {
    "keys": "phrase_keys.npy",
    "frequencies": "phrase_documents.npy",
    "boundary_entropy": "phrase_freedom.npy",
    "role_keys": "role_keys.npy",
    "role_shares": "role_shares.npy",
}
"""Field → file name."""


def key_of(word: str) -> int:
    """The key of a single word."""
    digest = blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def extended_keys(keys: Keys, following: Keys) -> Keys:
    """The keys of phrases extended by one word."""
    return np.asarray(keys * MULTIPLIER + following, np.uint64)


def phrase_keys(words: Keys) -> list[Keys]:
    """The keys of all phrases of 1, 2, … MAX_PHRASE_WORDS words in a sequence of n words.

    words: uint64 (n,), the keys of the words. Returns arrays of n, n − 1, … keys, ordered by the first word.
    """
    found: list[Keys] = [words]
    for length in range(2, min(MAX_PHRASE_WORDS, len(words)) + 1):
        found.append(extended_keys(found[-1][:-1], words[length - 1 :]))
    return found


def _find(table: Keys, keys: Keys) -> IntArray:
    if not len(table):
        return np.full(len(keys), -1, np.int32)
    rows = np.minimum(np.searchsorted(table, keys), len(table) - 1)
    return np.where(table[rows] == keys, rows, -1).astype(np.int32)


def sorted_rows(keys: Sequence[int]) -> tuple[Keys, IntArray]:
    """Sort keys for a table. Returns the sorted keys, and the original index of each."""
    unsorted = np.array(keys, np.uint64)
    order = np.argsort(unsorted)
    return unsorted[order], order.astype(np.int32)
