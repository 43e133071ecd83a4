"""Enrich the documents of a request body, in batches, in their order."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial

import orjson
from aiohttp import StreamReader

from enricher.answers import Json
from enricher.errors import UsageError
from enricher.gateway.pool import Pool
from enricher.records import Document
from enricher.sources import SourceFormat, document_of, parse_json

BATCH_DOCUMENTS = 256
MAX_LINE_BYTES = 16_000_000

Enrich = Callable[[Sequence[Document]], list[Json]]
"""The answers for documents, in order."""


def is_array(start: bytes) -> bool:
    """Whether a body is a JSON array, by its first bytes."""
    return start.lstrip()[:1] == b"["


async def enrich_array(body: bytes, fields: Sequence[str], enrich: Enrich, pool: Pool) -> list[Json]:
    """The answers for an array of documents. Raises UsageError if the body is no JSON array."""
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"The body is not JSON: {error}.") from error
    answers: list[Json] = []
    for start in range(0, len(values), BATCH_DOCUMENTS):
        batch = values[start : start + BATCH_DOCUMENTS]
        parsed = [_document(value, start + place, fields) for place, value in enumerate(batch, 1)]
        answers += await pool.run(partial(_answers, enrich, parsed))
    return answers


async def enrich_lines(
    first: bytes, rest: StreamReader, fields: Sequence[str], enrich: Enrich, pool: Pool
) -> AsyncIterator[list[Json]]:
    """Yield the answers for lines of JSON, a batch at a time, while the body still arrives.

    A line that is no document gets an answer with the reason. Empty lines are skipped. A line of more than
    MAX_LINE_BYTES ends the answers.
    """
    number = 0
    waiting: list[Document | tuple[str, str]] = []
    async for line in _lines(first, rest):
        number += 1
        if line is None:
            reason = f"The line has more than {MAX_LINE_BYTES:,} bytes. It and all after it were not read."
            waiting.append((str(number), reason))
            break
        if line.strip():
            waiting.append(_line(line, number, fields))
        if len(waiting) >= BATCH_DOCUMENTS:
            yield await pool.run(partial(_answers, enrich, waiting))
            waiting = []
    if waiting:
        yield await pool.run(partial(_answers, enrich, waiting))


async def _lines(first: bytes, rest: StreamReader) -> AsyncIterator[bytes | None]:
    """Yield the lines of a body; None for one that is too long, after which nothing is read."""
    left = b""
    async for chunk in _chunks(first, rest):
        *whole, left = (left + chunk).split(b"\n")
        for line in whole:
            yield line
        if len(left) > MAX_LINE_BYTES:
            yield None
            return
    yield left


async def _chunks(first: bytes, rest: StreamReader) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest.iter_any():
        yield chunk


def _line(line: bytes, number: int, fields: Sequence[str]) -> Document | tuple[str, str]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        return str(number), f"The line is not UTF-8 (byte {error.start + 1})."
    try:
        value = parse_json(text)
    except ValueError as error:
        return str(number), str(error)
    return _document(value, number, fields)


def _document(value: object, number: int, fields: Sequence[str]) -> Document | tuple[str, str]:
    """A document; or its id, else its number, and the reason why it is none."""
    try:
        return document_of(value, str(number), SourceFormat(enriched=tuple(fields)))
    except (ValueError, RecursionError) as error:
        given = value.get("id") if isinstance(value, dict) else None
        is_id = isinstance(given, str | int) and not isinstance(given, bool)
        return str(given) if is_id else str(number), str(error)


def _answers(enrich: Enrich, parsed: Sequence[Document | tuple[str, str]]) -> list[Json]:
    """The answers for documents, and for what is none, in order."""
    found: Iterator[Json] = iter(enrich([one for one in parsed if isinstance(one, Document)]))
    return [next(found) if isinstance(one, Document) else {"id": one[0], "error": one[1]} for one in parsed]
