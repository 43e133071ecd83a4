"""Errors of the server and of the way to it, turned into ours."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from elastic_transport import ConnectionTimeout, SerializationError, TlsError, TransportError
from elasticsearch import ApiError, UnsupportedProductError

from enricher.errors import AccessDenied, EngineError, EngineUnavailable
from indexer.engines.names import name_taken, no_such_index

BUSY = frozenset({429, 502, 503, 504})
"""Statuses that say: not now."""


_OVER_LIMIT = re.compile(r"coordinating_operation_bytes=(\d+), max_coordinating_bytes=(\d+)")
_STRICT = re.compile(r"mapping set to strict.*, dynamic introduction of \[(.+?)\] within \[(.+?)\]")
_TAKEN = frozenset({"resource_already_exists_exception", "invalid_alias_name_exception"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the server said: status, type of the error, and its reason with those below it."""

    status: int
    type: str
    reason: str

    @property
    def sentence(self) -> str:
        """The reason, as it is said of one document."""
        found = _STRICT.search(self.reason)
        if found is None:
            return f"{self.reason}."
        within = "" if found[2] == "_doc" else f"{found[2]}."
        return (
            f"The mapping is strict and has no field {within + found[1]!r}: add the field to the mapping "
            "of the index, or leave it out of the documents."
        )

    @property
    def is_block(self) -> bool:
        """Whether the index, or the cluster, is blocked by somebody; not while it starts."""
        return self.type == "cluster_block_exception" and self.status != 503

    @property
    def is_too_large(self) -> bool:
        """Whether the request can never pass: over the limit of HTTP, or of what a node works on at once."""
        found = _OVER_LIMIT.search(self.reason)
        return self.status == 413 or (found is not None and int(found[1]) > int(found[2]))

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in BUSY and not (self.is_block or self.is_full_disk or self.is_too_large)

    @property
    def is_full_disk(self) -> bool:
        """Whether the disk is full, or the index was closed to writes because it nearly is."""
        return "/12/" in self.reason or "No space left on device" in self.reason


def refusal(status: int, error: object) -> Refusal:
    """Read the `error` of an answer or of an item of a bulk answer."""
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
        if reason and not any(reason in before for before in said):
            said.append(reason)
    return Refusal(status, kind, ": ".join(said) or kind or "no reason given")


def refusal_of(error: ApiError) -> Refusal:
    """The refusal that an exception of the client holds."""
    body = error.body
    return refusal(error.status_code, body.get("error") if isinstance(body, Mapping) else body)


def explain_refusal(said: Refusal, index: str | None) -> EngineError:
    """The exception, a sentence, for a refusal that concerns an index or the whole cluster."""
    what = f"The index {index!r}" if index else "The cluster"
    if said.type == "index_not_found_exception" and index:
        return no_such_index(index)
    if said.status == 401:
        return AccessDenied("Elasticsearch refuses the user name or the password; check the engine URL.")
    if said.type == "security_exception":
        return AccessDenied(f"Elasticsearch does not allow this: {_short(said.reason)}.")
    if said.is_full_disk:
        return EngineUnavailable(
            f"{what} takes no writes because the disk of the server is full, or was; make room and remove "
            "the block index.blocks.read_only_allow_delete."
        )
    if said.type == "index_closed_exception" or "FORBIDDEN/4/" in said.reason:
        return EngineUnavailable(f"{what} is closed; open it with POST /{index}/_open.")
    if said.is_block:
        return EngineError(f"{what} is blocked: {_short(said.reason)}; remove the block.")
    if index and (said.type in _TAKEN or "already exists as alias" in said.reason):
        return name_taken(index)
    if "matches an alias" in said.reason and index:
        return no_such_index(index)
    if said.status in BUSY:
        return EngineUnavailable(
            f"{what} cannot answer now, some of its shards are missing or the server is overloaded: "
            f"{_short(said.reason)}."
        )
    return EngineError(f"Elasticsearch refuses with status {said.status}: {_short(said.reason)}.")


@contextmanager
def failures(addresses: object, index: str | None = None) -> Iterator[None]:
    """Turn the client's exceptions into ours; `addresses` is shown, so it must hold no secret."""
    try:
        yield
    except UnsupportedProductError as error:
        raise EngineError(f"The server at {addresses} is not Elasticsearch; check the engine URL.") from error
    except ApiError as error:
        raise explain_refusal(refusal_of(error), index) from error
    except TransportError as error:
        raise explain_transport(error, addresses) from error


def explain_transport(error: TransportError, addresses: object) -> EngineError:
    """The exception, a sentence, for a request that got no proper answer."""
    if isinstance(error, ConnectionTimeout):
        return EngineUnavailable(f"Elasticsearch at {addresses} did not answer in time; try again later.")
    if isinstance(error, TlsError):
        return EngineUnavailable(f"Elasticsearch at {addresses} cannot be trusted: {_short(error.message)}.")
    if isinstance(error, SerializationError):
        return EngineError(f"Elasticsearch at {addresses} gave an answer that cannot be read.")
    return EngineUnavailable(
        f"Elasticsearch at {addresses} cannot be reached; check the address and that it runs "
        f"({_short(error.message)})."
    )


def _short(text: object, most: int = 400) -> str:
    line = " ".join(str(text).split()).rstrip(".")
    return line if len(line) <= most else line[:most] + "…"
