"""Related words, judged by readers: thirty words, ten related words each by three formulas.

A pair is judged without sight of the formula that gave it. Pairs that nobody has judged yet are written to
`to-judge.tsv` beside the models, all formulas together in an order shuffled by SEED: put a 1 behind those of
which a reader of the field would say that the words belong together, a 0 behind the others, and add the
lines to `judgements.tsv` beside this file.
"""

import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import enricher
from benchmarks.measure import verdict
from benchmarks.models import corpora, trained

WORDS = (
    "数据库", "神经网络", "手机", "合同", "法院", "糖尿病", "肿瘤", "足球", "电影", "股票",
    "地震", "小麦", "酒店", "铁路", "太阳", "广州", "编译", "变压器", "离婚", "奶粉",
    "protein", "cancer", "neurons", "vaccine", "diabetes", "sequencing", "pain", "query", "obesity", "virus",
)  # fmt: skip
TOP = 10
FORMULAS = {"α = 1, as published": (1.0, False), "α = .9": (0.9, False), "ours": (0.9, True)}
"""Their α, and whether the scores of rare words are lowered."""
COLUMNS = ("word", *FORMULAS)
GOAL, TIMES = 0.8, 2.0
"""Of ours: this share, and so many times that of the published formula."""
JUDGEMENTS = Path(__file__).with_name("judgements.tsv")
SEED = 11

Judgements = Mapping[tuple[str, str], bool]


def rows(models: Path, data: Path) -> Iterator[Sequence[str]]:
    """The rows of the table: words judged not related in brackets, and the shares of those that are."""
    model = enricher.load(trained(models / "words", corpora(data), "--no-tuning"))
    judged = read_judgements()
    found = {word: [related(model, word, *formula) for formula in FORMULAS.values()] for word in WORDS}
    for word, columns in found.items():
        yield (word, *(" ".join(shown(word, other, judged) for other in others) for others in columns))
    pairs = [[(word, other) for word in WORDS for other in found[word][n]] for n in range(len(FORMULAS))]
    shares = [share(column, judged) for column in pairs]
    yield ("**judged related**", *(f"**{one:.2f}**" for one in shares))
    met = verdict(shares[-1] >= GOAL), verdict(shares[-1] >= TIMES * shares[0])
    yield ("goal", "", "", f"{GOAL:.2f}: {met[0]}; {TIMES:g} times α = 1: {met[1]}")
    unjudged = {pair for column in pairs for pair in column} - judged.keys()
    if unjudged:
        path = models / "to-judge.tsv"
        path.write_text(sheet(unjudged), encoding="utf-8")
        print(f"{len(unjudged)} pairs were never judged; they are in {path}.", file=sys.stderr)


def related(model: enricher.Model, word: str, alpha: float, shrinkage: bool) -> list[str]:
    """The words that the command `related` would print."""
    return [item.word for item in model.related(word, TOP, alpha, shrinkage)]


def shown(word: str, other: str, judged: Judgements) -> str:
    """A related word: in brackets when it was judged not to be, with a question mark when nobody has."""
    return {True: other, False: f"({other})", None: f"{other}?"}[judged.get((word, other))]


def share(pairs: Sequence[tuple[str, str]], judged: Judgements) -> float:
    """Of the pairs that were judged those that are related."""
    known = [judged[pair] for pair in pairs if pair in judged]
    return sum(known) / len(known) if known else 0.0


def read_judgements() -> Judgements:
    """Word, other word, 1 or 0 a line."""
    if not JUDGEMENTS.exists():
        return {}
    lines = (line.split("\t") for line in JUDGEMENTS.read_text(encoding="utf-8").splitlines())
    return {(word, other): said == "1" for word, other, said in lines}


def sheet(pairs: set[tuple[str, str]]) -> str:
    """Pairs in random order, one a line."""
    shuffled = sorted(pairs)
    random.Random(SEED).shuffle(shuffled)
    return "".join(f"{word}\t{other}\n" for word, other in shuffled)
