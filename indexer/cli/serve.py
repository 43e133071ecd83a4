"""`enricher serve`: answer searches, expansions and enrichment over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from enricher.errors import EngineUnavailable
from indexer.cli.app import Command, app, context_of
from indexer.cli.output import print_line, say

if TYPE_CHECKING:
    from enricher.answers import Json
    from enricher.records import SearchEngine
    from enricher.settings import ServeConfiguration

LOOPBACK = ("127.", "localhost", "::1")

Listen = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Where requests are answered. Default: 127.0.0.1:9280."),
]
Admin = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Where operators read the metrics. Default: 127.0.0.1:9281."),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="Searches that are answered at the same time. Default: 4."),
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
    from importlib.metadata import version

    from enricher.gateway import keys, server
    from enricher.gateway.application import Gateway, default_pools
    from enricher.gateway.certificate import Certificate
    from enricher.gateway.logs import Log
    from enricher.gateway.server import Address
    from enricher.gateway.service import Service

    if new_key is not None:
        key, line = keys.new_key(new_key)
        print_line(key)
        say("Add the next line to the file of API keys. The key itself is shown only now.")
        say(line)
        return
    shared = context_of(context)
    chosen = _chosen(shared.configuration().serve, listen, admin, threads)
    certificate = None
    if chosen.certificate is not None:
        certificate = Certificate(Path(chosen.certificate), Path(chosen.key) if chosen.key else None)
    known = None if chosen.api_keys is None else keys.ApiKeys(Path(chosen.api_keys))
    places = Address.parse(chosen.listen, "--listen"), Address.parse(chosen.admin, "--admin")
    engine = shared.engine()
    service = Service(shared.models, engine, shared.configuration, lambda: _jobs(engine))
    sockets = [place.bound() for place in places]
    scheme = "http" if certificate is None else "https"
    urls = [f"{scheme}://{Address(*one.getsockname()[:2])}" for one in sockets]
    model, faults = service.state()
    if check:
        for one in sockets:
            one.close()
        if faults:
            raise EngineUnavailable(" ".join(faults))
        print_line(f"Ready to serve with the model {model} on {chosen.listen}.")
        return
    if known is None and not places[0].host.startswith(LOOPBACK):
        say("Anybody who reaches this address can search: set api_keys in [serve] of enricher.toml.")
    for fault in faults:
        say(f"Not ready: {fault}")
    gateway = Gateway(service, default_pools(chosen.threads), Log(), version("search-enricher"), known)
    started = partial(gateway.log.write, "started", listen=urls[0], admin=urls[1])
    server.run(server.serve(gateway, sockets[0], sockets[1], certificate, started))


def _chosen(
    configured: ServeConfiguration, listen: str | None, admin: str | None, threads: int | None
) -> ServeConfiguration:
    """The configuration, with the options that were given in its place."""
    given = {"listen": listen, "admin": admin, "threads": threads}
    return replace(configured, **{name: value for name, value in given.items() if value is not None})


def _jobs(engine: SearchEngine) -> list[Json]:
    """The reports of the jobs of an engine, the newest first."""
    from indexer.reindex.opening import open_jobs
    from indexer.reindex.report import status_of

    now = datetime.now(UTC)
    return [status_of(job, now) for job in open_jobs(engine).ledger.jobs()]
