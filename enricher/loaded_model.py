"""A loaded model and its queries: keywords, neighbors, related words, senses and query expansion."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from enricher.bundle.bundle import ITEMS, REAL_TITLES, SHORT_TEXTS, Bundle
from enricher.bundle.store import BundleStore
from enricher.errors import BundleInvalid, UnknownWord, UsageError
from enricher.expansion import RelatednessExpansion, candidates, expand_by_relatedness, parse_operators
from enricher.keywords import KeywordExtractor, published_keywords, remove_noise
from enricher.model.arrays import FloatArray
from enricher.model.phrase_parts import phrase_parts
from enricher.model.related_table import as_related_words, related, related_to_all
from enricher.model.relatedness import DEFAULT_ALPHA, DEFAULT_SHRINKAGE, INNER_PRODUCT, Relatedness
from enricher.model.senses import group_fits, word_groups
from enricher.model.word2vec import Word2Vec
from enricher.records import (
    AnalyzedDocument,
    Candidate,
    Document,
    Keyword,
    Neighbor,
    Query,
    RelatedWord,
    Sense,
)
from enricher.text import Analyzer, Lexicon, open_analyzer, read_lexicon
from enricher.text.analysis import DEFAULT_LIMIT, STRIP_HTML
from enricher.text.segmentation import NO_LEXICON

TEXT_FIELD = "text"


class Model:
    """An opened bundle, and the analyzer that segments text in the same way as the training text."""

    def __init__(self, bundle: Bundle, analyzer: Analyzer) -> None:
        self.bundle = bundle
        self.analyzer = analyzer

    def stripping_html(self, strip_html: bool) -> "Model":
        """Return the model with an analyzer that removes HTML markup from texts, or one that does not."""
        analyzer = self.analyzer.stripping_html(strip_html)
        return self if analyzer is self.analyzer else Model(self.bundle, analyzer)

    @property
    def version(self) -> str:
        """The version of the bundle."""
        return self.bundle.version

    @property
    def word2vec(self) -> Word2Vec:
        """The word2vec model: the vocabulary and its vectors."""
        return self.bundle.word2vec

    @property
    def has_titles(self) -> bool:
        """Whether the titles of the training documents describe their texts: they share enough words."""
        return self.bundle.manifest.corpus.title_share >= REAL_TITLES

    @property
    def has_short_texts(self) -> bool:
        """Whether the training documents are short, such as questions or headings."""
        return 0 < self.mean_words < SHORT_TEXTS

    @property
    def mean_words(self) -> float:
        """The average number of content words in a training document; 0 if unknown."""
        return self.bundle.manifest.corpus.mean_words

    @property
    def has_learned_from_texts(self) -> bool:
        """Whether tuning the text vectors learned anything: the training pairs were not too easy."""
        facts = self.bundle.manifest.text_vectors
        return facts is not None and facts.has_learned

    @property
    def words(self) -> Sequence[str]:
        """The vocabulary: V words, in the order of the rows of the model."""
        return self.word2vec.words

    def keywords(self, text: str, top: int = 5, method: str = "phrases") -> list[Keyword]:
        """The keywords of a text, best first.

        method: "phrases" (tf, idf and position of words and phrases) or "published" (ln p(text|word)).
        Raises UsageError; TypeError if the text is not a string.
        """
        _need_text("text", text)
        if method == "published" and top > 0:  # words without offsets are segmented faster
            words = self.analyzer.content_words(remove_noise(text, every_tag=self.analyzer.strips_html))
            return published_keywords(self.word2vec, [words], top)[0]
        document = self.analyzer.analyze(Document("", {TEXT_FIELD: text}), (TEXT_FIELD,))
        return self.document_keywords([document], top, method)[0]

    def document_keywords(
        self,
        documents: Sequence[AnalyzedDocument],
        top: int,
        method: str = "phrases",
        title_field: str | None = None,
    ) -> list[list[Keyword]]:
        """The keywords of each analyzed document, best first. Words in `title_field` count more.

        method: "phrases" or "published". Raises UsageError.
        """
        return self._keyword_extractor.extract(documents, top, method, title_field)

    @cached_property
    def _keyword_extractor(self) -> KeywordExtractor:
        return KeywordExtractor(self.word2vec, self.bundle.usage, self.analyzer)

    def parts(self, word: str) -> tuple[str, ...]:
        """The words that answer for a phrase (`phrase_parts`); none for a known word. Raises UnknownWord."""
        _need_text("word", word)
        if self.word2vec.find_form(word) is not None:
            return ()
        parts = phrase_parts(self.word2vec, self.bundle.usage, self.analyzer.words(word))
        if not parts:
            raise UnknownWord(word, self.word2vec.closest(word))
        return parts

    def neighbors(self, word: str, top: int = 10) -> list[Neighbor]:
        """The words that can replace a word: the nearest by cosine of the input vectors, best first.

        For a phrase that the vocabulary lacks, the nearest to the mean of its `parts`. Raises UnknownWord,
        UsageError.
        """
        parts = self.parts(word)
        rows = self.word2vec.rows(parts).tolist() if parts else [self.word2vec.row(word)]
        from enricher.model import neighbors as cosine  # imports faiss, which is slow and only needed here

        vectors = self.word2vec.vectors
        return cosine.neighbors_of_mean(self.bundle.neighbor_index, self.words, vectors, rows, top)

    def suggest(self, text: str, top: int = 10) -> list[tuple[str, int]]:
        """Known words for a text that somebody is typing or has mistyped, with their counts.

        The words that begin with the text come first, the most frequent ones at the top; then those that are
        spelled most similarly. Raises UsageError.
        """
        _need_text("text", text)
        if top < 0:
            raise UsageError(f"The number of words must be 0 or more, not {top}.")
        found = self.word2vec.completions(text, top)
        if len(found) < top:
            found += [word for word in self.word2vec.closest(text, top) if word not in found]
        rows = (self.word2vec.find(word) for word in found[:top])
        return [(word, int(self.word2vec.counts[row])) for word, row in zip(found, rows, strict=False)]

    def related(
        self, word: str, top: int = 10, alpha: float = DEFAULT_ALPHA, shrinkage: bool = True
    ) -> list[RelatedWord]:
        """The words that occur together with a word: largest ln p(y|word) − alpha · ln p(y), best first.

        With shrinkage, rare words get lower scores, because there is little evidence for them; and among the
        best words, those whose vectors differ from that of `word` get lower scores. Without shrinkage, the
        answer is exact over the whole vocabulary. It comes from the precomputed table if the table proves the
        answer, else from a search in the tree. For a phrase that the vocabulary lacks, it is the weighted sum
        over its `parts`. Raises UnknownWord, UsageError.
        """
        formula = self.formula(alpha, shrinkage)
        if parts := self.parts(word):
            return related_to_all(self.word2vec, self.word2vec.rows(parts), top, formula)
        return related(self.word2vec, self.bundle.related_table, word, top, formula)

    def senses(
        self,
        word: str,
        top: int = 5,
        alpha: float = DEFAULT_ALPHA,
        shrinkage: bool = True,
        context: str | None = None,
    ) -> list[Sense]:
        """The senses of a word: groups of its related words, `top` words in each group.

        Without a context, the group with the best related word comes first. With a context, the group that
        fits its words best comes first; `word` itself is ignored there. A phrase that the vocabulary lacks
        has one sense. Raises UnknownWord; UsageError if `top` is below 1 or the context has no other known
        word.
        """
        if context is not None:
            _need_text("context", context)
        if top < 1:
            raise UsageError(f"The number of words must be 1 or more, not {top}.")
        formula = self.formula(alpha, shrinkage)
        if parts := self.parts(word):
            rows = self.word2vec.rows(parts)
            words = [related_to_all(self.word2vec, rows, top, formula)]
            groups = [self.word2vec.rows([one.word for one in words[0]])]
        else:
            row = self.word2vec.row(word)
            rows, found = np.array([row], np.int32), word_groups(self.word2vec, row, formula)
            words = [
                as_related_words(self.word2vec, row, group.scores, group.rows, formula)[:top]
                for group in found
            ]
            groups = [group.rows for group in found]
        if context is None:
            return [Sense(tuple(some), None) for some in words]
        around = self.word2vec.rows(self.analyzer.content_words(context))
        around = around[~np.isin(around, rows)]
        if not len(around):
            raise UsageError(f"The context {context!r} contains no other word that the model knows.")
        fits = group_fits(self.word2vec, groups, around)
        senses = [Sense(tuple(some), fit) for some, fit in zip(words, fits, strict=True)]
        return sorted(senses, key=lambda sense: -(sense.fit or 0.0))

    def formula(self, alpha: float = DEFAULT_ALPHA, shrinkage: bool = True) -> Relatedness:
        """The formula that `related` ranks by; the inner product if the model has negative sampling only."""
        requested = Relatedness(alpha, DEFAULT_SHRINKAGE if shrinkage else 0.0)
        return requested if self.word2vec.tree is not None else INNER_PRODUCT

    def log_probabilities(self, word: str | Sequence[str]) -> FloatArray:
        """Ln p(y|word) for every word y, in the order of `words`: float32 (V,).

        A list of n words gives (n, V). Raises UnknownWord; NotSupported if the model was trained with
        negative sampling only.
        """
        if not isinstance(word, str):
            if not isinstance(word, Sequence) or isinstance(word, bytes | bytearray):
                raise TypeError(f"word must be a string or a list of strings, not {type(word).__name__}.")
            for one in word:
                _need_text("each word", one)
        return self.word2vec.log_probabilities(word)

    def expand(self, query: str, settings: RelatednessExpansion | None = None) -> Query:
        """Expand a query: its words, with weight 1, and the words related to the query as a whole.

        Quoted phrases and excluded words are recognized (`expansion.parse_operators`).
        """
        _need_text("query", query)
        return self.expand_query(parse_operators(self.analyzer, query), settings)

    def expand_query(self, query: Query, settings: RelatednessExpansion | None = None) -> Query:
        """Expand a parsed query with the words related to it as a whole."""
        return expand_by_relatedness(self.word2vec, self.bundle.related_table, query, settings)

    def candidates(
        self, query: Query, settings: RelatednessExpansion | None = None, refused: str | None = None
    ) -> list[Candidate]:
        """All words that `expand_query` considers, and why each is added or not.

        refused: why no word is added to this query, if that is so.
        """
        settings = settings or RelatednessExpansion()
        return candidates(self.word2vec, self.bundle.related_table, query, settings, refused)


def _need_text(name: str, value: object) -> None:
    """Raise TypeError if an argument is not a string. It would otherwise be treated as an empty text."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}.")


