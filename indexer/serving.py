"""Open what `enricher serve` needs, and run it in one process or several."""

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from enricher.answers import Json
from enricher.errors import ConfigurationError
from enricher.gateway.access import RELOADED, Access
from enricher.gateway.certificate import Certificate
from enricher.gateway.logs import Log
from enricher.gateway.metric_files import forget, shared_metrics
from enricher.gateway.service import Service
from enricher.gateway.supervisor import signal_parent, supervise
from enricher.gateway.tracing import tracing
from enricher.records import SearchEngine
from enricher.settings import Configuration, ServeConfiguration
from indexer.administration import Administration
from indexer.reindex.jobs import EnrichmentSettings


@dataclass(frozen=True, slots=True)
class Serving:
    """What the service is started with.

    chosen: its configuration, with the options that were given in its place. open_engine: opens the engine,
    once in each process. arguments, environment: the global options, for the processes of jobs; what may
    hold a secret stands in the environment.
    """

    settings: EnrichmentSettings
    chosen: ServeConfiguration
    open_engine: Callable[[], SearchEngine]
    configuration: Callable[[], Configuration]
    arguments: Sequence[str]
    environment: Mapping[str, str]

    def service(self, engine: SearchEngine, administration: Administration) -> Service:
        """What answers the requests of one process."""
        return Service(
            self.settings.models, engine, self.configuration, administration.reports, self.chosen.model_mb
        )

    def certificate(self) -> Certificate | None:
        """The certificate for HTTPS, if there is one. Raises ConfigurationError."""
        chosen = self.chosen
        if chosen.certificate is None:
            return None
        return Certificate(Path(chosen.certificate), Path(chosen.key) if chosen.key else None)

    def administration(self, engine: SearchEngine, log: Log) -> Administration:
        """What operators may do in one process."""
        return Administration(
            engine, self.open_engine, self.settings, self.arguments, self.environment, log.write
        )


def run(serving: Serving, listen: socket.socket, admin: socket.socket, started: Callable[[], None]) -> None:
    """Serve on two sockets until SIGTERM or SIGINT. started: is called when requests are answered.

    Raises ConfigurationError, UsageError and EngineError if it cannot begin.
    """
    log, workers = Log(), serving.chosen.workers
    if workers == 1:
        _serve(serving, listen, admin, log, started, lambda: None)
        return

    def work(number: int, ready: Callable[[], None]) -> None:
        signal_all = signal_parent if number == 0 else lambda: None
        _serve(serving, listen, admin if number == 0 else None, log, ready, signal_all)

    def close() -> None:
        listen.close()
        admin.close()

    with shared_metrics():
        supervise(workers, work, started, forget, close, log)


def _serve(
    serving: Serving,
    listen: socket.socket,
    admin: socket.socket | None,
    log: Log,
    started: Callable[[], None],
    reload_others: Callable[[], None],
) -> None:
    """Serve in this process. reload_others: lets the other processes read the configuration again."""
    from enricher.gateway import server
    from enricher.gateway.application import Gateway, default_pools  # after `shared_metrics`

    engine = serving.open_engine()
    try:
        access, administration = Access(serving.chosen), serving.administration(engine, log)
        service = serving.service(engine, administration)
        pools = default_pools(serving.chosen.threads)
        traces = tracing(serving.chosen.traces)
        gateway = Gateway(service, pools, log, version("search-enricher"), access, administration, traces)

        first = serving.configuration().serve

        def changed() -> Json:
            now = serving.configuration().serve
            later = [name for name in now.__struct_fields__ if getattr(now, name) != getattr(first, name)]
            found: Json = {
                "changed": access.reload(now),
                "needs_restart": [name for name in later if name not in RELOADED],
            }
            log.write("reloaded", **found)
            return found

        def changed_for_all() -> Json:
            found = changed()
            reload_others()
            return found

        def reload() -> None:
            try:
                changed()
            except ConfigurationError as error:
                log.write("not_reloaded", reason=str(error))

        gateway.on_reload = changed_for_all
        for fault in service.state()[1]:  # which opens the model before the first request
            log.write("not_ready", reason=fault)
        server.run(server.serve(gateway, listen, admin, serving.certificate(), started, reload))
    finally:
        engine.close()
