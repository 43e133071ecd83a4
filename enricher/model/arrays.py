"""Arrays of a bundle: written, and mapped into memory."""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np


def mapped(path: Path) -> Any:
    """The array of an .npy file, which is read where it is used. Raises OSError, ValueError.

    A plain view of the map: every slice of a memmap object costs microseconds.
    """
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def save(path: Path, array: Any) -> None:
    """Write an array as an .npy file. Raises OSError with its reason.

    NumPy writes to a file of the system by itself, and then does not know why it could not.
    """
    with path.open("wb") as file:
        np.save(_Written(file), np.ascontiguousarray(array), allow_pickle=False)


class _Written:
    """A file of which NumPy knows only that it can be written to."""

    def __init__(self, file: BinaryIO) -> None:
        self.write = file.write
