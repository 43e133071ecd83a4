"""index and search on the embedded engine, by the command line."""

import html
import itertools
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from enricher.records import Query, QueryTerm
from enricher.text import Fragment, open_analyzer
from indexer.cli.hits import mark
from tests.conftest import ROOT, RunCommand
from tests.corpora import documents, write_jsonl


@pytest.fixture
def indexed(run: RunCommand, models: Path, tmp_path: Path) -> RunCommand:
    """The command line with a model, in a folder whose index `docs` holds 100 documents."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 100)

    def call(*arguments: str | Path, **options: str) -> subprocess.CompletedProcess[str]:
        return run("--models", models, *arguments, **options)

    assert call("index", docs, "--to", "docs").returncode == 0
    return call


def test_search_prints_the_contract(indexed: RunCommand) -> None:
    """Total, hits with title, keywords and highlight, facets, expansion."""
    done = indexed(
        "search",
        "事务 索引",
        "--in",
        "docs",
        "--top",
        "3",
        "--facet",
        "keywords",
        "--facet",
        "topic",
        "--json",
    )
    answer = json.loads(done.stdout)
    assert set(answer) == {"total", "took_ms", "hits", "facets", "expansion", "vector"}
    assert answer["total"] >= 20 and len(answer["hits"]) == 3
    for hit in answer["hits"]:
        assert set(hit) == {"id", "score", "title", "keywords", "highlight"}
        assert hit["title"].startswith("数据库") and hit["keywords"]
        assert any("<em>" in fragment for fragment in hit["highlight"])
    assert answer["facets"]["topic"][0] == {"value": "数据库", "count": 20}
    assert {term["origin"] for term in answer["expansion"]} == {
        "query",
        "subwords",
        "expansion",
        "relatedness",
    }


def test_without_expansion_only_the_typed_words_are_searched(indexed: RunCommand) -> None:
    """And fewer documents are found, each of which holds one of them."""
    answer = json.loads(
        indexed("search", "事务", "--in", "docs", "--no-expansion", "--top", "50", "--json").stdout
    )
    assert [term["term"] for term in answer["expansion"]] == ["事务"]
    texts = {d.id: d.text("title") + d.text("text") for d in documents(100)}
    holders = {name for name, text in texts.items() if "事务" in text}
    assert {hit["id"] for hit in answer["hits"]} == holders
    expanded = json.loads(indexed("search", "事务", "--in", "docs", "--json").stdout)
    assert expanded["total"] >= answer["total"]


@pytest.mark.parametrize("configured", ["", '[index."docs"]\nrewriters = ["relatedness"]\n'])
def test_expand_shows_what_a_search_of_the_index_does(
    indexed: RunCommand, tmp_path: Path, configured: str
) -> None:
    """The same terms in the same order, by origin and weight, also by the table of an alias."""
    from indexer.engines import open_engine

    engine = open_engine(f"tantivy:{tmp_path / 'index'}")
    engine.set_alias("both", "docs")
    engine.close()
    (tmp_path / "enricher.toml").write_text(configured)
    for query in ("事务 索引", "tide"):
        shown = indexed("expand", query, "--in", "both", "--json", PYTHONHASHSEED="1")
        assert shown.stderr == ""
        expanded = json.loads(shown.stdout)
        searched = json.loads(indexed("search", query, "--in", "both", "--json", PYTHONHASHSEED="2").stdout)
        assert set(expanded) == {"query", "terms", "vector"}
        assert expanded["terms"] == searched["expansion"] and expanded["vector"] == searched["vector"]
        assert all(term["field"] for term in expanded["terms"])
        origins = [term["origin"] for term in expanded["terms"]]
        assert origins == sorted(origins, key=origins.index)
        if configured:
            assert set(origins) <= {"query", "relatedness"}


def test_a_word_is_found_in_documents_that_cut_or_inflect_it_otherwise(
    indexed: RunCommand, tmp_path: Path
) -> None:
    """By its pairs and stem, highlighted too; without expansion by the whole word only."""
    lines = [
        {"id": "a", "title": "甲", "text": "足球队明天有一场比赛。"},
        {"id": "b", "title": "乙", "text": "一杯绿茶。"},
        {"id": "c", "title": "丙", "text": "A refugee came by boat."},
    ]
    (tmp_path / "more.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert indexed("index", "more.jsonl", "--to", "more").returncode == 0
    for query, name, shown in (
        ("足球比赛", "a", "<em>足球</em>"),
        ("茶", "b", "<em>茶</em>"),
        ("refugees", "c", "<em>refugee</em>"),
    ):
        answer = json.loads(indexed("search", query, "--in", "more", "--json").stdout)
        assert [hit["id"] for hit in answer["hits"]] == [name]
        assert shown in answer["hits"][0]["highlight"][0]
        whole = json.loads(indexed("search", query, "--in", "more", "--no-expansion", "--json").stdout)
        assert whole["total"] == 0


def test_filters_narrow_and_can_be_repeated(indexed: RunCommand) -> None:
    """On fields of the documents and on keywords."""
    query = ("search", "数据库 ocean", "--in", "docs", "--top", "100", "--json")
    both = json.loads(indexed(*query, "--filter", "topic=ocean", "--filter", "year=2003").stdout)
    wanted = {d.id for d in documents(100) if d.source["topic"] == "ocean" and d.source["year"] == 2003}
    assert {hit["id"] for hit in both["hits"]} == wanted
    keyword = json.loads(indexed(*query).stdout)["hits"][0]["keywords"][0]
    narrowed = json.loads(indexed(*query, "--filter", f"keywords={keyword}").stdout)
    assert narrowed["total"] >= 1
    assert all(keyword in hit["keywords"] for hit in narrowed["hits"])
    ranges = ("--filter", "year>=2002", "--filter", "year<2004", "--filter", "topic!=ocean")
    found = json.loads(indexed(*query, *ranges).stdout)["hits"]
    kept = {d.id for d in documents(100) if d.source["year"] in (2002, 2003) and d.source["topic"] != "ocean"}
    assert found and {hit["id"] for hit in found} <= kept


def test_people_see_titles_highlights_and_reasons(indexed: RunCommand) -> None:
    """Without --json."""
    out = indexed("search", "tide", "--in", "docs", "--top", "2", "--explain", "--facet", "topic").stdout
    assert "«tide»" in out and "occurs with tide" in out and "topic" in out
    assert re.search(r"[0-9]+ documents (\(.+\) )?in [0-9.]+ ms", out)
    assert {"subwords", "expansion.high", "expansion.low"} <= set(out.split())
    assert not [line for line in out.splitlines() if line != line.rstrip()]


def test_what_is_found_by_vector_alone_shows_how_it_begins(indexed: RunCommand) -> None:
    """A word that no document holds is still like words that some do; --explain says what vectors weigh."""
    out = indexed("search", "tidel", "--in", "docs", "--top", "3", "--explain").stdout
    answer = json.loads(
        indexed("search", "tidel", "--in", "docs", "--top", "3", "--json", "--explain").stdout
    )
    head, rest = answer["vector"]["head"], answer["vector"]["rest"]
    assert answer["by_words"] == 0 and 0 < head < 0.3 and rest == 0.5  # the texts are short
    assert f"vector: {head:.0%} of the score in the first ten ranks, 50% in the others" in out
    assert (
        answer["total"] >= 3 and "(0 by words)" in out and not any(hit["highlight"] for hit in answer["hits"])
    )
    texts = {document.id: document.text("text") for document in documents(100)}
    for hit in answer["hits"]:
        assert " ".join(texts[hit["id"]].split())[:40] in out
    alone = json.loads(indexed("search", "tidel", "--in", "docs", "--no-expansion", "--json").stdout)
    assert alone["total"] == 0


def test_added_words_are_marked_otherwise_than_typed_ones(indexed: RunCommand) -> None:
    """JSON has one mark for both."""
    query = ("search", "事务", "--in", "docs", "--top", "5")
    answer = json.loads(indexed(*query, "--json").stdout)
    related = {term["term"] for term in answer["expansion"] if term["origin"] == "relatedness"}
    lines = indexed(*query).stdout.splitlines()
    added = {word for line in lines for word in re.findall("‹(.*?)›", line)}
    assert added and all(any(word in marked for word in related) for marked in added)
    assert {word for line in lines for word in re.findall("«(.*?)»", line)} == {"事务"}
    assert not any("‹" in text for hit in answer["hits"] for text in hit["highlight"])


@pytest.mark.parametrize(
    ("fragment", "shown"),
    [
        ("a <em>tide</em> and a <em>reef</em>", "a «tide» and a ‹reef›"),
        ("<em>分布式事务日志</em>", "‹分布式›«事务»‹日志›"),
        ("<em>Tides</em> of <em>reefs</em>", "«Tides» of ‹reefs›"),
        ("« plain » text", "« plain » text"),
        ("«<em>tide</em>» ‹x›", "««tide»» ‹x›"),
    ],
)
def test_a_mark_holds_typed_words_and_added_ones(fragment: str, shown: str) -> None:
    """Also where they touch and stand under one mark."""
    terms = (
        QueryTerm("tide"),
        QueryTerm("事务"),
        QueryTerm("tide", 0.5, "subwords", field="subwords"),
        QueryTerm("reef", 0.1, "relatedness"),
        QueryTerm("日志", 0.1, "relatedness"),
    )
    pieces = re.split("</?em>", fragment)
    ends = list(itertools.accumulate(map(len, pieces)))
    found = Fragment("".join(pieces), tuple(zip(ends[::2], ends[1::2], strict=False)))
    assert found.marked("<em>", "</em>") == fragment
    assert mark(found, open_analyzer(), Query("tide 事务", terms)) == shown


def test_marks_in_a_text_are_text(indexed: RunCommand, tmp_path: Path) -> None:
    """People see them as they stand; JSON has them escaped where that is asked for."""
    text = "A literal <em>harbour</em> & a </em> beside the quokka <em>."
    (tmp_path / "marks.jsonl").write_text(json.dumps({"id": "m", "text": text}) + "\n")
    assert indexed("index", "marks.jsonl", "--to", "marks").returncode == 0
    shown = indexed("search", "quokka", "--in", "marks", "--no-expansion").stdout
    assert text.replace("quokka", "«quokka»") in shown
    line = ("search", "quokka", "--in", "marks", "--no-expansion", "--json")
    (plain,) = json.loads(indexed(*line).stdout)["hits"][0]["highlight"]
    assert plain == text.replace("quokka", "<em>quokka</em>")
    (safe,) = json.loads(indexed(*line, "--encoder", "html").stdout)["hits"][0]["highlight"]
    assert safe == html.escape(text).replace("quokka", "<em>quokka</em>")


def test_hits_without_a_title_and_texts_with_control_characters_are_a_line_each(
    indexed: RunCommand, tmp_path: Path
) -> None:
    """The id stands once, and dots only where a sentence is cut."""
    far = "word " * 60
    lines = [
        {"id": "no-title", "text": "A quokka sleeps. It is small."},
        {"id": "tab\tid", "title": "red \x1b[31m\nquokka", "text": "a \x1b]0;title\x07 \u202e quokka\x85"},
        {"id": "inside", "text": f"{far}quokka {far}"},
    ]
    (tmp_path / "odd.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert indexed("index", "odd.jsonl", "--to", "odd").returncode == 0
    out = indexed("search", "quokka", "--in", "odd", "--facet", "id").stdout
    assert out.isprintable() or set(out) - set(filter(str.isprintable, out)) == {"\n"}
    assert "   A «quokka» sleeps. It is small.\n" in out
    assert re.search(r"^\d\. no-title   \[[\d.]+\]$", out, re.M)
    assert re.search(r"^\d\. red ␛\[31m quokka   \[[\d.]+\]   tab id$", out, re.M)
    assert re.search(r"^   … word .*«quokka».* …$", out, re.M)
    words = indexed("keywords", "odd.jsonl").stdout
    assert words.count("\n") == 3 and "tab id\t" in words


def test_no_hits_is_no_failure(indexed: RunCommand) -> None:
    """Exit code 0 and a total of 0."""
    done = indexed("search", "zzyzx", "--in", "docs", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["total"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["search", "", "--in", "docs"], 2, "holds no word"),
        (["search", "，。！", "--in", "docs"], 2, "holds no word"),
        (["search", "事务", "--in", "absent"], 1, "absent"),
        (["search", "事务", "--in", "docs", "--filter", "topic"], 2, "FIELD=VALUE"),
        (["search", "事务", "--in", "docs", "--filter", "year>"], 2, "has no value after >"),
        (["search", "事务", "--in", "docs", "--filter", "year<=x"], 2, "holds numbers"),
        (["search", "事务", "--in", "docs", "--facet", "nothing"], 2, "nothing"),
        (["search", "事务"], 2, "--in"),
        (["index", "docs.jsonl", "--to", "Bad Name"], 2, "Bad Name"),
        (["index", "absent.jsonl", "--to", "docs"], 1, "absent.jsonl"),
        (["--config", "absent.toml", "index", "docs.jsonl", "--to", "docs"], 2, "absent.toml"),
        (["--engine", "solr://x", "search", "事务", "--in", "docs"], 2, "tantivy:"),
    ],
)
def test_bad_calls_are_sentences(indexed: RunCommand, arguments: list[str], code: int, said: str) -> None:
    """With the exit code of the contract."""
    done = indexed(*arguments)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr


def test_the_same_command_again_changes_nothing(indexed: RunCommand, tmp_path: Path) -> None:
    """Also for documents without an id."""
    (tmp_path / "notes.txt").write_text("事务一\n事务二\n", encoding="utf-8")
    for _ in range(2):
        done = indexed("index", "docs.jsonl", "notes.txt", "--to", "docs", "--json")
        assert json.loads(done.stdout)["written"] == 102
    assert json.loads(indexed("search", "事务", "--in", "docs", "--json").stdout)["total"] > 0
    checks = [json.loads(line) for line in indexed("doctor", "--json").stdout.splitlines()]
    assert any("102" in check["detail"] for check in checks)


def test_bad_lines_are_kept_and_the_good_ones_indexed(indexed: RunCommand, tmp_path: Path) -> None:
    """Named by file and line, counted, written to a file; exit code 1."""
    lines = [
        b'{"id": "n1", "text": "new one"}',
        b'{"id": "n2", "text": ',
        b'{"id": "n3"}',
        b"\xff",
        b'{"id": "n4", "text": "new two"}',
    ]
    (tmp_path / "mixed.jsonl").write_bytes(b"\n".join(lines))
    done = indexed("index", "mixed.jsonl", "--to", "docs", "--json")
    assert done.returncode == 1
    counts = json.loads(done.stdout)
    assert (counts["written"], counts["rejected"]) == (2, 3)
    for number in (2, 3, 4):
        assert f"mixed.jsonl:{number}:" in done.stderr
    rejects = [json.loads(line) for line in (tmp_path / "docs.rejects.jsonl").read_text().splitlines()]
    assert [item["where"] for item in rejects] == ["mixed.jsonl:2", "mixed.jsonl:3", "mixed.jsonl:4"]
    assert (
        json.loads(indexed("search", "new", "--in", "docs", "--no-expansion", "--json").stdout)["total"] == 2
    )


def test_rejects_of_an_earlier_run_do_not_stay(indexed: RunCommand, tmp_path: Path) -> None:
    """A run without any leaves no file."""
    (tmp_path / "bad.jsonl").write_text('{"id": "a", "text": "a"}\n{\n')
    assert indexed("index", "bad.jsonl", "--to", "docs").returncode == 1
    assert (tmp_path / "docs.rejects.jsonl").read_text().count("\n") == 1
    assert indexed("index", "bad.jsonl", "--to", "docs").returncode == 1
    assert (tmp_path / "docs.rejects.jsonl").read_text().count("\n") == 1
    assert indexed("index", "docs.jsonl", "--to", "docs").returncode == 0
    assert not (tmp_path / "docs.rejects.jsonl").exists()
    assert indexed("index", "bad.jsonl", "--to", "docs", "--rejects", "/dev/null").returncode == 1


@pytest.mark.parametrize("rejects", ["folder", "absent/file", "docs.jsonl"])
def test_a_file_of_rejects_that_cannot_be_written_is_wrong_usage(
    indexed: RunCommand, tmp_path: Path, rejects: str
) -> None:
    """Before any work is done; a file of anything else is never overwritten."""
    (tmp_path / "folder").mkdir()
    before = (tmp_path / "docs.jsonl").read_bytes()
    done = indexed("index", "docs.jsonl", "--to", "other", "--rejects", rejects)
    assert done.returncode == 2 and "--rejects" in done.stderr and rejects in done.stderr
    assert (tmp_path / "docs.jsonl").read_bytes() == before
    assert not (tmp_path / "index" / "other").exists()


@pytest.mark.parametrize(("content", "rejected"), [("", 0), ("\n\n", 0), ("{\n[1]\n", 2)])
def test_a_source_without_documents_makes_no_index(
    indexed: RunCommand, tmp_path: Path, content: str, rejected: int
) -> None:
    """One sentence, exit code 1, and what could not be used is kept."""
    (tmp_path / "empty.jsonl").write_text(content)
    done = indexed("index", "empty.jsonl", "--to", "empty")
    assert (done.returncode, done.stdout) == (1, "") and "contains no documents" in done.stderr
    assert not (tmp_path / "index" / "empty").exists()
    kept = tmp_path / "empty.rejects.jsonl"
    assert (len(kept.read_text().splitlines()) if kept.exists() else 0) == rejected


def test_duplicate_ids_are_counted_and_the_last_wins(indexed: RunCommand, tmp_path: Path) -> None:
    """And said on stderr; nothing was lost."""
    (tmp_path / "twice.jsonl").write_text('{"id": "t", "text": "first"}\n{"id": "t", "text": "second"}\n')
    done = indexed("index", "twice.jsonl", "--to", "docs", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["duplicates"] == 1
    assert "last document of each id was kept" in done.stderr
    again = indexed("index", "twice.jsonl", "--to", "docs")
    assert again.stdout == "1 document written to docs.\n"
    assert (
        json.loads(indexed("search", "first", "--in", "docs", "--no-expansion", "--json").stdout)["total"]
        == 0
    )
    assert (
        json.loads(indexed("search", "second", "--in", "docs", "--no-expansion", "--json").stdout)["total"]
        == 1
    )


def test_an_index_is_a_source_for_other_commands(indexed: RunCommand) -> None:
    """index:NAME gives the documents back as they were."""
    lines = indexed("keywords", "index:docs", "--json").stdout.splitlines()
    assert {json.loads(line)["id"] for line in lines} == {f"d{n}" for n in range(100)}
    assert json.loads(indexed("index", "index:docs", "--to", "copy", "--json").stdout)["written"] == 100


def test_configured_fields_are_read_and_found(indexed: RunCommand, tmp_path: Path) -> None:
    """enricher.toml alone says which fields hold text, the title first."""
    (tmp_path / "enricher.toml").write_text('[index."bodies"]\nfields = ["headline", "body"]\n')
    line = {"id": "1", "headline": "数据库备份", "body": "事务与日志", "text": 5}
    (tmp_path / "bodies.jsonl").write_text(json.dumps(line) + "\n")
    assert indexed("index", "bodies.jsonl", "--to", "bodies").returncode == 0
    for query in ("备份", "日志"):
        (hit,) = json.loads(indexed("search", query, "--in", "bodies", "--no-expansion", "--json").stdout)[
            "hits"
        ]
        assert hit["title"] == "数据库备份"
    (tmp_path / "other.jsonl").write_text('{"id": "2", "title": "t", "text": "b"}\n')
    refused = indexed("index", "other.jsonl", "--to", "bodies")
    assert refused.returncode == 1 and "'headline' or 'body'" in refused.stderr
    (tmp_path / "untitled.jsonl").write_text('{"id": "3", "body": "b"}\n')
    said = indexed("index", "untitled.jsonl", "--to", "bodies")
    assert said.returncode == 0 and said.stderr.rstrip().endswith("fields of the configuration: headline.")


def test_rewriters_leave_out_what_an_index_does_not_hold(indexed: RunCommand, tmp_path: Path) -> None:
    """An index of words alone is searched by words, whatever the rewriters would add."""
    (tmp_path / "enricher.toml").write_text('[index."words"]\nenrichments = ["tokens"]\n')
    assert indexed("index", "docs.jsonl", "--to", "words").returncode == 0
    found = indexed("search", "事务", "--in", "words", "--json")
    assert found.returncode == 0, found.stderr
    answer = json.loads(found.stdout)
    assert answer["total"] > 0 and "subwords" not in {term["origin"] for term in answer["expansion"]}


def test_without_a_model_text_is_segmented_and_found(run: RunCommand, tmp_path: Path) -> None:
    """--no-enrichment needs no training."""
    write_jsonl(tmp_path / "docs.jsonl", 30)
    assert run("index", "docs.jsonl", "--to", "plain").returncode == 1
    assert run("index", "docs.jsonl", "--to", "plain", "--no-enrichment").returncode == 0
    answer = json.loads(run("search", "事务", "--in", "plain", "--json").stdout)
    assert answer["total"] > 0 and [t["origin"] for t in answer["expansion"]] == ["query"]


def test_a_query_uses_the_model_of_its_index(
    indexed: RunCommand, run: RunCommand, models: Path, tmp_path: Path
) -> None:
    """Whichever is active; and where that model is gone the search is refused."""
    other = tmp_path / "other"
    write_jsonl(tmp_path / "docs.jsonl", 100)
    made = run("--models", other, "train", "docs.jsonl", "--dimensions", "8", "--epochs", "1")
    assert made.returncode == 0
    refused = run("--models", other, "search", "事务", "--in", "docs")
    assert refused.returncode == 1 and "was enriched with another model" in refused.stderr
    conflict = run("--models", other, "index", "docs.jsonl", "--to", "docs")
    assert conflict.returncode == 1 and "new name" in conflict.stderr
    failed = run("--models", other, "doctor")
    assert failed.returncode == 1 and "FAILED" in failed.stdout
    assert indexed("search", "事务", "--in", "docs").returncode == 0


def test_doctor_says_one_line_a_check(indexed: RunCommand, run: RunCommand, tmp_path: Path) -> None:
    """Exit code 0 when all is well, 1 when not."""
    done = indexed("doctor")
    assert done.returncode == 0, done.stdout
    assert all(line.startswith("ok") for line in done.stdout.splitlines())
    assert run("--models", "nowhere", "doctor").returncode == 1
    (tmp_path / "index" / "docs" / "segments" / "meta.json").write_text("{")
    damaged = indexed("doctor")
    assert damaged.returncode == 1 and "FAILED  index docs" in damaged.stdout


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_indexing_is_completed_by_the_same_command(
    run: RunCommand, models: Path, tmp_path: Path, how: signal.Signals
) -> None:
    """Ctrl-C, which says how far it came, and kill -9: afterwards every document is there once."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 6000)
    command = [
        sys.executable,
        "-m",
        "indexer",
        "--models",
        str(models),
        "--engine",
        f"tantivy:{tmp_path / 'index'}",
    ]
    running = subprocess.Popen(
        [*command, "index", str(docs), "--to", "docs"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stderr is not None
    assert running.stderr.readline().startswith("indexing documents")
    running.send_signal(how)
    _, err = running.communicate(timeout=60)
    assert running.returncode == (130 if how is signal.SIGINT else -signal.SIGKILL)
    if (
        how is signal.SIGINT
    ):  # workers that are just starting when their parent is killed speak for themselves
        assert "Traceback" not in err
    assert ("documents written to docs" in err) is (how is signal.SIGINT)
    done = run("--models", models, "index", docs, "--to", "docs", "--json")
    assert done.returncode == 0, done.stderr
    lines = run(
        "--models", models, "search", "数据库 电网 法律 ocean garden", "--in", "docs", "--json"
    ).stdout
    assert json.loads(lines)["total"] == 6000
    found = run("--models", models, "doctor").stdout
    assert "6000 documents" in found or "6,000 documents" in found


def test_a_document_of_fifty_megabytes_is_indexed_and_highlighted(
    run: RunCommand, models: Path, tmp_path: Path
) -> None:
    """What lies beyond the limit is said not to be searchable."""
    text = "the tide and the reef. " * 2_200_000
    with (tmp_path / "big.jsonl").open("w") as file:
        file.write(json.dumps({"id": "big", "title": "salinity", "text": text}) + "\n")
        file.write(json.dumps({"id": "small", "title": "small", "text": "a reef"}) + "\n")
    done = run("--models", models, "index", "big.jsonl", "--to", "big", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["truncated"] == 1 and "not searchable" in done.stderr
    answer = json.loads(
        run("--models", models, "search", "reef tide", "--in", "big", "--no-expansion", "--json").stdout
    )
    assert {hit["id"] for hit in answer["hits"]} == {"big", "small"}
    assert all("<em>" in hit["highlight"][0] and len(hit["highlight"][0]) < 1000 for hit in answer["hits"])
