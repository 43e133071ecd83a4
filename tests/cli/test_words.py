"""keywords, neighbors, related, expand: output, exit codes, sentences."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import pytest
from rich.cells import cell_len

from enricher.keywords import METHODS
from enricher.records import Query, QueryTerm
from enricher.text import Lexicon, open_segmenter
from enricher.training.word2vec import ARCHITECTURES, LOSSES
from indexer.cli import output
from indexer.cli.app import Languages, Segmenters
from indexer.cli.expand import print_query
from indexer.cli.train import Architecture, Loss
from indexer.cli.words import Method
from tests.conftest import RunCommand
from tests.corpora import write_jsonl


def test_related_prints_the_contract(run: RunCommand, models: Path) -> None:
    """score = log_probability − alpha · log_prior, alpha 0.9 unless given; shrinkage only lowers it."""
    done = run("--models", models, "related", "事务", "--top", "3", "--json")
    assert done.returncode == 0 and done.stderr == ""
    answer = json.loads(done.stdout)
    assert answer["word"] == "事务" and answer["alpha"] == 0.9
    assert len(answer["related"]) == 3
    for item in answer["related"]:
        assert set(item) == {"word", "score", "log_probability", "log_prior"}
        assert item["score"] <= item["log_probability"] - 0.9 * item["log_prior"] + 1e-4
    raw = json.loads(run("--models", models, "related", "事务", "--no-shrinkage", "--json").stdout)
    for item in raw["related"]:
        assert item["score"] == pytest.approx(item["log_probability"] - 0.9 * item["log_prior"], abs=1e-4)
    other = json.loads(run("--models", models, "related", "事务", "--alpha", "1", "--json").stdout)
    assert other["alpha"] == 1 and len(other["related"]) == 10


@pytest.mark.parametrize("command", ["neighbors", "related"])
def test_a_phrase_is_answered_for_by_its_parts(run: RunCommand, models: Path, command: str) -> None:
    """They are in the JSON, and a message names them."""
    done = run("--models", models, command, "数据库事务", "--json")
    assert json.loads(done.stdout)["parts"] == ["数据库", "事务"]
    assert done.stderr.count("\n") == 1 and "its parts, 数据库, 事务" in done.stderr
    assert "parts" not in json.loads(run("--models", models, command, "数据库", "--json").stdout)


def test_neighbors_and_expand_print_the_contract(run: RunCommand, models: Path) -> None:
    """The environment names the folder as well as the option does."""
    variables = {"ENRICHER_MODELS": str(models)}
    answer = json.loads(run("neighbors", "tide", "--json", **variables).stdout)
    assert answer["word"] == "tide" and set(answer["neighbors"][0]) == {"word", "cosine"}
    done = run("expand", "事务 与 zzz", "--json", **variables)
    assert done.stderr.count("\n") == 1 and "--in INDEX" in done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {"query", "terms"}
    assert answer["query"] == "事务 与 zzz"
    assert [set(term) for term in answer["terms"]] == [
        {"term", "weight", "for", "origin", "because", "field"} for _ in answer["terms"]
    ]
    assert [(t["term"], t["weight"]) for t in answer["terms"] if t["origin"] == "query"] == [
        ("事务", 1),
        ("zzz", 1),
    ]


@pytest.mark.parametrize("method", ["phrases", "published"])
def test_keywords_of_a_text_have_no_id(run: RunCommand, models: Path, method: str) -> None:
    """One JSON document with the id null."""
    text = "分布式事务需要日志。分布式事务与索引。"
    done = run("--models", models, "keywords", "--text", text, "--method", method, "--top", "2", "--json")
    answer = json.loads(done.stdout)
    assert answer["id"] is None and len(answer["keywords"]) == 2
    assert set(answer["keywords"][0]) == {"text", "score"}


def test_keywords_of_documents_are_a_line_each_in_order(
    run: RunCommand, models: Path, tmp_path: Path
) -> None:
    """From a file and from standard input alike."""
    path = write_jsonl(tmp_path / "docs.jsonl", 6)
    from_file = run("--models", models, "keywords", path, "--json")
    lines = [json.loads(line) for line in from_file.stdout.splitlines()]
    assert [line["id"] for line in lines] == [f"d{n}" for n in range(6)]
    from_stdin = run("--models", models, "keywords", "-", "--json", stdin=path.read_bytes())
    assert from_stdin.stdout == from_file.stdout
    plain = run("--models", models, "keywords", "-", "--format", "text", stdin="事务与索引\n海洋 tide\n")
    assert plain.stdout.splitlines()[0].startswith("stdin:1\t")


def test_tables_show_the_words(run: RunCommand, models: Path) -> None:
    """For people, without --json."""
    assert "log p(y|x)" in run("--models", models, "related", "tide").stdout
    assert "cosine" in run("--models", models, "neighbors", "tide").stdout
    assert "in the query" in run("--models", models, "expand", "tide").stdout
    assert "事务" in run("--models", models, "keywords", "--text", "事务").stdout


def test_tables_are_aligned_and_have_bars(run: RunCommand, models: Path) -> None:
    """Also where wide characters stand beside narrow ones; the bar of the best is the longest."""
    text = "分布式事务与 coral reef 的日志。分布式事务。"
    for arguments in (("keywords", "--text", text), ("related", "事务"), ("neighbors", "tide")):
        head, *lines = run("--models", models, *arguments).stdout.splitlines()
        assert len(lines) >= 3
        places = {
            cell_len(line[: line.index("0.") if "0." in line else line.index(".") - 1]) for line in lines
        }
        assert len(places) == 1 and "\t" not in head
        lengths = [line.count("\u2588") for line in lines]
        assert lengths[0] == 20 and lengths == sorted(lengths, reverse=True)
    published = run("--models", models, "keywords", "--text", text, "--method", "published").stdout
    assert "事务" in published and "\u2588" not in published


@pytest.mark.parametrize("command", ["related", "neighbors"])
def test_an_unknown_word_is_one_sentence_with_the_closest_ones(
    run: RunCommand, models: Path, command: str
) -> None:
    """Exit code 1, nothing on stdout."""
    done = run("--models", models, command, "tides")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "'tides'" in done.stderr and "tide" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["related", "tide", "--top", "0"], "1 or more"),
        (["related", "tide", "--alpha", "nan"], "Alpha"),
        (["related"], "WORD"),
        (["keywords"], "SOURCE (documents) or --text"),
        (["keywords", "x.jsonl", "--text", "y"], "SOURCE (documents) or --text"),
        (["keywords", "--text", "y", "--method", "magic"], "'phrases', 'published'"),
        (["keywords", "x.csv", "--format", "csv"], "'auto', 'jsonl', 'text'"),
        (["train", "x", "--loss", "rnn"], "'hierarchical-softmax', 'negative-sampling'"),
        (["train", "x", "--architecture", "rnn"], "'skip-gram', 'cbow'"),
        (["train", "x", "--language", "fr"], "'auto', 'zh', 'en'"),
        (["train", "x", "--segmenter", "scissors"], "'rjieba', 'jieba'"),
        (["train", "x", "--workers", "0"], "--workers"),
        (["expand", "x", "--engine", "tantivy:x"], "before the command: enricher --engine … expand"),
        (["expand", "，。"], "has no word"),
        (["expand", ""], "has no word"),
        (["nonsense"], "nonsense"),
        (["related", "tide", "--wrong"], "--wrong"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_code_2(
    run: RunCommand, models: Path, arguments: list[str], said: str
) -> None:
    """Nothing on stdout."""
    done = run("--models", models, *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert said in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["keywords", "absent.jsonl"], "absent.jsonl"),
        (["keywords", "index:absent"], "absent"),
        (["train", "absent-folder"], "absent-folder"),
        (["train", "empty.jsonl"], "nothing to learn"),
        (["train", "-"], "nothing to learn"),
        (["models", "import", "absent.model"], "absent.model"),
        (["models", "activate", "nothing"], "nothing"),
        (["train", "empty.jsonl", "--lexicon", "absent.txt"], "absent.txt"),
    ],
)
def test_what_is_missing_is_a_sentence_and_exit_code_1(
    run: RunCommand, models: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    """It names the file, folder, index or version."""
    (tmp_path / "empty.jsonl").write_text("")
    done = run("--models", models, *arguments, stdin=b"")
    assert done.returncode == 1 and done.stdout == ""
    assert said in done.stderr


def test_without_a_model_every_question_says_how_to_train_one(run: RunCommand) -> None:
    """In a fresh folder."""
    for arguments in (["related", "x"], ["keywords", "--text", "x"], ["expand", "x"], ["models", "show"]):
        done = run(*arguments)
        assert done.returncode == 1
        assert "enricher train" in done.stderr


@pytest.mark.parametrize(
    "text", ["\x01 NUL \ufffd", "😀 事务 😀", "مرحبا بالعالم 事务", "e\u0301cole ﬁne Ⅷ ㈱ ½"]
)
def test_odd_characters_do_no_harm(run: RunCommand, models: Path, text: str) -> None:
    """Emoji, right-to-left, combining marks, ligatures."""
    assert run("--models", models, "keywords", "--text", text).returncode == 0
    assert run("--models", models, "expand", text).returncode == 0


def test_bytes_that_are_no_utf_8_in_an_argument_do_no_harm(run: RunCommand, models: Path) -> None:
    """A terminal in another encoding gives a sentence at worst."""
    done = run("--models", models, "expand", "事务\udcff", "--json")
    assert done.returncode in (0, 1, 2)


def test_a_reader_that_goes_away_is_no_error(run: RunCommand, models: Path, tmp_path: Path) -> None:
    """`enricher keywords … | head -1` ends quietly."""
    import subprocess
    import sys

    path = write_jsonl(tmp_path / "docs.jsonl", 3000)
    command = f"{sys.executable} -m indexer --models {models} keywords {path} | head -1"
    done = subprocess.run(
        ["bash", "-c", command], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_the_choices_of_options_are_those_of_the_model() -> None:
    """The command line knows them without loading what trains."""
    assert get_args(Architecture) == ARCHITECTURES and get_args(Loss) == LOSSES
    assert get_args(Method) == METHODS and get_args(Languages) == ("auto", "zh", "en")
    words = Lexicon.of(["数据"])
    assert all(open_segmenter(name, words).identity["name"] == name for name in get_args(Segmenters))


def test_the_version_is_that_of_the_package(run: RunCommand) -> None:
    """Without any command."""
    assert run("--version").stdout.strip() == version("search-enricher")


def test_documents_that_come_twice_are_counted_in_training(run: RunCommand, tmp_path: Path) -> None:
    """And said; nothing was lost."""
    write_jsonl(tmp_path / "docs.jsonl", 30)
    done = run("train", "docs.jsonl", "docs.jsonl", "--dimensions", "8", "--epochs", "1", "--workers", "1")
    assert done.returncode == 0
    assert "30 documents with a repeated id" in done.stderr


def test_terms_are_shown_by_origin_and_weight(capsys: pytest.CaptureFixture[str]) -> None:
    """A column that is empty for all is left out, and no line ends in blanks."""
    terms = (
        QueryTerm("low", 0.1, "related", "b"),
        QueryTerm("typed"),
        QueryTerm("high", 0.2, "related", "a longer one"),
    )
    print_query(Query("q", terms))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["term", "high", "low", "typed"]
    assert "for" not in lines[0].split() and all(line == line.rstrip() for line in lines)
    print_query(Query("q", (*terms, QueryTerm("other", 0.5, "synonyms", "c", "typed"))))
    assert "for" in capsys.readouterr().out.splitlines()[0].split()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc\r\u2028d", "a b c  d"),
        ("\x1b[31m\x07\x7f", "␛[31m␇␡"),
        ("\x9b2J\u202e\u2066", "\ufffd2J\ufffd\ufffd"),
        ("\ud800", "?"),
        ("数据库 été مرحبا 👩\u200d🔬", "数据库 été مرحبا 👩\u200d🔬"),
    ],
)
def test_control_characters_never_reach_the_terminal(text: str, shown: str) -> None:
    """Each is shown by a sign or a space."""
    assert output.printable(text) == shown


def test_progress_without_a_terminal_ends_every_step_with_its_last_state(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In between a line now and then."""
    now = [0.0]
    monkeypatch.setattr(output.time, "monotonic", lambda: now[0])
    with output.progress_display() as progress:
        for done in range(1, 26):
            now[0] += 1
            progress("reading", done * 100, 0)
        progress("training", 1, 2)
        progress("training", 2, 2)
        progress("writing", 0, 0)
    assert capsys.readouterr().err.splitlines() == [
        "reading: 100 …",
        "reading: 1,100 …",
        "reading: 2,100 …",
        "reading: 2,500 …",
        "training: 1 of 2 …",
        "training: 2 of 2 …",
        "writing …",
    ]
