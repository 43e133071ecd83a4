"""How much text word2vec has to learn from: models of samples of one corpus, judged in every way.

All models read the same documents, and count all of them: those of every corpus and collection of the
evaluation data. Phrases and text vectors are learned from the same documents too. Only the sample that
word2vec learns from differs, and a smaller sample is a part of a larger one.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import enricher
from benchmarks.collections import COLLECTIONS, bounded, write
from benchmarks.keyphrases import SETS, f1
from benchmarks.measure import machine
from benchmarks.models import trained
from benchmarks.quality import WITH_ALTERNATIVES, WORKERS, recipes
from benchmarks.wordpairs import CHINESE, ENGLISH, Correlations, correlations
from enricher.evaluation.report import ENRICHED
from enricher.records import Rejection
from enricher.settings import Configuration
from indexer.engines import Connection
from indexer.evaluation import Evaluation, evaluate

MAX_TOKENS = (2_500_000, 5_000_000, 10_000_000, 20_000_000, 0)
SOURCES = ("*/corpus_*/corpus.jsonl.gz", "*/*/docs.jsonl.gz")
JUDGED = ("zh/ir_sogou_qa", "zh/ir_cmrc2018", "en/ir_scifact", "en/ir_cranfield")
"""Collections whose queries are no part of their documents: the models have read all documents."""
QUERIES = 300
SHOWN = ("words+expansion", "words+relatedness", "words+vector", ENRICHED, WITH_ALTERNATIVES)
COLUMNS = (
    "million words learned", "words of the model",
    "word pairs, Chinese: related / similar", "word pairs, English: related / similar / SimLex-999",
    "F1 of keywords: kw_csl / kw_inspec", "over the strongest plain system, %: nDCG@10 / recall@100",
    "`enriched` by collection, nDCG@10",
)  # fmt: skip


def rows(models: Path, data: Path, kept: Path) -> Iterator[Sequence[str]]:
    """The rows of the table, a model each; the smallest sample first.

    kept: a folder of what was measured, none of which is measured again; remove it to measure all anew.
    """
    for most in MAX_TOKENS:
        folder = models / f"sample-{most}"
        found = once(kept / f"{most}.json", partial(words, folder, models, data, most))
        relevance = {
            name: once(
                kept / f"{most}-{name.replace('/', '_')}.json", partial(gains, folder, data, name, kept)
            )
            for name in JUDGED
        }
        yield row(found, relevance)


def plain_name(collection: str) -> str:
    """The name of a collection as that of a file."""
    return collection.replace("/", "_")


def once(path: Path, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was measured, read from a file if it is there, else written to it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(measure()), encoding="utf-8")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def words(folder: Path, models: Path, data: Path, most: int) -> dict[str, Any]:
    """Train a model; its figures on word pairs and keywords, by the words that the smallest model knows."""
    trained(folder, sources(data), "--max-tokens", str(most), "--workers", str(WORKERS))
    smallest = enricher.load(models / f"sample-{MAX_TOKENS[0]}")
    return measured(enricher.load(folder), smallest, data)


def sources(data: Path) -> list[Path]:
    """All documents of corpora and collections."""
    return sorted(path for pattern in SOURCES for path in data.glob(pattern))


def measured(model: enricher.Model, smallest: enricher.Model, data: Path) -> dict[str, Any]:
    """Word pairs that the smallest model knows, and keywords."""
    pairs = {}
    for one in (*CHINESE, *ENGLISH):
        known = [pair for pair in one.read(data) if all(word in smallest.word2vec.index for word in pair[:2])]
        found: Correlations = correlations(model.word2vec, known)
        pairs[one.file] = (found.cosine, found.both)
    keywords = {}
    for chosen in SETS:
        documents, given = chosen.read(data)
        answered = model.document_keywords(documents, chosen.top, "phrases", chosen.title_field)
        keywords[chosen.name] = f1(
            [[chosen.same(keyword.text) for keyword in found] for found in answered], given
        )
    return {
        "machine": machine(),
        "learned_tokens": model.word2vec.training["learned_tokens"],
        "words": len(model.words),
        "pairs": pairs,
        "keywords": keywords,
    }


def gains(models: Path, data: Path, name: str, folder: Path) -> dict[str, tuple[float, float]]:
    """System → what it gains of nDCG@10 and recall@100 over the strongest plain system, in percent."""
    place = folder / "collections" / plain_name(name)
    write(bounded(COLLECTIONS[name].make(data), queries=QUERIES), place)
    job = Evaluation(
        place,
        None,
        models,
        Connection(f"tantivy:{place / 'index'}"),  # Named only: what is made there is scratch.
        Configuration(),
        workers=WORKERS,
        others={WITH_ALTERNATIVES: recipes()[WITH_ALTERNATIVES]},
    )
    report = evaluate(job, _refuse)
    plain = report.system(report.strongest)
    systems = {system.name: system for system in report.systems if system.name in SHOWN}
    return {
        name: (100 * (system.ndcg / plain.ndcg - 1), 100 * (system.recall / plain.recall - 1))
        for name, system in systems.items()
    }


def _refuse(rejection: Rejection) -> None:
    """Documents without text are part of the data."""


def row(found: Mapping[str, Any], relevance: Mapping[str, Mapping[str, Sequence[float]]]) -> Sequence[str]:
    """A row of the table."""
    pairs = found["pairs"]
    chinese, english = (
        " / ".join(f"{pairs[one.file][1]:.3f}" for one in lists) for lists in (CHINESE, ENGLISH)
    )
    means = {
        name: [fmean(one[name][side] for one in relevance.values()) for side in (0, 1)] for name in SHOWN
    }
    return (
        f"{found['learned_tokens'] / 1e6:.1f}",
        f"{found['words']:,}",
        chinese,
        english,
        " / ".join(f"{value:.3f}" for value in found["keywords"].values()),
        "; ".join(f"`{name}` {ndcg:+.1f} / {recall:+.1f}" for name, (ndcg, recall) in means.items()),
        ", ".join(f"{name} {one[ENRICHED][0]:+.1f}" for name, one in relevance.items()),
    )
