"""Speed and quality of the two segmenters, through the analyzer."""

import gzip
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.measure import ROOT
from enricher.records import Token
from enricher.text import NO_LEXICON, Analyzer, normalize, open_segmenter

MARKS = re.compile(r"(.)\1*", re.DOTALL)
COLUMNS = (
    "segmenter", "hidden Markov model", "start, s", "documents/s of processor time", "F1 (PKU test)",
    "abstracts cut unlike jieba",
)  # fmt: skip
_START = """
import time
from enricher.records import Token
from enricher.text import Analyzer, open_segmenter
analyzer = Analyzer(open_segmenter({name!r}, hmm={hmm}))
start = time.perf_counter()
analyzer.words("开始")
print(time.perf_counter() - start)
"""


def spans(words: Iterable[str]) -> set[tuple[int, int]]:
    """The places of words in the text that they join to."""
    found = set()
    start = 0
    for word in words:
        found.add((start, start + len(word)))
        start += len(word)
    return found


def f1(analyzer: Analyzer, gold: Sequence[Sequence[str]]) -> float:
    """Word F1 against a gold standard; marks that the analyzer leaves out are words, equal ones together."""
    right = proposed = expected = 0
    for words in gold:
        text = "".join(words)
        cut: set[tuple[int, int]] = set()
        done = 0
        for token in [*analyzer.tokens(text), Token("", len(text), len(text))]:
            cut.update(match.span() for match in MARKS.finditer(text, done, token.start))
            cut.add((token.start, token.end))
            done = token.end
        cut.discard((done, done))
        wanted = spans(words)
        right += len(cut & wanted)
        proposed += len(cut)
        expected += len(wanted)
    return 2 * right / (proposed + expected)


def rate(analyzer: Analyzer, texts: Sequence[str], rounds: int) -> float:
    """Texts per second of processor time, the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for text in texts:
            analyzer.words(text)
        best = min(best, time.process_time() - start)
    return len(texts) / best


def start_up(name: str, hmm: bool) -> float:
    """Seconds until the first text is cut, in a process of its own."""
    script = _START.format(name=name, hmm=hmm)
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(result.stdout)


def rows(data: Path) -> list[tuple[str, ...]]:
    """The table of both segmenters."""
    with gzip.open(data / "zh/kw_csl/docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    with (data / "zh/segmentation/pku_test_gold.txt").open(encoding="utf-8") as lines:
        gold = [normalize(line).split() for line in lines if line.strip()]
    reference: dict[bool, list[list[str]]] = {}
    found = []
    for name in ("jieba", "rjieba"):
        for hmm in (True, False):
            analyzer = Analyzer(open_segmenter(name, NO_LEXICON, hmm=hmm))
            cut = [analyzer.words(text) for text in texts]
            base = reference.setdefault(hmm, cut)
            unlike = sum(one != other for one, other in zip(cut, base, strict=True)) / len(texts)
            speed = rate(analyzer, texts, 1 if name == "jieba" else 5)
            found.append(
                (name, "yes" if hmm else "no", f"{start_up(name, hmm):.2f}", f"{speed:,.0f}",
                 f"{f1(analyzer, gold):.4f}", f"{unlike:.1%}")
            )  # fmt: skip
    return found
