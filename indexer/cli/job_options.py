"""Options of `enricher reindex start` that select documents, read from text and files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from enricher.errors import SourceError, UsageError
from enricher.lines import read_text
from indexer.reindex.job import ONLY

MAX_IDS = 10_000
"""Ids of a job in place."""


def parse_only(values: Sequence[str]) -> tuple[str, ...]:
    """The values of --only, sorted. Raises UsageError for an unknown one."""
    unknown = sorted(set(values) - set(ONLY))
    if unknown:
        raise UsageError(f"--only takes {' or '.join(ONLY)}, not {unknown[0]!r}.")
    return tuple(sorted(set(values)))


def parse_query(text: str | None) -> dict[str, Any] | None:
    """The Elasticsearch query of --query, without an outer {"query": ...}. Raises UsageError."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--query is not valid JSON: {error}.") from None
    if not isinstance(value, dict) or not value:
        raise UsageError('--query takes a query as an object, like {"term": {"year": 2024}}.')
    inner = value.get("query")
    return inner if len(value) == 1 and isinstance(inner, dict) else value


def read_ids(file: Path | None) -> tuple[str, ...]:
    """The ids of a file, one a line, each once. Raises UsageError if there are none or more than MAX_IDS."""
    if file is None:
        return ()
    try:
        lines = read_text(file).split("\n")
    except SourceError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"The file {str(file)!r} cannot be read: {error}.") from None
    found = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not found or len(found) > MAX_IDS:
        raise UsageError(f"The file {str(file)!r} holds {len(found):,} ids; a job takes 1 to {MAX_IDS:,}.")
    return found
