"""A loaded model bundle: everything that can be asked of it."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from enricher.bundle.bundle import REAL_TITLES, SHORT_TEXTS, Bundle
from enricher.bundle.store import BundleStore
from enricher.errors import BundleInvalid, UsageError
from enricher.expansion import RelatednessExpansion, expand_by_relatedness, parse_query
from enricher.keywords import KeywordExtractor, prose, published_keywords
from enricher.model.arrays import FloatArray
from enricher.model.related_table import as_related_words, related
from enricher.model.relatedness import DEFAULT_ALPHA, DEFAULT_SHRINKAGE, INNER_PRODUCT, Relatedness
from enricher.model.senses import group_fits, word_groups
from enricher.model.word2vec import Word2Vec
from enricher.records import AnalyzedDocument, Document, Keyword, Neighbor, Query, RelatedWord, Sense
from enricher.text import Analyzer, Lexicon, open_analyzer, read_lexicon
from enricher.text.analysis import DEFAULT_LIMIT, STRIP_HTML
from enricher.text.segmentation import NO_LEXICON

TEXT_FIELD = "text"


class Model:
    """An opened model with the analyser that cuts text as its training text was cut."""

    def __init__(self, bundle: Bundle, analyzer: Analyzer) -> None:
        self.bundle = bundle
        self.analyzer = analyzer

    def stripping_html(self, strip_html: bool) -> "Model":
        """The same model for texts that are HTML, or for others: see `Analyzer`."""
        analyzer = self.analyzer.stripping_html(strip_html)
        return self if analyzer is self.analyzer else Model(self.bundle, analyzer)

    @property
    def version(self) -> str:
        """The version of the bundle."""
        return self.bundle.version

    @property
    def word2vec(self) -> Word2Vec:
        """The words and weights themselves."""
        return self.bundle.word2vec

    @property
    def has_titles(self) -> bool:
        """Whether the titles of the training text say what the texts are about: they share words."""
        return self.bundle.manifest.corpus.title_share >= REAL_TITLES

    @property
    def has_short_texts(self) -> bool:
        """Whether the training text is made of questions, headings and the like."""
        return 0 < self.mean_words < SHORT_TEXTS

    @property
    def mean_words(self) -> float:
        """Content words of a training text in the mean; 0 where that is not known."""
        return self.bundle.manifest.corpus.mean_words

    @property
    def has_learned_from_texts(self) -> bool:
        """Whether tuning on the texts was a task to learn from: pairs that anything could tell apart teach
        nothing.
        """
        facts = self.bundle.manifest.text_vectors
        return facts is not None and facts.has_learned

    @property
    def words(self) -> Sequence[str]:
        """The vocabulary, V words, in the order of the model's rows."""
        return self.word2vec.words

    def keywords(self, text: str, top: int = 5, method: str = "phrases") -> list[Keyword]:
        """The keywords of a text, best first.

        method: "phrases" (tf, idf and position of words and phrases) or "published"
        (log p(text|word), natural logarithm). Raises UsageError; TypeError where the text is no string.
        """
        _need_text("text", text)
        if method == "published" and top > 0:  # words are cut in less time than tokens with their places
            words = self.analyzer.content_words(prose(text, every_tag=self.analyzer.strips_html))
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
        """The same of analysed documents, whose words in `title_field` count more."""
        return self._keyword_extractor.extract(documents, top, method, title_field)

    @cached_property
    def _keyword_extractor(self) -> KeywordExtractor:
        return KeywordExtractor(self.word2vec, self.bundle.usage, self.analyzer)

    def neighbors(self, word: str, top: int = 10) -> list[Neighbor]:
        """The words that can replace a word: nearest by cosine of the input vectors, best first.

        Raises UnknownWord, UsageError.
        """
        _need_text("word", word)
        from enricher.model import neighbors as cosine  # it imports faiss, which nothing else needs

        row = self.word2vec.row(word)
        return cosine.neighbors(self.bundle.neighbor_index, self.words, self.word2vec.vectors, row, top)

    def related(
        self, word: str, top: int = 10, alpha: float = DEFAULT_ALPHA, shrinkage: bool = True
    ) -> list[RelatedWord]:
        """The words that occur with a word: largest log p(y|word) − alpha · log p(y), best first.

        With shrinkage the scores of rare words are lowered, because little is known of them, and of the best
        those whose vectors have little in common with that of the word. Without it the answer is exact over
        the whole vocabulary: from the table of the bundle where it proves the answer, else by a search.
        Raises UnknownWord, UsageError.
        """
        _need_text("word", word)
        return related(self.word2vec, self.bundle.related_table, word, top, self.formula(alpha, shrinkage))

    def senses(
        self,
        word: str,
        top: int = 5,
        alpha: float = DEFAULT_ALPHA,
        shrinkage: bool = True,
        context: str | None = None,
    ) -> list[Sense]:
        """The words that occur with a word, in groups of its senses, `top` words of each.

        The group of the best word comes first, with a context that which fits its words best (the word
        itself aside). Raises UnknownWord, UsageError; UsageError too for a context without a known word.
        """
        _need_text("word", word)
        if context is not None:
            _need_text("context", context)
        if top < 1:
            raise UsageError(f"The number of words must be 1 or more, not {top}.")
        row, formula = self.word2vec.row(word), self.formula(alpha, shrinkage)
        groups = word_groups(self.word2vec, row, formula)
        fits: list[float | None] = [None] * len(groups)
        if context is not None:
            around = self.word2vec.rows(self.analyzer.content_words(context))
            around = around[around != row]
            if not len(around):
                raise UsageError(f"The context {context!r} holds no other word that the model knows.")
            fits = list(group_fits(self.word2vec, [group.rows for group in groups], around))
        found = [
            Sense(tuple(as_related_words(self.word2vec, row, group.scores, group.rows, formula)[:top]), fit)
            for group, fit in zip(groups, fits, strict=True)
        ]
        return sorted(found, key=lambda sense: -(sense.fit or 0.0)) if context is not None else found

    def formula(self, alpha: float = DEFAULT_ALPHA, shrinkage: bool = True) -> Relatedness:
        """The formula by which `related` ranks; the inner product on a model of negative sampling."""
        asked = Relatedness(alpha, DEFAULT_SHRINKAGE if shrinkage else 0.0)
        return asked if self.word2vec.tree is not None else INNER_PRODUCT

    def log_probabilities(self, word: str | Sequence[str]) -> FloatArray:
        """Log p(y|word), natural logarithm, for every y in the order of `words`: float32 (V,).

        A list of n words gives (n, V). Raises UnknownWord; NotSupported on a model trained with
        negative sampling alone.
        """
        if not isinstance(word, str):
            if not isinstance(word, Sequence) or isinstance(word, bytes | bytearray):
                raise TypeError(f"word must be a string or a list of strings, not {type(word).__name__}.")
            for one in word:
                _need_text("each word", one)
        return self.word2vec.log_probabilities(word)

    def expand(self, query: str, settings: RelatednessExpansion | None = None) -> Query:
        """The words of a query, with weight 1, and the words related to it as a whole."""
        _need_text("query", query)
        return self.expand_query(parse_query(self.analyzer, query), settings)

    def expand_query(self, query: Query, settings: RelatednessExpansion | None = None) -> Query:
        """The same of a query whose words are known."""
        return expand_by_relatedness(self.word2vec, self.bundle.related_table, query, settings)


