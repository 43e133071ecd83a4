"""The addresses of a server: parsed from a URL, and shown without the password."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from enricher.errors import ConfigurationError

DEFAULT_PORT = 9200


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
    if len(users) > 1:
        raise ConfigurationError("The engine URL names several users; give one user and password.")
    user_name, password = users[0] if users else (None, None)
    return Addresses(tuple(hosts), user_name, password)


def _parse(address: str) -> tuple[str, tuple[str | None, str | None]]:
    try:
        parts = urlsplit(address)
        port = parts.port or DEFAULT_PORT
    except ValueError:
        parts, port = None, 0
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            "The engine URL cannot be read; write http(s)://[user:password@]host:port, "
            "with %2C, %3A, %2F and %40 for , : / and @ in the password."
        )
    if parts.query or parts.fragment:
        raise ConfigurationError(f"The address of {parts.hostname} ends in ? or #; leave that away.")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    user = None if parts.username is None else unquote(parts.username)
    password = unquote(parts.password or "") if user is not None else None
    return f"{parts.scheme}://{name}:{port}{parts.path.rstrip('/')}", (user, password)
