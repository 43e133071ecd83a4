"""Senses, measured on pseudo-words: two words become one everywhere, and which of them stood there is known.

The model learns from nine of ten documents. In the others a context is WINDOW words on either side of an
occurrence; the group of related words that it means is taken for the sense that this group stood for in most
of the labelled contexts of the documents learned from.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.collections import read_items
from benchmarks.measure import verdict
from enricher.expansion.relatedness import expand_by_relatedness
from enricher.model.arrays import FloatArray
from enricher.model.relatedness import Relatedness, most_related
from enricher.model.senses import WordGroup, group_fits, word_groups
from enricher.model.word2vec import Word2Vec
from enricher.records import Document, Query, QueryTerm
from enricher.text import Analyzer, is_content, open_analyzer
from enricher.training.corpus import segment
from enricher.training.word2vec import TrainingSettings, train

COLUMNS = (
    "words merged", "pairs", "contexts", "majority", "cosine", "ours", "goal", "met",
    "added by the word alone", "added by the query",
)  # fmt: skip
PAIRS, CONTEXTS, LABELLED = 100, 20, 60
WINDOW = 10
LONGEST = 4_000
"""Characters of a document."""
LEAST, MOST = 50, 5_000
"""Occurrences of a word that is merged."""
HELD_OUT = 10
"""One of so many documents."""
OTHERS = 2
"""Words of a query beside the ambiguous one."""
ADDED = 5
GOAL = 0.85
SEED = 7

Words = Sequence[str]
Fits = Callable[[Word2Vec, Sequence[WordGroup], Words], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Merging:
    """Which words are merged, of which texts: of different lexicons, or any."""

    name: str
    corpora: tuple[str, ...]
    lexicons: tuple[str, ...] = ()

    def pairs(self, counts: Counter[str], data: Path) -> list[tuple[str, str]]:
        """Words of middle frequency by twos, drawn at random."""
        chance = random.Random(SEED)
        usual = sorted(word for word, n in counts.items() if LEAST <= n <= MOST and is_content(word))
        if not self.lexicons:
            chance.shuffle(usual)
            return list(zip(usual[:PAIRS], usual[PAIRS : 2 * PAIRS], strict=False))
        terms = [set((data / path).read_text(encoding="utf-8").split()) for path in self.lexicons]
        often = Counter(chain.from_iterable(terms))
        pools = [[word for word in usual if word in known and often[word] == 1] for known in terms]
        for pool in pools:
            chance.shuffle(pool)
        found = []
        for one, other in cycle(combinations(pools, 2)):
            if len(found) == PAIRS or not (one and other):
                return found
            found.append((one.pop(), other.pop()))
        return found


MERGINGS = (
    Merging(
        "terms of two lexicons, Chinese",
        ("zh/corpus_laws", "zh/corpus_techdocs", "zh/corpus_power"),
        ("zh/lexicon/thuocl_law.txt", "zh/lexicon/thuocl_IT.txt", "zh/lexicon/domainwords_power.txt"),
    ),
    Merging("any two words, Chinese abstracts", ("zh/corpus_science",)),
    Merging("any two words, biomedical English", ("en/corpus_bio_abstracts",)),
)


@dataclass(frozen=True, slots=True)
class MergingAnalyzer:
    """Cuts text as another analyser does, and puts one word for two."""

    analyzer: Analyzer
    merged: dict[str, str]

    def content_words(self, text: str) -> list[str]:
        return [self.merged.get(word, word) for word in self.analyzer.content_words(text)]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A merged word in a text: which of its two words stood there, and the words around it."""

    sense: int
    context: Words


def rows(data: Path) -> Iterator[Sequence[str]]:
    """The rows of the table, each from a model of its own."""
    for merging in MERGINGS:
        yield measured(merging, data)


def measured(merging: Merging, data: Path) -> Sequence[str]:
    """How often the sense of a context is found, and how many of the words added to queries are of it."""
    analyzer = open_analyzer()
    items = [item for corpus in merging.corpora for item in read_items(data / corpus / "corpus.jsonl.gz")]
    random.Random(SEED).shuffle(items)
    texts = [f"{item.title}\n{item.text}"[:LONGEST] for item in items]
    words = [analyzer.content_words(text) for text in texts]
    held, learned = words[::HELD_OUT], [w for n, w in enumerate(words) if n % HELD_OUT]
    pairs = merging.pairs(Counter(chain.from_iterable(learned)), data)
    merged = {word: f"{pair[0]}_{pair[1]}" for pair in pairs for word in pair}
    documents = [Document(str(n), {"text": text}) for n, text in enumerate(texts) if n % HELD_OUT]
    with TemporaryDirectory() as folder:
        corpus = segment(documents, ("text",), MergingAnalyzer(analyzer, merged), Path(folder))  # type: ignore[arg-type]
        model = train(corpus, TrainingSettings())
    chance = random.Random(SEED)
    labelled, unseen = (occurrences(found, pairs, chance) for found in (learned, held))
    tried = [n for n, pair in enumerate(pairs) if merged[pair[0]] in model.index and unseen[n]]
    right, majority, total = Counter[str](), 0, 0
    for n in tried:
        groups = word_groups(model, model.index[merged[pairs[n][0]]], Relatedness())
        tests = unseen[n][:CONTEXTS]
        total += len(tests)
        majority += max(Counter(test.sense for test in tests).values())
        for name, fits in (("ours", by_information), ("cosine", by_cosine)):
            right[name] += recovered(model, groups, labelled[n][:LABELLED], tests, fits)
    alone, together = added(model, pairs, tried, unseen, words)
    sizes = str(len(tried)), str(total)
    shares = [f"{count / total:.3f}" for count in (majority, right["cosine"], right["ours"])]
    met = verdict(right["ours"] / total >= GOAL)
    return merging.name, *sizes, *shares, f"{GOAL:g}", met, f"{alone:.3f}", f"{together:.3f}"


