"""What searches need to know about an index: its name, layout, mapping and shards, cached for a while."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from enricher.records import IndexLayout

MAX_AGE_SECONDS = 60.0
"""Age at which a description is read again. Hits that do not fit it make it be read earlier."""
MAX_DESCRIPTIONS = 1_000


@dataclass(frozen=True, slots=True)
class Description:
    """An index as it was when it was described. name: its own name, also if it was found by an alias."""

    name: str
    layout: IndexLayout
    mapping: Mapping[str, Any]
    shards: int

    def fits(self, hit: Mapping[str, Any]) -> bool:
        """Whether a search hit with its `_source` is of this index and valid for its layout."""
        enrichment = hit.get("_source", {}).get("enrichment")
        model = enrichment.get("model") if isinstance(enrichment, Mapping) else None
        return hit["_index"] == self.name and (model is None or model in self.layout.valid_versions)


class Descriptions:
    """Caches descriptions. Thread-safe. read: describes an index or the index of an alias."""

    def __init__(self, read: Callable[[str], Description]) -> None:
        self._read = read
        self._known: dict[str, tuple[float, Description]] = {}
        self._lock = threading.Lock()

    def recent(self, index: str) -> Description:
        """A description that is at most MAX_AGE_SECONDS old."""
        known = self._known.get(index)
        if known is not None and time.monotonic() - known[0] < MAX_AGE_SECONDS:
            return known[1]
        return self.fresh(index)

    def fresh(self, index: str) -> Description:
        """A description that is read now."""
        started = time.monotonic()
        found = self._read(index)
        with self._lock:
            if len(self._known) >= MAX_DESCRIPTIONS:
                self._known.clear()
            self._known[index] = started, found
        return found

    def forget(self) -> None:
        """Read every index again when it is described next."""
        with self._lock:
            self._known.clear()
