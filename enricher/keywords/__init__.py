"""Keywords of a text: the published score and phrases."""

from enricher.keywords.extraction import METHODS, KeywordExtractor, content_words_of
from enricher.keywords.published import published_keywords

__all__ = ["METHODS", "KeywordExtractor", "content_words_of", "published_keywords"]
