"""The endpoints as an application of aiohttp."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import orjson
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from enricher.answers import Json
from enricher.errors import EnricherError
from enricher.gateway import requests
from enricher.gateway.console import Console
from enricher.gateway.enriching import enrich_array, enrich_lines, is_array
from enricher.gateway.events import MEDIA_TYPE, EventStreams
from enricher.gateway.keys import ApiKeys
from enricher.gateway.logs import Log, request_id
from enricher.gateway.metrics import Metrics
from enricher.gateway.openapi import description
from enricher.gateway.operations import ENRICH, EVALUATE, OPERATIONS, ROOT, SEARCH, WORDS, Operation
from enricher.gateway.pool import Busy, Overdue, Pool
from enricher.gateway.reading import decode_body, decode_parameters, values_of
from enricher.gateway.service import Service

MAX_BODY_BYTES = 1_000_000
"""Maximum size of the body of a request that is no document."""
MAX_ARRAY_BYTES = 64_000_000
"""Maximum size of an array of documents. Lines of JSON are read as they come, without limit."""
REQUEST_ID = "X-Request-Id"
OPEN = (f"{ROOT}/livez", f"{ROOT}/readyz", f"{ROOT}/console", f"{ROOT}/console/{{file}}")
"""What is answered without an API key: for probes, and the console, which asks for a key itself."""
NO_KEY = "The request needs a valid API key: send the header `Authorization: ApiKey KEY`."
NO_HTTP = (
    "The request is not valid HTTP. In an address, all characters but those of ASCII must be percent-encoded."
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")


class _NoKey(Exception):
    """A request without a valid API key."""


class Gateway:
    """One process of the service: pools of threads, counters, log and endpoints.

    version: of this program. keys: of which every request must have one; None if nobody is asked.
    requests: how many are in work.
    """

    def __init__(
        self,
        service: Service,
        pools: Mapping[str, Pool],
        log: Log,
        version: str,
        keys: ApiKeys | None = None,
    ) -> None:
        self.service, self.pools, self.log, self._keys = service, pools, log, keys
        self.metrics = Metrics()
        self.requests = 0
        self._is_draining = False
        self._console = Console()
        self._streams = EventStreams(lambda: self._is_draining)
        self._description = orjson.dumps(description(version))
        for pool in pools.values():
            self.metrics.watch(
                f"enricher_requests_held_{pool.name}", "Requests in work or waiting.", partial(_held, pool)
            )
        self.metrics.watch("enricher_open_models", "Model versions that are open.", service.open_models)

    def application(self) -> web.Application:
        """The endpoints for everybody."""
        app = web.Application(middlewares=[self._middleware])
        for one in OPERATIONS:
            if one.name == "jobs":
                app.router.add_get(one.path, self._jobs)
            elif one.has_parameters:
                app.router.add_get(one.path, partial(self._answer, one))
            if one.request is not requests.EmptyRequest:
                app.router.add_post(one.path, partial(self._answer, one))
        app.router.add_post(f"{ROOT}/enrich", self._enrich)
        app.router.add_get(f"{ROOT}/openapi.json", self._openapi)
        app.router.add_get(f"{ROOT}/console", self._console.page)
        app.router.add_get(f"{ROOT}/console/{{file}}", self._console.file)
        self._add_health(app)
        return app

    def admin_application(self) -> web.Application:
        """The endpoints for operators."""
        app = web.Application(middlewares=[self._middleware])
        app.router.add_get(f"{ROOT}/metrics", self._metrics)
        self._add_health(app)
        return app

    def _add_health(self, app: web.Application) -> None:
        app.router.add_get(f"{ROOT}/livez", self._livez)
        app.router.add_get(f"{ROOT}/readyz", self._readyz)

    async def drain(self, seconds: float) -> None:
        """Wait for the requests in work, at most so many seconds. Their connections end with the answer."""
        self._is_draining = True
        deadline = time.monotonic() + seconds
        while self.requests and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    # ------------------------------------------------------------------ around every request

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turn every failure into a JSON error; count and log the request."""
        started, name = time.perf_counter(), request_id(request.headers.get(REQUEST_ID))
        self.requests += 1
        try:
            self._check_key(request)
            response = await handler(request)
        except asyncio.CancelledError:
            self._note(request, name, 499, started)
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the answer is JSON
            response = self._failure(error, name)
        finally:
            self.requests -= 1
        if self._is_draining:
            response.force_close()
        if not response.prepared:
            response.headers[REQUEST_ID] = name
        self._note(request, name, response.status, started)
        return response

    def _check_key(self, request: web.Request) -> None:
        """Raise _NoKey if a request needs an API key and has none that is valid."""
        if self._keys is None or _endpoint(request) in OPEN:
            return
        if self._keys.owner(request.headers.get("Authorization")) is None:
            raise _NoKey

    def _failure(self, error: Exception, name: str) -> web.Response:
        if isinstance(error, _NoKey):
            return failure(401, "no_key", NO_KEY, {"WWW-Authenticate": "ApiKey"})
        if isinstance(error, Busy):
            return failure(429, "busy", str(error), {"Retry-After": str(error.retry_seconds)})
        if isinstance(error, Overdue):
            return failure(504, "overdue", str(error))
        if isinstance(error, EnricherError):
            kind = _WORD_START.sub("_", type(error).__name__).lower()
            return failure(error.status, kind, str(error))
        if isinstance(error, web.HTTPRequestEntityTooLarge):
            return failure(413, "too_large", "The body is too large for this endpoint.")
        if isinstance(error, web.HTTPMethodNotAllowed):
            allowed = ", ".join(sorted(error.allowed_methods))
            said = f"The method {error.method} is not allowed here; use {allowed}."
            return failure(405, "method_not_allowed", said, {"Allow": allowed})
        if isinstance(error, web.HTTPException):
            said = "There is no such endpoint." if error.status == 404 else error.reason
            return failure(error.status, "not_found" if error.status == 404 else "http_error", said)
        self.log.write("failure", request=name, type=type(error).__name__, reason=str(error))
        return failure(
            500, "internal_error", f"The service failed unexpectedly; its log names the request {name}."
        )

    def _note(self, request: web.Request, name: str, status: int, started: float) -> None:
        seconds = time.perf_counter() - started
        endpoint = _endpoint(request).removeprefix(f"{ROOT}/") or "none"
        self.metrics.request(endpoint, status, seconds)
        self.log.write(
            "request", request=name, method=request.method, endpoint=endpoint, status=status,
            ms=round(seconds * 1000, 3),
        )  # fmt: skip

    # ------------------------------------------------------------------ endpoints

    async def _answer(self, one: Operation, request: web.Request) -> web.Response:
        """Decode a request, answer it in a thread of its pool, and send the answer."""
        if request.method == "POST":
            if (request.content_length or 0) > MAX_BODY_BYTES:
                raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES, request.content_length or 0)
            body = await _bounded(request, MAX_BODY_BYTES)
            more = values_of(one.request, list(request.query.items()))
            asked = decode_body(one.request, body, more)
        else:
            asked = decode_parameters(one.request, list(request.query.items()))
        named = (request.match_info["index"],) if one.has_index else ()
        answer = await self.pools[one.pool].run(partial(_encoded, one.answer, self.service, *named, asked))
        if one.name == "search":
            added = sum(term["origin"] != "query" for term in answer[0]["expansion"])
            self.metrics.searched(answer[0]["total"], added)
        return web.Response(body=answer[1], content_type="application/json")

    async def _enrich(self, request: web.Request) -> web.StreamResponse:
        """Enrich an array of documents, or lines of JSON as they come."""
        asked = decode_parameters(requests.EnrichRequest, list(request.query.items()))
        pool = self.pools[ENRICH]
        enricher = await pool.run(partial(self.service.enricher, asked.in_))
        enrich = partial(self.service.enrich, enricher)
        first = await _first_chunk(request)
        if is_array(first):
            body = first + await _bounded(request, MAX_ARRAY_BYTES)
            answers = await enrich_array(body, enricher.fields, enrich, pool)
            self.metrics.enriched(sum("enrichment" in one for one in answers))
            return web.Response(body=orjson.dumps(answers), content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        async for answers in enrich_lines(first, request.content, enricher.fields, enrich, pool):
            if not response.prepared:
                await response.prepare(request)
            self.metrics.enriched(sum("enrichment" in one for one in answers))
            await response.write(b"".join(orjson.dumps(one) + b"\n" for one in answers))
        if not response.prepared:
            await response.prepare(request)
        await response.write_eof()
        return response

    async def _jobs(self, request: web.Request) -> web.StreamResponse:
        """The jobs; as events, one whenever a job has changed, if the client accepts them."""
        (one,) = (one for one in OPERATIONS if one.name == "jobs")
        if MEDIA_TYPE not in request.headers.get("Accept", ""):
            return await self._answer(one, request)

        async def read() -> Json:
            return await self.pools[one.pool].run(self.service.jobs_without_clock)

        return await self._streams.send(request, "jobs", read)

    async def _openapi(self, request: web.Request) -> web.Response:
        return web.Response(body=self._description, content_type="application/json")

    async def _livez(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readyz(self, request: web.Request) -> web.Response:
        found = await self.pools[WORDS].run(self.service.ready)
        return web.json_response(found, status=200 if found["ready"] else 503)

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=self.metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})


