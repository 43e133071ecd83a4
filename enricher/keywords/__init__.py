"""Keywords of a text: the published score and phrases."""

from enricher.keywords.extraction import METHODS, KeywordExtractor, Method, content_words_of
from enricher.keywords.prose import prose
from enricher.keywords.published import published_keywords

__all__ = ["METHODS", "KeywordExtractor", "Method", "content_words_of", "prose", "published_keywords"]
