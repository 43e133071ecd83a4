"""Words by twos, judged by people: rank correlation (Spearman) of what a model says with what they said.

A pair of which the model does not know a word is left out; how many are known stands in the table.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.stats import spearmanr

from benchmarks.collections import read_items
from benchmarks.measure import verdict
from enricher.model.arrays import FloatArray, IntArray
from enricher.model.relatedness import mutual_information
from enricher.model.word2vec import Word2Vec
from enricher.records import Document
from enricher.text import normalize, open_analyzer
from enricher.training.corpus import SegmentedCorpus, segment
from enricher.training.word2vec import TrainingSettings, train

COLUMNS = ("learned from", "training", "related", "similar", "SimLex-999", "goal of cosine", "met")
DEFAULT = TrainingSettings(workers=2)
VARIATIONS = {
    "the default": DEFAULT,
    "negative sampling": replace(DEFAULT, loss="negative-sampling"),
    "CBOW": replace(DEFAULT, architecture="cbow"),
    "CBOW, negative sampling": replace(DEFAULT, architecture="cbow", loss="negative-sampling"),
    "window 5": replace(DEFAULT, window=5),
    "2 epochs": replace(DEFAULT, epochs=2),
    "words from 20 occurrences": replace(DEFAULT, min_count=20),
    "words from 2 occurrences": replace(DEFAULT, min_count=2),
    "200 dimensions": replace(DEFAULT, dimensions=200),
    "window 20": replace(DEFAULT, window=20),
    "10 epochs": replace(DEFAULT, epochs=10),
}
"""What is changed in the default."""
NATS = 8.0
"""Of mutual information, that count as much as a cosine of 1 where both are added."""


@dataclass(frozen=True, slots=True)
class WordPairs:
    """Judged pairs; goal: the correlation that is wanted of the cosine."""

    file: str
    goal: float | None = None

    def read(self, data: Path) -> list[tuple[str, str, float]]:
        """Word, word, and the mean of what people said."""
        lines = (data / self.file).read_text(encoding="utf-8").splitlines()
        return [
            (normalize(one), normalize(other), float(score))
            for one, other, score in (line.split("\t") for line in lines)
        ]


CHINESE = (
    WordPairs("zh/wordpairs/wordsim240_relatedness.tsv", 0.50),
    WordPairs("zh/wordpairs/wordsim297_similarity.tsv", 0.46),
)
ENGLISH = (
    WordPairs("en/wordpairs/ws353_rel.tsv"),
    WordPairs("en/wordpairs/ws353_sim.tsv"),
    WordPairs("en/wordpairs/simlex999.tsv"),
)


@dataclass(frozen=True, slots=True)
class Texts:
    """What is learned from, the pairs to judge by (related, similar, SimLex), and how many of VARIATIONS are
    trained: where there is much text a model takes a quarter of an hour.
    """

    patterns: tuple[str, ...]
    lists: tuple[WordPairs, ...]
    variations: int = len(VARIATIONS)


CORPORA = {
    "biomedical abstracts": Texts(("en/corpus_bio_abstracts/corpus.jsonl.gz",), ENGLISH),
    "all Chinese": Texts(("zh/corpus_*/corpus.jsonl.gz",), CHINESE, 6),
    "all English": Texts(("en/*/corpus.jsonl.gz", "en/*/docs.jsonl.gz"), ENGLISH, 6),
}


def rows(data: Path, kept: Path) -> Iterator[Sequence[str]]:
    """The rows of the table, a model each.

    kept: a file of the rows so far, none of which is measured again; remove it to measure all anew.
    """
    measured = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else []
    present = {(row[0], row[1]): row for row in measured}
    for name, texts in CORPORA.items():
        variations = dict(islice(VARIATIONS.items(), texts.variations))
        judged = [one.read(data) for one in texts.lists]
        with TemporaryDirectory() as folder:
            corpus = cache(partial(_segmented, texts, data, Path(folder)))
            for training, settings in variations.items():
                row = present.get((name, training))
                if row is None:
                    model = train(corpus(), settings)
                    row = _row(name, training, texts.lists, [correlations(model, pairs) for pairs in judged])
                    present[name, training] = row
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    kept.write_text(json.dumps([*present.values()], ensure_ascii=False), encoding="utf-8")
                yield row


def _segmented(texts: Texts, data: Path, folder: Path) -> SegmentedCorpus:
    paths = sorted({path for pattern in texts.patterns for path in data.glob(pattern)})
    documents = (
        Document(item.id, {"title": item.title, "text": item.text})
        for path in paths
        for item in read_items(path)
    )
    return segment(documents, ("title", "text"), open_analyzer(), folder, workers=2)


def _row(
    name: str, training: str, lists: Sequence[WordPairs], found: Sequence["Correlations"]
) -> Sequence[str]:
    goals = [one.goal for one in lists if one.goal is not None]
    met = all(one.cosine >= goal for one, goal in zip(found, goals, strict=False))
    said = verdict(met) if goals else ""
    padding = [""] * (len(ENGLISH) - len(found))
    return name, training, *map(str, found), *padding, " / ".join(f"{goal:.2f}" for goal in goals), said


@dataclass(frozen=True, slots=True)
class Correlations:
    """Of a list with each score, and of how many pairs both words are known."""

    cosine: float
    information: float
    both: float
    outputs: float
    known: int
    pairs: int

    def __str__(self) -> str:
        figures = (self.cosine, self.information, self.both, self.outputs)
        return f"{' / '.join(f'{x:.3f}' for x in figures)} ({self.known} of {self.pairs})"


def correlations(word2vec: Word2Vec, pairs: Sequence[tuple[str, str, float]]) -> Correlations:
    """Of what people said with cosine of the input vectors, mutual information both ways, cosine +
    information / NATS, and cosine of the output vectors.
    """
    known = [pair for pair in pairs if pair[0] in word2vec.index and pair[1] in word2vec.index]
    said = [score for _, _, score in known]
    one, other = (word2vec.rows([pair[side] for pair in known]) for side in (0, 1))
    cosine = cosines(word2vec.vectors[one], word2vec.vectors[other])
    information = np.array(
        [
            (mutual_information(word2vec, x, y) + mutual_information(word2vec, y, x)).item() / 2
            for x, y in zip(np.split(one, len(one)), np.split(other, len(other)), strict=True)
        ]
    )
    information[one == other] = information.max()  # that a word is like itself is not learned from text
    outputs = output_vectors(word2vec, np.concatenate([one, other]))
    scores = (cosine, information, cosine + information / NATS, cosines(*np.split(outputs, 2)))
    return Correlations(
        *(float(spearmanr(score, said).statistic) for score in scores), len(known), len(pairs)
    )


def cosines(one: FloatArray, other: FloatArray) -> FloatArray:
    """Of rows with rows, (n, d) each: (n,)."""
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray((one * other).sum(axis=1) / np.maximum(norms, 1e-9))


def output_vectors(word2vec: Word2Vec, rows: IntArray) -> FloatArray:
    """What the vector of a context is multiplied with, (n, d): of negative sampling the word's own, of a
    tree the sum over its path of θ with the sign of the branch, of which log p(y|x) is a smooth function.
    """
    if word2vec.tree is None:
        assert word2vec.outputs is not None
        return np.asarray(word2vec.outputs[rows])
    assert word2vec.nodes is not None
    found = np.zeros((len(rows), word2vec.vectors.shape[1]), np.float32)
    for place, row in enumerate(rows):
        for node, code in word2vec.tree.path(int(row)):
            found[place] += (1 - 2 * code) * word2vec.nodes[node]
    return found
