"""Arrays of a bundle: written, and mapped into memory."""

from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int32]
FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

HEAD_ERRORS = (EOFError, OverflowError, TypeError, MemoryError, SyntaxError, TokenError)
"""What numpy raises, beside ValueError, where the head of a file is damaged."""


def mapped(path: Path, kind: Any = np.number, dimensions: int | None = None) -> Any:
    """The array of an .npy file, which is read where it is used. Raises OSError, ValueError.

    kind, dimensions: what its values must be, and how many axes it must have, for a damaged head may tell
    anything. A plain view of the map: every slice of a memmap object costs microseconds.
    """
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except HEAD_ERRORS as error:
        raise ValueError(f"The head of {path.name} is damaged.") from error
    if not np.issubdtype(array.dtype, kind) or dimensions not in (None, array.ndim):
        raise ValueError(f"The file {path.name} holds {array.dtype} in {array.ndim} dimensions.")
    return np.asarray(array)


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
