"""`enricher serve`: answer searches, expansions and enrichment over HTTP."""

from typing import Annotated

import typer

from indexer.cli.app import Command, app, context_of
from indexer.cli.output import print_line, say

LISTEN, ADMIN = "127.0.0.1:9280", "127.0.0.1:9281"
THREADS = 4

Listen = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where everybody's requests are answered.")]
Admin = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where operators read the metrics.")]
Threads = Annotated[int, typer.Option(min=1, max=64, help="Searches that are answered at the same time.")]
Check = Annotated[bool, typer.Option("--check", help="Check models, engine and addresses, and end.")]


@app.command(cls=Command)
def serve(
    context: typer.Context,
    listen: Listen = LISTEN,
    admin: Admin = ADMIN,
    threads: Threads = THREADS,
    check: Check = False,
) -> None:
    """Answer requests over HTTP until the command is stopped.

    The endpoints are under /_enricher/: search, expand, enrich and others. Every line of the log, on stderr,
    is a JSON object. SIGTERM and Ctrl-C end the command when the requests in work are answered.

    Example: enricher serve --listen 127.0.0.1:9280
    """
    from importlib.metadata import version

    from enricher.errors import EngineUnavailable
    from enricher.gateway.application import Gateway, default_pools
    from enricher.gateway.logs import Log
    from enricher.gateway.server import Address, run
    from enricher.gateway.service import Service

    shared = context_of(context)
    places = Address.parse(listen, "--listen"), Address.parse(admin, "--admin")
    shared.configuration()
    service = Service(shared.models, shared.engine(), shared.configuration)
    sockets = [place.bound() for place in places]
    shown = [f"http://{Address(*one.getsockname()[:2])}" for one in sockets]
    model, faults = service.state()
    if check:
        for one in sockets:
            one.close()
        if faults:
            raise EngineUnavailable(" ".join(faults))
        print_line(f"Ready to serve with the model {model} on {listen}.")
        return
    for fault in faults:
        say(f"Not ready: {fault}")
    gateway = Gateway(service, default_pools(threads), Log(), version("search-enricher"))
    run(
        gateway, sockets[0], sockets[1], lambda: gateway.log.write("started", listen=shown[0], admin=shown[1])
    )
