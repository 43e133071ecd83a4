"""Where the service listens."""

import socket
from dataclasses import dataclass

from enricher.errors import UsageError


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service listens. Port 0: any free port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, option: str) -> "Address":
        """Parse HOST:PORT; the host of an IPv6 address stands in brackets. Raises UsageError."""
        host, found, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not found or not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
            raise UsageError(f"{option} must be HOST:PORT, for example 127.0.0.1:9280, not {text!r}.")
        return cls(host, int(port))

    def bound(self) -> socket.socket:
        """A socket that listens here. Raises UsageError."""
        try:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            return socket.create_server((self.host, self.port), family=family, backlog=1024)
        except OSError as error:
            raise UsageError(
                f"The service cannot listen on {self}: {(error.strerror or str(error)).lower()}."
            ) from error

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
