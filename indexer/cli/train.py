"""`enricher train`: learn a model from documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

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
    from indexer.training import Trained


Architecture = Literal["skip-gram", "cbow"]
Loss = Literal["hierarchical-softmax", "negative-sampling"]


Sources = Annotated[
    list[str], typer.Argument(metavar="SOURCE", help="Files, folders, - (standard input) or index:NAME.")
]
Backgrounds = Annotated[
    list[str] | None,
    typer.Option(
        "--background",
        metavar="SOURCE",
        help="More text of the same language and topic, to learn words but no text vectors. Repeatable.",
    ),
]
Dimensions = Annotated[int, typer.Option(help="Dimensions of the word vectors.")]
Window = Annotated[int, typer.Option(help="Words on each side that count as context.")]
MinCount = Annotated[
    int | None,
    typer.Option(help="Ignore words that occur less often. Default: 5, or 2 in a small corpus."),
]
Epochs = Annotated[
    int | None, typer.Option(help="Passes over the text. Default: 5 to 25, more for a small corpus.")
]
MaxTokens = Annotated[
    int,
    typer.Option(
        help="Learn word vectors from a random sample of at most this many words; 0 for all. "
        "Every document is read and counted.",
    ),
]
Seed = Annotated[int, typer.Option(help="Random seed. With --workers 1 the model is reproducible.")]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help=f"Number of processes and threads. Default: the number of cores, at most {MAX_WORKERS}.",
    ),
]
ArchitectureOption = Annotated[
    Architecture,
    typer.Option(help="skip-gram: a word predicts its context; cbow: the context predicts the word."),
]
LossOption = Annotated[
    Loss,
    typer.Option(help="hierarchical-softmax gives exact probabilities, negative-sampling inner products."),
]
Lexicon = Annotated[
    Path | None,
    typer.Option(help="File of your own words: one a line, optionally followed by frequency and tag."),
]
NoTuning = Annotated[
    bool, typer.Option("--no-tuning", help="Do not learn text vectors: faster, but lower recall.")
]
StripHtml = Annotated[bool, typer.Option("--strip-html", help="The texts are HTML: ignore the markup.")]
NoActivate = Annotated[bool, typer.Option("--no-activate", help="Do not activate the new model.")]


@app.command(cls=Command)
def train(
    context: typer.Context,
    sources: Sources,
    backgrounds: Backgrounds = None,
    language: Language = "auto",
    segmenter: Segmenter = "rjieba",
    dimensions: Dimensions = 100,
    window: Window = 10,
    min_count: MinCount = None,
    epochs: Epochs = None,
    max_tokens: MaxTokens = 20_000_000,
    seed: Seed = 1,
    workers: Workers = None,
    architecture: ArchitectureOption = "skip-gram",
    loss: LossOption = "hierarchical-softmax",
    lexicon: Lexicon = None,
    no_tuning: NoTuning = False,
    strip_html: StripHtml = False,
    id_field: IdField = "id",
    title_field: TitleField = None,
    text_field: TextField = None,
    format_name: FormatOption = "auto",
    no_activate: NoActivate = False,
    as_json: Json = False,
) -> None:
    """Learn a model from documents and activate it.

    Prints the version of the model. A document that occurs twice counts twice. If you have few documents,
    add other text of the same language and topic with --background. Many documents are all read and
    counted, but word vectors are learned from a sample (--max-tokens).

    Example: enricher train docs.jsonl more-docs/ --min-count 3
    """
    from enricher.recipe.fields import NamedFields
    from enricher.text import open_analyzer, read_lexicon
    from enricher.text.segmentation import NO_LEXICON
    from enricher.training.word2vec import TrainingSettings
    from indexer.training import TrainingRequest, train_on_sources

    shared = context_of(context)
    settings = TrainingSettings(
        architecture,
        loss,
        dimensions,
        window,
        min_count,
        epochs,
        seed,
        worker_count(workers),
        not no_tuning,
        max_tokens,
    )
    named = NamedFields(title_field, text_field)
    request = TrainingRequest(
        tuple(sources), tuple(backgrounds or ()), named, id_field, format_name, language
    )
    words = read_lexicon(lexicon) if lexicon else NO_LEXICON
    analyzer = open_analyzer(segmenter, words, strip_html=strip_html)
    with Rejects() as rejects, progress_display() as progress:
        trained = train_on_sources(
            shared.store, shared.engine, request, analyzer, settings, rejects, progress, say
        )
    if not no_activate:
        shared.store.activate(trained.version)
    if not no_tuning and shared.store.open(trained.version).manifest.text_vectors is None:
        say("There are too few documents to learn text vectors. Searches will match by words only.")
    _print(trained, analyzer.limit, as_json)
    if rejects.count:
        say(f"{rejects.summary()} The model was trained on the other documents.")
        raise typer.Exit(1)


def _print(trained: Trained, limit: int, as_json: bool) -> None:
    """Print the version, and a sentence for documents that deserve attention."""
    if trained.truncated:
        cut = counted(trained.truncated, "document")
        say(f"{cut} with over {limit:,} characters in a field: the text past the limit was ignored.")
    if trained.learned_tokens < trained.tokens:
        say(
            f"Word vectors were learned from a random sample of {trained.learned_tokens:,} of "
            f"{trained.tokens:,} words. To learn from all, add --max-tokens 0."
        )
    if as_json:
        found = {"tokens": trained.tokens, "learned_tokens": trained.learned_tokens}
        print_json({"version": trained.version} | found)
    else:
        print(trained.version)
    if trained.repeated:
        repeated = counted(trained.repeated, "document")
        say(f"{repeated} with a repeated id: the model has learned from all of them.")
