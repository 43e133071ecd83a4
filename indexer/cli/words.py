"""`enricher keywords`, `neighbors`, `related`: what the model says of words."""

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
    number_of,
)
from indexer.cli.output import Rejects, print_json, print_line, print_table, say

if TYPE_CHECKING:
    from enricher.enrichment import KeywordFinder
    from enricher.loaded_model import Model


Top = Annotated[int, typer.Option(help="How many.")]
Word = Annotated[str, typer.Argument(metavar="WORD", help="A word of the model.")]
Method = Literal["phrases", "published"]


@app.command(cls=Command)
def keywords(
    context: typer.Context,
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE", help="Files, folders, - or index:NAME.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="A text, instead of sources.")] = None,
    top: Top = 5,
    method: Annotated[
        Method, typer.Option(help="Frequent and rare words and phrases, or log p(text|word).")
    ] = "phrases",
    workers: Workers = None,
    id_field: IdField = "id",
    title_field: TitleField = None,
    text_field: TextField = None,
    format_name: FormatOption = "auto",
    as_json: Json = False,
) -> None:
    """Print the keywords of documents or of one text.

    Documents are a line each: the id, a tab, the keywords.

    Example: enricher keywords --text "分布式数据库的事务与一致性"
    """
    from enricher.enrichment import KeywordFinder
    from enricher.loaded_model import TEXT_FIELD
    from enricher.recipe.fields import NamedFields, chosen_fields, field_notes, fields_of_sources
    from enricher.sources import accepted, source_format
    from indexer.sources import looked_at, read_sources

    shared = context_of(context)
    if (text is None) == (not sources):
        raise UsageError("Give either SOURCE or --text: the documents, or one text.")
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
        printed = _print_keywords(finder, accepted(stream, rejects), number_of(workers), as_json)
    if not printed:
        say("The source holds no document.")
    if rejects.count:
        say(rejects.summary())
        raise typer.Exit(1)


def _print_keywords(finder: KeywordFinder, documents: Iterable[Document], workers: int, as_json: bool) -> int:
    """Print the keywords of every document, and answer how many; a single worker prints each as it comes."""
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
        # The published score is a logarithm, which has no bar.
        print_table(("keyword", "score"), [(keyword.text, keyword.score) for keyword in found], bars_of=1)


@app.command(cls=Command)
def neighbors(context: typer.Context, word: Word, top: Top = 10, as_json: Json = False) -> None:
    """Print the words that can replace a word, by cosine.

    Example: enricher neighbors 数据库
    """
    from enricher.answers import neighbors_answer

    found = context_of(context).model().neighbors(word, top)
    if as_json:
        print_json(neighbors_answer(word, found))
    else:
        print_table(("word", "cosine"), [(item.word, item.cosine) for item in found], bars_of=1)


@app.command(cls=Command)
def related(
    context: typer.Context,
    word: Word,
    top: Top = 10,
    alpha: Annotated[float, typer.Option(help="1 is mutual information; less favours frequent words.")] = 0.9,
    no_shrinkage: Annotated[
        bool, typer.Option("--no-shrinkage", help="Do not lower the scores of rare and unlike words.")
    ] = False,
    senses: Annotated[bool, typer.Option("--senses", help="In groups by sense; --top is of each.")] = False,
    text: Annotated[
        str | None,
        typer.Option(
            "--context", metavar="TEXT", help="The same, that which fits this text best first (in nats)."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the words that occur with a word.

    They have the largest log p(y|word) − alpha · log p(y), lowered where a word is rare or unlike the other.

    Example: enricher related 细胞 --senses --context "太阳能电池的效率"
    """
    from enricher.answers import related_answer

    model = context_of(context).model()
    say_inner_product(model)
    formula = model.formula(alpha, shrinkage=not no_shrinkage)
    groups = None
    if senses or text is not None:
        groups = model.senses(word, top, alpha, shrinkage=not no_shrinkage, context=text)
        if not as_json:
            print_senses(groups)
            return
    found = model.related(word, top, alpha, shrinkage=not no_shrinkage)
    if as_json:
        print_json(related_answer(word, formula.alpha, found, groups))
    else:
        rows = [(item.word, item.score, item.log_probability, item.log_prior) for item in found]
        print_table(("word", "score", "log p(y|x)", "log p(y)"), rows, bars_of=1)


def print_senses(groups: Sequence[Sense]) -> None:
    """A line for each group, best first; with a context how well it fits, and a sentence where none does."""
    rows = [
        (number, *(() if group.fit is None else (group.fit,)), "  ".join(item.word for item in group.related))
        for number, group in enumerate(groups, 1)
    ]
    has_fits = any(group.fit is not None for group in groups)
    print_table(("sense", "fit", "related words") if has_fits else ("sense", "related words"), rows)
    if groups and (groups[0].fit or 0.0) < 0:
        say("No sense fits this context: of each the words are less likely beside it than elsewhere.")


def say_inner_product(model: Model) -> None:
    """Tell that a model of negative sampling has no probabilities."""
    if model.word2vec.tree is None:
        say("This model was trained with negative sampling: inner products (≈ PMI − log k) rank its words.")
