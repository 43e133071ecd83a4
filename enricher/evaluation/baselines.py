"""The plain systems (baselines) for an evaluation: their fields and their queries.

Each is the engine's BM25 (k1 1.2, b 0.75) over words, Han characters, Han bigrams, or stems.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import add
from typing import Literal

from enricher.records import TOKENS, AnalyzedDocument, FieldKind, Query, QueryTerm, nested
from enricher.text import STOP_WORDS, Analyzer, normalize, stem
from enricher.text.scripts import HAN_SPLIT
from enricher.text.words import words_between

WORDS, UNIGRAMS, BIGRAMS, STEMS = "words", "unigrams", "bigrams", "stems"


@dataclass(frozen=True, slots=True)
class System:
    """A search system: a function from the typed text to the query for an index."""

    name: str
    index: str
    query: Callable[[str], Query]


def content(words: Sequence[str]) -> list[str]:
    """The words without stop words."""
    return [word for word in words if word not in STOP_WORDS]


def grams(text: str, size: Literal[1, 2]) -> list[str]:
    """The characters (size 1) or bigrams (size 2) of Han runs, and the other words of a text, in order.

    A run of one character gives that character.
    """
    found: list[str] = []
    for place, part in enumerate(HAN_SPLIT.split(normalize(text))):
        if place % 2 == 0:
            found += words_between(part)
        elif size == 1 or len(part) == 1:
            found += part
        else:
            found += map(add, part, part[1:])
    return found


@dataclass(frozen=True)
class BaselineFields:
    """The enrichment that writes the fields of the plain systems.

    `words` and, depending on the language, `unigrams` and `bigrams` or `stems` contain all fields together.
    If there are titles, `tokens.<field>` contains the words of each field. Stop words are removed, except
    in unigrams and bigrams.
    """

    fields: tuple[str, ...]
    language: Literal["zh", "en"]
    titled: bool
    limit: int
    name: str = "baselines"

    @property
    def mapping(self) -> Mapping[str, FieldKind]:
        paths = [WORDS, *((UNIGRAMS, BIGRAMS) if self.language == "zh" else (STEMS,))]
        if self.titled:
            paths += [f"{TOKENS}.{name}" for name in self.fields]
        return dict.fromkeys(paths, FieldKind.WORDS)

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> list[dict[str, object]]:
        return [self._fields_of(document) for document in documents]

    def _fields_of(self, document: AnalyzedDocument) -> dict[str, object]:
        by_field = {name: content([token.text for token in document.tokens[name]]) for name in self.fields}
        words = [word for name in self.fields for word in by_field[name]]
        added: dict[str, object] = {WORDS: " ".join(words)}
        if self.language == "zh":
            text = "\n".join(document.text(name)[: self.limit] for name in self.fields)
            added[UNIGRAMS] = " ".join(grams(text, 1))
            added[BIGRAMS] = " ".join(grams(text, 2))
        else:
            added[STEMS] = " ".join(map(stem, words))
        if self.titled:
            added[TOKENS] = nested({name: " ".join(found) for name, found in by_field.items()})
        return added


def plain_systems(
    analyzer: Analyzer, language: Literal["zh", "en"], titled: bool, index: str
) -> list[System]:
    """The plain systems for a language, `bm25` first. index: an index with the fields of `BaselineFields`."""

    def words(text: str) -> list[str]:
        return content(analyzer.words(text))

    def system(name: str, family: str, cut: Callable[[str], Sequence[str]]) -> System:
        return System(name, index, lambda text: bag_of_words(text, cut(text), family))

    systems = [system("bm25", WORDS, words)]
    if language == "zh":
        systems.append(system("bm25-unigram", UNIGRAMS, lambda text: grams(text, 1)))
        systems.append(system("bm25-bigram", BIGRAMS, lambda text: grams(text, 2)))
    else:
        systems.append(system("bm25-stem", STEMS, lambda text: list(map(stem, words(text)))))
    if titled:
        systems.append(system("bm25-fields", TOKENS, words))
    return systems


def bag_of_words(text: str, words: Sequence[str], family: str) -> Query:
    """The query for words in a field family. The weight of a word is its number of occurrences."""
    terms = (QueryTerm(word, float(count), field=family) for word, count in Counter(words).items())
    return Query(text, tuple(terms))
