"""Domain vocabulary: how good the mined terms are, and what mining costs."""

import gzip
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.measure import ROOT
from benchmarks.segmentation import f1
from enricher.text import Analyzer, normalize, open_segmenter, read_lexicon
from enricher.vocabulary.ngram_counting import count_ngrams
from enricher.vocabulary.review_file import read_review
from enricher.vocabulary.token_stream import (
    StreamWriter,
    TokenStream,
    Vocabulary,
    characters_of,
)

TERM_COLUMNS = ("domain", "seeds", "P@100", "P@200", "P@500", "goal, P@500", "seconds", "MB")
COST_COLUMNS = ("work", "figure", "goal")
DOMAINS = {
    "IT": ("corpus_techdocs", "thuocl_IT", "it", 0.46),
    "law": ("corpus_laws", "thuocl_law", "law", 0.125),
    "power": ("corpus_power", "domainwords_power", "power", 0.36),
}
"""Name → corpus, gold list, seeds, goal."""
CORPORA = ("laws", "news", "techdocs", "everyday", "science", "wiki", "power")
DEPTHS = (100, 200, 500)
FIELDS = ("title", "text")
CHARACTERS, DICTIONARY_CHARACTERS, LONGEST, LEAST = 60_000_000, 1_000_000, 6, 5


def texts(data: Path, names: Iterable[str] = CORPORA) -> Iterator[dict[str, str]]:
    """The documents of the Chinese corpora."""
    for name in names:
        with gzip.open(data / f"zh/corpus_{name}/corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def enricher(*words: str | Path, folder: Path) -> tuple[float, int, str]:
    """Run a command; its seconds, its largest memory in MB, and what it printed."""
    script = (
        "import resource, subprocess, sys; "
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, check=True); "
        "sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1000)); "
        "sys.stdout.buffer.write(done.stdout)"
    )
    command = [sys.executable, "-c", script, sys.executable, "-m", "indexer", *map(str, words)]
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    return time.perf_counter() - start, int(done.stderr.splitlines()[-1].split()[-1]), done.stdout


# ------------------------------------------------------------------ the quality of mined terms


