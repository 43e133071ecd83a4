"""`vocabulary apply` and `withdraw` on the embedded engine, as a user runs them."""

import json
from contextlib import closing
from pathlib import Path

import pytest

import enricher
from enricher.bundle.store import BundleStore
from enricher.files import file_lock
from enricher.vocabulary.review_file import read_review
from indexer.engines.tantivy.engine import TantivyEngine
from tests.conftest import RunCommand
from tests.vocabulary.terms import TERMS, documents_with_terms, write_review

FAST = ("--dimensions", "12", "--epochs", "3", "--workers", "1", "--min-count", "2", "--seed", "1")
DOCUMENTS = list(documents_with_terms(300))
AFFECTED = sum("变压器故障" in document.text("text") for document in DOCUMENTS)


def write_documents(path: Path) -> Path:
    lines = (json.dumps({"id": one.id, **one.source}, ensure_ascii=False) for one in DOCUMENTS)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def indexed(run: RunCommand, tmp_path: Path) -> Path:
    """A folder with a model and the index `articles`."""
    docs = write_documents(tmp_path / "docs.jsonl")
    assert run("train", docs, *FAST).returncode == 0
    assert run("index", docs, "--to", "articles").returncode == 0
    return tmp_path


def stored(folder: Path) -> dict[str, object]:
    """The enrichment of all documents as the engine stores it, without the model's version."""
    with closing(TantivyEngine(folder / "index")) as engine:
        found = {}
        layout = engine.layout("articles")
        for version in layout.valid_versions:
            engine.stamp("articles", version, [one for one in layout.valid_versions if one != version])
            for one in engine.sample_enriched("articles", 10_000):
                found[one.id] = {**one.enrichment, "model": None}
        engine.stamp("articles", str(layout.model_version), layout.compatible)
        assert len(found) == len(DOCUMENTS)
        return found


def titles(run: RunCommand, query: str) -> list[str]:
    found = run("search", query, "--in", "articles", "--json", "--top", "50", "--no-expansion")
    return [hit["id"] for hit in json.loads(found.stdout)["hits"]]


