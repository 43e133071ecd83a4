"""What the treatment of small counts changes: related words of twenty words, before and after."""

import enricher
from benchmarks.measure import table

WORDS = (
    "数据库", "神经网络", "广州", "手机", "合同", "法院", "糖尿病", "肿瘤", "足球", "电影",
    "股票", "地震", "小麦", "酒店", "铁路", "太阳", "protein", "cancer", "patients", "index",
)  # fmt: skip
TOP = 8
COLUMNS = ("word", "α = 1, raw", "α = .9, raw", "α = .9 with shrinkage, the default")
RARE = 10
"""A word that occurs less often is counted as rare."""


def page(model: enricher.Enricher, origin: str) -> str:
    """The page in Markdown; origin: what was measured, and with what."""
    formulas = ((1.0, False), (0.9, False), (0.9, True))
    found = {
        word: [
            [item.word for item in model.related(word, TOP, alpha, shrinkage)]
            for alpha, shrinkage in formulas
        ]
        for word in WORDS
        if word in model.model.index
    }
    rows = [[word, *(" ".join(words) for words in columns)] for word, columns in found.items()]
    shares = [
        sum(model.model.counts[model.model.index[w]] < RARE for columns in found.values() for w in columns[n])
        / sum(len(columns[n]) for columns in found.values())
        for n in range(len(formulas))
    ]
    rare = ["share of rare words", *(f"{share:.0%}" for share in shares)]
    return (
        "# Related words, before and after the treatment of small counts\n\n"
        "Written by `make bench`. The formula is in [methods.md](methods.md); the eight best words of each, "
        f"by a model of {len(model.words):,} words that keeps words of one occurrence, so that there is as "
        f"much noise as there can be. A word of under {RARE} occurrences is counted as rare.\n\n"
        f"{origin}\n\n{table(COLUMNS, [*rows, rare])}\n"
    )
