"""Translate errors of the server and of the connection into EngineErrors."""

import re
import socket
import ssl
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit

from enricher.errors import AccessDenied, EngineError, EngineUnavailable, IndexBlocked
from enricher.settings import REQUEST_TIMEOUT
from indexer.engines.addresses import DEFAULT_PORT
from indexer.engines.cluster.access import not_allowed, not_authenticated
from indexer.engines.cluster.server import (
    NoAnswer,
    OtherProduct,
    Refused,
    Server,
    TimedOut,
    Unreadable,
    Untrusted,
)
from indexer.engines.cluster.tls import explain_tls
from indexer.engines.field_types import FieldType, shape_mismatch, type_mismatch
from indexer.engines.names import name_taken, no_such_index

BUSY = frozenset({429, 502, 503, 504})
"""Statuses of a server that may accept the same request later."""


UNREADABLE = (LookupError, TypeError, AttributeError)
"""Exceptions of code that reads an answer in which something is missing."""

T = TypeVar("T")

_NO_TLS = re.compile(r"WRONG_VERSION_NUMBER|wrong version number|record layer failure|RECORD_LAYER", re.I)
_TLS_WANTED = re.compile(r"HTTP request (was sent )?to (an )?HTTPS", re.I)
_CUT_OFF = re.compile(
    r"Connection aborted|reset by peer|RemoteDisconnected|BadStatusLine|closed connection", re.I
)
_USE_HTTPS = "The server at {} speaks HTTPS; write https:// in the engine URL."
_NO_OBJECT = re.compile(
    r"object mapping for \[(.+?)\] tried to parse field \[.*?\] as object, but found a conc"
)
_NO_VALUE = re.compile(
    r"failed to parse field \[(.+?)\] of type \[(\w+)\] in document with id .*?Preview of field's value: "
    r"'(.*?)'(?:: |$)",
    re.DOTALL,
)
_OBJECT = re.compile("START_OBJECT|parse object")
_NUMBERS = frozenset({"long", "integer", "short", "byte", "double", "float", "half_float", "unsigned_long"})

