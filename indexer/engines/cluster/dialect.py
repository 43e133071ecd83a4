"""What families of search servers say differently: vectors, points in time, and settings of an index.

A family is a subclass of `Dialect`. All that is not here is the same on every family.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from enricher.model.text_vectors.vectors import Codes


class Dialect(ABC):
    """The requests of a family where they differ from those of the others.

    family: the name of its engine. product: its name in messages. needed_settings: index settings without
    which an index holds no vectors. wanted_settings: settings that some releases of the family do not know.
    sorts_by_shard: whether hits of a point in time can be sorted by `_shard_doc`. may_omit_vectors: whether
    some releases leave vectors out of `_source` unless they are asked for. vector_plugin: the plug-in that
    every node with data needs for vectors; None if the server itself has them. missing_types: the types of
    fields that other families have, and this one lacks; "runtime" for runtime fields. first_plain_bm25: the
    first release whose BM25 leaves out the factor k1 + 1; None if none does. user_path: the request that says
    who the user is.
    """

    family: str
    product: str
    needed_settings: Mapping[str, object] = MappingProxyType({})
    wanted_settings: Mapping[str, object] = MappingProxyType({})
    sorts_by_shard: bool
    may_omit_vectors: bool
    vector_plugin: str | None = None
    missing_types: frozenset[str]
    first_plain_bm25: tuple[int, ...] | None = None
    user_path: tuple[str, ...]

    @abstractmethod
    def vector_field(self, dimensions: int | None) -> dict[str, object]:
        """The mapping of a field of vectors of 8-bit integers. dimensions: None if they are not known yet.

        Raises ConfigurationError if the family must know them.
        """

    @abstractmethod
    def nearest(
        self, field: str, asked: Codes, filters: Sequence[Mapping[str, Any]], number: int
    ) -> dict[str, Any]:
        """The search body for the nearest documents to a vector that match the filters."""

    @abstractmethod
    def score_line(self, dimensions: int) -> tuple[float, float]:
        """The score o of two vectors with product 0, and the factor f: product = (score - o) * f.

        It holds for products that are not negative.
        """

    def product_of(self, score: float, dimensions: int) -> int:
        """The dot product of two vectors, from the score of the server."""
        of_zero, factor = self.score_line(dimensions)
        return round((score - of_zero) * factor)

    def vector_obstacle(self, settings: Mapping[str, Any]) -> str | None:
        """Why an index cannot get a field of vectors, as the end of a sentence; None if it can.

        settings: of the index, by their full names.
        """
        return None

    @abstractmethod
    def point_in_time_path(self, index: str) -> tuple[str, ...]:
        """The path of the request that opens a point in time of an index."""

    @abstractmethod
    def point_in_time_of(self, answer: Mapping[str, Any]) -> str:
        """The id of a point in time, from the answer to the request that opened it."""

    @abstractmethod
    def closing(self, point_in_time: str) -> tuple[tuple[str, ...], dict[str, object]]:
        """The path and the body of the request that closes a point in time."""
