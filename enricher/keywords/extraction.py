"""One door to the methods of keyword extraction, by name."""

from collections.abc import Sequence
from typing import Literal, get_args

from enricher.errors import UsageError
from enricher.keywords.phrases import PhraseExtractor
from enricher.keywords.prose import prose
from enricher.keywords.published import published_keywords
from enricher.model.usage import Usage
from enricher.model.word2vec import Word2Vec
from enricher.records import AnalyzedDocument, Keyword
from enricher.text import Analyzer, is_content

Method = Literal["phrases", "published"]
METHODS: tuple[Method, ...] = get_args(Method)


class KeywordExtractor:
    """Extracts keywords by any of the methods; safe to use from several threads.

    usage: how words are used in the training text, None where the model does not say. analyzer: cuts
    anew what is left of a text without markup, addresses and encoded data.
    """

    def __init__(self, word2vec: Word2Vec, usage: Usage | None, analyzer: Analyzer) -> None:
        self._word2vec = word2vec
        self._analyzer = analyzer
        self._phrases = PhraseExtractor(word2vec, usage)

    def extract(
        self, documents: Sequence[AnalyzedDocument], top: int, method: str, title_field: str | None
    ) -> list[list[Keyword]]:
        """The keywords of each document, best first, fewer than `top` where the text has no more.

        Raises UsageError for an unknown method and for `top` under 1.
        """
        if top < 1:
            raise UsageError(f"The number of keywords must be 1 or more, not {top}.")
        documents = [self._without_noise(document) for document in documents]
        if method == "phrases":
            return [self._phrases.keywords(document, top, title_field) for document in documents]
        if method == "published":
            return published_keywords(
                self._word2vec, [content_words_of(document) for document in documents], top
            )
        raise UsageError(f"The method must be one of {', '.join(METHODS)}, not {method!r}.")

    def _without_noise(self, document: AnalyzedDocument) -> AnalyzedDocument:
        """The document without what holds no keywords, in its texts and among its words."""
        source, tokens = dict(document.source), dict(document.tokens)
        for name in document.tokens:
            text = document.text(name)
            left = prose(text, every_tag=self._analyzer.strips_html)
            if left != text:
                source[name], tokens[name] = left, self._analyzer.tokens(left)
        return AnalyzedDocument(document.id, source, tokens)


def content_words_of(document: AnalyzedDocument) -> list[str]:
    """The content words of all fields of a document, in order."""
    return [t.text for tokens in document.tokens.values() for t in tokens if is_content(t.text)]
