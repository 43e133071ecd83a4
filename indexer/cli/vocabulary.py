"""`enricher vocabulary`: words of the domain, from the candidates to the documents already indexed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.app import (
    Command,
    Commands,
    FormatOption,
    IdField,
    Json,
    TextField,
    TitleField,
    Workers,
    app,
    context_of,
    worker_count,
)
from indexer.cli.job_runs import jobs_of
from indexer.cli.output import counted, print_json, print_line, progress_display, say

if TYPE_CHECKING:
    from enricher.records import SearchEngine

vocabulary = typer.Typer(
    cls=Commands,
    help="Add words of the domain to the model and to indexed documents.",
    no_args_is_help=True,
)
app.add_typer(vocabulary, name="vocabulary")

Domain = Annotated[
    list[str], typer.Argument(metavar="SOURCE", help="Files, folders, - (standard input) or index:NAME.")
]
ReviewedFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="Candidates, tab-separated, as `vocabulary mine` writes them.")
]
Words = Annotated[list[str], typer.Argument(metavar="WORD", help="Words that were applied.")]
In = Annotated[
    list[str] | None,
    typer.Option("--in", metavar="NAME", help="Only this index, or alias; repeatable. Without it, all."),
]
FailAt = Annotated[str | None, typer.Option("--fail-at", hidden=True)]


@vocabulary.command("mine", cls=Command)
def mine_words(
    context: typer.Context,
    domain: Domain,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file of candidates.")],
    background: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE", help="General text to compare with; repeatable."),
    ] = None,
    seeds: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Central words of the domain, one a line.")
    ] = None,
    negative: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Words of what the domain is not, one a line.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(metavar="FILE", help="More rules by which candidates are dropped.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only documents of the domain since then: 2026-11-01, or a time."),
    ] = None,
    time_field: Annotated[
        str, typer.Option(metavar="FIELD", help="The field with the time of a document, for --since.")
    ] = "@timestamp",
    limit: Annotated[int, typer.Option(min=1, help="Maximum rows of the file.")] = 5_000,
    seed: Annotated[int, typer.Option(help="For the learned vectors; with --workers 1 reproducible.")] = 1,
    title_field: TitleField = None,
    text_field: TextField = None,
    id_field: IdField = "id",
    source_format: FormatOption = "auto",
    workers: Workers = None,
    as_json: Json = False,
    fail_at: FailAt = None,
) -> None:
    """Find words of a domain in its documents, and write them to a file, the most typical first.

    Five to twenty central words in --seeds help most. If the file exists, its decisions are kept: what was
    rejected stays rejected. An interrupted run continues when it is started again.

    Example: enricher vocabulary mine laws.jsonl --background news.jsonl --seeds seeds.txt --out words.tsv
    """
    from enricher.errors import UsageError
    from enricher.recipe.fields import NamedFields
    from indexer.reindex.failpoints import arm
    from indexer.vocabulary.mining import SourceMining, mine_sources, moment_of, words_of_file

    arm(fail_at)
    start = None if since is None else moment_of(since)
    if since is not None and start is None:
        raise UsageError(f"--since takes a date or a time like 2026-11-01T08:00, not {since!r}.")
    shared = context_of(context)
    request = SourceMining(
        tuple(domain), tuple(background or ()), out, NamedFields(title_field, text_field), id_field,
        source_format, words_of_file(seeds), words_of_file(negative), rules, limit,
        worker_count(workers), seed, start, time_field,
    )  # fmt: skip
    with progress_display() as progress:
        found = mine_sources(shared.engine, request, progress, say, shared.store)
    if as_json:
        print_json({"file": str(out), "words": len(found.candidates)})
    else:
        print_line(f"{counted(len(found.candidates), 'candidate')} written to {out}.")


@vocabulary.command("lexicon", cls=Command)
def learn_lexicon(
    context: typer.Context,
    sources: Domain,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The lexicon: a word and its frequency a line.")
    ],
    title_field: TitleField = None,
    text_field: TextField = None,
    id_field: IdField = "id",
    source_format: FormatOption = "auto",
) -> None:
    """Learn a lexicon for segmentation from raw Chinese text, where a general dictionary misleads.

    Train with it: enricher train SOURCE --segmenter lexicon --lexicon FILE

    Example: enricher vocabulary lexicon poems.jsonl --out lexicon.txt
    """
    from enricher.recipe.fields import NamedFields
    from indexer.vocabulary.mining import SourceMining, lexicon_of_sources

    shared = context_of(context)
    named = NamedFields(title_field, text_field)
    request = SourceMining(tuple(sources), (), out, named, id_field, source_format)
    with progress_display() as progress:
        number = lexicon_of_sources(shared.engine, request, progress, say)
    print_line(f"{counted(number, 'word')} written to {out}.")


@vocabulary.command("review", cls=Command)
def review_file(file: ReviewedFile) -> None:
    """Walk through the undecided candidates of a file: accept, reject, merge, skip, undo.

    Every decision is written at once, so a review can be interrupted. Without a terminal, keys are read from
    the standard input, one a line.

    Example: enricher vocabulary review words.tsv
    """
    from indexer.cli.reviewing import review

    review(file)


@vocabulary.command("preview", cls=Command)
def preview_words(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A reviewed file; its accepted words count.")
    ] = None,
    word: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="A word, instead of a file or beside it."),
    ] = None,
    queries: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Queries, one a line: those that change are shown.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what accepted words would change: documents before and after, and queries. Nothing is written.

    Example: enricher vocabulary preview words.tsv --queries queries.txt
    """
    from enricher.errors import UsageError
    from enricher.vocabulary.review_file import read_review
    from indexer.cli.previews import print_preview
    from indexer.vocabulary.mining import words_of_file
    from indexer.vocabulary.previewing import preview

    words = [*(word or ()), *(read_review(file).accepted(date.today()) if file is not None else ())]
    if not words:
        raise UsageError("There is no word to preview: give a file with accepted words, or --word.")
    shared = context_of(context)
    print_preview(preview(shared.store, shared.engine(), words, words_of_file(queries)), as_json)


