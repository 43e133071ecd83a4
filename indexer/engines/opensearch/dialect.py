"""What OpenSearch says differently from other families of servers."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from enricher.errors import ConfigurationError
from enricher.model.text_vectors.vectors import Codes, to_numbers
from indexer.engines.cluster.dialect import Dialect

KNN = "index.knn"
"""An index setting: the index may have fields of vectors. It cannot be changed later."""


class OpenSearchDialect(Dialect):
    """`knn_vector` with the Lucene engine, and the query `knn`, both of the k-NN plug-in."""

    family, product = "opensearch", "OpenSearch"
    needed_settings: Mapping[str, object] = MappingProxyType({KNN: True})
    sorts_by_shard = False
    may_omit_vectors = False
    first_plain_bm25 = (3,)
    missing_types = frozenset(
        {
            "runtime", "flattened", "dense_vector", "sparse_vector", "rank_vectors", "semantic_text",
            "version", "histogram", "exponential_histogram", "aggregate_metric_double", "passthrough",
            "pattern_text", "counted_keyword", "shape", "point",
        }
    )  # fmt: skip
    vector_plugin = "opensearch-knn"
    user_path = ("_plugins", "_security", "authinfo")

    def vector_field(self, dimensions: int | None) -> dict[str, object]:
        if not dimensions:
            raise ConfigurationError(
                "OpenSearch needs the length of vectors when an index is created: the plug-in that adds them "
                "must give its dimensions."
            )
        return {
            "type": "knn_vector",
            "dimension": dimensions,
            "data_type": "byte",
            "method": {"name": "hnsw", "engine": "lucene", "space_type": "innerproduct"},
        }

    def nearest(
        self, field: str, asked: Codes, filters: Sequence[Mapping[str, Any]], number: int
    ) -> dict[str, Any]:
        nearest: dict[str, Any] = {"vector": to_numbers(asked), "k": number}
        if filters:
            nearest["filter"] = {"bool": {"filter": list(filters)}}
        return {"query": {"knn": {field: nearest}}, "size": number}

    def score_line(self, dimensions: int) -> tuple[float, float]:
        """The score is 1 + product. Those of negative products are 1 / (1 - product)."""
        return 1.0, 1.0

    def product_of(self, score: float, dimensions: int) -> int:
        return round(1 - 1 / score) if score < 1 else super().product_of(score, dimensions)

    def vector_obstacle(self, settings: Mapping[str, Any]) -> str | None:
        if settings.get(KNN) == "true":
            return None
        return f"it was created without the setting {KNN}, which cannot be changed"

    def point_in_time_path(self, index: str) -> tuple[str, ...]:
        return index, "_search", "point_in_time"

    def point_in_time_of(self, answer: Mapping[str, Any]) -> str:
        return str(answer["pit_id"])

    def closing(self, point_in_time: str) -> tuple[tuple[str, ...], dict[str, object]]:
        return ("_search", "point_in_time"), {"pit_id": [point_in_time]}
