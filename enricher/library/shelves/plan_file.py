"""The file of a plan: a table of items and places, in the order along the shelves."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from enricher.errors import UsageError
from enricher.files import why_not_written, write_atomically
from enricher.library.shelves.places import Places
from enricher.library.shelves.plan import Plan

COLUMNS = ("item", "place")


def write_plan(plan: Plan, items: Sequence[str], places: Places, path: Path) -> None:
    """Write `item,place` for every item, in the order of the places; a series in its order.

    Raises UsageError if the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    at = plan.item_place
    writer.writerows((items[number], places.names[at[number]]) for number in plan.order.tolist())
    try:
        write_atomically(path, text.getvalue().encode("utf-8", "replace"))
    except OSError as error:
        raise UsageError(f"The plan {str(path)!r} cannot be written: {why_not_written(error)}.") from error
