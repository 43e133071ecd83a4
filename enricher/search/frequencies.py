"""Document frequencies of query terms, asked for together and kept for a while."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from enricher.records import Frequencies, IndexLayout, SearchEngine

MAX_AGE_SECONDS = 60.0
"""Age at which frequencies are read again. A few new documents change a ranking little."""
MAX_TERMS = 200_000
"""Maximum terms that are kept, about 100 bytes each."""


class KnownFrequencies:
    """Caches the document frequencies of terms in the field families of an index. Thread-safe."""

    def __init__(self, engine: SearchEngine, index: str, layout: IndexLayout) -> None:
        self._engine, self._index, self._layout = engine, index, layout
        self._lock = threading.Lock()
        self._known: dict[str, _Counts] = {}
        self._since = time.monotonic()

    def of(self, family: str, terms: Sequence[str]) -> Frequencies:
        """The document frequencies of terms in the first scored field of a family; 0 without such a field."""
        for field in self._layout.family(family)[:1]:
            known = self._read({field: terms})[field]
            return Frequencies(known.documents, tuple(known.counts[term] for term in terms))
        return Frequencies(0, (0,) * len(terms))

    def load(self, terms: Mapping[str, Sequence[str]]) -> None:
        """Ask for all unknown terms at once. terms: by field family."""
        wanted: dict[str, list[str]] = {}
        for family, asked in terms.items():
            for field in self._layout.family(family)[:1]:
                wanted.setdefault(field, []).extend(asked)
        self._read(wanted)

    def _read(self, terms: Mapping[str, Sequence[str]]) -> Mapping[str, "_Counts"]:
        known, unknown = self._current(), dict[str, list[str]]()
        for field, asked in terms.items():
            counts = known[field].counts if field in known else {}
            lacking = [term for term in dict.fromkeys(asked) if term not in counts]
            if lacking or field not in known:
                unknown[field] = lacking
        if unknown:
            for field, found in self._engine.frequencies(self._index, unknown).items():
                held = known.setdefault(field, _Counts(found.documents, {}))
                held.documents = found.documents
                held.counts.update(zip(unknown[field], found.counts, strict=True))
        return known

    def _current(self) -> dict[str, "_Counts"]:
        """What is known, if it is neither too old nor too large. Callers add to it."""
        with self._lock:
            size = sum(len(field.counts) for field in self._known.values())
            if time.monotonic() - self._since > MAX_AGE_SECONDS or size > MAX_TERMS:
                self._known, self._since = {}, time.monotonic()
            return self._known


@dataclass(slots=True)
class _Counts:
    """The number of documents with a field, and the document frequencies of its terms."""

    documents: int
    counts: dict[str, int]