@vocabulary.command("apply", cls=Command)
def apply_file(
    context: typer.Context,
    file: ReviewedFile,
    indexes: In = None,
    workers: Workers = None,
    as_json: Json = False,
    fail_at: FailAt = None,
) -> None:
    """Add the accepted words of a file to the active model, and enrich again the documents that have them.

    A new version of the model is made and activated; it is not trained anew. Only documents that are affected
    are enriched again, in every index that this model has enriched. After a crash, run the command again.

    Example: enricher vocabulary apply words.tsv
    """
    from enricher.errors import UsageError
    from enricher.vocabulary.review_file import read_review
    from indexer.cli.word_changes import change_words
    from indexer.reindex.failpoints import arm
    from indexer.vocabulary.applying import ChangedModel, Step, add_words, still_applied

    arm(fail_at)
    review = read_review(file)
    words = review.accepted(date.today())
    if not words:
        raise UsageError(f"No word of {str(file)!r} has the state 'accept' today: review it first.")
    shared = context_of(context)

    def change(engine: SearchEngine, step: Step) -> ChangedModel:
        changed = add_words(shared.store, engine, words, step, say)
        for sentence in still_applied(shared.store, review, words):
            say(sentence)
        return changed

    change_words(shared, change, indexes, worker_count(workers), as_json)


@vocabulary.command("withdraw", cls=Command)
def withdraw(
    context: typer.Context,
    words: Words,
    indexes: In = None,
    workers: Workers = None,
    as_json: Json = False,
    fail_at: FailAt = None,
) -> None:
    """Remove words that were applied, and enrich again the documents that have them.

    Example: enricher vocabulary withdraw 量子芯片
    """
    from indexer.cli.word_changes import change_words
    from indexer.reindex.failpoints import arm
    from indexer.vocabulary.applying import ChangedModel, Step, remove_words

    arm(fail_at)
    shared = context_of(context)

    def change(engine: SearchEngine, step: Step) -> ChangedModel:
        return remove_words(shared.store, engine, words, step)

    change_words(shared, change, indexes, worker_count(workers), as_json)


@vocabulary.command("status", cls=Command)
def status(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORD", help="Words; all added ones if omitted.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show which added words are live on which index.

    A word is live on an index if it is whole in all documents there.

    Example: enricher vocabulary status 量子芯片
    """
    from indexer.vocabulary.applying import status_of_words

    shared = context_of(context)
    found = status_of_words(shared.store, jobs_of(shared), words)
    if as_json:
        for one in found:
            print_json({"word": one.word, "live": one.live, "not_live": one.not_live})
        return
    if not found:
        say("No word was added to the active model.")
    for one in found:
        parts = [f"live on {', '.join(one.live)}"] if one.live else []
        parts += [f"not on {', '.join(one.not_live)}"] if one.not_live else []
        print_line(f"{one.word}: {'; '.join(parts) or 'no index was enriched with this model'}")
