"""The instruments of the benchmarks: a wrong one would make every figure wrong."""

import gzip
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import enricher
from benchmarks import keyphrases, million, quality, relevance
from benchmarks.__main__ import LIBRARY, TABLES, WORDS, put
from benchmarks.collections import (
    CHANGED,
    COLLECTIONS,
    JUDGED,
    KNOWN_ITEMS,
    CollectionRecipe,
    Contents,
    Item,
    bounded,
    first_sentences,
    judged,
    known_items,
    parted,
    tail,
    with_labels,
    without_marks,
    write,
)
from benchmarks.gains import HEADS, Figures, Measured, best_recipe, chosen_recipes, head, mean, without
from benchmarks.kernels import paths_of, walk
from benchmarks.measure import Comparison, Figure, run
from benchmarks.models import resized
from benchmarks.quality import recipes
from enricher.errors import SourceError
from enricher.evaluation.collection import Counts, read_collection
from enricher.evaluation.report import IndexBytes, Report, SystemSummary
from enricher.records import Document
from enricher.settings import IndexConfiguration, read_configuration
from enricher.sources import SourceFormat
from enricher.text import open_analyzer
from indexer.evaluation.systems import check_names
from tests.conftest import REAL_TEXT, ROOT
from tests.corpora import documents
from tests.evaluation.judged import write_lines


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0, 1.3, 2.0, 4.5])
def test_a_resized_model_is_a_model(model: enricher.Model, share: float) -> None:
    """Cut or split, its probabilities sum to one, and the words that stay keep their vectors."""
    size = int(len(model.words) * share)
    other = resized(model.word2vec, size)
    other.check()
    assert len(other.words) == size and len(set(other.words)) == size
    common = min(size, len(model.words))
    assert np.array_equal(other.vectors[:common], model.word2vec.vectors[:common])
    probabilities = np.exp(other.log_probabilities_of_rows(np.arange(3, dtype=np.int32)).astype(np.float64))
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-6)


def test_the_published_loop_is_the_sum_of_log_probabilities(model: enricher.Model) -> None:
    """What the kernels are compared with gives the same number."""
    targets = np.arange(0, len(model.words), 3)
    expected = model.log_probabilities(model.words[1])[targets].sum()
    assert walk(model.word2vec, 1, paths_of(model.word2vec, targets)) == pytest.approx(expected, rel=1e-5)


def test_a_comparison_is_the_ratio_of_the_medians() -> None:
    """A goal of ten times as fast is a ratio of a tenth."""
    found = Comparison("work", "other", 0.1, ours=[1.0, 2.0, 9.0], theirs=[20.0, 20.0, 50.0])
    assert found.ratio == pytest.approx(0.1) and found.met
    assert "10× as fast" in found.row()[4] and found.row()[6] == "yes"
    assert not Comparison("work", "other", 0.1, [3.0], [20.0]).met
    assert not Figure("memory", 3.0, 2.0, "GiB").met


def test_memory_is_that_of_the_process_and_its_children() -> None:
    """A child that holds 200 MB counts."""
    hold = "import time; block = bytearray(200_000_000); time.sleep(0.6)"
    done = run(
        sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    )
    assert 200e6 < done.anonymous < 400e6 and done.resident >= done.anonymous and done.seconds >= 0.6


def measured(
    name: str, plain: float, enriched: float, kind: str = JUDGED, texts: str = "", **ndcg: float
) -> Measured:
    """A collection on which every system finds .5 of the relevant documents, and `enriched` .6.

    ndcg: of other systems; the default of bm25 and rm3 is half of `plain`, of a head `enriched`.
    """
    found = {"bm25": plain / 2, "bm25-stem": plain, "rm3": plain / 2, "words": plain / 2}
    found |= {"words+vector": plain, "enriched": enriched, "without vector": plain}
    found |= {head(share): enriched for share in HEADS} | ndcg
    systems = {system: Figures(value, 0.5, 2.0) for system, value in found.items()}
    systems |= {"enriched": Figures(enriched, 0.6, 6.0), "words": Figures(found["words"], 0.5, 1.0)}
    return Measured(
        name, kind, texts or name, "a machine", 0.3, 100, 20, 100, 40, "bm25-stem", systems, growth=1.5
    )