def occurrences(
    documents: Sequence[Words], pairs: Sequence[tuple[str, str]], chance: random.Random
) -> list[list[Occurrence]]:
    """Of every pair the occurrences of its words in random order; contexts are written with merged words."""
    place = {word: (n, sense) for n, pair in enumerate(pairs) for sense, word in enumerate(pair)}
    merged = {word: "_".join(pairs[n]) for word, (n, _) in place.items()}
    found: list[list[Occurrence]] = [[] for _ in pairs]
    for document in documents:
        for at, word in enumerate(document):
            if word in place:
                n, sense = place[word]
                around = [*document[max(0, at - WINDOW) : at], *document[at + 1 : at + 1 + WINDOW]]
                context = [merged.get(other, other) for other in around]
                found[n].append(Occurrence(sense, [other for other in context if other != merged[word]]))
    for one in found:
        chance.shuffle(one)
    return found


def by_information(word2vec: Word2Vec, groups: Sequence[WordGroup], context: Words) -> Sequence[float]:
    """As the product chooses."""
    return group_fits(word2vec, [group.rows for group in groups], word2vec.rows(context))


def by_cosine(word2vec: Word2Vec, groups: Sequence[WordGroup], context: Words) -> Sequence[float]:
    """Cosine of the mean directions of the group and of the context."""

    def direction(words: np.ndarray) -> FloatArray:
        vectors = word2vec.vectors[words] / np.linalg.norm(word2vec.vectors[words], axis=1, keepdims=True)
        mean: FloatArray = vectors.mean(axis=0)
        return mean / np.linalg.norm(mean)

    wanted = direction(word2vec.rows(context))
    return [float(direction(group.rows) @ wanted) for group in groups]


def recovered(
    word2vec: Word2Vec,
    groups: Sequence[WordGroup],
    labelled: Sequence[Occurrence],
    tests: Sequence[Occurrence],
    fits: Fits,
) -> int:
    """How many of the tests get the sense that stood there."""

    def chosen(context: Words) -> int:
        known = [word for word in context if word in word2vec.index]
        return int(np.argmax(fits(word2vec, groups, known))) if known else 0

    sizes = Counter(one.sense for one in labelled)
    votes = Counter((chosen(one.context), one.sense) for one in labelled)
    senses = [
        max((0, 1), key=lambda sense: votes[group, sense] / max(sizes[sense], 1))
        for group in range(len(groups))
    ]
    return sum(senses[chosen(test.context)] == test.sense for test in tests)


def added(
    word2vec: Word2Vec,
    pairs: Sequence[tuple[str, str]],
    tried: Sequence[int],
    unseen: Sequence[Sequence[Occurrence]],
    documents: Sequence[Words],
) -> tuple[float, float]:
    """The share of added words that go with the word that stood there more than with the other.

    Added by the ambiguous word alone, and by a query of it and OTHERS words of its context. A word goes with
    that of the two whose documents hold it in the larger share; where the shares are equal it is not counted.
    """
    with_word: dict[str, Counter[str]] = {word: Counter() for n in tried for word in pairs[n]}
    holding: Counter[str] = Counter()
    for document in documents:
        present = set(document)
        for word in present & with_word.keys():
            with_word[word].update(present)
            holding[word] += 1
    chance = random.Random(SEED)
    good, judged = [0, 0], [0, 0]
    for n in tried:
        merged = "_".join(pairs[n])
        row = np.array([word2vec.index[merged]], np.int32)
        nearest = [word2vec.words[y] for y in most_related(word2vec, row, ADDED, Relatedness())[1][0]]
        for test in unseen[n][:CONTEXTS]:
            others = sorted({word for word in test.context if word in word2vec.index and word not in merged})
            if len(others) < OTHERS:
                continue
            typed = [merged, *chance.sample(others, OTHERS)]
            query = Query(" ".join(typed), tuple(map(QueryTerm, typed)))
            terms = expand_by_relatedness(word2vec, None, query).terms[len(query.terms) :]
            right, wrong = pairs[n][test.sense], pairs[n][1 - test.sense]
            for side, found in enumerate((nearest, [term.term for term in terms])):
                for word in found:
                    mine, theirs = (with_word[w][word] / max(holding[w], 1) for w in (right, wrong))
                    good[side] += mine > theirs
                    judged[side] += mine != theirs
    return good[0] / judged[0], good[1] / judged[1]
