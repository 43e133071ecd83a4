"""The addresses of a server: parsed from a URL, and shown without the password."""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from enricher.errors import ConfigurationError

DEFAULT_PORT = 9200

_MASK = "***"
_USER_INFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s\"'<>]*@")
_SHORT = 4
"""Characters from which on a password is masked wherever it stands, not in a URL alone."""

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
    """Parse `http(s)://[user:password@]host:port[,host:port...]`.

    Later addresses take the scheme of the first, and may repeat its user and password. Raises
    ConfigurationError, with a message that repeats nothing of a URL that holds a password.
    """
    keep_secret(url)
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
    if users and "@" not in first:  # what looks like the first address may be half of a password
        raise ConfigurationError(
            f"The engine URL must name user and password in its first address, {_ESCAPED}."
        )
    if len(users) > 1:
        raise ConfigurationError("The engine URL names several users; give one user and password.")
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
        raise ConfigurationError(f"The address of {parts.hostname} ends in ? or #; leave that away.")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    user = None if parts.username is None else unquote(parts.username)
    password = unquote(parts.password or "") if user is not None else None
    return f"{parts.scheme}://{name}:{port}{parts.path.rstrip('/')}", (user, password)


def keep_secret(url: str) -> None:
    """Let `masked` know the user and password of an engine URL, whether or not it can be parsed."""
    start, separator, rest = url.partition("://")
    if not separator or "@" not in rest or start.strip().lower() not in {"http", "https"}:
        return
    for info in {rest.rpartition("@")[0], *(part.rpartition("@")[0] for part in rest.split(","))}:
        user, _, password = info.partition(":")
        plain = unquote(user), unquote(password)
        basic = base64.b64encode(":".join(plain).encode("utf-8", "replace")).decode()
        _secrets.update(secret for secret in (info, password, plain[1], basic) if len(secret) >= _SHORT)


def masked(text: str) -> str:
    """The text without the user info of any URL, and without the passwords that `keep_secret` was given."""
    text = _USER_INFO.sub(rf"\1{_MASK}@", text)
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return text