def cells(table: str) -> dict[str, list[str]]:
    """First cell of each row of a Markdown table → the others."""
    lines = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line] for line in lines]
    return {row[0]: row[1:] for row in rows}


def test_the_mean_is_that_of_the_gains() -> None:
    """Of every collection once, however large; a system that a collection lacks is left out."""
    found = [measured("one", 0.5, 0.55), measured("two", 0.2, 0.26)]
    gain = mean(found)
    assert gain is not None and gain.ndcg == pytest.approx(20.0) and gain.recall == pytest.approx(20.0)
    assert mean(found, "no such system") is None
    over_words = mean(found, "words+vector", "words")
    assert over_words is not None and over_words.ndcg == pytest.approx(100.0)


def test_a_collection_is_saturated_from_085_on() -> None:
    """By the strongest plain system; its gain is in the mean of all and not in that of the unsaturated."""
    found = [measured("full", 0.85, 0.85), measured("free", 0.8499, 0.8499 * 1.1)]
    assert [item.saturated for item in found] == [True, False]
    rows = cells(relevance.means(found))
    assert rows["all"][:4] == ["2", "1", "+10.0 / +20.0", "+5.0 / +20.0"]
    assert rows[KNOWN_ITEMS][:3] == ["0", "0", "–"]
    lines = cells(relevance.collections(found))
    assert (lines["full"][-1], lines["free"][-1]) == ("yes", "")
    assert lines["free"][2] == "20 of 40" and lines["free"][1] == "100"


def test_the_share_of_vectors_is_chosen_by_other_texts() -> None:
    """Neither the collection itself nor one with the same texts has a say."""
    low, high = {"head 0.1": 0.6}, {"head 0.4": 0.8}
    found = [
        measured("one", 0.5, 0.55, texts="a", **low),
        measured("two", 0.5, 0.55, texts="a", **low),
        measured("three", 0.5, 0.55, texts="b", **high),
    ]
    tried = [head(share) for share in HEADS]
    assert chosen_recipes(found, tried) == {"one": head(0.4), "two": head(0.4), "three": head(0.1)}
    assert best_recipe(found, tried) == head(0.4)  # A mean of 60 and twice 10 % against twice 20 and 10 %.
    assert chosen_recipes(found[:2], tried) == {"one": None, "two": None}
    rows = cells(relevance.weights(found))
    assert rows["one"] == ["+10.0 %", "+10.0 %", "+20.0 %", "+10.0 %", "+10.0 %", "+10.0 %", "0.4", "+10.0 %"]
    assert rows["mean"][0] == "+10.0 %" and rows["mean"][-1] == "+10.0 %"
    bare = replace(found[0], systems={"bm25-stem": Figures(0.5, 0.5, 1.0)})
    assert (
        relevance.weights([bare]) == "Not measured yet."
        and relevance.weights([*found, bare]).count("one") == 1
    )


def test_goals_that_are_missed_are_said() -> None:
    """Changed collections count in columns of their own; a tie with RM3 is not ahead."""
    found = [
        measured("good", 0.5, 0.6, rm3=0.59),
        measured("bad", 0.5, 0.49, CHANGED, rm3=0.49),
    ]
    rows = list(cells(relevance.goals(found)).values())[2:]
    assert [row[1] for row in rows] == ["yes"] * 5
    assert [row[3] for row in rows] == ["yes", "**no**", "yes", "**no**", "**no**"]
    assert rows[3][2] == "worst -2.0 % (bad)" and rows[4][2] == "not on bad" and rows[1][2] == "+9.0 %"