def default_pools(threads: int) -> dict[str, Pool]:
    """The pools of a service with that many threads for searches."""
    return {
        SEARCH: Pool(SEARCH, threads, 16 * threads, 30.0),
        WORDS: Pool(WORDS, threads, 64 * threads, 10.0),
        ENRICH: Pool(ENRICH, 2, 32, 60.0),
        EVALUATE: Pool(EVALUATE, 1, 4, 60.0),
    }


def failure(status: int, kind: str, reason: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error in the form of Elasticsearch."""
    body = {"error": {"type": kind, "reason": reason}, "status": status}
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", headers=headers
    )


def _encoded(answer: Callable[..., Json], *arguments: object) -> tuple[Any, bytes]:
    """An answer, and its JSON."""
    found = answer(*arguments)
    return found, orjson.dumps(found)


def _endpoint(request: web.Request) -> str:
    """The path of the endpoint that a request is for, with the names of its parts; empty for none."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


def _held(pool: Pool) -> float:
    return pool.held


async def _first_chunk(request: web.Request) -> bytes:
    """The first part of a body that is not empty space."""
    chunk = b""
    async for more in request.content.iter_any():
        chunk += more
        if chunk.strip():
            break
    return chunk


async def _bounded(request: web.Request, most: int) -> bytes:
    """The rest of a body. Raises HTTPRequestEntityTooLarge."""
    parts, size = [], 0
    async for chunk in request.content.iter_any():
        parts.append(chunk)
        size += len(chunk)
        if size > most:
            raise web.HTTPRequestEntityTooLarge(most, size)
    return b"".join(parts)


class JsonRequestHandler(RequestHandler):
    """A connection, which answers requests that are no HTTP with a JSON error too."""

    __slots__ = ()

    def handle_error(
        self, request: Any, status: int = 500, exc: Any = None, message: str | None = None
    ) -> web.StreamResponse:
        if status == 400:
            response = failure(status, "bad_request", NO_HTTP)
        else:
            response = failure(status, "internal_error", "The service failed unexpectedly.")
        response.force_close()
        return response
