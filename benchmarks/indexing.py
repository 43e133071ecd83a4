"""The pipeline: speed of indexing and training, and memory that does not grow with the documents."""

import gzip
import itertools
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gensim.models import Word2Vec

from benchmarks.measure import Comparison, Figure, Row, Run, Series, command_line
from enricher.records import Document
from enricher.settings import IndexConfiguration
from enricher.text import open_analyzer
from enricher.training.corpus import SegmentedCorpus, segment
from enricher.training.word2vec import TrainingSettings, train

ABSTRACTS = "zh/corpus_science/corpus.jsonl.gz"
SHORT = "zh/corpus_everyday/corpus.jsonl.gz"
CORPORA = "*/corpus_*/corpus.jsonl.gz"
SIZES = (10_000, 100_000, 1_000_000)
LEAST = 5
"""Occurrences of a word that is learned, in SIZES[1] documents."""
TOKENS = 10_000_000
FIELDS = ("title", "text")
WORKERS = 2
STORED: tuple[tuple[tuple[str, ...], float], ...] = (
    (("tokens",), 2.0),
    (("tokens", "keywords"), 2.0),
    (("tokens", "subwords"), 3.0),
    (("tokens", "expansion"), 3.0),
    (("tokens", "vector"), 3.0),
    (IndexConfiguration().enrichments, 6.8),
)
"""What is stored, and the limit; of document-side neural retrieval 6.8 times is known."""


def rows(models: Path, data: Path) -> Iterator[Row]:
    """Indexing with a part of the enrichments, and with all of them."""
    yield indexing(models, data, ("tokens", "keywords"), 2.0)
    yield indexing(models, data, IndexConfiguration().enrichments, 4.0)


def indexing(models: Path, data: Path, enrichments: Sequence[str], goal: float) -> Comparison:
    """Abstracts indexed with enrichments against the same that are only cut into words."""
    with gzip.open(data / ABSTRACTS, "rt", encoding="utf-8") as file:
        number = sum(1 for _ in file)
    with scratch() as folder:
        config = folder / "enricher.toml"
        config.write_text(f"[index.documents]\nenrichments = {json.dumps(enrichments)}\n")

        def ours() -> int:
            index(data / ABSTRACTS, models, config=config)
            return number

        def theirs() -> int:
            index(data / ABSTRACTS, models, "--no-enrichment")
            return number

        work = f"index of {number:,} abstracts with {', '.join(enrichments)}, a document"
        return Comparison(work, "the same with --no-enrichment", goal).measure(ours, theirs, 3)


def index(source: Path, models: Path, *options: str, config: Path | None = None) -> Run:
    """Index a source into a new folder, which is removed."""
    with scratch() as folder:
        words = ["index", str(source), "--to", "documents", "--rejects", str(folder / "rejects"), *options]
        return command_line(*words, models=models, index=folder / "index", config=config)


def storage(models: Path, data: Path) -> Iterator[Row]:
    """The size of an index with some enrichments over that of a plain one: the text, and its words once."""
    with scratch() as folder:
        plain = folder / "plain.jsonl"
        with plain.open("w", encoding="utf-8") as file:
            for document in documents_of(data / ABSTRACTS):
                text = " ".join(document.text(field) for field in FIELDS)
                file.write(json.dumps({"id": document.id, "text": text}, ensure_ascii=False) + "\n")
        base = index_bytes(plain, models, "--no-enrichment")
        for enrichments, limit in STORED:
            config = folder / "enricher.toml"
            config.write_text(f"[index.documents]\nenrichments = {json.dumps(enrichments)}\n")
            size = index_bytes(data / ABSTRACTS, models, config=config)
            work = f"size of an index with {', '.join(enrichments)}, over a plain one of {base / 1e6:.0f} MB"
            yield Figure(work, size / base, limit, "×")


def index_bytes(source: Path, models: Path, *options: str, config: Path | None = None) -> int:
    """The bytes on disk of an index of a source, which is removed."""
    with scratch() as folder:
        words = ["index", str(source), "--to", "documents", "--rejects", str(folder / "rejects"), *options]
        command_line(*words, models=models, index=folder / "index", config=config)
        return sum(path.stat().st_size for path in (folder / "index").rglob("*") if path.is_file())


