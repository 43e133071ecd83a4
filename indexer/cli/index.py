"""`enricher index`: documents into an enriched index."""

from pathlib import Path
from typing import Annotated

import typer

from enricher.plugins import PluginContext, load_enrichments
from enricher.settings import IndexConfiguration
from enricher.sources import SourceFormat, source_format
from enricher.text import open_analyzer
from indexer.cli.app import (
    Context,
    FormatOption,
    IdField,
    Json,
    TextField,
    TitleField,
    app,
    context_of,
)
from indexer.cli.output import Rejects, counted, print_json, progress_display, say
from indexer.pipeline import DocumentEnricher, index_documents, prepare_index
from indexer.sources import read_sources

WORDS_ONLY = ("tokens",)


@app.command()
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
    id_field: IdField = "id",
    title_field: TitleField = "title",
    text_field: TextField = "text",
    format_name: FormatOption = "auto",
    as_json: Json = False,
) -> None:
    """Index documents with their enrichment; the same command again changes nothing.

    Example: enricher index docs.jsonl --to articles
    """
    shared = context_of(context)
    form = source_format(id_field, title_field, text_field, format_name)
    enricher = document_enricher(shared, to, form, no_enrichment)
    engine = shared.engine()
    stream = read_sources(sources, form, lambda: engine)
    prepare_index(engine, to, enricher.layout())
    path = rejects_file or Path(f"{to}.rejects.jsonl")
    with Rejects(path) as rejects, progress_display() as progress:
        report = index_documents(
            engine, to, stream, enricher, rejects, lambda written: progress("indexing documents", written, 0)
        )
    engine.close()
    counts = {
        "index": to,
        "written": report.written,
        "rejected": report.rejected,
        "duplicates": report.duplicates,
        "truncated": report.truncated,
        "model": enricher.model,
    }
    if as_json:
        print_json(counts)
    else:
        print(f"{counted(report.written, 'document')} written to {to}.")
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


def document_enricher(
    shared: Context, index: str, form: SourceFormat, no_enrichment: bool
) -> DocumentEnricher:
    """The enrichments that the configuration names for an index, on the active model."""
    configuration = shared.configuration().for_index(index)
    fields = configuration.fields or form.fields
    title = form.title_field if form.title_field in fields and len(fields) > 1 else None
    if no_enrichment:
        analyzer, model = open_analyzer(), None
        configuration = IndexConfiguration(enrichments=WORDS_ONLY, settings=configuration.settings)
    else:
        model = shared.model()
        analyzer = model.analyzer
    context = PluginContext(fields, analyzer, model, title)
    enrichments = load_enrichments(configuration, context)
    return DocumentEnricher(analyzer, fields, enrichments, model.version if model else None)
