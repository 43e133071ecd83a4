"""Server addresses: parse them from an engine URL, and mask passwords in messages."""

import base64
import json
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from enricher.errors import ConfigurationError

DEFAULT_PORT = 9200

_MASK = "***"
_FAMILY = re.compile(r"(?i)^\s*[a-z]+\+(?=https?:)")
"""What a URL says of the family of the server, before the scheme that its addresses have."""
_USER_INFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s\"'<>]*@")
_SHORT = 4
"""Minimum characters of a password that is masked everywhere in a text, not only inside a URL."""

_secrets: set[str] = set()


@dataclass(frozen=True, slots=True)
class Addresses:
    """The nodes of one cluster, as URLs without user or password."""

    hosts: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return ", ".join(self.hosts)


def parse_addresses(url: str) -> Addresses:
    """Parse `[family+]http(s)://[user:password@]host:port[,host:port...]`.

    Addresses after the first may omit the scheme, and may repeat user and password. Raises
    ConfigurationError, whose message contains no user or password.
    """
    keep_secret(url)
    url = _FAMILY.sub("", url)
    first, *others = [part.strip() for part in url.split(",")]
    scheme = first.partition("://")[0].lower()
    hosts: list[str] = []
    users: list[tuple[str | None, str | None]] = []
    for part in [first, *others]:
        address = part if "://" in part else f"{scheme}://{part}"
        host, user = _parse(address)
        hosts.append(host)
        if user != (None, None) and user not in users:
            users.append(user)
    if users and "@" not in first:  # the comma may be part of a password
        raise ConfigurationError(
            f"The first address of the engine URL must contain the user and the password, {_ESCAPED}."
        )
    if len(users) > 1:
        raise ConfigurationError("The engine URL contains several users; give one user and password.")
    user_name, password = users[0] if users else (None, None)
    return Addresses(tuple(hosts), user_name, password)


_ESCAPED = "with %2C, %3A, %2F, %3F, %23 and %40 for , : / ? # and @ in the password"


def _parse(address: str) -> tuple[str, tuple[str | None, str | None]]:
    try:
        parts = urlsplit(address)
        port = parts.port or DEFAULT_PORT
    except ValueError:
        parts, port = None, 0
    known = parts is not None and parts.scheme in {"http", "https"}
    if (
        parts is None
        or not known
        or not parts.hostname
        or "@" in f"{parts.path}{parts.query}{parts.fragment}"
    ):
        raise ConfigurationError(
            f"The engine URL cannot be read; write http(s)://[user:password@]host:port, {_ESCAPED}."
        )
    if parts.query or parts.fragment:
        raise ConfigurationError(
            f"The address of {parts.hostname} has a query (?) or a fragment (#); omit it."
        )
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    user = None if parts.username is None else unquote(parts.username)
    password = unquote(parts.password or "") if user is not None else None
    return f"{parts.scheme}://{name}:{port}{parts.path.rstrip('/')}", (user, password)


def keep_secret(url: str) -> None:
    """Register the user and password of an engine URL for `masked`, also if the URL is malformed."""
    start, separator, rest = _FAMILY.sub("", url).partition("://")
    if not separator or "@" not in rest or start.strip().lower() not in {"http", "https"}:
        return
    for info in {rest.rpartition("@")[0], *(part.rpartition("@")[0] for part in rest.split(","))}:
        user, _, password = info.partition(":")
        plain = unquote(user), unquote(password)
        basic = base64.b64encode(":".join(plain).encode("utf-8", "replace")).decode()
        hide(info, password, plain[1], basic)


def hide(*secrets: str) -> None:
    """Register secrets for `masked`, in the forms that URLs, JSON and exceptions give them.

    Very short ones are omitted: they are part of ordinary words.
    """
    for secret in secrets:
        forms = {
            secret,
            quote(secret, safe="", errors="replace"),
            json.dumps(secret)[1:-1],
            repr(secret)[1:-1],
        }
        _secrets.update(form for form in forms if len(secret) >= _SHORT)


def masked(text: str) -> str:
    """Replace the user info of all URLs, and all secrets that are registered, by ***."""
    text = _USER_INFO.sub(rf"\1{_MASK}@", text)
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return text
