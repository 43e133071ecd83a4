"""Words that are applied to an index: only the documents that they affect may be enriched again."""

import json
import random
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.models import trained
from benchmarks.reindexing import server
from benchmarks.vocabulary import FIELDS, LEAST, enricher, texts
from enricher.bundle.store import BundleStore
from enricher.enrichment import EnricherRecipe
from enricher.records import Document
from enricher.settings import IndexConfiguration
from enricher.text import normalize, open_segmenter
from enricher.vocabulary.candidates import candidates_of, is_cohesive, is_inner
from enricher.vocabulary.ngram_counting import count_ngrams
from enricher.vocabulary.token_stream import StreamWriter, Vocabulary, WordSplitter

COLUMNS = (
    "engine", "new words", "enriched again", "enriched differently", "of compared", "apply",
    "all documents anew", "ratio",
)  # fmt: skip
CORPORA = ("science", "everyday")
WORDS = (5, 50)
"""Words that are applied: the first ones alone, then all."""
DOCUMENTS = 100_000
SEED = 7
COMPARED = 5_000
"""Documents without the words that are enriched by both versions, beside all with a word."""


def applied_model(models: Path, data: Path) -> Path:
    """The folder of the model that is applied to."""
    return trained(models / "applied", [data / f"zh/corpus_{name}" for name in CORPORA], "--epochs", "2")


def rows(models: Path, data: Path) -> Iterator[Sequence[str]]:
    """Words applied to an index on both engines, against enriching everything again."""
    models = applied_model(models, data)
    documents = list(islice(texts(data, CORPORA), DOCUMENTS))
    words = _new_words(documents)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "documents.jsonl"
        lines = (json.dumps({**one, "id": str(n)}, ensure_ascii=False) for n, one in enumerate(documents))
        source.write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield from _Applying(folder, models, "embedded engine", f"tantivy:{folder}/index").rows(
            words, documents
        )
        with server() as url:
            yield from _Applying(folder, models, "Elasticsearch", url).rows(words, documents)


@dataclass
class _Applying:
    """Applies words to an index of documents.jsonl in a folder. models: where its model is active."""

    folder: Path
    models: Path
    title: str
    engine: str

    def rows(self, words: Sequence[str], documents: Sequence[dict[str, str]]) -> Iterator[Sequence[str]]:
        """Apply the words in steps; then enrich everything again."""
        index, own = f"bench-{uuid.uuid4().hex[:8]}", self.folder / f"models {self.title}"
        own.mkdir()
        version = BundleStore(self.models).active_version() or ""
        (own / version).symlink_to(self.models.resolve() / version)
        BundleStore(own).activate(version)
        self.models = own
        self._run("index", self.folder / "documents.jsonl", "--to", index)
        found = [self._apply(index, words[:number], documents) for number in WORDS]
        whole, _ = self._run("reindex", "start", index, "--to", f"{index}-whole")
        for row, seconds in found:
            yield *row, f"{whole:.0f} s", f"{whole / seconds:.0f} times"

    def _apply(
        self, index: str, words: Sequence[str], documents: Sequence[dict[str, str]]
    ) -> tuple[Sequence[str], float]:
        """Apply words: a row without its last columns, and seconds."""
        review = self.folder / "words.tsv"
        review.write_text("word\tstate\n" + "".join(f"{word}\taccept\n" for word in words), encoding="utf-8")
        former = BundleStore(self.models).active_version() or ""
        seconds, printed = self._run("vocabulary", "apply", review, "--in", index, "--json")
        report: dict[str, Any] = json.loads(printed)
        touched = report["indexes"][0]["enriched"]
        compared = _compared(words, documents)
        different = _different(self.models, former, report["version"], compared)
        row = (
            self.title, str(len(report["added"])),
            f"{touched:,} of {len(documents):,}", f"{different:,}", f"{len(compared):,}", f"{seconds:.0f} s",
        )  # fmt: skip
        return row, seconds

    def _run(self, *words: str | Path) -> tuple[float, str]:
        seconds, _, printed = enricher(
            "--models", self.models, "--engine", self.engine, *words, folder=self.folder
        )
        return seconds, printed


def _compared(words: Sequence[str], documents: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """All documents that hold a word as a string, whatever the case and the spaces, and some others."""
    strings = [word.replace(" ", "") for word in words]
    kept, others = [], []
    for document in documents:
        text = normalize(" ".join(document.get(field) or "" for field in FIELDS)).replace(" ", "")
        (kept if any(one in text for one in strings) else others).append(document)
    return kept + random.Random(SEED).sample(others, min(COMPARED, len(others)))


def _different(models: Path, former: str, present: str, documents: Sequence[dict[str, str]]) -> int:
    """How many documents the two versions enrich differently, by enriching each with both."""
    recipes = [EnricherRecipe(models, one, FIELDS, IndexConfiguration()).open() for one in (former, present)]
    number = 0
    for start in range(0, len(documents), 500):
        part = [Document(str(start + n), one) for n, one in enumerate(documents[start : start + 500])]
        pairs = zip(*(recipe.enrich(part) for recipe in recipes), strict=True)
        number += sum(one | {"model": 0} != other | {"model": 0} for one, other in pairs)
    return number


def _new_words(documents: Sequence[dict[str, str]]) -> list[str]:
    """Cohesive pairs and triples of words that the dictionary cuts up, of middle frequency."""
    with tempfile.TemporaryDirectory() as name:
        folder, vocabulary = Path(name), Vocabulary()
        splitter = WordSplitter(open_segmenter(hmm=False), joins_latin=False)
        writer = StreamWriter(folder / "words", vocabulary)
        for document in documents:
            writer.add(splitter(document.get(field) or "") for field in FIELDS)
        stream = writer.close()
        inner = is_inner(vocabulary.words)
        table = count_ngrams(stream, len(vocabulary), 3, LEAST, folder, is_boundary=~inner, is_inner=inner)
        found = candidates_of(
            table, [np.zeros(len(level), np.int64) for level in table.levels], vocabulary.words
        )
        good = is_cohesive(found) & (found.lengths > 1) & (found.counts >= 20) & (found.counts <= 60)
        chosen = found.part(good)
        order = np.argsort(-chosen.boundary_entropy, kind="stable")[: max(WORDS)]
        return [str(word) for word in chosen.terms[order]]
