"""The endpoints as an application of aiohttp."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import orjson
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from enricher.answers import Json
from enricher.errors import EnricherError, UsageError
from enricher.gateway import requests
from enricher.gateway.access import Access, ForeignOrigin, NoKey, TooOften, check_same_origin
from enricher.gateway.administering import Administration
from enricher.gateway.bodies import MAX_ARRAY_BYTES, bounded, first_chunk, received
from enricher.gateway.console import ADMIN_VIEWS, PUBLIC_VIEWS, Console
from enricher.gateway.dictionary import dictionary_response, dictionary_text
from enricher.gateway.enriching import enrich_array, enrich_lines, is_array
from enricher.gateway.events import MEDIA_TYPE, EventStreams
from enricher.gateway.logs import Log, request_id
from enricher.gateway.maps import HEADERS as MAP_HEADERS
from enricher.gateway.metrics import Metrics
from enricher.gateway.openapi import description
from enricher.gateway.operations import (
    ADMIN,
    ADMIN_OPERATIONS,
    ENRICH,
    EVALUATE,
    OPERATIONS,
    REVIEW,
    ROOT,
    SEARCH,
    WORDS,
    Operation,
)
from enricher.gateway.pool import Busy, Overdue, Pool
from enricher.gateway.reading import decode_body, decode_parameters, values_of
from enricher.gateway.service import Service
from enricher.gateway.tracing import Tracing

MAX_BODY_BYTES = 1_000_000
"""Maximum size of the body of a request that is no document."""
REQUEST_ID = "X-Request-Id"
SWITCH, SWITCH_HEADER, STATUS = "enricher", "X-Enricher", "X-Enricher-Status"
"""What turns enrichment off for a request, a parameter and a header; and the header that says what it did."""
OPEN = (f"{ROOT}/livez", f"{ROOT}/readyz", f"{ROOT}/console", f"{ROOT}/console/{{file}}")
"""What is answered without an API key: for probes, and the console, which asks for a key itself."""
NO_HTTP = (
    "The request is not valid HTTP. In an address, all characters but those of ASCII must be percent-encoded."
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OTHER_NAMES = {"query": "native"}
"""Parameters that are not called like the option of the command."""
_OPTION = re.compile(r"--([a-z][a-z-]*)")
_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")


class Gateway:
    """One process of the service: pools of threads, counters, log and endpoints.

    version: of this program. access: who may ask it. administration: what operators may do. traces: where
    requests are recorded. on_reload: reads the configuration again, and returns what has changed. requests:
    how many are in work.
    """

    def __init__(
        self,
        service: Service,
        pools: Mapping[str, Pool],
        log: Log,
        version: str,
        access: Access,
        administration: Administration,
        traces: Tracing,
    ) -> None:
        self.service, self.pools, self.log, self._access = service, pools, log, access
        self.administration, self.traces = administration, traces
        self.metrics = Metrics()
        self.requests = 0
        self.on_reload: Callable[[], Json] = dict
        self._is_draining = False
        self._streams = EventStreams(lambda: self._is_draining)
        self._description = orjson.dumps(description(version))
        for pool in pools.values():
            pool.on_held = partial(self.metrics.held, pool.name)

    def application(self) -> web.Application:
        """The endpoints for everybody."""
        app = web.Application(middlewares=[self._middleware])
        for one in OPERATIONS:
            if one.name == "jobs":
                app.router.add_get(one.path, self._jobs)
            else:
                self._add(app, one)
        app.router.add_post(f"{ROOT}/enrich", self._enrich)
        app.router.add_get(f"{ROOT}/openapi.json", self._openapi)
        app.router.add_get(f"{ROOT}/dictionary", self._dictionary)
        app.router.add_get(f"{ROOT}/map", self._map)
        self._add_console(app, PUBLIC_VIEWS)
        self._add_health(app)
        return app

    def admin_application(self, listens_on_loopback: bool) -> web.Application:
        """The endpoints for operators. Web pages of other origins cannot use them."""

        @web.middleware
        async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
            check_same_origin(request, listens_on_loopback)
            return await handler(request)

        app = web.Application(middlewares=[self._middleware, same_origin])
        for one in ADMIN_OPERATIONS:
            self._add(app, one)
        app.router.add_post(f"{ROOT}/documents/{{index}}", self._index)
        app.router.add_post(f"{ROOT}/reload", self._reload)
        app.router.add_get(f"{ROOT}/metrics", self._metrics)
        self._add_console(app, ADMIN_VIEWS)
        self._add_health(app)
        return app

    async def warm_up(self) -> None:
        """Do every kind of work once. Requests are answered meanwhile, but the service is not ready."""
        try:
            await self.pools[ENRICH].run(self.service.warm_up)
        except Exception as error:  # noqa: BLE001  requests fail by themselves if they must
            self.log.write("failure", request="warm-up", type=type(error).__name__, reason=str(error))

    def _add(self, app: web.Application, one: Operation) -> None:
        """Add an endpoint: by GET if it takes parameters, by POST if it takes a body or changes state."""
        if one.has_parameters:
            app.router.add_get(one.path, partial(self._answer, one))
        if not one.has_parameters or one.request is not requests.EmptyRequest:
            app.router.add_post(one.path, partial(self._answer, one))

    def _add_console(self, app: web.Application, views: Sequence[str]) -> None:
        console = Console(views)
        app.router.add_get(f"{ROOT}/console", console.page)
        app.router.add_get(f"{ROOT}/console/{{file}}", console.file)

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
            preflight = self._access.preflight(request)
            if preflight is None and _endpoint(request) not in OPEN:
                self._access.check(request)
            response = preflight or await handler(request)
        except asyncio.CancelledError:
            self._note(request, name, 499, time.perf_counter() - started)
            raise
        except ConnectionResetError:  # the client has left before the end of the answer
            self._note(request, name, 499, time.perf_counter() - started)
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the answer is JSON
            response = self._failure(error, name)
        finally:
            self.requests -= 1
        if self._is_draining:
            response.force_close()
        if not response.prepared:
            response.headers[REQUEST_ID] = name
            response.headers.update(self._access.origin_headers(request))
        _after_answer(self._note, request, name, response.status, time.perf_counter() - started)
        return response

    def _failure(self, error: Exception, name: str) -> web.Response:
        if isinstance(error, NoKey):
            return failure(401, "no_key", str(error), {"WWW-Authenticate": "ApiKey"})
        if isinstance(error, ForeignOrigin):
            return failure(403, "foreign_origin", "Web pages of other origins cannot use the admin address.")
        if isinstance(error, TooOften):
            return failure(429, "too_often", str(error), {"Retry-After": str(error.retry_seconds)})
        if isinstance(error, Busy):
            return failure(429, "busy", str(error), {"Retry-After": str(error.retry_seconds)})
        if isinstance(error, Overdue):
            return failure(504, "overdue", str(error))
        if isinstance(error, EnricherError):
            kind = _WORD_START.sub("_", type(error).__name__).lower()
            return failure(error.status, kind, with_parameters(str(error)))
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

    def _note(self, request: web.Request, name: str, status: int, seconds: float) -> None:
        """Count and log a request."""
        self.metrics.open_models(self.service.open_models())
        endpoint = _endpoint(request).removeprefix(f"{ROOT}/") or "none"
        self.metrics.request(endpoint, status, seconds)
        self.traces.request(request.method, endpoint, status, request.headers, seconds)
        self.log.write(
            "request", request=name, method=request.method, endpoint=endpoint, status=status,
            ms=round(seconds * 1000, 3),
        )  # fmt: skip

    # ------------------------------------------------------------------ endpoints

    async def _answer(self, one: Operation, request: web.Request) -> web.Response:
        """Decode a request, answer it in a thread of its pool, and send the answer."""
        parameters, is_off = _without_switch(request)
        if request.method == "POST":
            if (request.content_length or 0) > MAX_BODY_BYTES:
                raise web.HTTPRequestEntityTooLarge(MAX_BODY_BYTES, request.content_length or 0)
            body = await bounded(request, MAX_BODY_BYTES)
            asked = decode_body(one.request, body, values_of(one.request, parameters))
        else:
            asked = decode_parameters(one.request, parameters)
        if is_off and isinstance(asked, requests.SearchRequest):
            asked = msgspec.structs.replace(asked, expansion=False)
        named = (request.match_info["index"],) if one.has_index else ()
        target = self.administration if one in ADMIN_OPERATIONS else self.service

        def work() -> tuple[Json, bytes]:
            found: Json = one.answer(target, *named, asked)
            return found, orjson.dumps(found)

        found, body = await self.pools[one.pool].run(work)
        response = web.Response(body=body, status=one.status, content_type="application/json")
        if isinstance(asked, requests.SearchRequest):
            response.headers[STATUS] = _status(asked, found)
            _after_answer(self._count_search, asked.in_, found)
        return response

    def _count_search(self, index: str, answer: Json) -> None:
        terms: Any = answer["expansion"]
        typed = [term["term"] for term in terms if term["origin"] == "query"]
        unknown = self.service.unknown(typed, index)
        hits: Any = answer["total"]
        self.metrics.searched(hits, len(terms) - len(typed), len(typed), unknown)

    async def _reload(self, request: web.Request) -> web.Response:
        """Read the configuration again, in all processes."""
        decode_body(requests.EmptyRequest, await bounded(request, MAX_BODY_BYTES), {})
        return web.json_response(self.on_reload())

    async def _index(self, request: web.Request) -> web.Response:
        """Index the documents of a body: JSON lines, or an array. It is written to a file before."""
        asked = decode_parameters(requests.IndexDocumentsRequest, list(request.query.items()))
        index, administration = request.match_info["index"], self.administration
        async with received(request) as body:
            answer = await self.pools[ADMIN].run(partial(administration.index, index, body, asked))
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    async def _enrich(self, request: web.Request) -> web.StreamResponse:
        """Enrich an array of documents, or lines of JSON as they come."""
        asked = decode_parameters(requests.EnrichRequest, list(request.query.items()))
        pool = self.pools[ENRICH]
        enricher = await pool.run(partial(self.service.enricher, asked.in_))
        enrich = partial(self.service.enrich, enricher)
        first = await first_chunk(request)
        if is_array(first):
            body = first + await bounded(request, MAX_ARRAY_BYTES)
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

    async def _dictionary(self, request: web.Request) -> web.Response:
        """The user's words for IK (`enricher.gateway.dictionary`)."""
        found = await self.pools[WORDS].run(lambda: dictionary_text(self.service.model()))
        return dictionary_response(request, *found)

    async def _map(self, request: web.Request) -> web.Response:
        """The page of a map."""
        asked = decode_parameters(requests.MapRequest, list(request.query.items()))
        page = await self.pools[WORDS].run(partial(self.service.maps.page, asked.name))
        return web.Response(body=page, content_type="text/html", charset="utf-8", headers=MAP_HEADERS)

    async def _livez(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readyz(self, request: web.Request) -> web.Response:
        found = await self.pools[WORDS].run(self.service.ready)
        return web.json_response(found, status=200 if found["ready"] else 503)

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=self.metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})


