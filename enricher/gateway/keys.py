"""API keys of the service: a file with one `NAME SHA-256` a line.

A key is 256 random bits, so a plain hash is safe.
"""

import hashlib
import hmac
import re
import secrets
from pathlib import Path

from enricher.errors import ConfigurationError
from enricher.files import file_state

SCHEMES = ("apikey", "bearer")
"""The schemes of the header `Authorization` that a key may have."""
_LINE = re.compile(r"(?P<name>[\w.-]{1,64})\s+(?P<hash>[0-9a-f]{64})")


def new_key(name: str) -> tuple[str, str]:
    """A new key, and the line of the file for it. Raises ConfigurationError for a name that is no word."""
    key = secrets.token_urlsafe(32)
    line = f"{name} {_hash(key)}"
    if not _LINE.fullmatch(line):
        raise ConfigurationError(
            f"The name of a key has only letters, digits, '.', '_' and '-', not {name!r}."
        )
    return key, line


class ApiKeys:
    """The keys of a file, which is read again when it has changed; the last keys hold if that fails."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigurationError if the file cannot be read, or has no key."""
        self._path = path
        self._seen = file_state(self._path)
        self._hashes = self._read()

    def owner(self, authorization: str | None) -> str | None:
        """The name of the key in a header `Authorization`; None if there is no valid key."""
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() not in SCHEMES or not key:
            return None
        self._refresh()
        given, found = _hash(key.strip()), None
        for name, known in self._hashes.items():
            if hmac.compare_digest(known, given):
                found = name
        return found

    def _refresh(self) -> None:
        state = file_state(self._path)
        if state == self._seen:
            return
        try:
            self._hashes = self._read()
        except ConfigurationError:  # it is being written
            return
        self._seen = state

    def _read(self) -> dict[str, str]:
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise ConfigurationError(f"The API keys {str(self._path)!r} cannot be read: {said}.") from error
        hashes: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            parts = _LINE.fullmatch(line.strip())
            if parts is None:
                raise ConfigurationError(
                    f"Line {number} of the API keys {str(self._path)!r} is no name with a SHA-256 hash: "
                    "make keys with `enricher serve --new-key NAME`."
                )
            hashes[parts["name"]] = parts["hash"]
        if not hashes:
            raise ConfigurationError(f"The file of API keys {str(self._path)!r} has no key.")
        return hashes


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
