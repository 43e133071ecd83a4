"""`enricher expand`: the words of a query and those added to it, by the model or as a search does it."""

from typing import Annotated

import typer

from enricher.errors import UsageError
from enricher.records import TOKENS, Query
from indexer.cli.app import Command, Context, Json, app, context_of, index_name
from indexer.cli.output import print_json, print_line, print_table, say
from indexer.cli.words import say_inner_product


@app.command(cls=Command)
def expand(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What a user would type.")],
    index: Annotated[
        str | None,
        typer.Option(
            "--in", metavar="INDEX", callback=index_name, help="Show what a search of this index does."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the words of a query and those added to it.

    Each has its weight, the one that added it, and the reason. A search adds less where the words of the
    query find enough: --in shows what it does.

    Example: enricher expand "如何提高数据库查询速度" --in articles
    """
    from enricher.answers import expand_answer

    shared = context_of(context)
    expanded = _by_model(shared, query) if index is None else shared.searcher().expand(query, index)
    if not expanded.terms and expanded.vector is None:
        raise UsageError(f"The query {query!r} holds no word to expand.")
    if as_json:
        print_json(expand_answer(query, expanded, of_index=index is not None))
    else:
        print_query(expanded)
    if index is None:
        say("This is what the model alone adds; `--in INDEX` shows what a search of an index does.")


def _by_model(shared: Context, text: str) -> Query:
    """The query with the words that the active model adds, whatever an index may hold."""
    model = shared.model()
    say_inner_product(model)
    return model.expand(text)


def print_query(query: Query) -> None:
    """The terms of a query as a table, and what its vector weighs, where it has one.

    Columns that would say nothing are left out: of alternatives, and of fields where only words are searched.
    """
    columns = ("term", "weight", "for", "origin", "field", "because")
    rows = [(t.term, t.weight, t.for_ or "", t.origin, t.field, t.because) for t in query.ordered()]
    silent = {"for": "", "field": TOKENS}
    shown = [n for n, name in enumerate(columns) if any(row[n] != silent.get(name) for row in rows)]
    print_table([columns[n] for n in shown], [[row[n] for n in shown] for row in rows])
    if query.vector is not None:
        head, rest = query.vector.head, query.vector.rest
        print_line(f"vector: {head:.0%} of the score in the first ten ranks, {rest:.0%} in the others")
