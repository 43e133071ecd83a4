"""`enricher search`: search an enriched index; print hits, highlights, facets and explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from indexer.cli.app import Command, Json, app, context_of, index_name
from indexer.cli.expand import print_query
from indexer.cli.hits import print_hit
from indexer.cli.job_options import parse_query
from indexer.cli.output import counted, print_indented_json, print_json, print_line, print_table, say

if TYPE_CHECKING:
    from enricher.search.searcher import Answer


Encoder = Literal["default", "html"]

SortField = Annotated[
    str | None,
    typer.Option(metavar="FIELD", help="Sort the hits by a field; FIELD:desc begins with the largest value."),
]
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="FIELD=VALUE",
        help="Only hits with this value; also !=, <, <=, >, >=. Repeatable, and all must match.",
    ),
]
NativeQuery = Annotated[
    str | None,
    typer.Option("--query", metavar="JSON", help="Only what this query of the server (or @FILE) matches."),
]
Facets = Annotated[
    list[str] | None,
    typer.Option(
        "--facet",
        metavar="FIELD",
        help="Count the values of a field. keywords: those typical of the hits first. Repeatable.",
    ),
]

AlsoRead = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        help="Share of the score, 0 to 1, of what is read together with the best hits (`library train`).",
    ),
]
Alike = Annotated[
    float,
    typer.Option(metavar="SHARE", help="The same for what is alike to the best hits in the library."),
]

MAX_SHOWN_VALUES = 10
"""Values of a facet that the text output shows. JSON has all values that the engine counts."""


@app.command(cls=Command)
def search(
    context: typer.Context,
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help='Words; "a phrase" is required, -word is excluded.')
    ],
    index: Annotated[
        str, typer.Option("--in", metavar="NAME", callback=index_name, help="Index or alias to search.")
    ],
    top: Annotated[int, typer.Option(help="Number of hits.")] = 10,
    from_: Annotated[
        int, typer.Option("--from", help="Number of hits to skip; with --top at most 10,000.")
    ] = 0,
    sort: SortField = None,
    filters: Filters = None,
    native: NativeQuery = None,
    facets: Facets = None,
    no_expansion: Annotated[
        bool, typer.Option("--no-expansion", help="Search the typed words only.")
    ] = False,
    also_read: AlsoRead = 0.0,
    alike: Alike = 0.0,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the searched terms and the reason for each.")
    ] = False,
    show_query: Annotated[
        bool,
        typer.Option("--show-query", help="Print the requests that a client can send to the server itself."),
    ] = False,
    profile: Annotated[
        bool,
        typer.Option(
            "--profile", help="Show the time of each step, with the requests and bytes that it sent."
        ),
    ] = False,
    encoder: Annotated[
        Encoder,
        typer.Option(help="Encoder of the highlights in JSON. html: escape the text, but not the tags <em>."),
    ] = "default",
    as_json: Json = False,
) -> None:
    """Search an index for a query and its related words.

    The model that enriched the index expands the query. In the text of a hit, « » mark the words of the
    query and their sub-words, ‹ › mark added words.

    Example: enricher search "数据库事务" --in articles --facet keywords --filter category=tech
    """
    from enricher.answers import client_search_answer, search_answer
    from enricher.records import parse_filter, parse_sort
    from enricher.search.co_reading import CoReading
    from enricher.search.profile import profiling
    from enricher.search.searcher import Question

    conditions = tuple(parse_filter(item) for item in filters or ())
    question = Question(
        query,
        index,
        top,
        conditions,
        tuple(facets or ()),
        expansion=not no_expansion,
        from_=from_,
        sort=None if sort is None else parse_sort(sort),
        native=parse_query(native),
        co_reading=CoReading(also_read, alike),
    )
    if show_query:
        found = client_search_answer(context_of(context).searcher().client_search(question))
        print_json(found) if as_json else print_indented_json(found)
        return
    with profiling() as steps:
        answer = context_of(context).searcher().search(question)
    if answer.unenriched:
        lacking = counted(answer.unenriched, "document")
        say(f"{lacking} of {index} without complete enrichment. Run: enricher doctor")
    if answer.known == 0 and answer.response.hits:
        say("The library knows none of the best hits; its items must be ids. Their order is unchanged.")
    if as_json:
        shown = steps if profile else None
        print_json(search_answer(answer, explain=explain, escape=encoder == "html", profile=shown))
        return
    _print(answer, explain)
    if profile:
        print()
        print_table(
            ("step", "ms", "requests", "bytes sent", "bytes received"),
            [(one.name, f"{one.ms:.1f}", one.requests, one.sent, one.received) for one in steps.steps],
        )


def _print(answer: Answer, explain: bool) -> None:
    response = answer.response
    if explain:
        print_query(answer.query)
        print()
    found = counted(response.total, "document")
    by_words = f" ({response.by_words:,} by words)" if response.by_words < response.total else ""
    print_line(f"{found}{by_words} in {response.took_ms:.1f} ms")
    for number, hit in enumerate(response.hits, start=answer.question.from_ + 1):
        print()
        print_hit(number, hit, answer)
    for name, counts in response.facets.items():
        print()
        rows = [(item.value, item.count) for item in counts[:MAX_SHOWN_VALUES]]
        print_table((name, "documents"), rows, bars_of=1)
