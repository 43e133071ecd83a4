"""Traces for OpenTelemetry: a span for each request, sent to a collector that the operator has named.

It needs the packages of the extra `otel`. A span has the endpoint and the status, and no query or document.
"""

import time
from collections.abc import Mapping
from typing import Any, Protocol

from enricher.errors import ConfigurationError

SERVICE = "search-enricher"


class Tracing(Protocol):
    """Records requests."""

    def request(
        self, method: str, endpoint: str, status: int, headers: Mapping[str, str], seconds: float
    ) -> None:
        """Record a request that has just ended. headers: of the request; `traceparent` names its trace."""

    def close(self) -> None:
        """Send what is not sent yet."""


class NoTracing:
    """Implements `Tracing` where the operator has named no collector."""

    def request(
        self, method: str, endpoint: str, status: int, headers: Mapping[str, str], seconds: float
    ) -> None:
        pass

    def close(self) -> None:
        pass


class Collector:
    """Implements `Tracing` by OTLP over HTTP. A thread sends the spans; what cannot be sent is dropped.

    address: of the collector, without a path.
    """

    def __init__(self, address: str) -> None:
        """Raises ConfigurationError if the packages are missing."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            raise ConfigurationError(
                "The setting serve.traces needs OpenTelemetry: pip install 'search-enricher[otel]'."
            ) from error
        exporter = OTLPSpanExporter(endpoint=f"{address.rstrip('/')}/v1/traces", timeout=5)
        self._provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("enricher.gateway")
        self._propagator = TraceContextTextMapPropagator()

    def request(
        self, method: str, endpoint: str, status: int, headers: Mapping[str, str], seconds: float
    ) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode

        ended = time.time_ns()
        lowered = {name.lower(): value for name, value in headers.items()}
        attributes: dict[str, Any] = {
            "http.request.method": method,
            "http.route": endpoint,
            "http.response.status_code": status,
        }
        span = self._tracer.start_span(
            f"{method} {endpoint}",
            self._propagator.extract(lowered),
            SpanKind.SERVER,
            attributes,
            start_time=ended - int(seconds * 1e9),
        )
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)

    def close(self) -> None:
        self._provider.shutdown()


def tracing(address: str | None) -> Tracing:
    """What records requests. address: of the collector; None for none. Raises ConfigurationError."""
    return NoTracing() if address is None else Collector(address)
