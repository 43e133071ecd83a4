"""What people type to search: filters, phrases, excluded words, pages and orders; by the command line."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import RunCommand

DOCUMENTS = [
    {"id": "a", "title": "潮汐", "text": "海洋 的 潮汐 周期 影响 渔业。", "year": 2001, "day": "2024-01-05"},
    {"id": "b", "title": "数据库", "text": "数据库事务的潮汐负载。", "year": 2002, "day": "2024-01-31"},
    {
        "id": "c",
        "title": "Heat",
        "text": "Heat transfer in the ocean; 潮汐 and tide.",
        "year": 2003,
        "day": "2024-02-01",
    },
    {"id": "d", "title": "Tide", "text": "The tide transfers heat. A well-known transfer.", "year": 2003},
    {"id": "e", "title": "The Who", "text": "The who played at the tide festival.", "year": [1999, 2005]},
]


@pytest.fixture
def ask(run: RunCommand, models: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """Search an index of these documents; returns the ids of the hits, in order."""
    source = tmp_path / "typed.jsonl"
    source.write_text("".join(json.dumps(one) + "\n" for one in DOCUMENTS), encoding="utf-8")
    assert run("--models", models, "index", source, "--to", "typed").returncode == 0

    def call(query: str, *options: str) -> list[str]:
        done = run("--models", models, "search", "--in", "typed", "--json", *options, "--", query)
        assert done.returncode == 0, done.stderr
        return [hit["id"] for hit in json.loads(done.stdout)["hits"]]

    return call


@pytest.fixture
def fail(run: RunCommand, models: Path, ask: Callable[..., list[str]]) -> Callable[..., str]:
    """Search the same index in a wrong way; returns the message, one sentence without a traceback."""

    def call(query: str, *options: str) -> str:
        done: subprocess.CompletedProcess[str] = run(
            "--models", models, "search", "--in", "typed", *options, "--", query
        )
        assert done.returncode == 2 and not done.stdout, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    return call


def test_phrases_and_excluded_words(ask: Callable[..., list[str]], fail: Callable[..., str]) -> None:
    """In Chinese, English and both, in all usual quotes; a word that is cut is excluded as it is cut."""
    assert sorted(ask("潮汐 tide ocean")) == list("abcde")
    assert ask('"heat transfer" tide') == ask("tide “heat transfer”") == ["c"]
    assert ask('"transfers heat"') == ["d"]
    assert ask("「数据库事务」 潮汐") == ask("潮汐“数据库事务”") == ["b"]
    assert ask('"the who" tide') == ["e"]
    assert sorted(ask("潮汐 tide -transfer")) == ["a", "b", "e"]
    assert sorted(ask('-"heat transfer" 潮汐 tide')) == ["a", "b", "d", "e"]
    assert sorted(ask("潮汐 tide -数据库事务 -“well known”")) == ["a", "c", "e"]
    assert ask('tide "heat transfer" -ocean') == []
    assert sorted(ask("tide well-known")) == sorted(ask("tide well known"))
    for only in ("-tide", '-"heat transfer" -潮汐'):
        assert "The query only excludes" in fail(only)
    assert "holds no word" in fail('""')


def test_the_expansion_names_phrases_and_excluded_words(
    run: RunCommand, models: Path, ask: Callable[..., list[str]]
) -> None:
    """For people and as JSON; an excluded word is no term, and no word is added for it."""
    line = ("--models", models, "expand", "--in", "typed")
    found = json.loads(run(*line, "--json", "--", '"heat transfer" -tide 潮汐').stdout)
    assert (found["required"], found["excluded"]) == (["heat transfer"], ["tide"])
    assert [term["term"] for term in found["terms"] if term["origin"] == "query"] == [
        "heat",
        "transfer",
        "潮汐",
    ]
    assert not [term for term in found["terms"] if "tid" in (term["term"], term["for"])]
    out = run(*line, "--", '"heat transfer" -tide 潮汐').stdout
    assert "\nrequired: heat transfer\nexcluded: tide\n" in out
    plain = json.loads(run(*line, "--json", "潮汐").stdout)
    assert not {"required", "excluded"} & set(plain)


def test_pages_and_orders(ask: Callable[..., list[str]], fail: Callable[..., str]) -> None:
    """A page is a part of the ranking; a sorted list holds the same documents."""
    whole = ask("潮汐 tide ocean", "--top", "5")
    assert ask("潮汐 tide ocean", "--top", "2", "--from", "2") == whole[2:4]
    assert ask("潮汐 tide ocean", "--from", "5") == []
    assert ask("潮汐 tide ocean", "--sort", "day") == ["a", "b", "c", *(id_ for id_ in whole if id_ in "de")]
    assert ask("潮汐 tide ocean", "--sort", "year:desc", "--top", "1") == ["e"]
    assert ask("潮汐 tide ocean", "--sort", "year", "--from", "1", "--top", "2") == ["a", "b"]
    assert ask("潮汐 tide ocean", "--sort", "day", "--filter", "day>=2024-01-31") == ["b", "c"]
    assert "no field 'nothing'" in fail("tide", "--sort", "nothing")
    assert "A sort order is written" in fail("tide", "--sort", "")
    assert "out of range" in fail("tide", "--from", "9991")
    assert "out of range" in fail("tide", "--from", "-1")


def test_a_sorted_page_shows_ranks_and_no_scores(
    run: RunCommand, models: Path, ask: Callable[..., list[str]]
) -> None:
    """For people; as JSON the score is null."""
    line = ("--models", models, "search", "潮汐 tide", "--in", "typed", "--sort", "day", "--from", "1")
    out = run(*line).stdout
    assert "\n2. 数据库   b\n" in out and "1. " not in out and "[0.0" not in out
    hits = json.loads(run(*line, "--json").stdout)["hits"]
    assert hits and {hit["score"] for hit in hits} == {None}


def test_what_needs_a_server_is_one_sentence(fail: Callable[..., str]) -> None:
    """The embedded engine has neither queries of its own nor requests."""
    assert "no query language for --query" in fail("tide", "--query", '{"match_all": {}}')
    assert "no server to which a client" in fail("tide", "--show-query")
    assert "--query is not valid JSON" in fail("tide", "--query", "{")
    assert "There is no file 'absent.json'" in fail("tide", "--query", "@absent.json")
