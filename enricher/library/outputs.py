"""Check the files that a command will write, before it works for minutes."""

import os
from collections.abc import Iterable
from pathlib import Path

from enricher.errors import UsageError
from enricher.files import user_path
from enricher.source_files import identity_of


def check_outputs(outputs: Iterable[Path | None], inputs: Iterable[Path | str | None]) -> None:
    """Check that files can be written and replace no input; None is passed over.

    Raises UsageError if a folder is missing, a file is a folder, an input or not writable, or two outputs
    are the same.
    """
    named = [path for path in outputs if path is not None]
    taken = {identity_of(user_path(path)) for path in inputs if path is not None} - {None}
    for path in named:
        if path.is_dir():
            raise UsageError(f"{str(path)!r} is a folder; name a file in it.")
        if not path.absolute().parent.is_dir():
            raise UsageError(f"There is no folder {str(path.parent)!r} for {path.name!r}. Create it first.")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise UsageError(f"The file {str(path)!r} cannot be written: permission denied.")
        if identity_of(path) in taken:
            raise UsageError(f"The file {str(path)!r} is an input of this command. Write to another file.")
    if len({path.absolute() for path in named}) < len(named):
        raise UsageError("Two outputs name the same file. Give different files.")
