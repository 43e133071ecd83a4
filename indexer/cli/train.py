"""`enricher train`: learn a model from documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from enricher.records import Document
from indexer.cli.app import (
    MOST_WORKERS,
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
    number_of,
)
from indexer.cli.output import Rejects, counted, print_json, progress_display, say

if TYPE_CHECKING:
    from enricher.text import Analyzer


Architecture = Literal["skip-gram", "cbow"]
Loss = Literal["hierarchical-softmax", "negative-sampling"]


@app.command(cls=Command)
def train(
    context: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE", help="Files, folders, - or index:NAME.")],
    backgrounds: Annotated[
        list[str] | None,
        typer.Option(
            "--background",
            metavar="SOURCE",
            help="Learn words from these too, but from the documents alone what texts are like; repeated.",
        ),
    ] = None,
    language: Language = "auto",
    segmenter: Segmenter = "rjieba",
    dimensions: Annotated[int, typer.Option(help="Length of the vectors.")] = 100,
    window: Annotated[int, typer.Option(help="Words on either side that count as context.")] = 10,
    min_count: Annotated[
        int | None, typer.Option(help="Drop words that occur less often. Default: 5, in small corpora 2.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the text. Default: 5 to 25, by the size of the corpus.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed; with one worker the model is reproducible.")] = 1,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help=f"Processes, then threads. Default: the number of cores, at most {MOST_WORKERS}."
        ),
    ] = None,
    architecture: Annotated[
        Architecture, typer.Option(help="Whether a word predicts its context, or the context it.")
    ] = "skip-gram",
    loss: Annotated[
        Loss, typer.Option(help="The first gives exact probabilities, the second inner products.")
    ] = "hierarchical-softmax",
    lexicon: Annotated[
        Path | None, typer.Option(help="Your own words: one a line, frequency and tag may follow.")
    ] = None,
    no_tuning: Annotated[
        bool, typer.Option("--no-tuning", help="Learn no vectors of texts: saves time, costs recall.")
    ] = False,
    strip_html: Annotated[
        bool, typer.Option("--strip-html", help="The texts are HTML: learn no words of its markup.")
    ] = False,
    id_field: IdField = "id",
    title_field: TitleField = None,
    text_field: TextField = None,
    format_name: FormatOption = "auto",
    no_activate: Annotated[
        bool, typer.Option("--no-activate", help="Do not make it the active model.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Learn a model from documents and activate it.

    Its version is printed. The same document twice counts twice. Where there are few documents, other texts
    of their language and field help as backgrounds.

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
    workers = number_of(workers)
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
        say("There were too few documents to learn vectors of texts from: searches will go by words alone.")
    if longer.number:
        cut = counted(longer.number, "document")
        say(f"{cut} with over {analyzer.limit:,} characters in a field: what is beyond was not learned from.")
    print_json({"version": version}) if as_json else print(version)
    if seen.repeated:
        repeated = counted(seen.repeated, "document")
        say(f"{repeated} came with an id seen before: the model has learned from all of them.")
    if rejects.count:
        say(f"{rejects.summary()} The model was trained on the others.")
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