def test_frequent_sub_words_are_compared_with_none() -> None:
    """On Chinese collections with every choice; each choice is made by the others."""
    few = {"frequent none": 0.5, "frequent within words": 0.6, "frequent all": 0.4}
    few["frequent within words, others to 10 %"] = 0.5
    many = few | {"frequent all": 0.7}
    found = [
        measured("zh/one", 0.5, 0.55, texts="a", **few),
        measured("zh/two", 0.5, 0.55, texts="b", **many),
        measured("en/three", 0.5, 0.55, texts="c", **many),
    ]
    rows = cells(relevance.frequent_parts(found))
    assert rows["zh/one"][0].startswith("+20.0 /") and rows["zh/one"][2].startswith("-20.0 /")
    assert rows["zh/one"][3] == "all" and rows["zh/one"][4].startswith("-20.0 /")
    assert rows["zh/two"][3] == "within words" and "en/three" not in rows


def test_the_page_holds_every_table() -> None:
    """In the place of its comment; parts and costs are in proportion to the words alone."""
    text = relevance.page([measured("one", 0.5, 0.55), measured("two", 0.2, 0.26, CHANGED)])
    assert "<!--" not in text and relevance.TEXT.read_text().count("<!--") == 10
    rows = cells(text)
    assert rows["`vector`"][0] == "+100.0 / +0.0" and rows["`vector`"][2:4] == ["+100.0 %", "-16.1 / -16.7"]
    assert rows["a query by `enriched`"] == ["6.00", "6.00", "6.00"]
    assert rows["size of the enriched index"] == ["1.50", "1.50", "1.50"]
    assert "Not measured yet: zh/ir_stard_law, " in text and "- a machine: one, two." in text
    assert "judged and known items (1 of 15)" in text
    assert text.count("Not measured yet") == 3 and "one, 100 documents:" in text


def test_background_texts_are_compared_with_the_documents_alone() -> None:
    """On the collections that have both; where the models learned from decides nothing else."""
    alone = [measured("one", 0.5, 0.55), measured("two", 0.9, 0.9), measured("three", 0.5, 0.5)]
    taught = [measured("one", 0.5, 0.6), measured("two", 0.9, 0.99)]
    rows = cells(relevance.backgrounds(alone, taught))
    assert rows["one"] == ["+10.0 / +20.0", "+20.0 / +20.0"] and "three" not in rows
    assert rows["mean"] == ["+5.0 / +20.0", "+15.0 / +20.0"]
    assert rows["mean of the unsaturated"] == rows["one"]


def test_backgrounds_are_of_the_language_and_not_the_texts_themselves(tmp_path: Path) -> None:
    """Known items of a corpus learn nothing from that corpus."""
    for name in ("zh/corpus_wiki", "zh/corpus_news", "en/corpus_bio"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "corpus.jsonl.gz").touch()

    def found(name: str) -> list[str]:
        return [path.parent.name for path in COLLECTIONS[name].backgrounds(tmp_path)]

    assert found("zh/corpus_wiki-titles") == found("zh/ir_cmrc2018") == ["corpus_news"]
    assert found("zh/ir_lcqmc") == ["corpus_news", "corpus_wiki"]
    assert found("en/ir_scifact") == ["corpus_bio"]


def test_the_words_of_the_page_fit_the_default_recipe(tmp_path: Path) -> None:
    """Every part is explained, and the configuration that is shown can be read."""
    text = relevance.TEXT.read_text(encoding="utf-8")
    default = IndexConfiguration()
    for part in {*default.enrichments, *default.rewriters} - {"tokens"}:
        assert f"- `{part}` " in text, part
    shown = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert shown is not None
    (tmp_path / "enricher.toml").write_text(shown[1], encoding="utf-8")
    found = read_configuration(tmp_path / "enricher.toml")
    assert found.for_index("catalogue-2026").settings["vector"]["head"] == 0.0
    assert found.for_index("logs-1").enrichments == ("tokens", "subwords")


