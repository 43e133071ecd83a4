"""`enricher serve`: answer searches, expansions and enrichment over HTTP."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from enricher.errors import ConfigurationError, EngineUnavailable
from indexer.cli.app import Command, app, context_of, passed_on
from indexer.cli.job_runs import settings_of
from indexer.cli.output import print_line, say

if TYPE_CHECKING:
    from enricher.settings import ServeConfiguration

Listen = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Where requests are answered. Default: 127.0.0.1:9280."),
]
Admin = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Where operators read metrics and change state."),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="Searches that each process answers at the same time. Default: 4."),
]
ServeWorkers = Annotated[
    int | None, typer.Option(min=1, max=64, help="Processes that answer requests. Default: 1.")
]
Check = Annotated[
    bool, typer.Option("--check", help="Check models, engine, configuration and addresses, and end.")
]
NewKey = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Print a new API key and its line for the file of keys, and end."),
]


@app.command(cls=Command)
def serve(
    context: typer.Context,
    listen: Listen = None,
    admin: Admin = None,
    workers: ServeWorkers = None,
    threads: Threads = None,
    check: Check = False,
    new_key: NewKey = None,
) -> None:
    """Answer requests over HTTP until the command is stopped.

    The endpoints are under /_enricher/: search, expand, enrich and others. HTTPS and API keys are set in the
    table [serve] of enricher.toml. Every line of the log, on stderr, is a JSON object. SIGTERM and Ctrl-C end
    the command when the requests in work are answered.

    Example: enricher serve --listen 127.0.0.1:9280
    """
    from enricher.gateway import keys
    from enricher.gateway.access import Access, is_loopback
    from enricher.gateway.address import Address
    from enricher.gateway.logs import Log
    from enricher.gateway.tracing import tracing
    from indexer.serving import Serving, run

    if new_key is not None:
        key, line = keys.new_key(new_key)
        print_line(key)
        say("# Add the next line to the file of API keys. The key itself is shown only now.")
        say(line)
        return
    shared = context_of(context)
    chosen = _chosen(
        shared.configuration().serve, listen=listen, admin=admin, workers=workers, threads=threads
    )
    serving = Serving(
        settings_of(shared), chosen, shared.open_engine, shared.configuration, *passed_on(context)
    )
    certificate = serving.certificate()
    tracing(chosen.traces).close()
    has_keys = Access(chosen).has_keys
    places = Address.parse(chosen.listen, "--listen"), Address.parse(chosen.admin, "--admin")
    sockets = [place.bound() for place in places]
    scheme = "http" if chosen.certificate is None else "https"
    urls = [f"{scheme}://{Address(*one.getsockname()[:2])}" for one in sockets]
    log = Log()
    if check:
        for one in sockets:
            one.close()
        engine = shared.engine()
        model, faults = serving.service(engine, serving.administration(engine, log)).state()
        if certificate is not None and (fault := certificate.fault()):
            raise ConfigurationError(fault)
        if faults:
            raise EngineUnavailable(" ".join(faults))
        print_line(f"Ready to serve with the model {model} on {chosen.listen}.")
        return
    shared.connection()
    if not has_keys and not is_loopback(places[0].host):
        say("Anybody who reaches this address can search: set api_keys in [serve] of enricher.toml.")
    run(serving, sockets[0], sockets[1], partial(log.write, "started", listen=urls[0], admin=urls[1]))


def _chosen(configured: ServeConfiguration, **given: str | int | None) -> ServeConfiguration:
    """The configuration, with the options that were given in its place."""
    return replace(configured, **{name: value for name, value in given.items() if value is not None})
