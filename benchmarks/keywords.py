"""Keywords of a text by the published score, and the segmentation of raw text before it."""

import gzip
import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import enricher
from benchmarks.kernels import paths_of, walk
from benchmarks.measure import Comparison, Row, Series
from enricher.keywords.published import score_texts, text_log_probabilities

ABSTRACTS = "zh/kw_csl/docs.jsonl.gz"
LENGTHS = (10, 30, 100, 300, 1_000, 3_000, 10_000)
TOP = 5


def texts_of(data: Path) -> list[str]:
    """Title and abstract of the thousand documents of CSL."""
    with gzip.open(data / ABSTRACTS, "rt", encoding="utf-8") as file:
        return [f"{line['title']}\n{line['text']}" for line in map(json.loads, file)]


def rows(model: enricher.Model, data: Path) -> Iterator[Row]:
    """The rows of the table."""
    texts = texts_of(data)
    words = [model.word2vec.rows(model.analyzer.content_words(text)) for text in texts]
    yield given_words(model, [found for found in words if len(found)])
    yield from raw_text(model, texts)


def given_words(model: enricher.Model, documents: list[np.ndarray]) -> Comparison:
    """The published score of all candidates of a document, given its words."""

    def ours() -> int:
        score_texts(model.word2vec, documents, os.cpu_count() or 1)
        return len(documents)

    def theirs() -> int:
        for words in documents[::50]:
            walk_document(model, words)
        return len(documents[::50])

    ours()
    work = "published keywords of an abstract, given its words"
    return Comparison(work, "published loop (every 50th abstract)", 1 / 500).measure(ours, theirs, 5)


def walk_document(model: enricher.Model, words: np.ndarray) -> None:
    """The published way: the path of every word of the text from every word of the text, N² of them."""
    paths = paths_of(model.word2vec, words)
    for word in words:
        walk(model.word2vec, int(word), paths)


def raw_text(model: enricher.Model, texts: list[str]) -> Iterator[Comparison]:
    """From raw text to keywords, against both methods of jieba."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba.analyse

    def ours() -> int:
        for text in texts:
            model.keywords(text, TOP, "published")
        return len(texts)

    for method in (jieba.analyse.extract_tags, jieba.analyse.textrank):

        def theirs(method: "jieba.analyse.TFIDF" = method) -> int:
            for text in texts[:200]:
                method(text, topK=TOP)
            return 200

        ours(), theirs()
        work = "published keywords of an abstract from raw text, one process"
        yield Comparison(work, f"jieba.analyse.{method.__name__}", 1 / 3).measure(ours, theirs, 5)


def series(model: enricher.Model, data: Path) -> Series:
    """Milliseconds a document against the number of its words, ours and the published loop."""
    words = np.concatenate([model.word2vec.rows(model.analyzer.content_words(t)) for t in texts_of(data)])
    lines: Series = {"published score": [], "published loop": []}
    for length in LENGTHS:
        found = at_length(model, words[:length])
        lines["published score"].append((length, float(np.median(found.ours)) * 1e3))
        lines["published loop"].append((length, float(np.median(found.theirs)) * 1e3))
    return lines


def at_length(model: enricher.Model, words: np.ndarray) -> Comparison:
    """The score of all candidates of one document, and the loop from some of them."""
    times = 10_000 // len(words) + 1

    def ours() -> int:
        for _ in range(times):
            text_log_probabilities(model.word2vec, words, np.unique(words))
        return times

    return Comparison("", "", 1).measure(ours, lambda: walk_share(model, words), 3)


def walk_share(model: enricher.Model, words: np.ndarray) -> float:
    """Walk from a few words to a thousand; answers the share of all pairs."""
    paths = paths_of(model.word2vec, words[:1000])
    for word in words[:5]:
        walk(model.word2vec, int(word), paths)
    return min(5, len(words)) / len(words) * len(paths) / len(words)