def test_words_reach_the_documents_that_have_them(run: RunCommand, indexed: Path) -> None:
    """Only these are enriched again; each is then as if all had been."""
    review = write_review(indexed / "words.tsv", TERMS)
    done = run("vocabulary", "apply", review, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert sorted(report["added"]) == sorted(term.lower() for term in TERMS)
    (index,) = report["indexes"]
    has_term = [
        document.id
        for document in DOCUMENTS
        if any(
            term in " ".join(document.text(field).split()).casefold()
            for term in report["added"]
            for field in ("title", "text")
        )
    ]
    assert (index["documents"], index["enriched"]) == (len(DOCUMENTS), len(has_term))
    affected = stored(indexed)
    version = BundleStore(indexed / "models").active_version()
    assert report["version"] == version
    assert set(titles(run, "变压器故障")[:AFFECTED]) == {
        document.id for document in DOCUMENTS if "变压器故障" in document.text("text")
    }
    lines = run("vocabulary", "status").stdout.splitlines()
    assert lines[0] == f"{TERMS[0]}: live on articles" and len(lines) == len(TERMS)
    assert "enriched with" not in run("doctor").stdout
    assert run("reindex", "start", "articles", "--to", "whole").returncode == 0
    with closing(TantivyEngine(indexed / "index")) as engine:
        whole = {one.id: {**one.enrichment, "model": None} for one in engine.sample_enriched("whole", 10_000)}
    assert whole == affected


def test_withdrawn_words_leave_the_index_as_it_was(run: RunCommand, indexed: Path) -> None:
    """Document by document."""
    before = stored(indexed)
    review = write_review(indexed / "words.tsv", TERMS)
    assert run("vocabulary", "apply", review).returncode == 0
    assert stored(indexed) != before
    done = run("vocabulary", "withdraw", TERMS[0], "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["indexes"][0]["enriched"] == AFFECTED
    refused = run("vocabulary", "withdraw", TERMS[0])
    assert refused.returncode == 2 and "Not among the words that were added" in refused.stderr
    done = run("vocabulary", "withdraw", *TERMS[1:])
    assert done.returncode == 0 and "3 words removed" in done.stdout, done.stderr
    assert stored(indexed) == before
    assert "No word was added" in run("vocabulary", "status").stderr


@pytest.mark.parametrize(
    "point", ["model-derived", "model-activated", "target-ready", "page-written", "before-end"]
)
def test_a_killed_command_is_repeated(run: RunCommand, indexed: Path, point: str) -> None:
    """Whatever it had done, the end is the same."""
    review = write_review(indexed / "words.tsv", TERMS[:1])
    assert run("vocabulary", "apply", review, "--fail-at", point).returncode == -9
    assert run("search", "变压器", "--in", "articles").returncode == 0
    done = run("vocabulary", "apply", review, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["indexes"][0]["enriched"] == AFFECTED
    model = enricher.load(indexed / "models")
    assert [word.text for word in model.analyzer.overlay.words] == [TERMS[0]]
    assert titles(run, TERMS[0])
    assert json.loads(run("vocabulary", "apply", review, "--json").stdout)["indexes"] == []


def test_a_withdrawal_before_the_end_leaves_no_word(run: RunCommand, indexed: Path) -> None:
    """The job that had added it is cancelled, and what it has enriched is enriched again."""
    before = stored(indexed)
    review = write_review(indexed / "words.tsv", TERMS[:1])
    assert run("vocabulary", "apply", review, "--fail-at", "before-end").returncode == -9
    status = run("vocabulary", "status").stdout
    assert status == f"{TERMS[0]}: not on articles\n"
    done = run("vocabulary", "withdraw", TERMS[0])
    assert done.returncode == 0, done.stderr
    assert stored(indexed) == before


@pytest.mark.parametrize("point", ["model-activated", "target-ready", "before-end"])
def test_a_killed_withdrawal_is_repeated(run: RunCommand, indexed: Path, point: str) -> None:
    """The word is gone from the model already; its documents are enriched again."""
    before = stored(indexed)
    review = write_review(indexed / "words.tsv", TERMS[:1])
    assert run("vocabulary", "apply", review).returncode == 0
    assert run("vocabulary", "withdraw", TERMS[0], "--fail-at", point).returncode == -9
    done = run("vocabulary", "withdraw", TERMS[0])
    assert done.returncode == 0 and "enriched again" in done.stdout, done.stderr
    assert stored(indexed) == before
    assert run("vocabulary", "withdraw", TERMS[0]).returncode == 2


def test_a_wrong_index_is_said_before_anything_changes(run: RunCommand, indexed: Path) -> None:
    review = write_review(indexed / "words.tsv", TERMS[:1])
    for words in (("apply", review), ("withdraw", TERMS[0])):
        done = run("vocabulary", *words, "--in", "absent")
        assert done.returncode == 2 and "was not enriched with the model" in done.stderr
    assert len(BundleStore(indexed / "models").versions()) == 1


def test_words_that_change_nothing_are_left_out(run: RunCommand, indexed: Path) -> None:
    """Known ones, and those that enrichment does not use; decisions that no longer hold are named."""
    (indexed / "words.tsv").write_text(
        f"word\tstate\n{TERMS[0]}\taccept\n变压器\taccept\n的\taccept\n123\taccept\n", encoding="utf-8"
    )
    done = run("vocabulary", "apply", "words.tsv", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["added"] == [TERMS[0]]
    assert "the model knows them already: '变压器'" in done.stderr and "'的', '123'" in done.stderr
    (indexed / "words.tsv").write_text(f"word\tstate\n{TERMS[0]}\treject\n电网\taccept\n", encoding="utf-8")
    done = run("vocabulary", "apply", "words.tsv")
    assert done.returncode == 0 and "stay applied; `enricher vocabulary withdraw WORD`" in done.stderr


def test_mined_words_say_whether_the_model_knows_them(run: RunCommand, indexed: Path) -> None:
    """Before and after one is applied; without a model they say nothing."""
    mine = ("vocabulary", "mine", "docs.jsonl", "--out", "words.tsv", "--workers", "1", "--seed", "1")
    assert run(*mine).returncode == 0
    (indexed / "words.tsv").write_text((indexed / "words.tsv").read_text().replace("\tknown", "\tKnown"))

    def known() -> dict[str, str]:
        return {one.word: one.evidence["known"] for one in read_review(indexed / "words.tsv").candidates}

    before = known()
    assert set(before.values()) == {"yes", "no"}
    new = next(word for word, value in before.items() if value == "no")
    assert run("vocabulary", "apply", write_review(indexed / "some.tsv", [new])).returncode == 0
    assert run(*mine).returncode == 0
    assert known() == before | {new: "added"}
    shown = run("vocabulary", "review", "words.tsv", stdin="q\n").stdout
    assert shown.partition("   ")[2].startswith("known ")
    without = run(
        "--models", "none", "vocabulary", "mine", "docs.jsonl", "--out", "new.tsv", "--workers", "1"
    )
    assert without.returncode == 0 and "known" not in (indexed / "new.tsv").read_text().partition("\n")[0]


def test_two_changes_at_once_are_refused(run: RunCommand, indexed: Path) -> None:
    review = write_review(indexed / "words.tsv", TERMS)
    with file_lock(indexed / "models" / ".vocabulary.lock"):
        done = run("vocabulary", "apply", review)
    assert done.returncode == 1 and "Another process is changing the vocabulary" in done.stderr


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("word\tstate\n电网\treject\n", 2, "has the state 'accept'"),
        ("word\tstate\n电网\tmaybe\n", 1, "line 2: the state 'maybe'"),
        (None, 1, "cannot be read"),
    ],
)
def test_a_file_without_accepted_words_is_refused(
    run: RunCommand, tmp_path: Path, text: str | None, code: int, said: str
) -> None:
    if text is not None:
        (tmp_path / "words.tsv").write_text(text, encoding="utf-8")
    done = run("vocabulary", "apply", "words.tsv")
    assert done.returncode == code and said in done.stderr, done.stderr


def test_without_an_index_only_the_model_changes(run: RunCommand, tmp_path: Path) -> None:
    """Documents that are indexed later are segmented with the words."""
    docs = write_documents(tmp_path / "docs.jsonl")
    assert run("train", docs, *FAST).returncode == 0
    done = run("vocabulary", "apply", write_review(tmp_path / "words.tsv", TERMS[:1]))
    assert done.returncode == 0 and "No index had to be changed." in done.stdout, done.stderr
    assert run("index", docs, "--to", "articles").returncode == 0
    assert len(titles(run, TERMS[0])) >= AFFECTED
    refused = run("vocabulary", "apply", "words.tsv", "--in", "absent")
    assert refused.returncode == 2 and "was not enriched with the model" in refused.stderr


def test_an_index_of_another_model_is_left_alone(run: RunCommand, indexed: Path) -> None:
    """Its documents have other numbers."""
    assert run("train", "docs.jsonl", *FAST[:-1], "2").returncode == 0
    done = run("vocabulary", "apply", write_review(indexed / "words.tsv", TERMS[:1]), "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["indexes"] == []
