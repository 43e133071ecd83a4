"""`enricher index`: write documents and their enrichment to an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from enricher.errors import SourceError
from enricher.records import Document, Rejection, SearchEngine
from indexer.cli.app import (
    Command,
    Context,
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
    from enricher.enrichment import EnricherRecipe
    from enricher.recipe.fields import NamedFields


WORDS_ONLY = ("tokens",)


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
    from enricher.sources import noting_fields, source_format
    from indexer.pipeline import index_documents, prepare_index
    from indexer.sources import looked_at, read_sources

    shared = context_of(context)
    engine = shared.engine()
    named = NamedFields(title_field, text_field)
    chosen = recipe(shared, engine, to, sources, named, no_enrichment)
    form = source_format(id_field, chosen.fields, format_name)
    enricher = chosen.open()
    path = rejects_file or Path(file_name_for(to, ".rejects.jsonl"))
    with Rejects(path) as rejects, progress_display() as progress, _what_stays(to) as note_kept:

        def on_progress(written: int) -> None:
            progress("indexing documents", written, 0)

        absent = set(chosen.configuration.fields or ())
        stream = read_sources(sources, form, lambda: engine, named.names, [path], say)
        stream = looked_at(stream, chosen.fields, named.names, ", ".join(sources), rejects, say)
        documents = not_empty(noting_fields(stream, absent), rejects)
        prepare_index(engine, to, enricher.layout())
        unwritten = None
        if id_field not in form.fields and engine.refuses(to, id_field):
            say(f"The mapping of {to} is strict and has no field {id_field!r}: the id is stored as _id only.")
            unwritten = id_field
        report = index_documents(
            engine,
            to,
            documents,
            enricher,
            rejects,
            on_progress,
            worker_count(workers),
            note_kept,
            unwritten,
        )
        engine.close()
    counts = {
        "index": to,
        "written": report.written,
        "rejected": rejects.count,
        "duplicates": report.duplicates,
        "truncated": report.truncated,
        "without_text": report.without_text,
        "model": enricher.model_version,
    }
    if as_json:
        print_json(counts)
    else:
        print_line(f"{counted(report.distinct, 'document')} written to {to}.")
    if absent:
        names = ", ".join(sorted(absent))
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
    if rejects.count:
        say(rejects.summary())
        raise typer.Exit(1)


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


def not_empty(stream: Iterator[Document | Rejection], rejects: Rejects) -> Iterator[Document | Rejection]:
    """Return the stream. Raises SourceError if it has no document, before an index is created."""
    from enricher.sources import accepted

    first = next(accepted(stream, rejects), None)
    if first is not None:
        return chain((first,), stream)
    if rejects.count:
        say(rejects.summary())
    raise SourceError("The source contains no documents: nothing was indexed.")


def recipe(
    shared: Context,
    engine: SearchEngine,
    index: str,
    sources: Sequence[str],
    named: NamedFields,
    no_enrichment: bool,
) -> EnricherRecipe:
    """The recipe that enriches the documents of sources for an index, with the active model.

    Raises ModelNotFound.
    """
    from enricher.enrichment import EnricherRecipe
    from enricher.recipe.configuration import configuration_for, recorded_layout
    from enricher.recipe.fields import chosen_fields, field_notes, fields_of_sources

    tables = shared.configuration()
    recorded = recorded_layout(engine, index)
    configuration = configuration_for(engine, tables, index, recorded=recorded)
    source = fields_of_sources(lambda: engine, sources)
    fields = chosen_fields(named, source, configuration.fields, recorded.fields if recorded else None)
    for note in field_notes(fields, source):
        say(note)
    if no_enrichment:
        words_only = replace(configuration, enrichments=WORDS_ONLY, settings={})
        return EnricherRecipe(shared.models, None, fields, words_only)
    return EnricherRecipe(shared.models, shared.store.open().version, fields, configuration)
