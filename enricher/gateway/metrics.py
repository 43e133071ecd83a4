"""What the service counts, in the form of Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of latencies, in seconds."""


class Metrics:
    """The counters of one process. Thread-safe."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "enricher_requests", "Requests by endpoint and status.", ("endpoint", "status"),
            registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "enricher_request_seconds", "Duration of requests.", ("endpoint",), buckets=BUCKETS,
            registry=self._registry,
        )  # fmt: skip
        self._queries = Counter("enricher_queries", "Searches that were answered.", registry=self._registry)
        self._empty = Counter(
            "enricher_queries_without_hits", "Searches without a hit.", registry=self._registry
        )
        self._added = Counter(
            "enricher_words_added", "Terms that expansion has added to queries.", registry=self._registry
        )
        self._documents = Counter(
            "enricher_documents", "Documents that were enriched.", registry=self._registry
        )

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Show a value that is read whenever the metrics are."""
        Gauge(name, text, registry=self._registry).set_function(value)

    def request(self, endpoint: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(endpoint, str(status)).inc()
        self._seconds.labels(endpoint).observe(seconds)

    def searched(self, hits: int, added: int) -> None:
        """Count a search. hits: the total number. added: terms beside the typed ones."""
        self._queries.inc()
        self._added.inc(added)
        if not hits:
            self._empty.inc()

    def enriched(self, documents: int) -> None:
        """Count enriched documents."""
        self._documents.inc(documents)

    def text(self) -> bytes:
        """All metrics."""
        return generate_latest(self._registry)