def term_rows(data: Path) -> Iterator[Sequence[str]]:
    """The precision of the first terms of every domain, with seeds and without."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (corpus, gold, seeds, goal) in DOMAINS.items():
            for with_seeds in (True, False):
                yield _terms(Path(folder), data, name, corpus, gold, seeds, goal, with_seeds)


def _terms(
    folder: Path, data: Path, name: str, corpus: str, gold: str, seeds: str, goal: float, with_seeds: bool
) -> Sequence[str]:
    """Mine one domain against all other corpora; seeds are taken out of the list."""
    chinese = data / "zh"
    others = [chinese / f"corpus_{one}" for one in CORPORA if f"corpus_{one}" != corpus]
    backgrounds = [word for one in others for word in ("--background", one)]
    given = ["--seeds", chinese / f"seeds/{seeds}.txt"] if with_seeds else []
    out = folder / f"{name}-{with_seeds}.tsv"
    seconds, memory, _ = enricher(
        "vocabulary", "mine", chinese / corpus, *backgrounds, *given, "--out", out, folder=folder
    )
    wanted, known = (_words(chinese / path) for path in (f"lexicon/{gold}.txt", f"seeds/{seeds}.txt"))
    found = [one.word for one in read_review(out).candidates if one.word not in known]
    shares = [sum(word in wanted for word in found[:depth]) / depth for depth in DEPTHS]
    shown = str(goal) if with_seeds else ""
    return (
        name, "20" if with_seeds else "none", *(f"{share:.3f}" for share in shares), shown,
        f"{seconds:.0f}", f"{memory:,}",
    )  # fmt: skip


def _words(path: Path) -> set[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {normalize(line.split("\t")[0].strip()) for line in lines if line.strip()}


# ------------------------------------------------------------------ what mining costs


def cost_rows(data: Path) -> Iterator[Sequence[str]]:
    """The n-grams of much text, and a lexicon from raw text."""
    yield from _ngram_rows(data)
    yield _lexicon_row(data)


def _stream(folder: Path, vocabulary: Vocabulary, data: Path, characters: int) -> TokenStream:
    writer, number = StreamWriter(folder / "characters", vocabulary), 0
    for document in texts(data):
        writer.add(characters_of(document.get(field) or "") for field in FIELDS)
        number += sum(len(document.get(field) or "") for field in FIELDS)
        if number >= characters:
            break
    return writer.close()


def _ngram_rows(data: Path) -> Iterator[Sequence[str]]:
    """All n-grams with strings, cohesion and entropies, against dictionaries on a smaller text."""
    seconds = {}
    for characters in (DICTIONARY_CHARACTERS, CHARACTERS):
        with tempfile.TemporaryDirectory() as folder:
            vocabulary = Vocabulary()
            stream = _stream(Path(folder), vocabulary, data, characters)
            start = time.perf_counter()
            table = count_ngrams(
                stream, len(vocabulary), LONGEST, LEAST, Path(folder),
                is_boundary=np.zeros(len(vocabulary), np.bool_),
            )  # fmt: skip
            for length in range(1, LONGEST + 1):
                table.cohesion(length)
                ["".join(vocabulary.words[n] for n in row) for row in table.sequences(length).tolist()]
            seconds[characters] = time.perf_counter() - start
            if characters == DICTIONARY_CHARACTERS:
                theirs = _in_dictionaries(stream.tokens.tolist())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    scaled = theirs * CHARACTERS / DICTIONARY_CHARACTERS
    yield (
        f"n-grams 1–{LONGEST} of {CHARACTERS / 1e6:.0f} M characters, with cohesion and boundary entropy",
        f"{seconds[CHARACTERS]:.0f} s, {memory:.1f} GB; Python dictionaries {scaled:.0f} s "
        f"(from {DICTIONARY_CHARACTERS / 1e6:.0f} M): {scaled / seconds[CHARACTERS]:.0f} times",
        "10 times, under 2 GB",
    )


def _in_dictionaries(tokens: Sequence[int]) -> float:
    """Seconds for the same statistics in dictionaries."""
    start = time.perf_counter()
    counts: Counter[tuple[int, ...]] = Counter()
    beside: dict[tuple[int, ...], tuple[Counter[int], Counter[int]]] = defaultdict(
        lambda: (Counter(), Counter())
    )
    for place in range(1, len(tokens) - LONGEST):
        for length in range(1, LONGEST + 1):
            gram = tuple(tokens[place : place + length])
            if gram[-1] < 0:
                break
            counts[gram] += 1
            left, right = beside[gram]
            left[tokens[place - 1]] += 1
            right[tokens[place + length]] += 1
    for gram, count in counts.items():
        if count >= LEAST:
            for side in beside[gram]:
                sum(n * math.log(n) for n in side.values())
            min(
                (counts[gram[:cut]] * counts[gram[cut:]] for cut in range(1, len(gram))),
                default=0,
            )
    return time.perf_counter() - start


def _lexicon_row(data: Path) -> Sequence[str]:
    """Segmentation by a lexicon that was learned from the raw text of all corpora."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "lexicon.txt"
        sources = [data / f"zh/corpus_{name}" for name in CORPORA]
        seconds, memory, _ = enricher("vocabulary", "lexicon", *sources, "--out", out, folder=Path(folder))
        lexicon = read_lexicon(out)
        lines = (data / "zh/segmentation/pku_test_gold.txt").read_text(encoding="utf-8").splitlines()
        gold = [line.split() for line in lines if line.strip()]
        score = f1(Analyzer(open_segmenter("lexicon", lexicon)), gold)
    size = f"{len(lexicon.words):,} words, {seconds:.0f} s, {memory:,} MB"
    return "segmentation by a lexicon from raw text, F1 on the PKU test", f"{score:.3f} ({size})", ".80"
