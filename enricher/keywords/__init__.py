"""Keywords of a text: the published score and phrases."""

from enricher.keywords.extraction import METHODS, extract

__all__ = ["METHODS", "extract"]