def default_pools(threads: int) -> dict[str, Pool]:
    """The pools of a service with that many threads for searches.

    Threads of one process take turns in Python: four instead of two searches at the same time cost the
    embedded engine a tenth of its throughput, and two instead of one batch of documents the same.
    """
    return {
        SEARCH: Pool(SEARCH, threads, 64, 30.0),
        WORDS: Pool(WORDS, threads, 256, 10.0),
        ENRICH: Pool(ENRICH, 1, 32, 60.0),
        EVALUATE: Pool(EVALUATE, 1, 4, 60.0),
        ADMIN: Pool(ADMIN, 2, 8, 3600.0),
        REVIEW: Pool(REVIEW, 1, 32, 30.0),
    }


def _after_answer(function: Callable[..., None], *arguments: object) -> None:
    """Call a function once the answer has been written: a client does not wait for counters and the log."""
    asyncio.get_running_loop().call_soon(function, *arguments)


def failure(status: int, kind: str, reason: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error in the form of Elasticsearch."""
    body = {"error": {"type": kind, "reason": reason}, "status": status}
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", headers=headers
    )


def with_parameters(sentence: str) -> str:
    """A sentence that names options of the command, with the names of the parameters instead.

    Commands that it proposes, between backticks, stay as they are.
    """

    def named(option: re.Match[str]) -> str:
        name = option[1].replace("-", "_")
        return f"`{OTHER_NAMES.get(name, name)}`"

    parts = sentence.split("`")
    parts[::2] = [_OPTION.sub(named, part) for part in parts[::2]]
    return "`".join(parts)


def _without_switch(request: web.Request) -> tuple[list[tuple[str, str]], bool]:
    """The parameters of a request without our switch, and whether it turns enrichment off.

    Raises UsageError for another value than on and off.
    """
    parameters = list(request.query.items())
    values = [value for name, value in parameters if name == SWITCH]
    for value in (*values, request.headers.get(SWITCH_HEADER, "on")):
        if value.lower() not in ("on", "off"):
            raise UsageError(f"{SWITCH_HEADER} must be on or off, not {value[:100]!r}.")
    is_off = any(value.lower() == "off" for value in (*values, request.headers.get(SWITCH_HEADER, "on")))
    return [(name, value) for name, value in parameters if name != SWITCH], is_off


def _status(asked: requests.SearchRequest, answer: Json) -> str:
    """What enrichment has done to a search."""
    if not asked.expansion:
        return "bypassed: enrichment is off for this request"
    terms: Any = answer["expansion"]
    is_changed = answer["vector"] is not None or any(term["origin"] != "query" for term in terms)
    return "applied" if is_changed else "unchanged"


def _endpoint(request: web.Request) -> str:
    """The path of the endpoint that a request is for, with the names of its parts; empty for none."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


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
