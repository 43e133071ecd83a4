"""Linear assignment: each row gets a column of its own so that the sum is least."""

import numpy as np
from numpy.typing import NDArray


def assign(costs: NDArray[np.float64]) -> tuple[NDArray[np.int64], float]:
    """The column of each row, int64 (rows,), and the sum of the costs. There are enough columns."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(costs)
    return np.asarray(columns, np.int64), float(costs[rows, columns].sum())
