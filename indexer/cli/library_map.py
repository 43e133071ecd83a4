"""`enricher library map`: items, documents or words on a map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from indexer.cli.app import (
    Command,
    FormatOption,
    IdField,
    Json,
    TextField,
    TitleField,
    context_of,
    worker_count,
)
from indexer.cli.library import (
    CategoryFile,
    ItemField,
    RecordFilesOption,
    SessionField,
    categories_of,
    library,
    used_items,
)
from indexer.cli.output import Rejects, counted, print_json, print_line, print_table, progress_display, say

if TYPE_CHECKING:
    from enricher.library.maps.drawing import Map
    from enricher.library.maps.points import Points

Kind = Literal["items", "documents", "words"]
PAGE, PICTURE = ".html", ".png"

Of = Annotated[
    Kind,
    typer.Option(
        "--of",
        help="items: of the active library, or of --records; documents: of --source; words: of the active "
        "model.",
    ),
]
Out = Annotated[
    list[Path],
    typer.Option(
        "--out", metavar="FILE", help="A page (.html) or a picture (.png); repeatable, for both at once."
    ),
]
DocumentSources = Annotated[
    list[str] | None,
    typer.Option(
        "--source", metavar="SOURCE", help="Documents: files, folders, - or index:NAME. Repeatable."
    ),
]
CategoryField = Annotated[
    str | None, typer.Option(metavar="FIELD", help="Field of a document by which points are colored.")
]
Limit = Annotated[
    int, typer.Option(min=4, help="Maximum points: the most used items or words; a sample of documents.")
]
Perplexity = Annotated[
    float, typer.Option(min=1, help="About how many neighbors a point has. Not for items of records.")
]
Seed = Annotated[int, typer.Option(min=0, help="Random seed. The same seed gives the same map.")]
NoCompare = Annotated[
    bool, typer.Option("--no-compare", help="Do not draw the map by SNE too, for comparison: twice as fast.")
]
Title = Annotated[str | None, typer.Option(help="Title of the map.")]


@library.command("map", cls=Command)
def draw_library_map(
    context: typer.Context,
    out: Out,
    of: Of = "items",
    records: RecordFilesOption = None,
    session_field: SessionField = "session",
    item_field: ItemField = "item",
    alike: Annotated[
        bool, typer.Option("--alike", help="Place items of the library by their vectors, not their records.")
    ] = False,
    categories: CategoryFile = None,
    sources: DocumentSources = None,
    category_field: CategoryField = None,
    title_field: TitleField = None,
    text_field: TextField = None,
    id_field: IdField = "id",
    format_name: FormatOption = "auto",
    limit: Limit = 20_000,
    perplexity: Perplexity = 30.0,
    seed: Seed = 1,
    no_compare: NoCompare = False,
    title: Title = None,
    as_json: Json = False,
) -> None:
    """Draw a map of items, documents or words.

    What belongs together is near each other. Writes one page that needs nothing else, a picture, or both, and
    prints how many neighbors the map keeps.
    Needs the extra `maps`: pip install "search-enricher[maps]"

    Example: enricher library map --out map.html --out map.png
    """
    from enricher.library.maps.drawing import MapSettings, draw_map
    from enricher.library.maps.points import points_of_pairs, points_of_vectors
    from enricher.recipe.fields import NamedFields
    from indexer.maps import DocumentMap, document_points, sentences_of, word_points

    _check_options(of, records, sources, categories, category_field, alike)
    _check_outputs(out, [*(records or ()), *([str(categories)] if categories else ())])
    shared = context_of(context)
    with Rejects() as rejects, progress_display() as progress:
        if of == "items" and alike:
            found = shared.library()
            points = points_of_vectors("items", found.items, found.weights, found.word2vec.vectors, limit)
        elif of == "items":
            progress("records", 0, 0)
            items, pairs, uses = used_items(shared, records, rejects, session_field, item_field)
            points = points_of_pairs(items, uses, pairs, limit)
        elif of == "words":
            points = word_points(shared.model().word2vec, limit)
        else:
            request = DocumentMap(
                tuple(sources or ()), limit, seed, category_field, NamedFields(title_field, text_field),
                id_field, format_name, tuple(out),
            )  # fmt: skip
            points = document_points(shared.engine, shared.model(), request, rejects, progress, say)
        for sentence in sentences_of(points):
            say(sentence)
        points = _with_categories(points, categories)
        settings = MapSettings(perplexity, seed, not no_compare, worker_count(None))
        drawn = draw_map(points, settings, progress)
    written = _write(drawn, title, out)
    _print(drawn, written, as_json)
    if rejects.count:
        say(f"{rejects.summary()} The map was drawn from the others.")
        raise typer.Exit(1)


def _check_options(
    of: Kind,
    records: list[str] | None,
    sources: list[str] | None,
    categories: Path | None,
    category_field: str | None,
    alike: bool,
) -> None:
    """Raise UsageError for options of another kind of map, or if the source of the map is missing."""
    from enricher.errors import UsageError

    given: dict[str, object] = {"--records": records, "--source": sources, "--categories": categories}
    given["--category-field"] = category_field
    fitting = {"items": ("--records", "--categories"), "documents": ("--source", "--category-field")}
    for option, value in given.items():
        if value and option not in fitting.get(of, ("--categories",)):
            raise UsageError(f"{option} does not fit --of {of}. Omit it, or draw another map.")
    if alike and (of != "items" or records):
        raise UsageError("--alike is for the items of a library. Omit it, or omit --of and --records.")
    if of == "documents" and not sources:
        raise UsageError("A map of documents needs documents: --source SOURCE, a file or index:NAME.")


def _check_outputs(outputs: Sequence[Path], inputs: Sequence[str]) -> None:
    """Check, before any work is done, that the files can be written. Raises UsageError."""
    from enricher.errors import UsageError
    from enricher.library.maps.embedding import need_opentsne
    from enricher.library.maps.picture import need_matplotlib
    from enricher.library.outputs import check_outputs

    for path in outputs:
        if path.suffix.lower() not in (PAGE, PICTURE):
            name = str(path)
            raise UsageError(f"The map {name!r} has no known format. Use a name that ends in .html or .png.")
    check_outputs(outputs, inputs)
    need_opentsne()
    if any(path.suffix.lower() == PICTURE for path in outputs):
        need_matplotlib()


def _with_categories(points: Points, path: Path | None) -> Points:
    """The points with the categories of a file; reports the rows that say nothing."""
    if path is None:
        return points
    found = points.with_categories(categories_of(path, points.names).of(points.names))
    if without := sum(not one for one in found.categories):
        say(f"{counted(without, 'point')} of the map without a category.")
    return found


def _write(drawn: Map, title: str | None, outputs: Sequence[Path]) -> dict[Path, int]:
    """Write the files, and return the size of each in bytes. Raises UsageError if one cannot be written."""
    from enricher.errors import UsageError
    from enricher.files import why_not_written, write_atomically
    from enricher.library.maps.page import page_of
    from enricher.library.maps.picture import lacks_chinese_font, picture_of

    written = {}
    for path in outputs:
        is_picture = path.suffix.lower() == PICTURE
        content = picture_of(drawn, title) if is_picture else page_of(drawn, title)
        try:
            write_atomically(path, content)
        except OSError as error:
            raise UsageError(
                f"The file {str(path)!r} cannot be written: {why_not_written(error)}."
            ) from error
        written[path] = len(content)
        if is_picture and lacks_chinese_font(drawn.points):
            say(
                "No installed font has Chinese characters, so labels of the picture may be boxes. Install "
                "one, such as Noto Sans CJK."
            )
    return written


def _print(drawn: Map, written: dict[Path, int], as_json: bool) -> None:
    """Print the quality of the map, and its files."""
    if as_json:
        print_json(drawn.as_json() | {"files": {str(path): size for path, size in written.items()}})
        return
    rows = [(name, one.kept, one.trustworthiness) for name, one in drawn.quality.items()]
    print_table(("method", "neighbors kept", "trustworthiness"), rows)
    for path, size in written.items():
        print_line(f"{counted(len(drawn.points), 'point')} drawn to {path} ({size / 1000:,.0f} kB).")
