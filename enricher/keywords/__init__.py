"""Keywords of a text: the published score and phrases."""

from enricher.keywords.extraction import METHODS, content_words_of, extract
from enricher.keywords.published import published_keywords

__all__ = ["METHODS", "content_words_of", "extract", "published_keywords"]
