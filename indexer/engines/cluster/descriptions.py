"""What searches need to know about an index or alias: names, layout, mapping, shards. Cached for a while."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from enricher.errors import IndexChanged, IndexConflict
from enricher.records import ENRICHMENT, MODEL, IndexLayout
from enricher.records.layout_json import layout_from_json
from indexer.engines.cluster.mapping import META
from indexer.engines.names import not_enriched

MAX_AGE_SECONDS = 60.0
"""Age at which a description is read again. Hits that do not fit it make it be read earlier."""
MAX_DESCRIPTIONS = 1_000


@dataclass(frozen=True, slots=True)
class Description:
    """An index as it was when it was described, or several of one model behind an alias.

    names: the indexes, sorted. mapping: of all of them; if two map a field differently, the last counts.
    shards: of all of them together.
    """

    names: tuple[str, ...]
    layout: IndexLayout
    mapping: Mapping[str, Any]
    shards: int

    def fits(self, hit: Mapping[str, Any]) -> bool:
        """Whether a search hit with its `_source` is of this index and valid for its layout."""
        enrichment = hit.get("_source", {}).get(ENRICHMENT)
        model = enrichment.get(MODEL) if isinstance(enrichment, Mapping) else None
        return hit["_index"] in self.names and (model is None or model in self.layout.valid_versions)


def changed(index: str) -> IndexChanged:
    """The error for an index that is not what it was when the search began."""
    return IndexChanged(f"The index {index!r} was changed in the meantime; search again.")


def described(index: str, found: Mapping[str, Mapping[str, Any]]) -> Description:
    """The description of an index or alias. found: name → settings and mapping of each index behind it.

    Raises IndexConflict if an index was never enriched, or two were enriched differently.
    """
    names = tuple(sorted(found))
    layouts, mapping, shards = [], dict[str, Any](), 0
    for name in names:
        one = found[name].get("mappings", {})
        value = one.get("_meta", {}).get(META)
        if value is None:
            raise not_enriched(name, index if len(names) == 1 else None)
        layouts.append(layout_from_json(name, value))
        mapping = {**mapping, **one, "properties": _merged(mapping.get("properties", {}), one["properties"])}
        shards += int(found[name]["settings"]["index"]["number_of_shards"])
    comparable = [replace(layout, compatible=(), mixed=False) for layout in layouts]
    if any(other != comparable[0] for other in comparable):
        raise IndexConflict(
            f"The alias {index!r} points to indexes that were enriched differently ({', '.join(names)}). "
            "Search one of them, or enrich all with one model."
        )
    return Description(names, layouts[0], mapping, shards)


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of two mappings, also inside objects."""
    found = dict(first)
    for name, field in second.items():
        known = found.get(name)
        if known is not None and "properties" in known and "properties" in field:
            field = {**field, "properties": _merged(known["properties"], field["properties"])}
        found[name] = field
    return found


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