def load(models_dir: str | Path, version: str | None = None) -> Model:
    """Open the active model in a folder of bundles, or a given version.

    Raises ModelNotFound; BundleInvalid if the bundle is damaged, or if the segmenter of the training text is
    not installed in the same version: a query must be segmented like the documents.
    """
    bundle = BundleStore(models_dir).open(version)
    if bundle.language == ITEMS:
        raise BundleInvalid(
            f"{str(models_dir)!r} holds libraries of items, not models of text. Name the folder above it: "
            "--models DIR."
        )
    lexicon, overlay = (
        read_lexicon(path) if path else NO_LEXICON for path in (bundle.lexicon_path, bundle.overlay_path)
    )
    owner = f"The model {bundle.version}"
    return Model(bundle, matching_analyzer(bundle.manifest.analysis, lexicon, owner, overlay))


def _limit(analysis: Mapping[str, Any], owner: str) -> int:
    try:
        return int(analysis.get("limit", DEFAULT_LIMIT))
    except (ValueError, TypeError):
        raise BundleInvalid(f"{owner} records a limit that is not a number: {analysis['limit']!r}.") from None


def matching_analyzer(
    analysis: Mapping[str, Any], lexicon: Lexicon, owner: str, overlay: Lexicon = NO_LEXICON
) -> Analyzer:
    """Open the analyzer that `Analyzer.describe` described.

    lexicon, overlay: its words. owner: the subject of error messages. Raises BundleInvalid if this
    installation would segment differently.
    """
    segmenter, version = analysis.get("segmenter.name"), analysis.get("segmenter.version")
    limit = _limit(analysis, owner)
    strip_html = STRIP_HTML in analysis
    analyzer = open_analyzer(str(segmenter), lexicon, overlay=overlay, limit=limit, strip_html=strip_html)
    present = analyzer.describe()
    for name, wanted in analysis.items():
        if present.get(name) != wanted:
            raise BundleInvalid(
                f"{owner} was made with {name} {wanted}, but {present.get(name)} is installed. Queries must "
                f"be segmented like the documents: install {segmenter} {version}, or train and index again."
            )
    return analyzer
