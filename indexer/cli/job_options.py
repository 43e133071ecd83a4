"""The options of `enricher reindex start`, and how those that select documents are read."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from enricher.errors import SourceError, UsageError
from enricher.lines import read_text
from indexer.cli.app import index_name

TARGET_ENGINE = "ENRICHER_TARGET_ENGINE"
MAX_IDS = 10_000
"""Ids of a job in place."""

SourceIndex = Annotated[
    str, typer.Argument(metavar="SOURCE_INDEX", callback=index_name, help="An index, or an alias of one.")
]
ToAlias = Annotated[
    str | None,
    typer.Option(metavar="ALIAS", callback=index_name, help="The name that searches and writers use."),
]
WriteBlock = Annotated[
    bool, typer.Option("--write-block", help="Strict: refuse writes (403) for a moment before the swap.")
]
BlockLimit = Annotated[
    float, typer.Option(min=0.1, help="Seconds after which the block is lifted and tried again later.")
]
InPlace = Annotated[
    bool, typer.Option("--in-place", help="Enrich the documents where they are; no second index.")
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="missing|stale",
        help="In place, only documents without enrichment (missing), or those whose text has changed or that "
        "another model has enriched (stale); repeatable.",
    ),
]
Query = Annotated[
    str | None,
    typer.Option(metavar="JSON", help="In place, only what this query of the server (or @FILE) matches."),
]
Ids = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help=f"In place, only these ids, one a line, at most {MAX_IDS:,}."),
]
Rate = Annotated[float | None, typer.Option(min=0.1, help="Maximum documents per second.")]
TargetEngine = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Another cluster, or tantivy:FOLDER, where the new index is made; this one keeps the job. The "
        "other options of its connection are variables: ENRICHER_TARGET_API_KEY for ENRICHER_API_KEY, and so "
        "on.",
    ),
]
TargetAgain = Annotated[
    str | None,
    typer.Option(
        "--target-engine",
        metavar="URL",
        envvar=TARGET_ENGINE,
        show_envvar=True,
        help="The other cluster of the job, where its address has changed or needs a user.",
    ),
]
Follow = Annotated[
    bool,
    typer.Option(
        "--follow", help="With --target-engine: go on copying what is written, until Ctrl-C or SIGTERM."
    ),
]
Gate = Annotated[
    Path | None,
    typer.Option(metavar="COLLECTION", help="Swap only if nDCG@10 on this collection falls by at most 1 %."),
]


def parse_only(values: Sequence[str]) -> tuple[str, ...]:
    """The values of --only, sorted. Raises UsageError for an unknown one."""
    from indexer.reindex.job import ONLY

    unknown = sorted(set(values) - set(ONLY))
    if unknown:
        raise UsageError(f"--only takes {' or '.join(ONLY)}, not {unknown[0]!r}.")
    return tuple(sorted(set(values)))


def parse_query(text: str | None) -> dict[str, Any] | None:
    """The query of --query, without an outer {"query": ...}. Raises UsageError.

    text: JSON, or @FILE for the JSON in a file.
    """
    if text is None:
        return None
    if text.startswith("@"):
        text = _text_of(Path(text[1:]))
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
    lines = _text_of(file).split("\n")
    found = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not found or len(found) > MAX_IDS:
        raise UsageError(f"The file {str(file)!r} holds {len(found):,} ids; a job takes 1 to {MAX_IDS:,}.")
    return found


def _text_of(file: Path) -> str:
    """The text of a file that an option names. Raises UsageError."""
    try:
        return read_text(file)
    except SourceError as error:
        raise UsageError(str(error)) from None
    except FileNotFoundError:
        raise UsageError(f"There is no file {str(file)!r}.") from None
    except OSError as error:
        raise UsageError(f"The file {str(file)!r} cannot be read: {error}.") from None
