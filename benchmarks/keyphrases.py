"""Keywords against those that authors and indexers gave: what each part of the score adds.

Constants were chosen on every second document; the others are what counts. F1 is that of mean precision and
mean recall over documents; forms of English words count as one (Porter stems).
"""

import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import enricher
from benchmarks.collections import read_lines
from benchmarks.measure import Comparison, Row, verdict
from benchmarks.models import trained
from enricher.keywords import KeywordExtractor
from enricher.keywords.phrases import CHINESE, ENGLISH, LONG_ENGLISH, PhraseExtractor, Weights
from enricher.model.arrays import IntArray
from enricher.model.relatedness import mutual_information
from enricher.model.usage import Usage
from enricher.records import AnalyzedDocument, Document
from enricher.text import normalize, open_analyzer, stem

COLUMNS = ("collection", "keywords", "chosen half", "other half", "goal", "met")
MORE = 3
"""Times as many candidates as keywords, among which the information of the text decides."""
PARTS = (
    "tf", "title", "place", "boundary_entropy", "alone", "inside", "short", "single", "long", "once",
    "letters",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeywordSet:
    """Documents with given keywords. learn: what the model is trained on, of the evaluation data."""

    name: str
    documents: str
    learn: str
    title_field: str | None
    top: int
    goal: float
    weights: Weights
    same: Callable[[str], str]

    def model(self, models: Path, data: Path) -> enricher.Model:
        """The model, trained when it is not there yet."""
        folder = models / self.name.replace("/", "_")
        return enricher.load(trained(folder, [data / self.learn], "--no-tuning"))

    def read(self, data: Path) -> tuple[list[AnalyzedDocument], list[set[str]]]:
        """The documents, and what of their keywords makes two the same."""
        lines: list[dict[str, Any]] = read_lines(data / self.documents)
        fields = (self.title_field, "text") if self.title_field else ("text",)
        analyzer = open_analyzer()
        documents = [
            Document(str(line["id"]), {field: line.get(field) or "" for field in fields}) for line in lines
        ]
        given = [{self.same(str(keyword)) for keyword in line["keywords"]} for line in lines]
        return [analyzer.analyze(document, fields) for document in documents], given


def as_string(keyword: str) -> str:
    """Chinese: the characters, without blanks."""
    return "".join(normalize(keyword).split())


def as_stems(keyword: str) -> str:
    """English: the stems of the words."""
    return " ".join(map(stem, re.findall(r"\w+", normalize(keyword))))


SETS = (
    KeywordSet(
        "zh/kw_csl", "zh/kw_csl/docs.jsonl.gz", "zh/corpus_science/corpus.jsonl.gz",
        "title", 5, 0.31, CHINESE, as_string,
    ),
    KeywordSet(
        "en/kw_inspec", "en/kw_inspec/docs.jsonl.gz", "en/kw_inspec/docs.jsonl.gz",
        None, 10, 0.33, ENGLISH, as_stems,
    ),
)  # fmt: skip
"""Abstracts."""
PAPERS = KeywordSet(
    "en/kw_papers", "en/kw_papers/docs.jsonl.gz", "en/kw_papers/docs.jsonl.gz",
    None, 10, 0.2, LONG_ENGLISH, as_stems,
)  # fmt: skip
"""Full papers, with formulas and references."""

Extract = Callable[[AnalyzedDocument], Sequence[str]]


def rows(models: Path, data: Path) -> Iterator[Sequence[str]]:
    """The rows of the table."""
    for chosen in (*SETS, PAPERS):
        model = chosen.model(models, data)
        documents, given = chosen.read(data)
        for name, extract in systems(chosen, model):
            found = [[chosen.same(keyword) for keyword in extract(document)] for document in documents]
            half, other = (f1(found[side::2], given[side::2]) for side in (0, 1))
            said = (f"{chosen.goal:g}", verdict(other >= chosen.goal)) if name == "`phrases`" else ("", "")
            yield chosen.name, name, f"{half:.3f}", f"{other:.3f}", *said


def f1(found: Sequence[Sequence[str]], given: Sequence[set[str]]) -> float:
    """Of mean precision and mean recall."""
    hits = [len(set(mine) & wanted) for mine, wanted in zip(found, given, strict=True)]
    precision = sum(n / max(len(mine), 1) for n, mine in zip(hits, found, strict=True)) / len(found)
    recall = sum(n / len(wanted) for n, wanted in zip(hits, given, strict=True)) / len(found)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def systems(chosen: KeywordSet, model: enricher.Model) -> Iterator[tuple[str, Extract]]:
    """Each with its name: others' methods, the published score, ours, ours without its parts."""
    if chosen.title_field is not None:
        for name, method in jieba_methods():
            yield f"`jieba.analyse.{name}`", partial(by_jieba, method, chosen.top)

    def texts(document: AnalyzedDocument, method: str) -> list[str]:
        [found] = model.document_keywords([document], chosen.top, method, chosen.title_field)
        return [keyword.text for keyword in found]

    yield "`published`", partial(texts, method="published")
    yield "`phrases`", partial(texts, method="phrases")

    whole = KeywordExtractor(model.word2vec, model.bundle.usage, model.analyzer)

    def ours(usage: Usage | None = model.bundle.usage, **weights: float) -> Extract:
        extractor = PhraseExtractor(model.word2vec, usage, *[replace(chosen.weights, **weights)] * 4)

        def extract(document: AnalyzedDocument) -> list[str]:
            [found] = extractor.keywords([whole.without_noise(document)], chosen.top, chosen.title_field)
            return [keyword.text for keyword in found]

        return extract

    yield "without the training text's phrases and roles", ours(usage=None)
    for part in PARTS:
        if getattr(chosen.weights, part):
            yield f"without {part}", ours(**{part: 0.0})
    yield "without a cap of the idf", ours(cap=math.inf)
    for weight in (0.05, 0.1, 0.2):
        yield f"and {weight:g} · information of the text", partial(informed, model, chosen, weight)
    for weight in (0.05, 0.1, 0.2):
        yield f"and {weight:g} · diversity", partial(diverse, model, chosen, weight)


def informed(
    model: enricher.Model, chosen: KeywordSet, weight: float, document: AnalyzedDocument
) -> list[str]:
    """The best by the logit of the score and what the text's words say of the candidate."""
    found = candidates(model, chosen, document)
    text = rows_of(model, document)

    def score(keyword: enricher.Keyword) -> float:
        return logit(keyword) + weight * information(model, keyword.text, text)

    return [keyword.text for keyword in sorted(found, key=score, reverse=True)[: chosen.top]]


def diverse(
    model: enricher.Model, chosen: KeywordSet, weight: float, document: AnalyzedDocument
) -> list[str]:
    """One after the other by the logit of the score, less what those chosen before say of the candidate."""
    left, kept = candidates(model, chosen, document), list[enricher.Keyword]()
    while left and len(kept) < chosen.top:
        words = model.word2vec.rows([word for one in kept for word in model.analyzer.content_words(one.text)])
        best = max(left, key=lambda one: logit(one) - weight * information(model, one.text, words))
        left.remove(best)
        kept.append(best)
    return [keyword.text for keyword in kept]


def candidates(
    model: enricher.Model, chosen: KeywordSet, document: AnalyzedDocument
) -> list[enricher.Keyword]:
    """MORE times as many keywords as are asked for."""
    [found] = model.document_keywords([document], chosen.top * MORE, "phrases", chosen.title_field)
    return found


def rows_of(model: enricher.Model, document: AnalyzedDocument) -> IntArray:
    """The rows of the words of a document that the model knows."""
    return model.word2vec.rows([token.text for tokens in document.tokens.values() for token in tokens])


def logit(keyword: enricher.Keyword) -> float:
    """Of the score, which is a probability."""
    return math.log(keyword.score / (1 - keyword.score))


def information(model: enricher.Model, keyword: str, text: IntArray) -> float:
    """Mean of max(0, log p(w_k|w) − log p(w_k)) over the words w of a keyword and those of a text, w_k."""
    words = model.word2vec.rows(model.analyzer.content_words(keyword))
    if not (len(words) and len(text)):
        return 0.0
    return float(mutual_information(model.word2vec, words, text).clip(min=0).mean())


def jieba_methods() -> list[tuple[str, Callable[..., list[str]]]]:
    """tf-idf and TextRank."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba.analyse
    return [("extract_tags", jieba.analyse.extract_tags), ("textrank", jieba.analyse.textrank)]


def by_jieba(method: Callable[..., list[str]], top: int, document: AnalyzedDocument) -> list[str]:
    """The keywords by one of them."""
    return method("\n".join(map(str, document.source.values())), topK=top)


def speed(models: Path, data: Path) -> Row:
    """From raw text to phrases, against TextRank."""
    chosen = SETS[0]
    model = chosen.model(models, data)
    documents, _ = chosen.read(data)
    texts = ["\n".join(map(str, document.source.values())) for document in documents]
    textrank = dict(jieba_methods())["textrank"]

    def ours() -> int:
        for text in texts:
            model.keywords(text, chosen.top)
        return len(texts)

    def theirs() -> int:
        for text in texts[:200]:
            textrank(text, topK=chosen.top)
        return 200

    ours(), theirs()
    work = "keyword phrases of an abstract from raw text, one process"
    return Comparison(work, "jieba.analyse.textrank", 1 / 2).measure(ours, theirs, 5)
