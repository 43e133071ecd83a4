"""BM25: the constants and the idf formula."""

from typing import Any

import numpy as np

K1, B = 1.2, 0.75
"""The constants of BM25, with the same values as in the engines."""


def bm25_idf(frequencies: Any, total: float) -> Any:
    """BM25's idf, ln(1 + (N − n + ½)/(n + ½)). frequencies: document frequency n, a number or an array."""
    return np.log1p((total - frequencies + 0.5) / (frequencies + 0.5))
