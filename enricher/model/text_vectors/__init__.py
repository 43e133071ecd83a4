"""Vectors of texts, tuned on the documents themselves."""
