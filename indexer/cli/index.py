"""`enricher index`: write documents and their enrichment to an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from enricher.errors import SourceError
from indexer.cli.app import (
    Command,
    FormatOption,
    IdField,
    Json,
    TextField,
    TitleField,
    Workers,
    app,
    context_of,
    index_name,
    worker_count,
)
from indexer.cli.output import Rejects, counted, print_json, print_line, progress_display, say
from indexer.engines.names import file_name_for

if TYPE_CHECKING:
    from indexer.indexing import Indexed


@app.command(cls=Command)
def index(
    context: typer.Context,
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE", help="Files, folders, - (standard input) or index:NAME.")
    ],
    to: Annotated[
        str,
        typer.Option(
            metavar="NAME", callback=index_name, help="Index to write to. Created if it does not exist."
        ),
    ],
    no_enrichment: Annotated[
        bool, typer.Option("--no-enrichment", help="Only segment the text into words. Needs no model.")
    ] = False,
    rejects_file: Annotated[
        Path | None,
        typer.Option("--rejects", help="File for rejected documents. Default: NAME.rejects.jsonl"),
    ] = None,
    workers: Workers = None,
    id_field: IdField = "id",
    title_field: TitleField = None,
    text_field: TextField = None,
    format_name: FormatOption = "auto",
    as_json: Json = False,
) -> None:
    """Index documents with their enrichment.

    A document replaces the document with the same id, so you can run the same command again.

    Example: enricher index docs.jsonl --to articles
    """
    from enricher.recipe.fields import NamedFields
    from indexer.indexing import IndexRequest, Listeners, index_sources

    shared = context_of(context)
    path = rejects_file or Path(file_name_for(to, ".rejects.jsonl"))
    request = IndexRequest(
        to,
        tuple(sources),
        NamedFields(title_field, text_field),
        id_field,
        format_name,
        not no_enrichment,
        worker_count(workers),
        (path,),
    )
    with Rejects(path) as rejects, progress_display() as progress, _what_stays(to) as on_failure:

        def on_progress(written: int) -> None:
            progress("indexing documents", written, 0)

        engine = shared.engine()
        listeners = Listeners(rejects, on_progress, on_failure, say)
        try:
            indexed = index_sources(engine, shared.models, shared.configuration(), request, listeners)
        except SourceError:
            if rejects.count:
                say(rejects.summary())
            raise
        engine.close()
    _print(to, indexed, rejects.count, as_json)
    if rejects.count:
        say(rejects.summary())
        raise typer.Exit(1)


def _print(index: str, indexed: Indexed, rejected: int, as_json: bool) -> None:
    """Print the counts, and a sentence for everything that deserves attention."""
    report, enricher = indexed.report, indexed.enricher
    if as_json:
        print_json(indexed.as_json(index, rejected))
    else:
        print_line(f"{counted(report.distinct, 'document')} written to {index}.")
    if indexed.absent:
        names = ", ".join(sorted(indexed.absent))
        say(f"No document has text in these fields of the configuration: {names}.")
    if report.duplicates:
        repeated = counted(report.duplicates, "document")
        say(f"{repeated} with a repeated id: the last document of each id was kept.")
    if report.without_text:
        without = counted(report.without_text, "document")
        say(f"{without} without text in the enriched fields ({', '.join(enricher.fields)}): not searchable.")
    if report.truncated:
        limit = enricher.analyzer.limit
        longer = counted(report.truncated, "document")
        say(f"{longer} with over {limit:,} characters in a field: the text past the limit is not searchable.")


@contextmanager
def _what_stays(index: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes the number of written documents. An error prints the last number."""
    kept = 0

    def note(documents: int) -> None:
        nonlocal kept
        kept = documents

    try:
        yield note
    except BaseException:
        if kept:
            written = f"{counted(kept, 'document')} written to {index}"
            say(f"Not finished: {written}. Run the same command again to index all documents.")
        raise
