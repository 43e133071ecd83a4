"""One door to the methods of keyword extraction, by name."""

from enricher.errors import UsageError
from enricher.keywords.phrases import phrase_keywords
from enricher.keywords.published import published_keywords
from enricher.model.word2vec import Word2Vec
from enricher.records import AnalyzedDocument, Keyword
from enricher.text import is_content

METHODS = ("phrases", "published")


def extract(
    model: Word2Vec, document: AnalyzedDocument, top: int, method: str, title_field: str | None
) -> list[Keyword]:
    """The keywords of a document, best first, fewer than `top` where the text has no more.

    Raises UsageError for an unknown method and for `top` under 1.
    """
    if top < 1:
        raise UsageError(f"The number of keywords must be 1 or more, not {top}.")
    if method == "phrases":
        return phrase_keywords(model, document, top, title_field)
    if method == "published":
        words = [t.text for tokens in document.tokens.values() for t in tokens if is_content(t.text)]
        return published_keywords(model, words, top)
    raise UsageError(f"The method must be one of {', '.join(METHODS)}, not {method!r}.")
