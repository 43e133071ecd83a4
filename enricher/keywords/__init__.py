"""Keywords of a text: the published score and phrases."""

from enricher.keywords.extraction import METHODS, extract
from enricher.keywords.published import published_keywords

__all__ = ["METHODS", "extract", "published_keywords"]
