"""Arrays of a bundle, mapped into memory."""

from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

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