MAX_PRIVILEGE_CHARACTERS = 2_000
"""Maximum length of the reason of a missing privilege: the privilege is at its end."""
_ALL_FAILED = "all shards failed"
"""A generic reason, which is omitted."""
_OVER_LIMIT = re.compile(r"coordinating_operation_bytes=(\d+), max_coordinating_bytes=(\d+)")
_STRICT = re.compile(r"mapping set to strict.*, dynamic introduction of \[(.+?)\] within \[(.+?)\]")
_TAKEN = frozenset({"resource_already_exists_exception", "invalid_alias_name_exception"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error response: status, type of the error, and its reasons, outermost first."""

    status: int
    type: str
    reason: str

    @property
    def sentence(self) -> str:
        """The reason as a sentence about one document."""
        found = _STRICT.search(self.reason)
        if found is None:
            return f"{self.reason}."
        within = "" if found[2] == "_doc" else f"{found[2]}."
        return (
            f"The mapping is strict and has no field {within + found[1]!r}: add the field to the mapping "
            "of the index, or remove it from the documents."
        )

    @property
    def is_block(self) -> bool:
        """Whether the index or the cluster is blocked, except by a starting cluster."""
        return self.type == "cluster_block_exception" and self.status != 503

    @property
    def is_too_large(self) -> bool:
        """Whether the request exceeds the HTTP limit, or the memory that a node reserves for writes."""
        found = _OVER_LIMIT.search(self.reason)
        return self.status == 413 or (found is not None and int(found[1]) > int(found[2]))

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in BUSY and not (self.is_block or self.is_full_disk or self.is_too_large)

    @property
    def is_full_disk(self) -> bool:
        """Whether the disk is full, or the server has blocked writes because it is nearly full."""
        return "/12/" in self.reason or "No space left on device" in self.reason


def refusal(status: int, error: object) -> Refusal:
    """Read the `error` of a response or of a bulk item."""
    if not isinstance(error, Mapping):
        return Refusal(status, "", str(error or "no reason given"))
    reasons, kind, at = [], str(error.get("type") or ""), error
    roots = error.get("root_cause")
    if isinstance(roots, list) and roots and isinstance(roots[0], Mapping):
        kind = str(roots[0].get("type") or kind)
        reasons.append(str(roots[0].get("reason") or ""))
    for _ in range(5):
        reasons.append(str(at.get("reason") or ""))
        cause = at.get("caused_by")
        if not isinstance(cause, Mapping):
            break
        at = cause
    said: list[str] = []
    for reason in (reason.rstrip(".") for reason in reasons):
        if reason and reason != _ALL_FAILED and not any(reason in before for before in said):
            said.append(reason)
    return Refusal(status, kind, ": ".join(said) or kind or "no reason given")


def refusal_of(error: Refused) -> Refusal:
    """The refusal in an exception of the server."""
    return refusal(error.status, error.error)


def misfit(said: Refusal) -> str | None:
    """Why a document was refused, if a value does not fit the type of its field; otherwise None.

    The sentences are those of the embedded engine.
    """
    shape = _NO_OBJECT.search(said.reason)
    if shape is not None:
        return f"{shape_mismatch(shape[1], has_fields=True)}."
    value = _NO_VALUE.search(said.reason)
    if value is None:
        return None
    field, kind, shown = value.groups()
    if "{" in shown and _OBJECT.search(said.reason):
        return f"{shape_mismatch(field, has_fields=False)}."
    if "supports only finite values" in said.reason:
        return f"The number in the field {field!r} is too large."
    if kind in _NUMBERS:
        return f"{type_mismatch(field, FieldType.NUMBER, shown)}."
    if kind == "boolean":
        return f"{type_mismatch(field, FieldType.BOOLEAN, shown)}."
    return f"The field {field!r} has the type {kind} and does not accept {shown!r}."


def innermost(error: Refused) -> str:
    """The innermost reason of a refused search, without full stop."""
    at: Any = error.error
    said = at.get("reason") if isinstance(at, Mapping) else None
    shards = at.get("failed_shards") if isinstance(at, Mapping) else None
    if isinstance(shards, list) and shards and isinstance(shards[0], Mapping):
        at = shards[0].get("reason")
    while isinstance(at, Mapping):
        said, at = at.get("reason") or said, at.get("caused_by")
    return _short(said or "no reason given", 200)


def explain_refusal(said: Refusal, server: Server, index: str | None) -> EngineError:
    """The EngineError for a refusal that concerns an index or the whole cluster."""
    what = f"The index {index!r}" if index else "The cluster"
    if said.type == "index_not_found_exception" and index:
        return no_such_index(index)
    if said.status == 401:
        return AccessDenied(not_authenticated(said.reason, server.product))
    if said.type == "security_exception":
        return AccessDenied(not_allowed(_short(said.reason, MAX_PRIVILEGE_CHARACTERS), server.product, index))
    if said.is_full_disk:
        return EngineUnavailable(
            f"{what} rejects writes because the disk of the server is or was full; free disk space and "
            "remove the block index.blocks.read_only_allow_delete."
        )
    if said.type == "index_closed_exception" or "FORBIDDEN/4/" in said.reason:
        return EngineUnavailable(f"{what} is closed; open it with POST /{index}/_open.")
    if said.is_block:
        return IndexBlocked(f"{what} is blocked: {_short(said.reason)}; remove the block.")
    if index and (said.type in _TAKEN or "already exists as alias" in said.reason):
        return name_taken(index)
    if "matches an alias" in said.reason and index:
        return no_such_index(index)
    if said.status in BUSY:
        return EngineUnavailable(
            f"{what} cannot answer now, because shards are missing or the server is overloaded: "
            f"{_short(said.reason)}."
        )
    return EngineError(
        f"{server.product} rejects the request with status {said.status}: {_short(said.reason)}."
    )


@contextmanager
def failures(server: Server, index: str | None = None) -> Iterator[None]:
    """Translate exceptions of a server in this block into EngineErrors."""
    try:
        yield
    except OtherProduct as error:
        raise EngineError(
            f"The server at {server.addresses} is not {server.product}; check the engine URL."
        ) from error
    except Refused as error:
        _check_product(error, server)
        raise explain_refusal(refusal_of(error), server, index) from error
    except NoAnswer as error:
        raise explain_no_answer(error, server) from error
    except UNREADABLE as error:
        raise unexpected_answer(error, server) from error


def _check_product(error: Refused, server: Server) -> None:
    """Raise EngineError if a response is not from a server of the family, but for example from a proxy."""
    if error.is_from_family or error.status in BUSY or error.status in {401, 413}:
        return
    if error.body and _TLS_WANTED.search(str(error.body)):
        raise EngineUnavailable(_USE_HTTPS.format(server.addresses))
    if not (isinstance(error.body, Mapping) and isinstance(error.error, Mapping)):
        raise EngineError(
            f"The server at {server.addresses} answers with status {error.status}, but is not "
            f"{server.product}; check the engine URL."
        )


def unexpected_answer(error: Exception, server: Server) -> EngineError:
    """The error for a response in which something is missing. Its note is the traceback."""
    sentence = (
        f"The server at {server.addresses} gave an answer that is not from {server.product}; check the "
        "engine URL."
    )
    found = EngineError(sentence)
    found.add_note("".join(traceback.format_exception(error)))
    return found


def readable(method: Callable[..., T]) -> Callable[..., T]:
    """Decorate a method that reads responses: an unexpected response raises EngineError.

    The object of the method has `server`.
    """

    @wraps(method)
    def reads(self: Any, *arguments: Any, **options: Any) -> T:
        try:
            return method(self, *arguments, **options)
        except UNREADABLE as error:
            raise unexpected_answer(error, self.server) from error

    return reads


def explain_no_answer(error: NoAnswer, server: Server) -> EngineError:
    """The EngineError for a request without a valid response."""
    addresses = server.addresses
    if isinstance(error, TimedOut):
        return EngineUnavailable(
            f"{server.product} at {addresses} did not answer in time; try again later, or raise "
            f"{REQUEST_TIMEOUT.option}."
        )
    if isinstance(error, Untrusted) and _NO_TLS.search(error.message):
        return EngineUnavailable(
            f"The server at {addresses} speaks plain HTTP; write http:// in the engine URL, or its TLS port."
        )
    if isinstance(error, Untrusted):
        return EngineUnavailable(
            f"The server at {addresses} cannot be trusted, or does not trust this client: "
            f"{explain_tls(error.message)}."
        )
    if isinstance(error, Unreadable):
        return EngineError(f"{server.product} at {addresses} gave an answer that cannot be read.")
    if _CUT_OFF.search(error.message) and _speaks_tls(addresses):
        return EngineUnavailable(_USE_HTTPS.format(addresses))
    return EngineUnavailable(
        f"{server.product} at {addresses} cannot be reached; check the address and that it runs "
        f"({_short(error.message)})."
    )


def _speaks_tls(addresses: object) -> bool:
    """Whether the first address is http://, but the server speaks HTTPS."""
    parts = urlsplit(str(addresses).split(",")[0])
    if parts.scheme != "http" or parts.hostname is None:
        return False
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or DEFAULT_PORT), timeout=2) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname),
        ):
            return True
    except (OSError, ValueError):
        return False


def _short(text: object, most: int = 400) -> str:
    line = " ".join(str(text).split()).rstrip(".")
    return line if len(line) <= most else line[:most] + "…"
