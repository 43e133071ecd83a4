"""A search server as HTTP requests, whatever client library sends them.

A family of servers implements `Server` with its own library. Everything else here is written once for all.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import quote

from indexer.engines.addresses import Addresses
from indexer.engines.cluster.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a request is sent, and how long each try waits.

    retries: further tries after lost connections and the statuses of busy servers. after_timeout: whether a
    time-out is retried too, for requests that may be repeated. seconds: time-out of a try; None for that of
    the connection.
    """

    retries: int = 2
    after_timeout: bool = False
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request. body: decoded JSON. size: of the body as received, in bytes."""

    status: int
    body: Any
    size: int = 0

    def __getitem__(self, name: str) -> Any:
        return self.body[name]


class NoAnswer(Exception):
    """A request without a valid answer. message: of the library."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TimedOut(NoAnswer):
    """No answer came in time."""


class Untrusted(NoAnswer):
    """The TLS handshake failed."""


class Unreadable(NoAnswer):
    """The answer is not in the form that its headers say."""


class OtherProduct(Exception):
    """The server is none of this family. body: its answer to the request."""

    def __init__(self, body: object = None) -> None:
        super().__init__()
        self.body = body


class Refused(Exception):
    """An answer with a status of 400 or more. is_from_family: whether its headers name the family."""

    def __init__(self, status: int, body: object, *, is_from_family: bool = True) -> None:
        super().__init__(status)
        self.status, self.body, self.is_from_family = status, body, is_from_family

    @property
    def error(self) -> object:
        """The `error` of the body, else the body."""
        return self.body.get("error") if isinstance(self.body, Mapping) else self.body


class Server(ABC):
    """Sends requests. Raises Refused, NoAnswer and OtherProduct.

    dialect: the family of the server. addresses: shown in messages, without a password.
    """

    dialect: Dialect
    addresses: Addresses
    tries: Tries = Tries()

    @abstractmethod
    def _send(
        self, method: str, path: str, parameters: Mapping[str, str], body: object, ignored: Iterable[int]
    ) -> Answer:
        """Send a request. body: an object, or the lines of a bulk request; None for none."""

    @abstractmethod
    def trying(self, tries: Tries) -> Self:
        """The same server with other tries."""

    @abstractmethod
    def close(self) -> None:
        """Close all connections."""

    @property
    def product(self) -> str:
        """The name of the family, for messages."""
        return self.dialect.product

    @property
    def once(self) -> Self:
        """The same server without retries."""
        return self.trying(replace(self.tries, retries=0))

    @property
    def patient(self) -> Self:
        """The same server with retries after a time-out, for requests that may be repeated."""
        return self.trying(replace(self.tries, after_timeout=True))

    def get(
        self, *path: str, body: object = None, ignored: Iterable[int] = (), **parameters: object
    ) -> Answer:
        """Send a GET request. path: its parts, with names as they are. ignored: statuses that are answers.

        parameters: of the query string; None is left out.
        """
        return self._send("GET", _path(path), _parameters(parameters), body, ignored)

    def post(
        self, *path: str, body: object = None, ignored: Iterable[int] = (), **parameters: object
    ) -> Answer:
        """Send a POST request, like `get`."""
        return self._send("POST", _path(path), _parameters(parameters), body, ignored)

    def put(
        self, *path: str, body: object = None, ignored: Iterable[int] = (), **parameters: object
    ) -> Answer:
        """Send a PUT request, like `get`."""
        return self._send("PUT", _path(path), _parameters(parameters), body, ignored)

    def delete(
        self, *path: str, body: object = None, ignored: Iterable[int] = (), **parameters: object
    ) -> Answer:
        """Send a DELETE request, like `get`."""
        return self._send("DELETE", _path(path), _parameters(parameters), body, ignored)

    def search(
        self,
        index: str | None,
        body: Mapping[str, Any],
        *,
        preference: str | None = None,
        allow_partial: bool = False,
        ignored: Iterable[int] = (),
    ) -> Answer:
        """Search an index, or the point in time of the body. allow_partial: without shards that are away."""
        parameters = _parameters({"allow_partial_search_results": allow_partial, "preference": preference})
        path = ("_search",) if index is None else (index, "_search")
        return self._send("POST", _path(path), parameters, body, ignored)


def _path(parts: Iterable[str]) -> str:
    return "".join(f"/{quote(part, safe=',*')}" for part in parts) or "/"


def _parameters(given: Mapping[str, object]) -> dict[str, str]:
    return {name: _parameter(value) for name, value in given.items() if value is not None}


def _parameter(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
