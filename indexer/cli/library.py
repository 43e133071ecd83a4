"""`enricher library`: items that are used together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.app import Command, Commands, Context, Json, app, context_of
from indexer.cli.output import Rejects, counted, print_json, print_table, progress_display, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from enricher.library.categories import Categories
    from enricher.library.pairs import Pairs
    from enricher.library.records import Records

library = typer.Typer(
    cls=Commands,
    help="Learn which items are used together, and arrange them.",
    no_args_is_help=True,
)
app.add_typer(library, name="library")

RecordFiles = Annotated[
    list[str],
    typer.Argument(metavar="RECORDS", help="Files of records: .jsonl, .csv, .tsv, .txt; - for JSON lines."),
]
SessionField = Annotated[str, typer.Option(metavar="COLUMN", help="Column of a table with the session.")]
ItemField = Annotated[str, typer.Option(metavar="COLUMN", help="Column of a table with the item.")]


RecordFilesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--records", metavar="FILE", help="Records of use, instead of the active library. Repeatable."
    ),
]
CategoryFile = Annotated[
    Path | None,
    typer.Option("--categories", metavar="FILE", help="Table with the columns item and category (CSV)."),
]

MAX_NAMED = 5
"""Maximum unknown items that a message names."""


@library.command("train", cls=Command)
def train_items(
    context: typer.Context,
    sources: RecordFiles,
    session_field: SessionField = "session",
    item_field: ItemField = "item",
    dimensions: Annotated[int, typer.Option(help="Dimensions of the vectors.")] = 50,
    min_uses: Annotated[float, typer.Option(help="Leave out items that are used less often.")] = 0.0,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the pairs. Default: 5 to 50, more for few records.")
    ] = None,
    subsampling: Annotated[
        float,
        typer.Option(
            help="Share of the uses from which on a popular item is used less in training; 0: none."
        ),
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Random seed. With --workers 1 the library is reproducible.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Threads that train.")] = 1,
    no_activate: Annotated[bool, typer.Option("--no-activate", help="Do not activate the library.")] = False,
    as_json: Json = False,
) -> None:
    """Learn which items are used together, from loans, sessions or lists, and activate the library.

    Prints its version. Libraries have versions as models have, in the folder `library` of the models:
    enricher --models models/library models list

    Example: enricher library train loans.jsonl
    """
    from enricher.library.library import library_store
    from enricher.library.training import LibrarySettings, train_library

    settings = LibrarySettings(dimensions, min_uses, epochs, subsampling, seed, workers)
    store = library_store(context_of(context).models)
    with Rejects() as rejects, progress_display() as progress:
        records = read_files(sources, rejects, session_field, item_field)
        version = train_library(store, records, settings, progress)
    if not no_activate:
        store.activate(version)
    items = store.open(version).manifest.counts.words
    if as_json:
        print_json({"version": version, "records": len(records), "items": items})
    else:
        print(version)
    if rejects.count:
        say(f"{rejects.summary()} The library was trained on the other records.")
        raise typer.Exit(1)


def used_items(
    shared: Context, sources: list[str] | None, rejects: Rejects, session_field: str, item_field: str
) -> tuple[Sequence[str], Pairs, NDArray[np.float64]]:
    """The items of records, or of the active library: names, pairs, and how often each is used."""
    from enricher.library.pairs import count_pairs

    if sources:
        records = read_files(sources, rejects, session_field, item_field)
        return records.items, count_pairs(records), records.item_weights
    found = shared.library()
    return found.items, found.pairs, found.weights


def categories_of(file: Path, items: Sequence[str]) -> Categories:
    """The categories of a file; reports the rows that say nothing about the items."""
    from enricher.library.categories import read_categories

    found = read_categories(file)
    if found.repeated:
        rows = counted(found.repeated, "row")
        say(f"{rows} of {str(file)!r} with an item that came before: the first category counts.")
    report_unknown(file, found.unknown(items))
    return found


def report_unknown(file: Path, names: Sequence[str]) -> None:
    """Report items of a file that are not among those that are used."""
    if names:
        shown = ", ".join(map(repr, names[:MAX_NAMED])) + (", …" if len(names) > MAX_NAMED else "")
        be = "is" if len(names) == 1 else "are"
        say(f"{counted(len(names), 'item')} of {str(file)!r} {be} unknown and passed over: {shown}.")


def read_files(sources: list[str], rejects: Rejects, session_field: str, item_field: str) -> Records:
    """Read the records of files, and report what deserves attention."""
    from enricher.library.records import read_records

    records = read_records(sources, rejects, session_field, item_field)
    if records.singles:
        say(f"{counted(records.singles, 'record')} with one item: nothing is used together in them.")
    return records


@library.command("similar", cls=Command)
def similar(
    context: typer.Context,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="An item of the library.")],
    top: Annotated[int, typer.Option(help="Number of results of each kind.")] = 10,
    alpha: Annotated[
        float, typer.Option(help="How much less the popular items count: 0 not at all, 1 most.")
    ] = 0.9,
    as_json: Json = False,
) -> None:
    """Print the items that are read together with an item, beside those that are alike.

    Read together: by mutual information, in nats. Alike: by cosine; they are read together with the same
    others, and can often replace each other.

    Example: enricher library similar 红楼梦
    """
    from enricher.answers import similar_answer

    found = context_of(context).library()
    together, alike = found.read_together(item, top, alpha), found.alike(item, top)
    if as_json:
        print_json(similar_answer(item, together, alike))
        return
    print_table(("read together", "score"), [(one.word, one.score) for one in together], bars_of=1)
    print_table(("alike", "cosine"), [(one.word, one.cosine) for one in alike], bars_of=1)
