"""BM25: its constants, and the weight of a rare word."""

from typing import Any

import numpy as np

K1, B = 1.2, 0.75
"""BM25's constants, as the engines have them."""


def bm25_idf(frequencies: Any, total: float) -> Any:
    """ln(1 + (N − n + ½)/(n + ½)) of words that stand in n of N documents, for a number or an array."""
    return np.log1p((total - frequencies + 0.5) / (frequencies + 0.5))
