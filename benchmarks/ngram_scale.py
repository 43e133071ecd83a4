"""The n-grams of much text: the memory must not grow with it.

The text is made of sentences of real texts, drawn at random with replacement: all of its documents are
different. As most sequences then occur often, there are more frequent n-grams than in real text of that size.

`python -m benchmarks.ngram_scale KIND FILE` counts the n-grams of one file, and prints what they are as JSON.
"""

import gzip
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.measure import run
from enricher.text import open_segmenter
from enricher.vocabulary.ngram_counting import count_ngrams
from enricher.vocabulary.token_stream import StreamWriter, Vocabulary, WordSplitter, characters_of

COLUMNS = (
    "text", "tokens", "most frequent n-grams kept", "minimum counts", "reading", "counting",
    "anonymous memory", "with mapped files",
)  # fmt: skip
CORPORA = {"Chinese, characters": "zh/corpus_*", "English, words": "en/corpus_*"}
"""Kind of text → its corpora."""
SIZES = {"Chinese, characters": (100_000_000, 1_000_000_000), "English, words": (250_000_000,)}
"""Kind of text → bytes that are measured."""
LONGEST, LEAST = 6, 5
SENTENCES = (5, 40)
"""The fewest and the most sentences of a document."""
SEED = 7
_SENTENCE = re.compile(r".+?(?:[。！？\n]+|[.!?](?=\s)|$)", re.DOTALL)


def rows(data: Path) -> Iterator[Sequence[str]]:
    """Every size of every kind, in a process of its own."""
    for kind, sizes in SIZES.items():
        sentences = list(_sentences(data, CORPORA[kind]))
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "documents.jsonl"
                write(sentences, size, path)
                yield _measured(kind, size, path)


def write(sentences: Sequence[str], size: int, path: Path) -> None:
    """Write documents of drawn sentences, a line each, until their texts have `size` bytes."""
    generator, written, number = random.Random(SEED), 0, 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            text = "".join(generator.choices(sentences, k=generator.randint(*SENTENCES)))
            file.write(json.dumps({"id": str(number), "text": text}, ensure_ascii=False) + "\n")
            written += len(text.encode())
            number += 1


def _sentences(data: Path, corpora: str) -> Iterator[str]:
    for path in sorted(data.glob(f"{corpora}/corpus.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                for sentence in map(str.strip, _SENTENCE.findall(json.loads(line)["text"])):
                    if sentence:
                        yield sentence if sentence[-1] in "。！？" else f"{sentence} "


def _measured(kind: str, size: int, path: Path) -> Sequence[str]:
    done = run(sys.executable, "-m", "benchmarks.ngram_scale", kind, str(path))
    found = json.loads(done.output)
    return (
        f"{kind}, {size / 1e9:g} GB", f"{found['tokens'] / 1e6:,.0f} M", f"{found['ngrams'] / 1e6:.1f} M",
        ", ".join(map(str, found["least"])), f"{found['reading']:,.0f} s", f"{found['counting']:,.0f} s",
        f"{done.anonymous / 1e9:.2f} GB", f"{done.resident / 1e9:.2f} GB",
    )  # fmt: skip


def _splitter(kind: str) -> Callable[[str], Sequence[str | None]]:
    if kind == "Chinese, characters":
        return characters_of
    return WordSplitter(open_segmenter(hmm=False), joins_latin=True)


def count(kind: str, path: Path) -> dict[str, object]:
    """Count the n-grams of the documents of a file, with entropies and cohesion."""
    started = time.perf_counter()
    split, vocabulary = _splitter(kind), Vocabulary()
    writer = StreamWriter(path.with_name("tokens"), vocabulary)
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            writer.add([split(json.loads(line)["text"])])
    stream = writer.close()
    reading = time.perf_counter() - started
    started = time.perf_counter()
    table = count_ngrams(
        stream, len(vocabulary), LONGEST, LEAST, path.parent,
        is_boundary=np.zeros(len(vocabulary), np.bool_),
    )  # fmt: skip
    for length in range(1, LONGEST + 1):
        table.cohesion(length)
    return {
        "tokens": table.tokens,
        "ngrams": sum(map(len, table.levels)),
        "least": [int(level.counts.min(initial=2**62)) for level in table.levels],
        "reading": reading,
        "counting": time.perf_counter() - started,
    }


if __name__ == "__main__":
    print(json.dumps(count(sys.argv[1], Path(sys.argv[2]))))
