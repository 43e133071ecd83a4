"""What the endpoints answer; each JSON answer is also compared with the description (conftest.py)."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

import enricher
from enricher.bundle.store import BundleStore
from enricher.enrichment import EnricherRecipe
from enricher.records import Document
from enricher.settings import IndexConfiguration
from tests.conftest import RunCommand
from tests.corpora import documents
from tests.gateway.conftest import FIELDS, Served


def test_a_search_answers_like_the_command(served: Served, run: RunCommand, models: Path) -> None:
    """By GET and by POST, but for the time that it took."""
    options = ("--models", models, "--engine", served.engine, "search", "事务 索引", "--in", "docs", "--json")
    done = run(*options, "--facet", "topic", "--filter", "topic=数据库", "--top", "3", "--explain")
    expected = json.loads(done.stdout)
    asked: dict[str, Any] = {"query": "事务 索引", "in": "docs", "top": 3, "explain": True}
    by_post = served.ask("search", asked | {"facet": ["topic"], "filter": ["topic=数据库"]}).json
    more = {"in": "docs", "facet": "topic", "filter": "topic=数据库"}
    by_get = served.ask("search", query="事务 索引", top=3, explain="true", **more).json
    for answer in (expected, by_post, by_get):
        assert answer.pop("took_ms") > 0
    assert by_post == by_get == expected and expected["hits"]


def test_a_search_returns_what_is_asked_for(served: Served) -> None:
    """Fields, tags, pages, sort, no expansion, and the steps."""
    asked: dict[str, Any] = {"query": "事务", "in": "docs", "top": 2}
    hit = served.ask("search", asked | {"fields": ["topic", "no.such"]}).json["hits"][0]
    assert set(hit["source"]) == {"topic"}
    assert "text" in served.ask("search", asked | {"fields": ["*"]}).json["hits"][0]["source"]
    assert "source" not in served.ask("search", asked).json["hits"][0]
    tagged = served.ask("search", asked | {"highlight_tags": ["[", "]"]}).json["hits"][0]["highlight"]
    assert any("[事务]" in fragment for fragment in tagged)
    first, second = (served.ask("search", asked | {"from": start}).json["hits"] for start in (0, 1))
    assert first[1] == second[0]
    assert served.ask("search", asked | {"sort": "topic"}).json["hits"][0]["score"] is None
    plain = served.ask("search", asked | {"expansion": False}).json
    assert {term["origin"] for term in plain["expansion"]} == {"query"}
    steps = served.ask("search", asked | {"profile": True}).json["profile"]
    assert "search by words" in [step["step"] for step in steps]


def test_words_are_explained(served: Served, model: enricher.Model) -> None:
    """expand, keywords, neighbors, related and suggest answer what the model says."""
    word = "数据库"
    assert served.ask("expand", query=word).json["terms"][0]["term"] == word
    assert "vector" in served.ask("expand", query=word, **{"in": "docs"}).json
    found = served.ask("keywords", text="数据库的事务和索引", top=2).json["keywords"]
    assert [one["text"] for one in found] == [one.text for one in model.keywords("数据库的事务和索引", 2)]
    near = served.ask("neighbors", {"word": word, "top": 3}).json["neighbors"]
    assert [one["word"] for one in near] == [one.word for one in model.neighbors(word, 3)]
    related = served.ask("related", word=word, top=4, alpha=0.5, shrinkage="false").json
    assert related["alpha"] == 0.5
    assert [one["word"] for one in related["related"]] == [
        one.word for one in model.related(word, 4, 0.5, shrinkage=False)
    ]
    assert served.ask("related", word=word, senses="true").json["senses"]
    assert served.ask("related", word=word, context="事务").json["senses"][0]["fit"] is not None


def test_a_phrase_is_answered_for_by_its_parts(served: Served) -> None:
    """With its related words as the only sense."""
    for endpoint in ("neighbors", "related"):
        found = served.ask(endpoint, word="数据库事务", top=3).json
        assert found["parts"] == ["数据库", "事务"] and len(found[endpoint]) == 3
    related = served.ask("related", word="数据库事务", top=3, senses="true").json
    assert [sense["related"] for sense in related["senses"]] == [related["related"]]


def test_suggestions_complete_and_correct(served: Served, model: enricher.Model) -> None:
    """Completions by frequency first, then what is spelled most similarly."""
    found = served.ask("suggest", text="数", top=3).json["suggestions"]
    assert found and all(one["word"].startswith("数") for one in found)
    counts = [one["count"] for one in found]
    assert counts == sorted(counts, reverse=True)
    english = next(word for word in model.words if word.isascii() and len(word) > 5)
    typo = english[:-1] + ("x" if english[-1] != "x" else "y")
    assert english in [one["word"] for one in served.ask("suggest", text=typo).json["suggestions"]]


def test_the_dictionary_is_sent_once(served: Served) -> None:
    """IK asks by HEAD, and by what it got before."""
    found = served.ask("dictionary")
    assert found.status == 200 and found.headers["Content-Type"] == "text/plain; charset=utf-8"
    asked = served.ask("dictionary", method="HEAD")
    assert asked.headers["Etag"] == found.headers["Etag"]
    for name, header in (("If-None-Match", "Etag"), ("If-Modified-Since", "Last-Modified")):
        assert served.ask("dictionary", headers={name: found.headers[header]}).status == 304
    other = {"If-None-Match": '"other"'}
    assert served.ask("dictionary", headers=other).status == 200


def test_a_query_is_ready_to_be_sent(served: Served) -> None:
    """Its body searches the terms of the query, phrases and excluded words too."""
    found = served.ask("query/docs", {"query": '事务 "隔离级别" -索引', "top": 7}).json
    searched = served.ask("search", query='事务 "隔离级别" -索引', **{"in": "docs"}).json
    assert found["terms"] == searched["expansion"] and "事务" in found["tokens"]
    assert found["body"]["size"] == 7 and len(found["vector"]) > 0
    assert all(-128 <= number <= 127 for number in found["vector"])
    conditions = json.dumps(found["body"]["query"]["bool"]["filter"], ensure_ascii=False)
    assert "must_not" in conditions and "索引" in conditions and "match_phrase" in conditions


@pytest.mark.parametrize("form", ["lines", "array"])
@pytest.mark.parametrize("index", [None, "docs"])
def test_documents_are_enriched(served: Served, models: Path, form: str, index: str | None) -> None:
    """In their order and form, as indexing enriches them; what is no document gets a reason."""
    texts = [{"id": one.id, **one.source} for one in documents(600)]
    texts.insert(2, {"id": "empty"})
    body = json.dumps(texts).encode()
    if form == "lines":
        body = b"\n".join(json.dumps(one).encode() for one in texts) + b"\n\n"
    response = served.ask("enrich", body, **({"in": index} if index else {}))
    assert response.status == 200
    found = response.json if form == "array" else [json.loads(line) for line in response.body.splitlines()]
    assert [one["id"] for one in found] == [one["id"] for one in texts]
    assert found[2] == {"id": "empty", "error": "The document has no field 'title' or 'text'."}
    recipe = EnricherRecipe(models, BundleStore(models).active_version(), FIELDS, IndexConfiguration())
    expected = recipe.open().enrich([Document(one.id, one.source) for one in documents(600)])
    assert [one["enrichment"] for one in found if "enrichment" in one] == json.loads(json.dumps(expected))


def test_many_clients_get_their_own_answers(served: Served) -> None:
    """Searches and enrichment at the same time answer as one after the other."""
    words = ["事务", "索引", "数据库", "海洋", "ocean", "tide"]
    alone = {word: served.ask("search", query=word, **{"in": "docs"}).json["hits"] for word in words}
    texts = [{"id": one.id, **one.source} for one in documents(50)]
    enriched = served.ask("enrich", texts).json
    wrong: list[str] = []

    def ask(word: str) -> None:
        for _ in range(5):
            if served.ask("search", query=word, **{"in": "docs"}).json["hits"] != alone[word]:
                wrong.append(word)
            if served.ask("enrich", texts).json != enriched:
                wrong.append("enrich")

    threads = [threading.Thread(target=ask, args=(word,)) for word in words]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_models_and_indexes_are_listed(served: Served, models: Path) -> None:
    """With what an operator asks first."""
    (shown,) = served.ask("models").json["models"]
    assert shown["active"] and shown["version"] == BundleStore(models).active_version() and not shown["fault"]
    assert served.ask("jobs").json == {"jobs": []}
    (index,) = served.ask("indexes").json["indexes"]
    assert (index["name"], index["documents"], index["model"]) == ("docs", 100, shown["version"])


def test_health_and_metrics(served: Served) -> None:
    """The admin address has the metrics, that of everybody has not; no query stands in them."""
    assert served.ask("livez").json == {"status": "alive"}
    ready = served.ask("readyz")
    assert (ready.status, ready.json["ready"], ready.json["engine"]) == (200, True, "tantivy")
    assert served.ask("search", query="鲸鱼", **{"in": "docs"}).status == 200
    assert served.ask("metrics").status == 404
    text = served.ask("metrics", base=served.admin).body.decode()
    assert 'enricher_requests_total{endpoint="search",status="200"}' in text
    assert (
        "enricher_request_seconds_bucket" in text and "enricher_queries_total" in text and "鲸鱼" not in text
    )
    assert served.ask("livez", base=served.admin).status == 200
    assert served.ask("search", base=served.admin, query="x").status == 404


def test_enrichment_can_be_turned_off_for_a_request(served: Served) -> None:
    """By a header or in the address; the answer says what was done."""
    asked = {"query": "数据库 事务", "in": "docs"}
    answer = served.ask("search", **asked)
    assert answer.headers["X-Enricher-Status"] == "applied"
    plain = served.ask("search", expansion="false", **asked)
    assert plain.headers["X-Enricher-Status"].startswith("bypassed: ")
    for body, headers, more in (
        (None, {"X-Enricher": "off"}, asked),
        (None, {}, asked | {"enricher": "off"}),
        (asked, {"X-Enricher": "OFF"}, {}),
    ):
        off = served.ask("search", body, headers=headers, **more)
        assert off.headers["X-Enricher-Status"].startswith("bypassed: ")
        assert off.json["hits"] == plain.json["hits"] and off.json["total"] == plain.json["total"]
    assert served.ask("search", headers={"X-Enricher": "on"}, **asked).json["hits"] == answer.json["hits"]
    wrong = served.ask("search", headers={"X-Enricher": "maybe"}, **asked)
    assert wrong.status == 400 and "'maybe'" in wrong.json["error"]["reason"]
