"""`enricher evaluate` on the embedded engine, by the command line."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import fmean

import pytest

import enricher
from enricher.errors import ConfigurationError, SourceError
from enricher.evaluation.baselines import content
from enricher.evaluation.collection import read_collection, whole_text
from enricher.evaluation.metrics import score_ranking
from enricher.evaluation.report import Report
from enricher.records import FieldKind, IndexLayout
from enricher.settings import Configuration, IndexConfiguration
from enricher.sources import SourceFormat
from indexer.engines import Connection
from indexer.evaluation import Evaluation, evaluate
from indexer.evaluation import run as evaluation_run
from indexer.evaluation.systems import searchable_families
from tests.conftest import ROOT, RunCommand
from tests.evaluation.judged import write_collection, write_small

SYSTEMS = {"bm25", "bm25-unigram", "bm25-bigram", "bm25-fields", "rm3", "enriched"}
FIGURES = {"ndcg@10", "recall@100", "map", "mrr", "helped", "hurt", "ms"}
TEXTS = ["run and run", "a run to the garden", "a garden", "a harbour"]
BARE = """
[index."bare"]
rewriters = []
"""
"""A recipe by which no word is found in another form."""


@pytest.fixture
def scratch_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made by this process and by those that it starts."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def measure(collection: Path, models: Path, engine: Path, **options: object) -> Report:
    """An evaluation in this process, which fails where an input cannot be used."""
    job = Evaluation(
        collection,
        None,
        models,
        Connection(f"tantivy:{engine}"),
        Configuration(),
        **options,  # type: ignore[arg-type]
    )
    return evaluate(job, lambda rejection: pytest.fail(rejection.reason))


def test_a_model_is_trained_and_every_system_measured(run: RunCommand, tmp_path: Path) -> None:
    """People see a table; the report holds all; neither models nor indexes are left."""
    write_collection(tmp_path / "judged")
    (tmp_path / "more.txt").write_text("tide and reef\n" * 20)
    done = run(
        *("evaluate", "judged", "--train", "--background", "more.txt", "--workers", "1"),
        *("--report", "report.json", "--plot", "plot.svg"),
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("judged: 100 documents; queries: 20")
    assert lines[1].split() == [
        "system",
        "nDCG@10",
        "Recall@100",
        "MAP",
        "MRR",
        "%",
        "p",
        "helped",
        "hurt",
        "ms",
    ]
    marked = [line.split()[0] for line in lines if line.split()[1:2] == ["*"]]
    report = json.loads((tmp_path / "report.json").read_text())
    assert marked == [report["strongest"]] and marked[0].startswith("bm25")
    assert set(report["systems"]) >= SYSTEMS
    assert all(set(values) == FIGURES | {"change_percent", "p"} for values in report["systems"].values())
    assert report["systems"]["bm25"]["ndcg@10"] > 0.8
    assert report["index_bytes"]["growth"] > 1 and "times the size with words only" in done.stdout
    assert (tmp_path / "plot.svg").read_text().count("words+relatedness") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "judged",
        "more.txt",
        "plot.svg",
        "report.json",
    ]


def test_json_of_the_active_model(
    run: RunCommand, models: Path, scratch_folder: Path, tmp_path: Path
) -> None:
    """The contract; what the user has indexed is not touched, and nothing is left."""
    folder = write_collection(tmp_path / "judged", 40)
    with (folder / "qrels.tsv").open("a") as file:
        file.write("ocean-0 0 absent 1\n")
    assert run("--models", models, "index", folder / "docs.jsonl", "--to", "mine").returncode == 0
    before = sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "index").rglob("*"))
    done = run("--models", models, "evaluate", folder, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {"collection", "queries", "systems"}
    assert answer["collection"] == str(folder) and 0 < answer["queries"] <= 20
    assert set(answer["systems"]) >= SYSTEMS | {"words", "words+subwords", "words+relatedness"}
    assert not any(name.startswith("bm25") for name in set(answer["systems"]) - SYSTEMS)
    assert all(set(values) == FIGURES for values in answer["systems"].values())
    assert (answer["systems"]["bm25"]["helped"], answer["systems"]["bm25"]["hurt"]) == (0, 0)
    assert "1 judged document that the collection lacks" in done.stderr
    assert before == sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "index").rglob("*"))
    assert list(scratch_folder.iterdir()) == []


def test_the_gate_closes_with_a_sentence(run: RunCommand, models: Path, tmp_path: Path) -> None:
    """Exit code 1, after the figures; the recipe of another index can be measured."""
    write_small(tmp_path / "judged", TEXTS, ["running", "the of"], ["q1 0 d1 1", "q2 0 d3 1"])
    (tmp_path / "enricher.toml").write_text(BARE)
    call = ("--models", models, "evaluate", "judged", "--json", "--index", "bare", "--gate")
    done = run(*call, "1")
    assert done.returncode == 1
    systems = json.loads(done.stdout)["systems"]
    assert systems["bm25-stem"]["ndcg@10"] == 0.5 > systems["enriched"]["ndcg@10"] == 0
    assert (systems["bm25-stem"]["helped"], systems["enriched"]["helped"]) == (1, 0)
    assert set(systems) >= {"bm25", "bm25-stem", "rm3", "enriched"} and "bm25-fields" not in systems
    assert "The gate is closed" in done.stderr
    opened = run(*call, "100")
    assert (opened.returncode, opened.stderr.count("gate")) == (0, 0)
    misspelt = run("--models", models, "evaluate", "judged", "--index", "bear")
    assert misspelt.returncode == 2 and "no table for the index 'bear'" in misspelt.stderr


def test_damaged_lines_are_said_and_the_rest_is_measured(
    run: RunCommand, models: Path, tmp_path: Path
) -> None:
    """Each once, with its place; exit code 1."""
    folder = write_small(tmp_path / "judged", TEXTS, ["running", "，。"], ["q1 0 d1 1", "q2 0 d3 1", "q1 d1"])
    with (folder / "docs.jsonl").open("a") as file:
        file.write('{"id": 5}\n')
    done = run("--models", models, "evaluate", "judged", "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["queries"] == 2
    assert done.stderr.count("docs.jsonl:5: ") == done.stderr.count("qrels.tsv:3: ") == 1
    assert "2 inputs could not be used" in done.stderr
    assert "1 query without any word" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["evaluate", "absent", "--train"], 1, "absent"),
        (["evaluate", "judged"], 1, "model"),
        (["evaluate", "judged", "--background", "x.txt"], 2, "--train"),
        (["evaluate", "judged", "--train", "--background", "x.txt"], 1, "x.txt"),
        (["evaluate", "judged", "--gate", "-1"], 2, "--gate"),
        (["evaluate", "judged", "--report", "no/such/report.json"], 2, "no/such"),
        (["evaluate", "judged", "--plot", "plot.jpg"], 2, ".svg, .png or .pdf"),
        (["evaluate", "judged", "--plot", "/proc/plot.png"], 2, "cannot be written"),
        (["evaluate", "judged", "--report", "judged/docs.jsonl"], 2, "is an input of this command"),
        (["evaluate", "judged", "--plot", "judged/qrels.tsv"], 2, "is an input of this command"),
        (["evaluate", "judged", "--report", "x", "--plot", "x"], 2, "name the same file"),
        (
            ["evaluate", "judged", "--train", "--background", "judged", "--report", "judged/docs.jsonl"],
            2,
            "is an input of this command",
        ),
        (["--engine", "solr://x", "evaluate", "judged"], 2, "tantivy:"),
        (["--engine", "http://127.0.0.1:1", "evaluate", "judged"], 1, "127.0.0.1:1"),
    ],
)
def test_bad_calls_are_sentences(
    run: RunCommand, scratch_folder: Path, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    """With the exit code of the contract, and nothing left behind."""
    write_small(tmp_path / "judged", TEXTS, ["running"], ["q1 0 d1 1"])
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr
    assert list(scratch_folder.iterdir()) == []


def test_nothing_is_left_after_a_failure(
    models: Path, scratch_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half-way through the queries."""
    folder = write_small(tmp_path / "judged", TEXTS, ["running"], ["q1 0 d1 1"])
    held: list[int] = []

    def fail(*arguments: object) -> None:
        held.append(len(list(scratch_folder.rglob("layout.json"))))
        raise SourceError("Out of luck.")

    monkeypatch.setattr(evaluation_run, "score_ranking", fail)
    with pytest.raises(SourceError, match="luck"):
        measure(folder, models, tmp_path / "index")
    assert held == [3]
    assert list(scratch_folder.iterdir()) == [] and not (tmp_path / "index").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(
    models: Path, scratch_folder: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """The exit code is 128 and the number of the signal: 130 for Ctrl-C."""
    folder = write_collection(tmp_path / "judged")
    command = [sys.executable, "-m", "indexer", "--models", str(models), "evaluate", str(folder)]
    variables = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    with subprocess.Popen(command, cwd=tmp_path, env=variables, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("searching"):
                break
        running.send_signal(number)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 128 + number and "Traceback" not in err
    assert list(scratch_folder.iterdir()) == []


def test_further_recipes_are_systems_on_the_same_index(models: Path, tmp_path: Path) -> None:
    """One without rewriters is the words alone; the default one is the enriched search."""
    folder = write_collection(tmp_path / "judged")
    others = {"bare": IndexConfiguration(rewriters=()), "again": IndexConfiguration()}
    found = measure(folder, models, tmp_path / "index", others=others)
    assert [system.name for system in found.systems][-3:] == ["enriched", "bare", "again"]
    for name, same in (("bare", "words"), ("again", "enriched")):
        assert found.system(name).ndcg == found.system(same).ndcg
        assert found.system(name).recall == found.system(same).recall


@pytest.mark.parametrize("name", ["bm25", "bm25-mine", "rm3", "words", "words+vector", "enriched"])
def test_a_further_recipe_has_a_name_of_its_own(
    models: Path, scratch_folder: Path, tmp_path: Path, name: str
) -> None:
    """Said before any work is done."""
    with pytest.raises(ConfigurationError, match=f"cannot be called '{re.escape(name)}'"):
        measure(tmp_path / "absent", models, tmp_path / "index", others={name: IndexConfiguration()})
    assert list(scratch_folder.iterdir()) == []


def test_every_searchable_family_is_found_by_what_a_query_names_for_it() -> None:
    """A scored family by its name, exact values by their fields; neither words nor stamp."""
    kinds = {
        "model": FieldKind.KEYWORD,
        "tokens.text": FieldKind.WORDS,
        "all.tokens": FieldKind.TERMS,
        "all.parts": FieldKind.TERMS,
        "parts.text": FieldKind.TERMS,
        "scores": FieldKind.STORED,
        "near.high": FieldKind.KEYWORD,
        "near.low": FieldKind.KEYWORD,
        "tags": FieldKind.KEYWORD,
    }
    found = searchable_families(IndexLayout(("text",), kinds))
    assert found == {"parts": ["parts"], "near": ["near.high", "near.low"], "tags": ["tags"]}


def test_a_query_of_stop_words_and_documents_that_come_twice(models: Path, tmp_path: Path) -> None:
    """Score 0 where nothing is searched; of equal ids the last is searched."""
    folder = write_small(tmp_path / "judged", TEXTS, ["garden", "the of"], ["q1 0 d3 1", "q2 0 d1 1"], True)
    with (folder / "docs.jsonl").open("a") as file:
        file.write('{"id": "d3", "title": "A title", "text": "now a reef"}\n')
    found = measure(folder, models, tmp_path / "index")
    assert (found.counts.repeated_documents, found.counts.documents) == (1, 4)
    assert found.system("bm25").ndcg == found.system("bm25-fields").ndcg == 0.0
    assert found.strongest == "bm25"


def test_bm25_is_that_of_the_formula(models: Path, tmp_path: Path) -> None:
    """Robertson's, with k1 1.2 and b 0.75, over all words of title and text but stop words."""
    folder = write_collection(tmp_path / "judged")
    form, analyzer = SourceFormat(), enricher.load(models).analyzer
    collection = read_collection(folder, None, form, analyzer, lambda rejection: None)
    texts = {document.id: whole_text(document, form.fields) for document in collection.documents()}
    counts = {name: Counter(content(analyzer.words(text))) for name, text in texts.items()}
    lengths = {name: sum(words.values()) for name, words in counts.items()}
    mean = fmean(lengths.values())

    def score(query: str, name: str) -> float:
        total = 0.0
        for word in content(analyzer.words(query)):
            holders = sum(word in words for words in counts.values())
            idf = math.log(1 + (len(counts) - holders + 0.5) / (holders + 0.5))
            often = counts[name][word]
            total += idf * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * lengths[name] / mean))
        return total

    expected = []
    for query, text in collection.queries.items():
        scores = {name: found for name in counts if (found := score(text, name)) > 0}
        expected.append(score_ranking(collection.judgements[query], scores).ndcg)
    found = measure(folder, models, tmp_path / "index").system("bm25").ndcg
    assert found == pytest.approx(fmean(expected), abs=1e-3)