def test_what_is_kept_of_a_report_comes_back() -> None:
    """The figures, the size and the counts, by the names that a report has."""
    summary = SystemSummary("bm25", 0.9, 0.95, 0.8, 0.7, 1, 2, 3.5, 0.0, 1.0)
    size = IndexBytes(100, 250)
    report = Report("folder", 7, "en", "m", (summary,), "bm25", (), Counts(documents=12), size)
    head_of_file = {"name": "n", "kind": JUDGED, "texts": "t", "origin": "o", "head": 0.3}
    counts = {"all_documents": 12, "all_queries": 9, "report": report.as_full_json()}
    found = Measured.from_json(json.loads(json.dumps(head_of_file | counts)))
    assert found.systems == {"bm25": Figures(0.9, 0.95, 3.5)} and found.growth == 2.5
    assert (found.documents, found.queries, found.all_queries, found.saturated) == (12, 7, 9, True)


def test_a_collection_is_measured_with_every_recipe(tmp_path: Path) -> None:
    """From the texts to what is kept, and the page can be made of it."""
    items = tuple(Item(d.id, d.text("title"), d.text("text")) for d in documents(60))
    queries = {"q1": "事务 日志", "q2": "coral reef"}
    grades = {
        name: {item.id: 1 for item in items if text.split()[0] in item.text} for name, text in queries.items()
    }
    recipe = CollectionRecipe("zh/small", JUDGED, "small", lambda data: Contents(items, queries, grades))
    kept = quality.measure(recipe, tmp_path / "absent", tmp_path / "collections")
    found = Measured.from_json(json.loads(json.dumps(kept)))
    assert set(recipes()) | {"enriched", "rm3", "words+vector"} <= set(found.systems)
    assert (found.documents, found.queries) == (60, 2) and "commit" in found.origin
    assert "zh/small" in relevance.page([found])
    assert sorted(path.name for path in (tmp_path / "collections/zh_small").iterdir()) == [
        "docs.jsonl",
        "qrels.tsv",
        "queries.jsonl",
    ]


def test_further_recipes_differ_from_the_default_in_one_thing() -> None:
    """A rewriter less, or the share of the vectors in the first ranks; their names are free."""
    check_names(recipes())
    default = IndexConfiguration()
    assert recipes()[without("vector")].rewriters == tuple(n for n in default.rewriters if n != "vector")
    assert recipes()["head 0.1"].settings == {"vector": {"head": 0.1}}
    assert all(recipe.enrichments == default.enrichments for recipe in recipes().values())


def test_a_part_that_is_measured_leaves_the_others_on_the_page(tmp_path: Path) -> None:
    """And the text around it; a page without a place for it is a sentence."""
    page = tmp_path / "performance.md"
    before = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    page.write_text(before, encoding="utf-8")
    put(page, "storage", ("work", "ours"), [("a word", "2 bytes")])
    place = re.compile(r"<!-- storage -->.*<!-- end of storage -->", re.S)
    after = page.read_text(encoding="utf-8")
    assert "| a word | 2 bytes |" in after and place.split(after) == place.split(before)
    with pytest.raises(SourceError, match="no place for senses"):
        put(page, "senses", ("work", "ours"), [])


@pytest.mark.parametrize(
    ("page", "parts"), [("performance.md", TABLES), ("words.md", WORDS), ("library.md", LIBRARY)]
)
def test_every_part_has_a_place_on_its_page(page: str, parts: tuple[str, ...]) -> None:
    """In the order of the list."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert tuple(re.findall(r"^<!-- (\w+) -->$", text, re.M)) == parts


def test_a_collection_that_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    """Unless it is named."""
    for name in COLLECTIONS:
        quality.file_of(tmp_path, name).write_text("{}")
    quality.run(tmp_path, tmp_path / "absent", [])
    with pytest.raises(SourceError, match=r"no file .*queries|no file .*docs"):
        quality.run(tmp_path, tmp_path / "absent", ["en/ir_cranfield"])
    assert quality.kept(tmp_path / "absent") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "no-such-folder"], "there is no folder no-such-folder"),
        (["--data", ".", "--models", "build/none", "--collection", "en/ir_cranfield"], "there is no file"),
        (["--collection", "en/absent"], "en/absent"),
    ],
)
def test_data_that_is_missing_is_a_sentence(tmp_path: Path, arguments: list[str], said: str) -> None:
    """And no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "quality", *arguments],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0 and said in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_judged_collection_keeps_the_queries_that_can_be_answered(tmp_path: Path) -> None:
    """Those with a relevant document that is there, and with a text."""
    folder = tmp_path / "en/ir"
    folder.mkdir(parents=True)
    write_lines(folder / "docs.jsonl.gz", [{"id": 1, "title": None, "text": "one"}, {"id": 2, "text": "two"}])
    write_lines(folder / "queries.jsonl.gz", [{"id": name, "text": name} for name in ("a", "b", "c")])
    (folder / "qrels.tsv").write_text("a 0 1 2\na 0 2 0\nb 0 2 0\nc 0 3 1\nd 0 1 1\n")
    found = judged("en/ir", "qrels.tsv", tmp_path)
    assert found.documents == (Item("1", "", "one"), Item("2", "", "two"))
    assert found.queries == {"a": "a"} and found.judgements == {"a": {"1": 2, "2": 0}}


