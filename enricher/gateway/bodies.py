"""The bodies of requests: as a whole with a limit, or as a file."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
from aiohttp import web

from enricher.errors import UsageError
from enricher.gateway.enriching import is_array

MAX_ARRAY_BYTES = 64_000_000
"""Maximum size of an array of documents. Lines of JSON are read as they come."""
MAX_FILE_BYTES = 4_000_000_000
"""Maximum size of the lines of JSON of one request to index documents."""


async def first_chunk(request: web.Request) -> bytes:
    """The first part of a body that is not empty space."""
    chunk = b""
    async for more in request.content.iter_any():
        chunk += more
        if chunk.strip():
            break
    return chunk


async def bounded(request: web.Request, most: int) -> bytes:
    """The rest of a body. Raises HTTPRequestEntityTooLarge."""
    parts, size = [], 0
    async for chunk in request.content.iter_any():
        parts.append(chunk)
        size += len(chunk)
        if size > most:
            raise web.HTTPRequestEntityTooLarge(most, size)
    return b"".join(parts)


@asynccontextmanager
async def received(request: web.Request) -> AsyncIterator[Path]:
    """Write a body to a file of JSON lines, which is gone at the end. An array becomes lines.

    Raises UsageError for an array that is none, and HTTPRequestEntityTooLarge.
    """
    first = await first_chunk(request)
    with tempfile.TemporaryDirectory(prefix="enricher-") as folder:
        path = Path(folder) / "body.jsonl"
        with path.open("wb") as file:
            if is_array(first):
                body = first + await bounded(request, MAX_ARRAY_BYTES)
                file.writelines(orjson.dumps(value) + b"\n" for value in _parsed(body))
            else:
                size = file.write(first)
                async for chunk in request.content.iter_any():
                    size += file.write(chunk)
                    if size > MAX_FILE_BYTES:
                        raise web.HTTPRequestEntityTooLarge(MAX_FILE_BYTES, size)
        yield path


def _parsed(body: bytes) -> list[object]:
    try:
        return list(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise UsageError(f"The body is not JSON: {error}.") from error
