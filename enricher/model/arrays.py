"""Array files of a bundle: write them, and map them into memory."""

from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int32]
FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

HEAD_ERRORS = (EOFError, OverflowError, TypeError, MemoryError, SyntaxError, TokenError)
"""Exceptions that NumPy raises, in addition to ValueError, if the header of a file is damaged."""


def mapped(path: Path, kind: Any = np.number, dimensions: int | None = None) -> Any:
    """Map the array of an .npy file into memory. Raises OSError, ValueError.

    kind, dimensions: the required type and number of axes; a damaged header can contain anything. Returns a
    plain array, because slicing a memmap object takes microseconds.
    """
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except HEAD_ERRORS as error:
        raise ValueError(f"The header of {path.name} is damaged.") from error
    if not np.issubdtype(array.dtype, kind) or dimensions not in (None, array.ndim):
        raise ValueError(f"The file {path.name} contains {array.dtype} in {array.ndim} dimensions.")
    return np.asarray(array)


def save(path: Path, array: Any) -> None:
    """Write an array as an .npy file. Raises OSError with the reason.

    (If NumPy gets a real file, it writes by C code and loses the reason of an error.)
    """
    with path.open("wb") as file:
        np.save(_Written(file), np.ascontiguousarray(array), allow_pickle=False)


class _Written:
    """A file that has only a `write` method, so that NumPy writes by Python code."""

    def __init__(self, file: BinaryIO) -> None:
        self.write = file.write
