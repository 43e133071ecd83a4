"""`enricher expand`: print the expansion of a query by the model, or by the settings of an index."""

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
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A query as a user types it.")],
    index: Annotated[
        str | None,
        typer.Option(
            "--in",
            metavar="INDEX",
            callback=index_name,
            help="Show the expansion that a search of this index uses.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print the words of a query and the words added to it.

    Shows for each word its weight, the plug-in that added it, and the reason. A search adds fewer words if
    the query words are frequent in the index: --in shows the words that a search of an index adds.

    Example: enricher expand "如何提高数据库查询速度" --in articles
    """
    from enricher.answers import expand_answer

    shared = context_of(context)
    expanded = _by_model(shared, query) if index is None else shared.searcher().expand(query, index)
    if not expanded.terms and expanded.vector is None:
        raise UsageError(f"The query {query!r} has no word to expand.")
    if as_json:
        print_json(expand_answer(query, expanded, of_index=index is not None))
    else:
        print_query(expanded)
    if index is None:
        added = any(not term.is_typed for term in expanded.terms)
        said = "The added words are those of the model alone" if added else "The model alone adds no word"
        say(f"{said}. Add --in INDEX to see what a search of an index adds.")


def _by_model(shared: Context, text: str) -> Query:
    """Expand a query with the active model, without looking at an index."""
    model = shared.model()
    say_inner_product(model)
    return model.expand(text)


def print_query(query: Query) -> None:
    """Print the terms of a query as a table, and the weight of its vector if it has one.

    Omits the column `for` if no term is an alternative, and `field` if only words are searched.
    """
    columns = ("term", "weight", "for", "origin", "field", "because")
    rows = [(t.term, t.weight, t.for_ or "", t.origin, t.field, t.because) for t in query.ordered()]
    silent = {"for": "", "field": TOKENS}
    shown = [n for n, name in enumerate(columns) if any(row[n] != silent.get(name) for row in rows)]
    print_table([columns[n] for n in shown], [[row[n] for n in shown] for row in rows])
    for name, phrases in query.operators_as_json().items():
        print_line(f"{name}: {', '.join(phrases)}")
    if query.vector is not None:
        head, rest = query.vector.head, query.vector.rest
        print_line(f"vector: {head:.0%} of the score in the first ten ranks, {rest:.0%} in the others")
