"""Who may ask the service, from where, and how often: API keys, origins of web pages, limits of rate."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from enricher.gateway.keys import ApiKeys
from enricher.settings import ServeConfiguration

ALLOWED_METHODS = "GET, POST"
ALLOWED_HEADERS = "Authorization, Content-Type, X-Enricher, X-Request-Id"
EXPOSED_HEADERS = "X-Enricher-Status, X-Request-Id, Retry-After"
CORS_SECONDS = "600"
"""For how long a browser remembers what a page of another origin may send."""
RELOADED = ("api_keys", "cors", "requests_per_second", "review", "maps")
"""The settings that can change while the service runs."""
MAX_CLIENTS = 10_000
"""Clients whose rate is known; the one that was silent the longest is forgotten first."""
NO_KEY = "The request needs a valid API key: send the header `Authorization: ApiKey KEY`."
WRONG_KEY = "The API key of the request is not valid. Send the header `Authorization: ApiKey KEY`."


class NoKey(Exception):
    """A request without a valid API key."""


class TooOften(Exception):
    """A client sends more requests than it may. retry_seconds: when to try again."""

    def __init__(self, rate: float, retry_seconds: int) -> None:
        super().__init__(f"More than {rate:g} requests per second.")
        self.retry_seconds = retry_seconds


class ForeignOrigin(Exception):
    """A web page of another origin asks for a change of state."""


class Access:
    """The rules of one process; they can be read again while it runs. For one thread."""

    def __init__(self, configuration: ServeConfiguration) -> None:
        """Raises ConfigurationError if the file of API keys cannot be read."""
        self._configuration = configuration
        self._keys = _keys_of(configuration)
        self._rates = RateLimit(configuration.requests_per_second)

    @property
    def has_keys(self) -> bool:
        return self._keys is not None

    def reload(self, configuration: ServeConfiguration) -> list[str]:
        """Use another configuration. Returns the names of the rules that have changed.

        Raises ConfigurationError, and changes nothing then.
        """
        keys = _keys_of(configuration)
        changed = [
            name for name in RELOADED if getattr(configuration, name) != getattr(self._configuration, name)
        ]
        if "requests_per_second" in changed:
            self._rates = RateLimit(configuration.requests_per_second)
        self._configuration, self._keys = configuration, keys
        return changed

    def check(self, request: web.Request) -> None:
        """Raise NoKey or TooOften if a request is not allowed."""
        owner: str | None = None
        if self._keys is not None:
            owner = self._keys.owner(request.headers.get("Authorization"))
            if owner is None:
                raise NoKey(NO_KEY if "Authorization" not in request.headers else WRONG_KEY)
        self._rates.count(f"key {owner}" if owner else f"address {request.remote}")

    def origin_headers(self, request: web.Request) -> Mapping[str, str]:
        """The headers that let a web page of an allowed origin read an answer; none for other origins."""
        origin = request.headers.get("Origin")
        if origin is None or not {origin, "*"} & set(self._configuration.cors):
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": EXPOSED_HEADERS,
            "Vary": "Origin",
        }

    def preflight(self, request: web.Request) -> web.Response | None:
        """The answer to a browser that asks what a page may send; None if this is no such request."""
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
            return None
        allowed = self.origin_headers(request)
        if not allowed:
            return None
        may = {
            "Access-Control-Allow-Methods": ALLOWED_METHODS,
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": CORS_SECONDS,
        }
        return web.Response(status=204, headers={**allowed, **may})


class RateLimit:
    """At most `rate` requests per second from each client, and as many at once; None: no limit."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def count(self, client: str) -> None:
        """Count a request. Raises TooOften."""
        if self._rate is None:
            return
        now, most = time.monotonic(), max(1.0, self._rate)
        left, at = self._clients.pop(client, (most, now))
        left = min(most, left + (now - at) * self._rate)
        self._clients[client] = (left - 1 if left >= 1 else left), now
        while len(self._clients) > MAX_CLIENTS:
            self._clients.popitem(last=False)
        if left < 1:
            raise TooOften(self._rate, max(1, round((1 - left) / self._rate)))


def check_same_origin(request: web.Request, listens_on_loopback: bool) -> None:
    """Raise ForeignOrigin if a web page of another origin sent a request to the admin address.

    A browser lets any page send requests to loopback. So the origin must be that of the address itself, and a
    name that only resolves to loopback is no name of it.
    """
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise ForeignOrigin
    if listens_on_loopback and not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
        raise ForeignOrigin


def is_loopback(host: str) -> bool:
    """Whether a host name or address is that of this machine's loopback interface."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _keys_of(configuration: ServeConfiguration) -> ApiKeys | None:
    return None if configuration.api_keys is None else ApiKeys(Path(configuration.api_keys))
