"""The file of a plan: a table of items and places, in the order along the shelves."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from enricher.errors import UsageError
from enricher.files import user_path, why_not_written, write_atomically
from enricher.library.shelves.places import Places
from enricher.library.shelves.plan import Plan
from enricher.source_files import identity_of

COLUMNS = ("item", "place")


def check_outputs(outputs: Iterable[Path | None], inputs: Iterable[Path | str | None]) -> None:
    """Check, before any work is done, that files can be written and replace no input; None is passed over.

    Raises UsageError if a folder is missing, a file is a folder or an input, or two outputs are the same.
    """
    named = [path for path in outputs if path is not None]
    taken = {identity_of(user_path(path)) for path in inputs if path is not None} - {None}
    for path in named:
        if path.is_dir():
            raise UsageError(f"{str(path)!r} is a folder; name a file.")
        if not path.absolute().parent.is_dir():
            raise UsageError(f"There is no folder {str(path.parent)!r} for {path.name!r}; make it first.")
        if identity_of(path) in taken:
            raise UsageError(f"The file {str(path)!r} is an input of this command. Write to another file.")
    if len({path.absolute() for path in named}) < len(named):
        raise UsageError("The plan and the plot name the same file. Give two different files.")


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
