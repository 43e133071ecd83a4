"""Search on any engine: open an index, rewrite and plan a query, rank by words and vectors, highlight."""
