"""`enricher search`: an enriched search with highlights, facets and reasons."""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from enricher.errors import UsageError
from enricher.records import Query, SearchRequest, SearchResponse
from indexer.cli.app import Command, Json, app, context_of, index_name
from indexer.cli.expand import print_query
from indexer.cli.hits import print_hit
from indexer.cli.output import counted, print_json, print_line, print_table, say
from indexer.recipe import configuration_for
from indexer.search import SearchableIndex, open_index

Encoder = Literal["default", "html"]

SHOWN_VALUES = 10
"""Values of a facet that people see; JSON has all that the engine counts."""


@app.command(cls=Command)
def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to search for.")],
    index: Annotated[
        str, typer.Option("--in", metavar="NAME", callback=index_name, help="Index or alias to search.")
    ],
    top: Annotated[int, typer.Option(help="Number of hits.")] = 10,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="FIELD=VALUE", help="Keep hits with this value; repeated."),
    ] = None,
    facets: Annotated[
        list[str] | None,
        typer.Option(
            "--facet",
            metavar="FIELD",
            help="Count the values of a field; keywords by what sets the hits apart; repeated.",
        ),
    ] = None,
    no_expansion: Annotated[
        bool, typer.Option("--no-expansion", help="Search the typed words only.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the terms that were searched, and why.")
    ] = False,
    encoder: Annotated[
        Encoder, typer.Option(help="html: escape the text of JSON's highlights, not the marks <em>.")
    ] = "default",
    as_json: Json = False,
) -> None:
    """Search an index for a query and its related words.

    The model that enriched the index expands the query. In the texts of the hits the words of the
    query and their parts stand in « », the added words in ‹ ›.

    Example: enricher search "数据库事务" --in articles --facet keywords --filter category=tech
    """
    shared = context_of(context)
    engine = shared.engine()
    opened = open_index(engine, index, shared.model)
    words = opened.query(query)
    if not no_expansion:
        configuration = configuration_for(engine, shared.configuration(), index, recorded=opened.layout)
        words = opened.rewrite(words, configuration)
    request = SearchRequest(words, top, tuple(_pair(item) for item in filters or ()), tuple(facets or ()))
    response = opened.search(request)
    foreign = engine.foreign(index)
    if foreign:
        lacking = counted(foreign, "document")
        say(f"{lacking} of {index} without the words or the vector of its model: see `enricher doctor`.")
    if as_json:
        found = {"by_words": response.by_words} if explain else {}
        print_json(_as_json(opened, words, response, encoder) | found)
    else:
        _print(opened, words, response, explain)


def _pair(text: str) -> tuple[str, str]:
    field, separator, value = text.partition("=")
    if not separator or not field:
        raise UsageError(f"A filter is written FIELD=VALUE, not {text!r}.")
    return field, value


def _as_json(
    opened: SearchableIndex, query: Query, response: SearchResponse, encoder: Encoder
) -> dict[str, object]:
    return {
        "total": response.total,
        "took_ms": round(response.took_ms, 3),
        "hits": [
            {
                "id": hit.id,
                "score": hit.score,
                "title": opened.title(hit),
                "keywords": hit.keywords,
                "highlight": opened.highlights(hit, query, escape=encoder == "html"),
            }
            for hit in response.hits
        ],
        "facets": {name: [asdict(count) for count in counts] for name, counts in response.facets.items()},
        "expansion": query.terms_as_json(),
        "vector": query.vector_as_json(),
    }


def _print(opened: SearchableIndex, query: Query, response: SearchResponse, explain: bool) -> None:
    if explain:
        print_query(query)
        print()
    found = counted(response.total, "document")
    by_words = f" ({response.by_words:,} by words)" if response.by_words < response.total else ""
    print_line(f"{found}{by_words} in {response.took_ms:.1f} ms")
    for number, hit in enumerate(response.hits, start=1):
        print()
        print_hit(number, hit, opened, query)
    for name, counts in response.facets.items():
        print()
        rows = [(item.value, item.count) for item in counts[:SHOWN_VALUES]]
        print_table((name, "documents"), rows, bars_of=1)
