"""What the service counts, in the form of Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from enricher.gateway.metric_files import are_shared

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of latencies, in seconds."""


class Metrics:
    """The counters of one process. Thread-safe."""

    def __init__(self) -> None:
        self._registry = own = CollectorRegistry()
        self._requests = Counter(
            "enricher_requests", "Requests by endpoint and status.", ("endpoint", "status"), registry=own
        )
        self._seconds = Histogram(
            "enricher_request_seconds", "Duration of requests.", ("endpoint",), buckets=BUCKETS, registry=own
        )
        self._queries = Counter("enricher_queries", "Searches that were answered.", registry=own)
        self._empty = Counter("enricher_queries_without_hits", "Searches without a hit.", registry=own)
        self._added = Counter(
            "enricher_words_added", "Terms that expansion has added to queries.", registry=own
        )
        self._typed = Counter("enricher_words_typed", "Words of the queries of searches.", registry=own)
        self._unknown = Counter(
            "enricher_words_unknown", "Words of queries that the model does not know.", registry=own
        )
        self._documents = Counter("enricher_documents", "Documents that were enriched.", registry=own)
        self._held = Gauge(
            "enricher_requests_held",
            "Requests in work or waiting, by pool.",
            ("pool",),
            registry=own,
            multiprocess_mode="livesum",
        )
        self._models = Gauge(
            "enricher_open_models", "Model versions that are open.", registry=own, multiprocess_mode="livesum"
        )

    def held(self, pool: str, requests: int) -> None:
        """Note how many requests a pool works on or holds back."""
        self._held.labels(pool).set(requests)

    def open_models(self, models: int) -> None:
        """Note how many model versions are open."""
        self._models.set(models)

    def request(self, endpoint: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(endpoint, str(status)).inc()
        self._seconds.labels(endpoint).observe(seconds)

    def searched(self, hits: int, added: int, typed: int, unknown: int) -> None:
        """Count a search.

        hits: the total number. added: terms beside the typed ones. typed: words of the query; unknown: those
        that the model does not know.
        """
        self._queries.inc()
        self._added.inc(added)
        self._typed.inc(typed)
        self._unknown.inc(unknown)
        if not hits:
            self._empty.inc()

    def enriched(self, documents: int) -> None:
        """Count enriched documents."""
        self._documents.inc(documents)

    def text(self) -> bytes:
        """All metrics, of all processes."""
        if not are_shared():
            return generate_latest(self._registry)
        everything = CollectorRegistry()
        MultiProcessCollector(everything)  # type: ignore[no-untyped-call]
        return generate_latest(everything)
