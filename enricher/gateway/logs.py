"""The log of the service: one JSON object a line, without bodies, parameters and secrets."""

import re
import sys
import uuid
from datetime import UTC, datetime
from typing import TextIO

import orjson

_REQUEST_ID = re.compile(r"[\w.:-]{1,64}")


def request_id(given: str | None) -> str:
    """The id that a client has given to its request, if it is harmless; else a new one."""
    return given if given and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


class Log:
    """Writes lines to a stream, by default stderr."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def write(self, event: str, **facts: object) -> None:
        """Write one event."""
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts}
        stream = self._stream or sys.stderr
        stream.write(orjson.dumps(line, default=str).decode() + "\n")
        stream.flush()