def _need_text(name: str, value: object) -> None:
    """Raise TypeError where an argument is no string: anything else would be taken for an empty text."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}.")


def load(models_dir: str | Path, version: str | None = None) -> Model:
    """Open the active model of a folder of bundles, or the version named.

    Raises ModelNotFound, BundleInvalid; also when the segmenter that cut the training text is
    not installed in the same version, for a query must be cut as its documents were.
    """
    bundle = BundleStore(models_dir).open(version)
    lexicon = read_lexicon(bundle.lexicon_path) if bundle.lexicon_path else NO_LEXICON
    analyzer = matching_analyzer(bundle.manifest.analysis, lexicon, f"The model {bundle.version}")
    return Model(bundle, analyzer)


def _limit(analysis: Mapping[str, Any], owner: str) -> int:
    try:
        return int(analysis.get("limit", DEFAULT_LIMIT))
    except (ValueError, TypeError):
        raise BundleInvalid(f"{owner} records a limit that is no number: {analysis['limit']!r}.") from None


def matching_analyzer(analysis: Mapping[str, Any], lexicon: Lexicon, owner: str) -> Analyzer:
    """The analyser that `Analyzer.describe` described; BundleInvalid when it is not here in that version."""
    segmenter, version = analysis.get("segmenter.name"), analysis.get("segmenter.version")
    limit = _limit(analysis, owner)
    analyzer = open_analyzer(str(segmenter), lexicon, limit=limit, strip_html=STRIP_HTML in analysis)
    present = analyzer.describe()
    for name, wanted in analysis.items():
        if present.get(name) != wanted:
            raise BundleInvalid(
                f"{owner} was made with {name} {wanted}, here is {present.get(name)}: a query must be cut as "
                f"its documents were. Install {segmenter} {version}, or train and index anew."
            )
    return analyzer