def test_known_items_are_asked_for_by_their_titles(tmp_path: Path) -> None:
    """By those that stand once and have two content words; the documents lack them."""
    text = "Corals build reefs of lime in warm and shallow water over many years."
    rows = [
        {"id": "x:1", "title": "coral reefs", "text": f"coral reefs {text}"},
        {"id": "x:2", "title": "whales", "text": text},
        {"id": "x:3", "title": "tulip bulbs", "text": text},
        {"id": "x:4", "title": "tulip bulbs", "text": text},
        {"id": "x:5", "title": "garden soil", "text": "short"},
    ]
    write_lines(tmp_path / "texts.jsonl.gz", rows)
    found = known_items("texts.jsonl.gz", None, tmp_path)
    assert found.queries == {"x:1": "coral reefs"} and found.judgements == {"x:1": {"x:1": 1}}
    assert found.documents[0] == Item("x:1", "", text) and len(found.documents) == 5
    assert len(known_items("texts.jsonl.gz", 2, tmp_path).documents) == 2


def test_a_title_that_runs_into_its_text_is_parted() -> None:
    """Before the first word that opens a sentence; never inside the first words."""
    found = parted(Item("1", "", "On the growth of reefs in The North The reefs of the north grow."))
    assert (found.title, found.text) == (
        "On the growth of reefs in",
        "The North The reefs of the north grow.",
    )
    found = parted(Item("1", "", "Growth of cold reefs We study reefs. It is cold."))
    assert (found.title, found.text) == ("Growth of cold reefs", "We study reefs. It is cold.")
    whole = Item("1", "", "reefs of the north grow and grow")
    assert parted(whole) == whole


def test_changes_take_from_the_texts_what_they_say() -> None:
    """Tails, texts without marks, labels in place of titles, first sentences."""
    items = (Item("1", "标题", "第一句。第二句！第三句，完。"), Item("2", "", "One, e.g. this. Two! Three?"))
    contents = Contents(items, {"q": "x"}, {"q": {"1": 1}})
    assert [tail(item.text) for item in items] == ["第三句，完。", " Three?"]
    assert len(tail("字" * 1000)) == 400
    assert [item.text for item in without_marks(contents).documents] == [
        "第一句 第二句 第三句 完",
        "One e g this Two Three",
    ]
    labelled = with_labels("第{}条", contents).documents
    assert labelled[0] == Item("1", "第1条", "标题\n第一句。第二句！第三句，完。")
    assert labelled[1] == Item("2", "第2条", items[1].text)
    cut = first_sentences(6, contents)
    assert [item.text for item in cut.documents] == ["第一句。", "One, e"]
    assert cut.queries == contents.queries and not any(item.title for item in cut.documents)


