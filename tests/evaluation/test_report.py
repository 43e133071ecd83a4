"""Summaries, the most hurt queries, the gate."""

from dataclasses import replace
from pathlib import Path

import pytest

from enricher.errors import UsageError
from enricher.evaluation import plot
from enricher.evaluation.collection import Collection, Counts
from enricher.evaluation.metrics import QueryScores
from enricher.evaluation.report import (
    IndexBytes,
    QueryResult,
    Report,
    Results,
    explain_hurt,
    gate,
    most_hurt,
    strongest_plain,
    summarize,
)
from enricher.records import QueryTerm
from enricher.source_files import SourceFile
from enricher.sources import SourceFormat


def results(*ndcg: float, ranks: dict[str, int] | None = None) -> Results:
    """Queries q0, q1, … with these nDCG@10; each took as many ms as its number."""
    return {
        f"q{number}": QueryResult(QueryScores(ndcg=value), float(number), ranks or {})
        for number, value in enumerate(ndcg)
    }


RESULTS = {
    "bm25": results(0.5, 0.5, 0.5),
    "bm25-stem": results(0.6, 0.6, 0.6),
    "rm3": results(0.9, 0.9, 0.9),
    "enriched": results(0.505, 0.8, 0.4),
}


def report(enriched: float, plain: float) -> Report:
    """A report of two systems and one query."""
    found = {"bm25": results(plain), "enriched": results(enriched)}
    strongest = strongest_plain(found)
    sizes = IndexBytes(100, 250)
    return Report("c", 1, "en", "v", summarize(found), strongest, (), Counts(), sizes)


def test_every_system_is_summarized_against_bm25_and_the_strongest_plain_one() -> None:
    """RM3 is not a plain system."""
    assert strongest_plain(RESULTS) == "bm25-stem"
    base, stem, rm3, enriched = summarize(RESULTS)
    assert (base.helped, base.hurt, base.change) == (0, 0, pytest.approx(100 * (0.5 / 0.6 - 1)))
    assert (stem.helped, stem.hurt, stem.change, stem.p) == (3, 0, 0.0, 1.0)
    assert (enriched.helped, enriched.hurt, enriched.ms) == (1, 1, 1.0)
    assert enriched.ndcg == pytest.approx(1.705 / 3) and 0 < enriched.p < 1
    assert rm3.change == pytest.approx(50)


@pytest.mark.parametrize(
    ("enriched", "percent", "is_open"),
    [
        (0.5, 0, True),
        (0.6, 0, True),
        (0.4999, 0, False),
        (0.496, 1, True),
        (0.494, 1, False),
        (0.0, 100, True),
    ],
)
def test_the_gate_opens_within_the_allowed_loss(enriched: float, percent: float, is_open: bool) -> None:
    """It closes if nDCG@10 falls by more than the percentage."""
    closed = gate(report(enriched, 0.5), percent)
    assert (closed is None) == is_open
    if closed is not None:
        assert "bm25" in closed and f"at most {percent}" in closed


def test_a_report_without_any_hits_does_not_divide_by_zero() -> None:
    """The gate stays open."""
    nothing = report(0.0, 0.0)
    assert (gate(nothing, 0), nothing.system("enriched").change) == (None, 0.0)


def test_the_most_hurt_queries_come_first_with_the_ranks_of_the_same_document() -> None:
    """A loss within the margin does not count."""
    plain, enriched = results(0.9, 0.5, 1.0, 0.3), results(0.895, 0.1, 0.9, 0.5)
    assert most_hurt(plain, enriched) == ["q1", "q2"]
    file = SourceFile(Path("docs.jsonl"), "docs.jsonl", True)
    collection = Collection("c", file, SourceFormat(), {"q1": "tide"}, {}, "en", False)
    terms = (QueryTerm("tide"), QueryTerm("reef", 0.2, "relatedness", "occurs with tide"))
    before, after = {"a": 7, "b": 2}, {"a": 1}
    found = explain_hurt(
        "q1", collection, results(0.9, 0.5, ranks=before), results(0.1, 0.2, ranks=after), terms
    )
    assert (found.document, found.rank_plain, found.rank) == ("b", 2, None)
    assert found.as_json()["terms"] == [term.as_json() for term in terms]
    nowhere = explain_hurt("q1", collection, results(0.9, 0.5), results(0.1, 0.2), terms)
    assert (nowhere.document, nowhere.rank_plain, nowhere.rank) == (None, None, None)


def test_the_report_as_json() -> None:
    """The full JSON contains the short one."""
    found = report(0.4, 0.5)
    short, full = found.as_json(), found.as_full_json()
    assert set(short) == {"collection", "queries", "systems"}
    systems = short["systems"]
    assert isinstance(systems, dict) and list(systems) == ["bm25", "enriched"]
    for values in systems.values():
        assert set(values) == {"ndcg@10", "recall@100", "map", "mrr", "helped", "hurt", "ms"}
    assert set(short) < set(full) and full["strongest"] == "bm25"
    assert full["index_bytes"] == {"words": 100, "enriched": 250, "growth": 2.5}


def test_a_plot_is_an_svg_that_names_every_system(tmp_path: Path) -> None:
    """The same report gives the same file."""
    for name in ("a.svg", "b.svg"):
        plot.draw(report(0.4, 0.5), tmp_path / name)
    text = (tmp_path / "a.svg").read_text()
    assert text.startswith("<?xml") and "enriched" in text and "nDCG@10" in text
    assert text == (tmp_path / "b.svg").read_text()


@pytest.mark.parametrize(
    ("name", "start"), [("a.svg", b"<?xml"), ("a.PNG", b"\x89PNG\r\n"), ("a.pdf", b"%PDF-")]
)
def test_the_name_of_a_plot_chooses_its_format(tmp_path: Path, name: str, start: bytes) -> None:
    """The case of the suffix does not matter."""
    plot.draw(report(0.4, 0.5), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["plot", "plot.jpg", "plot.svg.gz", ".svg"])
def test_an_unknown_plot_format_is_rejected(tmp_path: Path, name: str) -> None:
    """The message lists the formats."""
    with pytest.raises(UsageError, match=r"\.svg, \.png or \.pdf"):
        plot.format_of(tmp_path / name)


def test_a_plot_says_what_was_measured_and_what_to_compare(tmp_path: Path) -> None:
    """It names collection and queries, with a star at the strongest plain system. A $ stays a $."""
    plot.draw(replace(report(0.4, 0.5), collection="a $b$ c"), tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    assert "a $b$ c: 1 query" in text and "bm25 *" in text and "Recall@100" in text


def test_a_plot_without_matplotlib_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the command that installs it."""
    monkeypatch.setattr(plot, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install"):
        plot.need_matplotlib()
