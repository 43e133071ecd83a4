"""Keyword extraction by the name of the method."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal, get_args

from enricher.errors import UsageError
from enricher.keywords.noise import remove_noise
from enricher.keywords.phrases import PhraseExtractor
from enricher.keywords.published import published_keywords
from enricher.keywords.references import reference_spans
from enricher.model.usage import Usage
from enricher.model.word2vec import Word2Vec
from enricher.records import AnalyzedDocument, Keyword, Token
from enricher.text import Analyzer, is_content

Method = Literal["phrases", "published"]
METHODS: tuple[Method, ...] = get_args(Method)


class KeywordExtractor:
    """Extracts keywords with any method. Thread-safe.

    usage: statistics of words and phrases in the training text; None if the model has none. analyzer:
    segments texts again after markup, addresses and encoded data were removed.
    """

    def __init__(self, word2vec: Word2Vec, usage: Usage | None, analyzer: Analyzer) -> None:
        self._word2vec = word2vec
        self._analyzer = analyzer
        self._phrases = PhraseExtractor(word2vec, usage)

    def extract(
        self, documents: Sequence[AnalyzedDocument], top: int, method: str, title_field: str | None
    ) -> list[list[Keyword]]:
        """The keywords of each document, best first; at most `top`.

        Raises UsageError for an unknown method, or if `top` is below 1.
        """
        if top < 1:
            raise UsageError(f"The number of keywords must be 1 or more, not {top}.")
        documents = [self.without_noise(document) for document in documents]
        if method == "phrases":
            return self._phrases.keywords(documents, top, title_field)
        if method == "published":
            return published_keywords(
                self._word2vec, [content_words_of(document) for document in documents], top
            )
        raise UsageError(f"The method must be one of {', '.join(METHODS)}, not {method!r}.")

    def without_noise(self, document: AnalyzedDocument) -> AnalyzedDocument:
        """The document with noise removed from its texts and its tokens, and without tokens of references."""
        source, tokens = dict(document.source), dict(document.tokens)
        for name in document.tokens:
            text = document.text(name)
            left = remove_noise(text, every_tag=self._analyzer.strips_html)
            if left != text:
                source[name], tokens[name] = left, self._analyzer.tokens(left)
            if spans := reference_spans(left):
                tokens[name] = _outside(tokens[name], spans)
        return AnalyzedDocument(document.id, source, tokens)


def _outside(tokens: Sequence[Token], spans: Sequence[tuple[int, int]]) -> list[Token]:
    """The tokens that begin outside the spans of the text. Those around a span are not adjacent."""
    offsets = [token.start for token in tokens]
    kept: list[Token] = []
    place = 0
    for start, end in spans:
        kept += tokens[place : bisect_left(offsets, start)]
        place = bisect_left(offsets, end)
    return [*kept, *tokens[place:]]


def content_words_of(document: AnalyzedDocument) -> list[str]:
    """The content words of all fields of a document, in order."""
    return [t[0] for tokens in document.tokens.values() for t in tokens if is_content(t[0])]
