"""Files of places, series and categories: what is read, and the sentence for what cannot be."""

from pathlib import Path

import pytest

from enricher.errors import SourceError, UsageError
from enricher.library.outputs import check_outputs
from enricher.library.shelves.places import check_distance, read_places
from enricher.library.shelves.series import Series, known_series, read_series, unknown_items
from tests.library.shelves_cases import places_of


def written(folder: Path, text: str | bytes, name: str = "places.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_places_have_coordinates_and_perhaps_a_capacity(tmp_path: Path) -> None:
    """Columns come in any order; others, empty rows and a byte order mark are passed over."""
    text = '\ufeffcapacity,y,place,note,x\n3, 2 ,"A, 1",old,-1.5\n\n,0,B,,1e3\n'
    places = read_places(written(tmp_path, text))
    assert places.names == ["A, 1", "B"] and places.dimensions == 2 and places.room == 4
    assert places.xyz.tolist() == [[-1.5, 2, 0], [1000, 0, 0]] and places.capacities.tolist() == [3, 1]
    high = read_places(written(tmp_path, "place,x,y,z\n书架,0,0,1.8\n"))
    assert high.dimensions == 3 and high.xyz.tolist() == [[0, 0, 1.8]] and high.names == ["书架"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty; its first line must be place,x,y"),
        ("place,x,y\n", "There is no place in"),
        ("place,x\nA,1\n", r"has no column 'y' \(there: 'place', 'x'\)"),
        ("place,x,y,x\nA,1,2,3\n", "has 2 columns 'x'; keep one"),
        ("place,x,y\nA,one,2\n", "places.csv:2: x must be a number, not 'one'"),
        ("place,x,y\nA,1_0,2\n", "places.csv:2: x must be a number, not '1_0'"),
        ("place,x,y\nA,1,nan\n", "places.csv:2: y must be a number, not 'nan'"),
        ("place,x,y,z\nA,1,2,\n", "places.csv:2: z must be a number, not ''"),
        ("place,x,y\nA,1,1e99\n", "y must be at most 1,000,000,000 in size, not 1e99"),
        ("place,x,y\nA,1\n", "places.csv:2: the row has no y"),
        ("place,x,y\n ,1,2\n", "places.csv:2: the row has no place"),
        ("place,x,y\nA,1,2\nB,1,3\nA,2,2\n", "places.csv:4: the place 'A' is there twice, first at .*csv:2"),
        ("place,x,y,capacity\nA,1,2,0\n", "capacity must be a positive integer, not '0'"),
        ("place,x,y,capacity\nA,1,2,-1\n", "capacity must be a positive integer, not '-1'"),
        ("place,x,y,capacity\nA,1,2,1.5\n", "capacity must be a positive integer, not '1.5'"),
        ("place,x,y,capacity\nA,1,2,²\n", "capacity must be a positive integer, not '²'"),
        ("place,x,y,capacity\nA,1,2,99999999999999999999\n", "capacity must be a positive integer"),
        ('place,x,y\n"A,1,2\n', "the row cannot be read"),
        ("place,x,y\nÄ,1,2\n".encode("latin-1"), "is not UTF-8"),
    ],
)
def test_a_file_that_holds_no_places(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    """The sentence names the line and the value."""
    with pytest.raises(SourceError, match=sentence):
        read_places(written(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Neither is a folder a file."""
    with pytest.raises(SourceError, match="There is no file"):
        read_places(tmp_path / "gone.csv")
    with pytest.raises(SourceError, match="cannot be read: Is a directory"):
        read_places(tmp_path)


def test_places_must_not_be_too_near() -> None:
    """The two places and their distance are named; a place with a capacity is one place."""
    places = places_of([(0, 1), (5, 0), (0, 1.5), (9, 9)], [3, 1, 1, 1])
    check_distance(places, 0.5)
    check_distance(places_of([(1, 1)]), 9)
    with pytest.raises(UsageError, match=r"'p0' and 'p2' are 0\.5 apart, less than .* distance 0\.75"):
        check_distance(places, 0.75)
    with pytest.raises(UsageError, match="'p1' and 'p2' are 0 apart"):
        check_distance(places_of([(0, 1), (5, 0), (5, 0)]), 0.1)


def test_series_are_a_table_or_lines(tmp_path: Path) -> None:
    """Rows of a table need not be adjacent; items of a line are between tabs."""
    table = written(tmp_path, "series,item\nH,h 1\nK,k1\nH,h 2\n", "series.csv")
    assert read_series(table) == [Series("H", ["h 1", "h 2"]), Series("K", ["k1"])]
    lines = written(tmp_path, "h 1\th 2\n\nk1\n", "series.txt")
    assert read_series(lines) == [Series("line 1", ["h 1", "h 2"]), Series("line 3", ["k1"])]


def test_an_item_is_in_one_series(tmp_path: Path) -> None:
    """A second one is an error with both lines."""
    with pytest.raises(SourceError, match=r"s.txt:2: the item 'b' is in a series already, at .*s.txt:1"):
        read_series(written(tmp_path, "a\tb\nb\tc\n", "s.txt"))


def test_items_without_records_are_passed_over() -> None:
    """A series keeps its other items; one that has none is omitted."""
    series = [Series("H", ["a", "b"]), Series("K", ["z"])]
    assert known_series(series, {"b", "c"}) == [Series("H", ["b"])]
    assert unknown_items(["a", "b", "z"], {"b"}) == ["a", "z"]


def test_outputs_are_checked_before_any_work(tmp_path: Path) -> None:
    """A folder that is missing, a folder in place of a file, one file for both."""
    check_outputs([tmp_path / "plan.csv", None], ["gone.csv", None])
    with pytest.raises(UsageError, match=r"There is no folder '.*gone' for 'plan.csv'"):
        check_outputs([tmp_path / "gone" / "plan.csv"], [])
    with pytest.raises(UsageError, match="is a folder; name a file"):
        check_outputs([tmp_path], [])
    with pytest.raises(UsageError, match="name the same file"):
        check_outputs([tmp_path / "plan.svg", tmp_path / "plan.svg"], [])
