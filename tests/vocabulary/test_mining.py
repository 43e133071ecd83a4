"""`vocabulary mine`: terms of the domain come first, and each says why."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from enricher.errors import SourceError
from enricher.records import SearchEngine
from enricher.text import open_segmenter
from enricher.vocabulary.candidates import written
from enricher.vocabulary.decisions import decide
from enricher.vocabulary.review_file import Candidate, Decision, ReviewFile, State, read_review
from enricher.vocabulary.rules import read_rules
from enricher.vocabulary.token_stream import WordSplitter
from indexer.vocabulary.mining import SourceMining, mine_sources
from tests.conftest import RunCommand
from tests.corpora import write_jsonl

TERMS = ("量子芯片", "超导线圈", "拓扑绝缘体", "5G基站", "SARS-CoV-2检测")
FRAMES = (
    "{}需要冷却。",
    "我们测量了{}，结果稳定。",
    "研究人员改进{}的设计。",
    "新型{}已经投产。",
    "在{}中发现误差。",
    "《{}》",
)
GENERAL = (
    "今天天气很好。",
    "我们一起去公园散步。",
    "会议讨论了明年的计划。",
    "他写了一封长信。",
    "新的方法提高了效率。",
)


def domain_texts(number: int) -> list[str]:
    """Sentences about TERMS amid general ones."""
    return texts_of(random.Random(1), number, FRAMES, TERMS, GENERAL)


def texts_of(
    chance: random.Random, number: int, frames: Sequence[str], terms: Sequence[str], others: Sequence[str]
) -> list[str]:
    """Texts of six sentences each, most of them about one of the terms."""
    sentences = [
        chance.choice(frames).format(chance.choice(terms)) if chance.random() < 0.6 else chance.choice(others)
        for _ in range(6 * number)
    ]
    return [" ".join(sentences[start : start + 6]) for start in range(0, len(sentences), 6)]


def write_texts(path: Path, texts: list[str]) -> Path:
    lines = [json.dumps({"id": str(number), "text": text}) for number, text in enumerate(texts)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def domain(tmp_path: Path) -> Path:
    return write_texts(tmp_path / "domain.jsonl", domain_texts(200))


@pytest.fixture
def background(tmp_path: Path) -> Path:
    chance = random.Random(2)
    return write_texts(
        tmp_path / "background.jsonl", ["".join(chance.choices(GENERAL, k=8)) for _ in range(300)]
    )


def test_terms_come_first_and_say_why(
    run: RunCommand, domain: Path, background: Path, tmp_path: Path
) -> None:
    """Terms with letters, digits and hyphens are whole."""
    (tmp_path / "seeds.txt").write_text("# central\n量子芯片\n没有的词\n", encoding="utf-8")
    command = ("vocabulary", "mine", domain, "--background", background, "--workers", "1")
    done = run(*command, "--seeds", "seeds.txt", "--out", "words.tsv", "--json")
    assert done.returncode == 0, done.stderr
    assert "1 of 2 seeds do not occur often enough as terms: 没有的词." in done.stderr
    found = read_review(tmp_path / "words.tsv").candidates
    assert json.loads(done.stdout) == {"file": "words.tsv", "words": len(found)}
    words = [one.word for one in found]
    assert {"量子芯片", "超导线圈", "5g基站", "sars-cov-2检测"} <= set(words[:12]), words
    first = next(one for one in found if one.word == "超导线圈")
    assert int(first.evidence["count"]) > 50 and first.evidence["background"] == "0"
    assert float(first.evidence["boundary_entropy"]) > 1 and "超导线圈" in first.evidence["example_1"]
    assert not list(tmp_path.glob(".words.tsv*"))


def test_what_was_rejected_never_returns(run: RunCommand, domain: Path, tmp_path: Path) -> None:
    """Without a background, the dictionary takes its place."""
    command = ("vocabulary", "mine", domain, "--out", "words.tsv", "--workers", "1")
    assert run(*command).returncode == 0
    text = (tmp_path / "words.tsv").read_text(encoding="utf-8")
    assert "\n超导线圈\t\t" in text
    (tmp_path / "words.tsv").write_text(
        text.replace("\n超导线圈\t\t", "\n超导线圈\treject\t"), encoding="utf-8"
    )
    assert run(*command, "--limit", "50").returncode == 0
    states = {one.word: one.state.value for one in read_review(tmp_path / "words.tsv").candidates}
    assert states["超导线圈"] == "reject" and states["量子芯片"] == ""


def test_decisions_that_are_made_while_words_are_mined_are_kept(domain: Path, tmp_path: Path) -> None:
    """The file is read again when the candidates are written."""
    out = tmp_path / "words.tsv"
    ReviewFile([Candidate("量子芯片")]).write(out)
    decided = []

    def progress(*_: object) -> None:
        if not decided:
            decided.append(decide(out, "量子芯片", Decision(), Decision(State.REJECT, "lin")))

    request = SourceMining((str(domain),), (), out)
    found = mine_sources(no_engine, request, progress, print)
    (row,) = (one for one in read_review(out).candidates if one.word == "量子芯片")
    assert (row.state, row.author, bool(row.evidence["count"])) == (State.REJECT, "lin", True)
    assert found == read_review(out)


def no_engine() -> SearchEngine:
    raise AssertionError("no index is read")


def test_only_new_documents_are_mined(run: RunCommand, domain: Path, tmp_path: Path) -> None:
    """By a field with their time, in any of its forms; the rest of the file stays."""
    lines = [json.loads(line) for line in domain.read_text(encoding="utf-8").splitlines()]
    times = ("2026-11-01", "2026-11-20T10:00:00Z", 1795168800000, 1795168800, None)
    for number, line in enumerate(lines):
        line["at"] = times[number % len(times)]
    domain.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    command = ("vocabulary", "mine", domain, "--out", "a.tsv", "--workers", "1", "--since")
    done = run(*command, "2026-11-15", "--time-field", "at")
    assert done.returncode == 0 and "reading the domain: 120" in done.stderr, done.stderr
    assert run(*command, "2026-11-15").returncode == 1
    assert "name it with --time-field" in run(*command, "2026-11-15").stderr
    assert run(*command, "yesterday").returncode == 2


def test_negative_words_push_their_neighbors_down(run: RunCommand, domain: Path, tmp_path: Path) -> None:
    """Without seeds too."""
    (tmp_path / "not.txt").write_text("超导线圈\n", encoding="utf-8")
    command = ("vocabulary", "mine", domain, "--workers", "1", "--out")
    assert run(*command, "a").returncode == 0
    assert run(*command, "b", "--negative", "not.txt").returncode == 0
    before, after = ({one.word: one for one in read_review(tmp_path / name).candidates} for name in "ab")
    assert float(after["超导线圈"].evidence["score"]) < float(before["超导线圈"].evidence["score"])


def test_equal_runs_give_equal_files(run: RunCommand, domain: Path, background: Path, tmp_path: Path) -> None:
    command = ("vocabulary", "mine", domain, "--background", background, "--workers", "1", "--out")
    assert run(*command, "a.tsv").returncode == 0 and run(*command, "b.tsv").returncode == 0
    assert (tmp_path / "a.tsv").read_bytes() == (tmp_path / "b.tsv").read_bytes()


def test_standard_input_and_equal_texts(run: RunCommand, domain: Path, tmp_path: Path) -> None:
    """A background that is the domain itself counts as none."""
    done = run(
        "vocabulary", "mine", "-", "--background", domain, "--out", "a.tsv", "--workers", "1",
        stdin=domain.read_text(encoding="utf-8"),
    )  # fmt: skip
    assert done.returncode == 0 and "the dictionary takes its place" in done.stderr, done.stderr
    assert read_review(tmp_path / "a.tsv").candidates[0].evidence["example_1"]


def test_english_phrases_are_terms(run: RunCommand, tmp_path: Path) -> None:
    """A space stands between their words."""
    terms = ("coral reef", "tidal current", "plankton bloom")
    frames = ("The {} was seen.", "A {}, again.", "{} is rare.", "No {} here.", "Some {} and more.")
    others = ("It was late.", "They went home early.", "A long letter came.")
    docs = write_texts(tmp_path / "d.jsonl", texts_of(random.Random(3), 150, frames, terms, others))
    done = run("vocabulary", "mine", docs, "--out", "a.tsv", "--workers", "1")
    assert done.returncode == 0, done.stderr
    found = {one.word for one in read_review(tmp_path / "a.tsv").candidates}
    assert {"coral reef", "tidal current"} <= found


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("absent.jsonl",), 1, "absent.jsonl"),
        (("ten.jsonl", "--rules", "rules.txt"), 1, "line 2: '(' is no regular expression"),
        (("ten.jsonl", "--seeds", "none.txt"), 2, "cannot be read"),
        (("empty.jsonl",), 1, "no text to mine"),
        (("-", "--background", "-"), 2, "can be read once"),
        (("ten.jsonl", "--out", "no/folder/a.tsv"), 2, "There is no folder"),
    ],
)
def test_what_cannot_be_mined_is_said(
    run: RunCommand, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    write_texts(tmp_path / "ten.jsonl", domain_texts(10))
    write_texts(tmp_path / "empty.jsonl", ["", "  "])
    (tmp_path / "rules.txt").write_text("drop ^a\ndrop (\n", encoding="utf-8")
    out = () if "--out" in words else ("--out", "a.tsv")
    done = run("vocabulary", "mine", *words, *out, stdin="")
    assert done.returncode == code and said in done.stderr, done.stderr
    assert not (tmp_path / "a.tsv").exists()


def test_ten_documents_are_mined(run: RunCommand, tmp_path: Path) -> None:
    """With a note where nothing could be learned."""
    docs = write_texts(tmp_path / "ten.jsonl", domain_texts(10))
    done = run("vocabulary", "mine", docs, "--out", "a.tsv", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert read_review(tmp_path / "a.tsv").columns[0] == "score"


def test_a_killed_run_goes_on(run: RunCommand, domain: Path, tmp_path: Path) -> None:
    """The words that it had cut are used again; after a change of the source they are cut anew."""
    command = ("vocabulary", "mine", domain, "--workers", "1", "--out", "a.tsv")
    assert run(*command, "--fail-at", "words-cut").returncode == -9
    assert (tmp_path / ".a.tsv.mining" / "tokens.json").exists()
    done = run(*command)
    assert done.returncode == 0 and "an interrupted run are used again" in done.stderr, done.stderr
    assert run(*command[:-1], "b.tsv", "--fail-at", "words-cut").returncode == -9
    write_jsonl(domain, 100)
    assert "used again" not in run(*command[:-1], "b.tsv").stderr


def test_rules_drop_and_keep(tmp_path: Path) -> None:
    """A user's file adds rules; its `last` replaces ours."""
    own = read_rules(None)
    assert not own.accept("第三条", "n") and own.accept("法院", "n") and not own.accept("迅速", "d")
    path = tmp_path / "rules.txt"
    path.write_text("# ours\nword 法院\nkeep 速\nlast n d\ndrop ^x\n", encoding="utf-8")
    more = read_rules(path)
    assert not more.accept("法院", "n") and more.accept("迅速", "v") and not more.accept("x线", "n")
    path.write_text("lose 法院\n", encoding="utf-8")
    with pytest.raises(SourceError, match="line 1: the kind 'lose' is none of"):
        read_rules(path)
    path.write_text("word\n", encoding="utf-8")
    with pytest.raises(SourceError, match="has no value"):
        read_rules(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("5G基站接入TCP连接", ["5g", "基站", "接入", "tcp", "连接", None]),
        ("TCP 连接", ["tcp", "连接", None]),
        ("糖类抗原19-9升高", ["糖类", "抗原", "19-9", "升高", None]),
        ("SK-II, 5w-30 COVID-19", ["sk-ii", None, "5w-30", None, "covid-19", None]),
        ("电压 电流", ["电压", None, "电流", None]),
        ("共 3.5 米", ["共", None, "米", None]),
    ],
)
def test_words_and_breaks(text: str, words: list[str | None]) -> None:
    """Signs within a word stay; numbers and punctuation break."""
    splitter = WordSplitter(open_segmenter(hmm=False), joins_latin=False)
    assert splitter(text) == words


def test_terms_are_written_as_in_texts() -> None:
    assert written(["coral", "reef"]) == "coral reef"
    assert written(["tcp", "连接"]) == "tcp连接" and written(["量子", "芯片"]) == "量子芯片"
