"""Arrays of a bundle, mapped into memory."""

from pathlib import Path
from typing import Any

import numpy as np


def mapped(path: Path) -> Any:
    """The array of an .npy file, which is read where it is used. Raises OSError, ValueError.

    A plain view of the map: every slice of a memmap object costs microseconds.
    """
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
