"""Keyword extraction: phrases, and the published score ln p(text|word)."""

from enricher.keywords.extraction import METHODS, KeywordExtractor, Method, content_words_of
from enricher.keywords.noise import remove_noise
from enricher.keywords.published import published_keywords

__all__ = ["METHODS", "KeywordExtractor", "Method", "content_words_of", "published_keywords", "remove_noise"]
