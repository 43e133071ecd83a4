"""`enricher train`: learn a model from documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from enricher.records import Document
from indexer.cli.app import (
    MAX_WORKERS,
    Command,
    FormatOption,
    IdField,
    Json,
    Language,
    Segmenter,
    TextField,
    TitleField,
    app,
    context_of,
    worker_count,
)
from indexer.cli.output import Rejects, counted, print_json, progress_display, say

if TYPE_CHECKING:
    from enricher.text import Analyzer


Architecture = Literal["skip-gram", "cbow"]
Loss = Literal["hierarchical-softmax", "negative-sampling"]


@app.command(cls=Command)
def train(
    context: typer.Context,
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE", help="Files, folders, - (standard input) or index:NAME.")
    ],
    backgrounds: Annotated[
        list[str] | None,
        typer.Option(
            "--background",
            metavar="SOURCE",
            help="More text of the same language and topic, to learn words but no text vectors. Repeatable.",
        ),
    ] = None,
    language: Language = "auto",
    segmenter: Segmenter = "rjieba",
    dimensions: Annotated[int, typer.Option(help="Dimensions of the word vectors.")] = 100,
    window: Annotated[int, typer.Option(help="Words on each side that count as context.")] = 10,
    min_count: Annotated[
        int | None,
        typer.Option(help="Ignore words that occur less often. Default: 5, or 2 in a small corpus."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the text. Default: 5 to 25, more for a small corpus.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed. With --workers 1 the model is reproducible.")] = 1,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=f"Number of processes and threads. Default: the number of cores, at most {MAX_WORKERS}.",
        ),
    ] = None,
    architecture: Annotated[
        Architecture,
        typer.Option(help="skip-gram: a word predicts its context; cbow: the context predicts the word."),
    ] = "skip-gram",
    loss: Annotated[
        Loss,
        typer.Option(
            help="hierarchical-softmax gives exact probabilities, negative-sampling inner products."
        ),
    ] = "hierarchical-softmax",
    lexicon: Annotated[
        Path | None,
        typer.Option(help="File of your own words: one a line, optionally followed by frequency and tag."),
    ] = None,
    no_tuning: Annotated[
        bool, typer.Option("--no-tuning", help="Do not learn text vectors: faster, but lower recall.")
    ] = False,
    strip_html: Annotated[
        bool, typer.Option("--strip-html", help="The texts are HTML: ignore the markup.")
    ] = False,
    id_field: IdField = "id",
    title_field: TitleField = None,
    text_field: TextField = None,
    format_name: FormatOption = "auto",
    no_activate: Annotated[
        bool, typer.Option("--no-activate", help="Do not activate the new model.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Learn a model from documents and activate it.

    Prints the version of the model. A document that occurs twice counts twice. If you have few documents,
    add other text of the same language and topic with --background.

    Example: enricher train docs.jsonl more-docs/ --min-count 3
    """
    from enricher.recipe.fields import NamedFields, chosen_fields, field_notes, fields_of_sources
    from enricher.sources import SeenIds, accepted, source_format
    from enricher.text import open_analyzer, read_lexicon
    from enricher.text.segmentation import NO_LEXICON
    from enricher.training.train import train_bundle
    from enricher.training.word2vec import TrainingSettings
    from indexer.sources import looked_at, read_sources

    shared = context_of(context)
    workers = worker_count(workers)
    settings = TrainingSettings(
        architecture,
        loss,
        dimensions,
        window,
        min_count,
        epochs,
        seed,
        workers,
        not no_tuning,
    )
    named = NamedFields(title_field, text_field)
    source = fields_of_sources(shared.engine, [*sources, *(backgrounds or [])])
    form = source_format(id_field, chosen_fields(named, source), format_name)
    for note in field_notes(form.fields, source):
        say(note)
    stream = read_sources(sources, form, shared.engine, named.names, note=say)
    others = read_sources(backgrounds, form, shared.engine, note=say) if backgrounds else iter(())
    words = read_lexicon(lexicon) if lexicon else NO_LEXICON
    analyzer = open_analyzer(segmenter, words, strip_html=strip_html)
    seen, longer = SeenIds(), _Longer(analyzer, form.fields)
    with Rejects() as rejects, progress_display() as progress:
        stream = looked_at(stream, form.fields, named.names, ", ".join(sources), rejects)
        documents = longer.watch(seen.watch(accepted(stream, rejects)))
        version = train_bundle(
            shared.store,
            documents,
            form.fields,
            analyzer,
            settings,
            language,
            progress,
            workers,
            longer.watch(accepted(others, rejects)),
        )
    if not no_activate:
        shared.store.activate(version)
    if not no_tuning and shared.store.open(version).manifest.text_vectors is None:
        say("There are too few documents to learn text vectors. Searches will match by words only.")
    if longer.number:
        cut = counted(longer.number, "document")
        say(f"{cut} with over {analyzer.limit:,} characters in a field: the text past the limit was ignored.")
    print_json({"version": version}) if as_json else print(version)
    if seen.repeated:
        repeated = counted(seen.repeated, "document")
        say(f"{repeated} with a repeated id: the model has learned from all of them.")
    if rejects.count:
        say(f"{rejects.summary()} The model was trained on the other documents.")
        raise typer.Exit(1)


class _Longer:
    """Counts the documents of which more is there than is analysed."""

    def __init__(self, analyzer: Analyzer, fields: Sequence[str]) -> None:
        self.number = 0
        self._analyzer, self._fields = analyzer, fields

    def watch(self, documents: Iterable[Document]) -> Iterator[Document]:
        """The same documents, looked at."""
        for document in documents:
            self.number += any(self._analyzer.truncates(document.text(field)) for field in self._fields)
            yield document