def test_a_large_collection_is_drawn_from_with_what_was_judged(tmp_path: Path) -> None:
    """The same every time, and as `enricher evaluate` reads it."""
    items = tuple(Item(str(n), "a title", f"text {n}") for n in range(50))
    queries = {f"q{n}": f"text {n}" for n in range(10)}
    contents = Contents(items, queries, {f"q{n}": {str(n): 1} for n in range(10)})
    small = bounded(contents, queries=4, documents=12)
    assert small == bounded(contents, queries=4, documents=12)
    assert len(small.queries) == 4 and len(small.documents) == 12
    write(small, tmp_path / "small")
    read = read_collection(
        tmp_path / "small", None, SourceFormat(), open_analyzer(), lambda item: pytest.fail(item.reason)
    )
    assert dict(read.queries) == small.queries and read.titled and read.counts.documents == 12
    assert read.counts.judged_documents_missing == 0
    assert bounded(contents) == contents


@pytest.mark.skipif(not REAL_TEXT.is_dir(), reason="the evaluation data ../shared/data is not there")
@pytest.mark.parametrize("name", [name for name in COLLECTIONS if "stard" not in name])
def test_every_collection_has_queries_and_what_they_ask_for(name: str) -> None:
    """At least two hundred of them."""
    found = COLLECTIONS[name].make(REAL_TEXT)
    ids = {item.id for item in found.documents}
    assert len(found.queries) >= 200 and len(ids) == len(found.documents)
    assert found.queries.keys() == found.judgements.keys()
    for grades in found.judgements.values():
        assert any(grade > 0 and document in ids for document, grade in grades.items())


def test_passages_are_many_documents_of_few_texts() -> None:
    """Of two texts of one corpus, with the title of the first; the same every time, and all different."""
    texts = {
        name: [
            Document(f"{n}", {"title": f"{name} {n}", "text": " ".join(f"{name}{n}.{w}" for w in range(150))})
            for n in range(20)
        ]
        for name in ("a", "b")
    }
    made = list(million.passages(texts, 500))
    assert made == list(million.passages(texts, 500)) and [one["id"] for one in made] == [
        *map(str, range(500))
    ]
    assert len({one["text"] for one in made}) == 500 and len({one["title"] for one in made[:40]}) == 40
    for one in made:
        corpus, number = one["title"].split()
        other = "b" if corpus == "a" else "a"
        assert 150 <= len(one["text"]) <= 301 and f"{corpus}{number}." in one["text"]
        assert other not in one["text"]


def test_keywords_are_judged_by_mean_precision_and_recall() -> None:
    """Not by the mean of the F1 of documents; no keyword found is none right."""
    found, given = [["a", "b"], ["c", "d"], []], [{"a"}, {"x", "c", "d", "e"}, {"y"}]
    precision, recall = (1 / 2 + 2 / 2 + 0) / 3, (1 / 1 + 2 / 4 + 0) / 3
    assert keyphrases.f1(found, given) == pytest.approx(2 * precision * recall / (precision + recall))
    assert keyphrases.f1([["z"]], [{"a"}]) == 0


def test_every_system_of_the_keyword_table_finds_keywords(model: enricher.Model, tmp_path: Path) -> None:
    """Ours, others', and ours with a part less or more; forms of a word are one in English."""
    lines = [
        {
            "id": "1",
            "title": "分布式事务",
            "text": "分布式事务需要日志，日志需要备份。",
            "keywords": ["日志"],
        },
        {
            "id": "2",
            "title": "",
            "text": "The coral reefs and the tide.",
            "keywords": ["Coral-reef", "Tides"],
        },
    ]
    with gzip.open(tmp_path / "docs.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    chinese, english = (replace(one, documents="docs.jsonl.gz") for one in keyphrases.SETS)
    documents, given = chinese.read(tmp_path)
    assert given[0] == {"日志"} and english.read(tmp_path)[1][1] == {"coral reef", "tide"}
    systems = dict(keyphrases.systems(chinese, model))
    assert {"`phrases`", "`published`", "`jieba.analyse.textrank`", "without tf"} <= set(systems)
    for name, extract in systems.items():
        found = extract(documents[0])
        assert found and len(found) <= chinese.top, name
    assert systems["`phrases`"](documents[0])[0] == "分布式事务"
