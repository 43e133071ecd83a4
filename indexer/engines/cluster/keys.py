"""How the requests of one search name documents.

An `_id` is stored beside `_source`, so reading the ids of 1,000 hits decompresses as many stored documents:
that takes longer than the search itself. Sequence numbers and vectors stand in doc values, which are read
much faster. A sequence number is unique in a shard. In an index of several shards the vector tells documents
of equal numbers apart; where even that does not, the search starts again with ids.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from enricher.model.text_vectors.vectors import Codes, from_stored
from enricher.records import ENRICHMENT, VECTOR
from enricher.search.fusion import MAX_CANDIDATES, MAX_SCORED_DOCUMENTS
from indexer.engines.cluster.mapping import VECTOR_CODES, has_vector_codes
from indexer.engines.fields import at

PATH = f"{ENRICHMENT}.{VECTOR}"
CODES_PATH = f"{ENRICHMENT}.{VECTOR_CODES}"
SEQUENCE = "_seq_no"

Key = tuple[str | int | bytes, ...]
"""Names a document in the requests of one search."""


class Ambiguous(Exception):
    """Two documents have the same key."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The form of the keys of an index.

    by_id: whether a key is an `_id`, and not a sequence number with the vector. with_codes: whether vectors
    are read from `vector_codes`, and not from `_source`.
    """

    by_id: bool
    with_codes: bool

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> "Keys":
        """The fastest form for an index with this mapping."""
        with_codes = has_vector_codes(mapping)
        return cls(not with_codes, with_codes)

    @property
    def max_scored(self) -> int:
        """Number of best documents by words that a search asks for. Reading ids makes them expensive."""
        return MAX_CANDIDATES if self.by_id else MAX_SCORED_DOCUMENTS

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of a search whose hits have a key and a vector, but no document."""
        if not self.by_id:
            return {"stored_fields": "_none_", **self.fields}
        if self.with_codes:
            return {"_source": False, **self.fields}
        # The full path is needed: some releases omit vectors if `includes` is a pattern.
        return {"_source": {"includes": [PATH]}}

    @property
    def fields(self) -> dict[str, Any]:
        """The parameters of a search whose hits also have a key."""
        fields = [] if self.by_id else [SEQUENCE]
        fields += [CODES_PATH] if self.with_codes else []
        return {"docvalue_fields": fields} if fields else {}

    def of_hit(self, hit: Mapping[str, Any]) -> Key:
        """The key of a hit."""
        if self.by_id:
            return str(hit["_index"]), str(hit["_id"])
        fields = hit["fields"]
        return str(hit["_index"]), int(fields[SEQUENCE][0]), fields.get(CODES_PATH, ("",))[0]

    def codes_of(self, hit: Mapping[str, Any]) -> Codes | None:
        """The vector of a hit; None if it is missing or invalid."""
        if self.with_codes:
            return decoded(hit.get("fields", {}).get(CODES_PATH))
        with suppress(ValueError):
            return from_stored(at(hit.get("_source", {}), PATH))
        return None

    def vectors(self, hits: Iterable[Mapping[str, Any]]) -> dict[Key, Codes | None]:
        """The vectors of hits by their keys. Raises Ambiguous."""
        found: dict[Key, Codes | None] = {}
        for hit in hits:
            key = self.of_hit(hit)
            if key in found:
                raise Ambiguous
            found[key] = self.codes_of(hit)
        return found

    def only(self, keys: Sequence[Key]) -> dict[str, Any]:
        """The query for the documents of the keys. Other shards may have documents of equal numbers."""
        if self.by_id:
            return {"ids": {"values": [key[1] for key in keys]}}
        return {"terms": {SEQUENCE: [key[1] for key in keys]}}


def decoded(values: Sequence[str] | None) -> Codes | None:
    """The vector in the doc values of `vector_codes`; None if there is none."""
    # OpenSearch leaves the padding out; more of it than needed is ignored.
    return np.frombuffer(base64.b64decode(f"{values[0]}=="), np.int8) if values else None