def training(data: Path) -> Comparison:
    """Segmentation and training against training alone on the text so segmented."""
    settings = TrainingSettings(workers=WORKERS)
    with scratch() as folder:
        source, segmented = folder / "documents.jsonl.gz", folder / "segmented"
        write_corpora(source, data, TOKENS)
        corpora: list[SegmentedCorpus] = []

        def ours() -> int:
            shutil.rmtree(segmented, ignore_errors=True)
            segmented.mkdir()
            corpora[:] = [segment(documents_of(source), FIELDS, open_analyzer(), segmented, WORKERS)]
            train(corpora[0], settings)
            return 1

        def theirs() -> int:
            resolved = settings.resolve(corpora[0].tokens)
            Word2Vec(
                corpus_file=str(corpora[0].path),
                vector_size=resolved.dimensions,
                window=resolved.window,
                min_count=resolved.min_count,
                epochs=resolved.epochs,
                sg=1,
                hs=1,
                negative=0,
                workers=WORKERS,
            )
            return 1

        work = f"segmentation and training of {TOKENS / 1e6:.0f} million words, {WORKERS} threads"
        return Comparison(work, "gensim alone on the segmented text", 1.3).measure(ours, theirs, 2)


def write_corpora(path: Path, data: Path, tokens: int) -> None:
    """Documents of all corpora, one corpus after the other, until they hold so many words."""
    analyzer, seen = open_analyzer(), 0
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        for document in itertools.chain.from_iterable(map(documents_of, sorted(data.glob(CORPORA)))):
            if seen >= tokens:
                return
            seen += sum(len(analyzer.content_words(document.text(field))) for field in FIELDS)
            file.write(json.dumps(document.source, ensure_ascii=False) + "\n")


def documents_of(path: Path) -> Iterator[Document]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            source = json.loads(line)
            yield Document(source["id"], source)


def memory(models: Path, data: Path) -> tuple[list[Row], Series]:
    """How the memory of every streaming command grows with the documents, and the cost of indexing."""
    found: list[Row] = []
    series: Series = {"index, anonymous memory, MB": [], "index, ms a document": []}
    peaks: dict[str, list[int]] = {"index": [], "keywords": [], "train": []}
    for size in SIZES:
        with scratch() as folder:
            source = folder / "documents.jsonl"
            write_short_documents(source, data, size)
            start = time.perf_counter()
            done = index(source, models)
            series["index, ms a document"].append((size, (time.perf_counter() - start) / size * 1e3))
            series["index, anonymous memory, MB"].append((size, done.anonymous / 1e6))
            if size == SIZES[0]:
                continue
            peaks["index"].append(done.anonymous)
            peaks["keywords"].append(command_line("keywords", str(source), models=models).anonymous)
            least = str(LEAST * size // SIZES[1])  # as a text comes ten times, so do its rare words
            options = ("--epochs", "1", "--dimensions", "50", "--min-count", least, "--no-activate")
            peaks["train"].append(
                command_line("train", str(source), *options, models=folder / "models").anonymous
            )
    for command, (small, large) in peaks.items():
        work = f"{command}: peak memory with {SIZES[2]:,} documents ({large / 1e6:.0f} MB) over {SIZES[1]:,}"
        found.append(Figure(work, large / small, 1.2, "×"))
    return found, series


def write_short_documents(path: Path, data: Path, number: int) -> None:
    """Real short texts, as many as SIZES[1], again and again under new ids."""

    def some(_: int) -> Iterator[Document]:
        return itertools.islice(documents_of(data / SHORT), SIZES[1])

    with path.open("w", encoding="utf-8") as file:
        texts = itertools.chain.from_iterable(map(some, itertools.count()))
        for place, document in enumerate(itertools.islice(texts, number)):
            file.write(json.dumps({**document.source, "id": str(place)}, ensure_ascii=False) + "\n")


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
