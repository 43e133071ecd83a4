"""`enricher index`: documents into an enriched index."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from enricher.errors import SourceError
from enricher.records import Document, Rejection
from enricher.settings import IndexConfiguration
from enricher.sources import accepted, noting_fields, source_format
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
    number_of,
)
from indexer.cli.output import Rejects, counted, print_json, print_line, progress_display, say
from indexer.engines.names import check_name, file_name_for
from indexer.pipeline import EnricherRecipe, index_documents, prepare_index, refuses_field
from indexer.sources import read_sources

WORDS_ONLY = ("tokens",)


@app.command(cls=Command)
def index(
    context: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE", help="Files, folders, - or index:NAME.")],
    to: Annotated[str, typer.Option(metavar="NAME", help="Index to write to; made if it does not exist.")],
    no_enrichment: Annotated[
        bool, typer.Option("--no-enrichment", help="Only cut the text into words; needs no model.")
    ] = False,
    rejects_file: Annotated[
        Path | None, typer.Option("--rejects", help="Where refused lines go. Default: NAME.rejects.jsonl")
    ] = None,
    workers: Workers = None,
    id_field: IdField = "id",
    title_field: TitleField = "title",
    text_field: TextField = "text",
    format_name: FormatOption = "auto",
    as_json: Json = False,
) -> None:
    """Index documents with their enrichment.

    The same command again changes nothing.

    Example: enricher index docs.jsonl --to articles
    """
    shared = context_of(context)
    form = source_format(id_field, title_field, text_field, format_name)
    configuration = shared.configuration().for_index(to)
    form = replace(form, enriched=configuration.fields)
    enricher = recipe(shared, form.fields, configuration, no_enrichment).open()
    engine = shared.engine()
    path = rejects_file or Path(file_name_for(check_name(to), ".rejects.jsonl"))
    with Rejects(path) as rejects, progress_display() as progress, _what_stays(to) as note_written:

        def on_progress(written: int) -> None:
            note_written(written)
            progress("indexing documents", written, 0)

        absent = set(configuration.fields or ())
        stream = noting_fields(read_sources(sources, form, lambda: engine), absent)
        documents = not_empty(stream, rejects)
        prepare_index(engine, to, enricher.layout())
        unwritten = None
        if id_field not in form.fields and refuses_field(engine, to, id_field):
            say(f"The mapping of {to} is strict and has no field {id_field!r}: it is the _id alone.")
            unwritten = id_field
        report = index_documents(
            engine,
            to,
            documents,
            enricher,
            rejects,
            on_progress,
            number_of(workers),
            unwritten,
        )
    engine.close()
    counts = {
        "index": to,
        "written": report.written,
        "rejected": rejects.count,
        "duplicates": report.duplicates,
        "truncated": report.truncated,
        "model": enricher.model,
    }
    if as_json:
        print_json(counts)
    else:
        print_line(f"{counted(report.distinct, 'document')} written to {to}.")
    if absent:
        names = ", ".join(sorted(absent))
        say(f"No document has text in what the configuration names as a field to enrich: {names}.")
    if report.duplicates:
        repeated = counted(report.duplicates, "document")
        say(f"{repeated} came with an id seen before: the last of each was kept.")
    if report.truncated:
        limit = enricher.analyzer.limit
        longer = counted(report.truncated, "document")
        say(f"{longer} with over {limit:,} characters in a field: what is beyond is not searchable.")
    if rejects.count:
        say(rejects.summary())
        raise typer.Exit(1)


@contextmanager
def _what_stays(index: str) -> Iterator[Callable[[int], None]]:
    """Takes how many documents were written so far, and says it where the block ends early."""
    latest = 0

    def note(written: int) -> None:
        nonlocal latest
        latest = written

    try:
        yield note
    except BaseException:
        if latest:
            went = f"{counted(latest, 'document')} went to {index} before this"
            say(f"Not finished: {went}. The same command again goes over all of them and loses none.")
        raise


def not_empty(stream: Iterator[Document | Rejection], rejects: Rejects) -> Iterator[Document | Rejection]:
    """The stream from its first document on; SourceError, before an index is made, where it has none."""
    first = next(accepted(stream, rejects), None)
    if first is not None:
        return chain((first,), stream)
    if rejects.count:
        say(rejects.summary())
    raise SourceError("The source holds no document: nothing was indexed.")


def recipe(
    shared: Context, fields: tuple[str, ...], configuration: IndexConfiguration, no_enrichment: bool
) -> EnricherRecipe:
    """The enrichments that the configuration names for an index, on the active model (ModelNotFound)."""
    if no_enrichment:
        return EnricherRecipe(shared.models, None, fields, IndexConfiguration(enrichments=WORDS_ONLY))
    return EnricherRecipe(shared.models, shared.store.open().version, fields, configuration)
