"""`enricher keywords`, `neighbors` and `related`: ask the model about words and texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from enricher.errors import UsageError
from enricher.records import Document, Keyword, Sense, title_of
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
    worker_count,
)
from indexer.cli.output import Rejects, print_json, print_line, print_table, say

if TYPE_CHECKING:
    from enricher.enrichment import KeywordFinder
    from enricher.loaded_model import Model


Top = Annotated[int, typer.Option(help="Number of results.")]
Word = Annotated[
    str, typer.Argument(metavar="WORD", help="A word that the model knows, or a phrase of such words.")
]
Method = Literal["phrases", "published"]


@app.command(cls=Command)
def keywords(
    context: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE", help="Files, folders, - (standard input) or index:NAME."),
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="Extract the keywords of this text instead of SOURCE.")
    ] = None,
    top: Top = 5,
    method: Annotated[
        Method,
        typer.Option(
            help="phrases: typical words and phrases of the text; published: words by log p(text|word)."
        ),
    ] = "phrases",
    workers: Workers = None,
    id_field: IdField = "id",
    title_field: TitleField = None,
    text_field: TextField = None,
    format_name: FormatOption = "auto",
    as_json: Json = False,
) -> None:
    """Print the keywords of documents or of one text.

    For each document, prints one line: the id, a tab, and the keywords.

    Example: enricher keywords --text "分布式数据库的事务与一致性"
    """
    from enricher.enrichment import KeywordFinder
    from enricher.loaded_model import TEXT_FIELD
    from enricher.recipe.fields import NamedFields, chosen_fields, field_notes, fields_of_sources
    from enricher.sources import accepted, source_format
    from indexer.sources import looked_at, read_sources

    shared = context_of(context)
    if text is None and not sources:
        raise UsageError("Give SOURCE (documents) or --text (one text).")
    if text is not None and sources:
        raise UsageError("Give either SOURCE (documents) or --text (one text), not both.")
    named = NamedFields(title_field, text_field)
    model = shared.model()
    if method == "published":
        say_inner_product(model)
    if text is not None:
        finder = KeywordFinder(shared.models, model, (TEXT_FIELD,), None, top, method)
        _print_keywords(finder, [Document("", {TEXT_FIELD: text})], 1, as_json)
        return
    source = fields_of_sources(shared.engine, sources or [])
    form = source_format(id_field, chosen_fields(named, source), format_name)
    for note in field_notes(form.fields, source):
        say(note)
    finder = KeywordFinder(shared.models, model, form.fields, title_of(form.fields), top, method)
    stream = read_sources(sources or [], form, shared.engine, named.names, note=say)
    with Rejects() as rejects:
        stream = (
            stream
            if not named.names
            else looked_at(stream, form.fields, named.names, ", ".join(sources or []), rejects)
        )
        printed = _print_keywords(finder, accepted(stream, rejects), worker_count(workers), as_json)
    if not printed:
        say("The source contains no documents.")
    if rejects.count:
        say(rejects.summary())
        raise typer.Exit(1)


def _print_keywords(finder: KeywordFinder, documents: Iterable[Document], workers: int, as_json: bool) -> int:
    """Print the keywords of every document and return the number of documents.

    With one worker, each document is printed as soon as it is ready.
    """
    from enricher.parallel import document_batches, map_in_order

    printed = 0
    batches = document_batches(documents, finder.fields, 1 if workers == 1 else None)
    with closing(map_in_order(finder, batches, workers)) as results:
        for batch, keywords_of in results:
            for document, found in zip(batch, keywords_of, strict=True):
                _print_found(document.id, found, as_json)
            printed += len(batch)
    return printed


def _print_found(identity: str, found: Sequence[Keyword], as_json: bool) -> None:
    from enricher.answers import keywords_answer

    if as_json:
        print_json(keywords_answer(identity or None, found))
    elif identity:
        print_line(identity, "  ".join(keyword.text for keyword in found))
    else:
        # Published scores are logarithms below 0: `bars` draws nothing for them.
        print_table(("keyword", "score"), [(keyword.text, keyword.score) for keyword in found], bars_of=1)


@app.command(cls=Command)
def neighbors(context: typer.Context, word: Word, top: Top = 10, as_json: Json = False) -> None:
    """Print the nearest words of a word, by cosine similarity.

    Nearest words occur in similar contexts and can often replace the word.

    Example: enricher neighbors 数据库
    """
    from enricher.answers import neighbors_answer

    model = context_of(context).model()
    found = model.neighbors(word, top)
    parts = say_parts(word, model.parts(word))
    if as_json:
        print_json(neighbors_answer(word, found, parts))
    else:
        print_table(("word", "cosine"), [(item.word, item.cosine) for item in found], bars_of=1)


@app.command(cls=Command)
def related(
    context: typer.Context,
    word: Word,
    top: Top = 10,
    alpha: Annotated[
        float, typer.Option(help="1: mutual information; lower values favor frequent words.")
    ] = 0.9,
    no_shrinkage: Annotated[
        bool,
        typer.Option(
            "--no-shrinkage", help="Do not lower the scores of rare words and of words with other neighbors."
        ),
    ] = False,
    senses: Annotated[
        bool,
        typer.Option("--senses", help="Group the words by sense; --top then counts words in each group."),
    ] = False,
    text: Annotated[
        str | None,
        typer.Option(
            "--context",
            metavar="TEXT",
            help="Group by sense and sort the senses by fit to this text, in nats.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the words that often occur together with a word.

    The score of a word y is log p(y|word) − alpha · log p(y). It is lowered when y is rare or when the two
    words have different neighbors.

    Example: enricher related 细胞 --senses --context "太阳能电池的效率"
    """
    from enricher.answers import related_answer

    model = context_of(context).model()
    say_inner_product(model)
    formula = model.formula(alpha, shrinkage=not no_shrinkage)
    parts, groups = say_parts(word, model.parts(word)), None
    if senses or text is not None:
        groups = model.senses(word, top, alpha, shrinkage=not no_shrinkage, context=text)
        if not as_json:
            print_senses(groups)
            return
    found = model.related(word, top, alpha, shrinkage=not no_shrinkage)
    if as_json:
        print_json(related_answer(word, formula.alpha, found, groups, parts))
    else:
        rows = [(item.word, item.score, item.log_probability, item.log_prior) for item in found]
        print_table(("word", "score", "log p(y|x)", "log p(y)"), rows, bars_of=1)


def say_parts(word: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Print a message if the model answers for a phrase by its parts, which are returned."""
    if parts:
        say(
            f"{word!r} is no word of the model: the answer is for its parts, {', '.join(parts)}. "
            "`enricher vocabulary apply` makes a word of it."
        )
    return parts


def print_senses(groups: Sequence[Sense]) -> None:
    """Print one line for each sense, best first. Prints a message if no sense fits the context."""
    rows = [
        (number, *(() if group.fit is None else (group.fit,)), "  ".join(item.word for item in group.related))
        for number, group in enumerate(groups, 1)
    ]
    has_fits = any(group.fit is not None for group in groups)
    print_table(("sense", "fit", "related words") if has_fits else ("sense", "related words"), rows)
    if groups and (groups[0].fit or 0.0) < 0:
        say("No sense fits this context: the words of every sense are less likely in it than elsewhere.")


def say_inner_product(model: Model) -> None:
    """Print a message if the model has no probabilities, because it was trained with negative sampling."""
    if model.word2vec.tree is None:
        say(
            "The model was trained with negative sampling: words are ranked by inner product (≈ PMI − log k)."
        )
