"""Sort orders, native filters and printed requests on a real server."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from enricher.answers import client_search_answer
from enricher.errors import IndexNotFound, UsageError
from enricher.records import ClientSearch, QueryTerm, SearchRequest, Sort, parse_filter, parse_sort
from tests.conftest import ROOT, RunCommand
from tests.corpora import write_jsonl
from tests.engines.congruence import LAYOUT, document, query
from tests.engines.congruence_vectors import asking, pointing, put, vectors, with_vectors
from tests.server.engines import ServerEngine, engine_at, mapped

__all__ = ["vectors"]  # a fixture

KEYWORD = {"type": "keyword"}
PROPERTIES = {
    "day": {"type": "date"},
    "nanos": {"type": "date_nanos"},
    "whole": {"type": "long"},
    "single": {"type": "float"},
    "on": {"type": "boolean"},
    "address": {"type": "ip"},
    "lower": {"type": "keyword", "normalizer": "lowercase"},
    "labels": {"type": "flattened"},
    "comments": {"type": "nested", "properties": {"stars": {"type": "long"}}},
    "headline": {"type": "text", "fields": {"raw": KEYWORD}},
    "another": {"type": "alias", "path": "day"},
    "body": {"type": "text"},
    "ages": {"type": "integer_range"},
    "place": {"type": "geo_point"},
    "unkept": {"type": "keyword", "doc_values": False},
    "payload": {"type": "object", "enabled": False},
}
VALUES: list[dict[str, object]] = [
    {
        "day": "2024-01-31T23:00:00Z",
        "nanos": "2024-01-31T00:00:00.000000002Z",
        "whole": 9007199254740993,
        "single": 0.1,
        "on": True,
        "address": "10.0.0.9",
        "lower": "News",
        "labels": {"env": "b"},
        "comments": [{"stars": 5}, {"stars": 2}],
        "headline": "B c",
        "decade": "80s",
    },
    {
        "day": ["2024-02-01", "2023-01-01"],
        "nanos": "2024-01-31T00:00:00.000000001Z",
        "whole": 9007199254740992,
        "single": -3,
        "on": False,
        "address": "9.0.0.10",
        "lower": "law",
        "labels": {"env": "a"},
        "comments": [{"stars": 3}],
        "headline": "A b",
        "decade": "70s",
    },
    {"body": "words", "ages": {"gte": 1}, "place": "1,2", "unkept": "u", "payload": {"a": 1}},
]


@pytest.fixture
def typed(engine: ServerEngine, index: str) -> str:
    """An index of three documents, the last of which lacks most fields."""
    engine.create(index, LAYOUT)
    engine.client.indices.put_mapping(index=index, **mapped(engine, PROPERTIES, {"decade": KEYWORD}))
    made = [document(id_, "x", **values) for id_, values in zip("abc", VALUES, strict=True)]
    assert engine.write(index, made) == []
    engine.refresh(index)
    return index


def test_hits_are_sorted_by_fields_of_every_type(engine: ServerEngine, typed: str) -> None:
    """Dates, addresses, keys of flattened fields, nested objects, runtime fields and parts of text."""

    def listed(sort: str) -> str:
        hits = engine.search(typed, SearchRequest(query("x"), sort=parse_sort(sort))).hits
        return "".join(hit.id for hit in hits)

    flat = () if engine.name == "opensearch" else ("labels.env", "labels")
    for name in ("nanos", "whole", "single", "on", "address", "lower", *flat):
        assert (listed(name), listed(f"{name}:desc")) == ("bac", "abc"), name
    assert (listed("comments.stars"), listed("comments.stars:desc")) == ("abc", "abc")
    for name in ("headline", "headline.raw", "decade"):
        assert (listed(name), listed(f"{name}:desc")) == ("bac", "abc"), name
    for name in ("day", "another"):
        assert (listed(name), listed(f"{name}:desc")) == ("bac", "bac"), name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("body", "'body' .* is full text; filter, count or sort by a field of exact values"),
        ("ages", "cannot be sorted by the field 'ages': it holds ranges"),
        ("place", "'place' .* holds geographic or planar shapes"),
        ("unkept", "cannot be sorted by the field 'unkept': it has no doc values"),
        ("comments", "no field 'comments'"),
        ("payload.a", r"'payload\.a' .* is not indexed"),
    ],
)
def test_a_field_without_an_order_is_one_sentence(
    engine: ServerEngine, typed: str, name: str, sentence: str
) -> None:
    """It names the field and the reason."""
    with pytest.raises(UsageError, match=sentence):
        engine.search(typed, SearchRequest(query("x"), sort=parse_sort(f"{name}:desc")))


def in_order(engine: ServerEngine, index: str, request: SearchRequest) -> list[str]:
    return [hit.id for hit in engine.search(index, request).hits]


def test_a_native_query_is_one_more_filter(engine: ServerEngine, typed: str) -> None:
    """Together with all others, for words and vectors."""
    request = SearchRequest(query("x"), native={"exists": {"field": "day"}})
    assert sorted(in_order(engine, typed, request)) == ["a", "b"]
    both = replace(request, filters=(parse_filter("on=true"),))
    assert in_order(engine, typed, both) == ["a"]
    excluding = replace(request, query=replace(query("x"), excluded=(("x",),)))
    assert in_order(engine, typed, excluding) == []


@pytest.mark.parametrize(
    "native",
    [
        {"exist": {"field": "day"}},
        {"term": {"day": "May"}},
        {"term": 5},
        {"bool": {"filter": 5}},
        {"range": {"day": {"above": 1}}},
        {"match_all": {}, "term": {"on": True}},
    ],
)
def test_a_native_query_that_the_server_refuses_is_one_sentence(
    engine: ServerEngine, typed: str, native: dict[str, object]
) -> None:
    """With the server's reason, whatever else is requested."""
    request = SearchRequest(query("x"), native=native, filters=(parse_filter("on=true"),), facets=("on",))
    for ask in (engine.search, engine.client_search):
        with pytest.raises(UsageError, match=r"The server does not accept the native query: .*[^.]\.$"):
            ask(typed, request)


PROGRAM = re.search(
    r"^```python\n(.*?)^```$", (ROOT / "docs" / "elasticsearch.md").read_text("utf-8"), re.M | re.S
)


@pytest.fixture
def follow(server_url: str, tmp_path: Path) -> Callable[[ClientSearch], list[str]]:
    """Send printed requests as docs/elasticsearch.md shows; returns the ids of the page."""
    assert PROGRAM is not None
    (tmp_path / "program.py").write_text(PROGRAM[1], encoding="utf-8")

    def call(shown: ClientSearch) -> list[str]:
        (tmp_path / "query.json").write_text(json.dumps(client_search_answer(shown)), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "program.py", server_url], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return call


def test_printed_requests_find_what_a_search_finds(
    engine: ServerEngine, vectors: str, follow: Callable[[ClientSearch], list[str]]
) -> None:
    """Sent as they are: by words, by words and vectors, pages, filters, phrases, facets and orders."""
    made = [
        pointing(
            None if n % 11 == 0 else n * 37 % 360,
            document(f"d{n}", f"{'x ' * (n % 3)} {'y ' * (n % 7)} z{n % 5}", n=n, tag=str(n % 4)),
        )
        for n in range(600)
    ]
    put(engine, vectors, *made)
    plain = SearchRequest(query("x", QueryTerm("y", 0.3, "more", for_="x")), facets=("tag",))
    mixed = replace(plain, query=replace(asking("x", "y", degrees=20, head=0.1), excluded=(("z1", "z2"),)))
    for request in [
        plain,
        mixed,
        replace(mixed, from_=7, top=30),
        replace(mixed, from_=190, top=60),
        replace(mixed, filters=(parse_filter("n>=100"), parse_filter("tag!=2"))),
        replace(mixed, native={"range": {"n": {"lt": 50}}}),
        replace(mixed, query=replace(mixed.query, required=(("x", "y"),))),
        replace(mixed, query=asking("nowhere", degrees=100)),
        replace(mixed, sort=Sort("n", descending=True), from_=3),
        replace(plain, sort=Sort("n")),
    ]:
        shown = engine.client_search(vectors, request)
        assert follow(shown) == in_order(engine, vectors, request), request
        assert all(one.exact or one.note for one in shown.requests)
    names = [one.name for one in engine.client_search(vectors, mixed).requests]
    assert names == ["words", "nearest", "compared"]
    (alone,) = engine.client_search(vectors, plain).requests
    assert alone.exact and alone.body["size"] == 10 and "aggs" in alone.body


def test_printed_requests_are_accepted_by_an_index_of_several_shards(
    engine: ServerEngine, index: str, follow: Callable[[ClientSearch], list[str]]
) -> None:
    """Where words are counted over all shards, which searches for vectors do not allow."""
    parted = engine_at(
        str(engine.server.addresses), settings={"number_of_shards": 3, "number_of_replicas": 0}
    )
    name = f"{index}-parted"
    parted.create(name, with_vectors())
    put(parted, name, *(pointing(n * 37 % 360, document(f"d{n}", f"x{n} {'y ' * n}")) for n in range(60)))
    request = SearchRequest(asking("x3", "y", degrees=20, head=0.1))
    shown = parted.client_search(name, request)
    assert [("dfs" in one.path) for one in shown.requests] == [True, False, False]
    assert follow(shown) == in_order(parted, name, request)
    parted.close()


def test_what_cannot_be_searched_cannot_be_printed(engine: ServerEngine, typed: str) -> None:
    """The same sentences as a search."""
    for wrong in [
        {"top": -1},
        {"filters": (parse_filter("day>May"),)},
        {"sort": Sort("body")},
        {"facets": ("ages",)},
    ]:
        with pytest.raises(UsageError):
            engine.client_search(typed, SearchRequest(query("x"), **wrong))  # type: ignore[arg-type]
    with pytest.raises(IndexNotFound):
        engine.client_search(f"{typed}-absent", SearchRequest(query("x")))


def test_the_command_prints_what_curl_can_send(
    run: RunCommand, models: Path, server_url: str, index: str, tmp_path: Path
) -> None:
    """In Chinese, English and both; the words alone by curl, the whole ranking by the program of the docs."""
    assert PROGRAM is not None
    (tmp_path / "program.py").write_text(PROGRAM[1], encoding="utf-8")
    line = ("--models", models, "--engine", server_url)
    assert run(*line, "index", write_jsonl(tmp_path / "docs.jsonl", 150), "--to", index).returncode == 0
    for text in ("数据库事务", "ocean tide -coral", '索引 "with" ocean', "garden"):
        search = (*line, "search", "--in", index, "--top", "7", "--from", "2", "--filter", "year>2001")
        hits = json.loads(run(*search, "--json", "--", text).stdout)["hits"]
        printed = run(*search, "--show-query", "--", text)
        assert printed.returncode == 0 and not printed.stderr, printed.stderr
        (tmp_path / "query.json").write_text(printed.stdout, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "program.py", server_url], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.stdout.split() == [hit["id"] for hit in hits] and hits, done.stderr
        compact = run(*search, "--show-query", "--json", "--", text).stdout
        assert json.loads(compact) == json.loads(printed.stdout) and compact.count("\n") == 1
        words = json.loads(run(*search, "--no-expansion", "--json", "--", text).stdout)["hits"]
        (only,) = json.loads(run(*search, "--no-expansion", "--show-query", "--", text).stdout)["requests"]
        (tmp_path / "body.json").write_text(json.dumps(only["body"]), encoding="utf-8")
        sent = ["curl", "-s", "-H", "Content-Type: application/json", "-d", "@body.json"]
        answer = subprocess.run(
            [*sent, f"{server_url}{only['path']}"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        found = json.loads(answer.stdout)["hits"]["hits"]
        assert [hit["_id"] for hit in found] == [hit["id"] for hit in words]
        assert all(not set(hit["_source"]["enrichment"]) - {"keywords", "model"} for hit in found)


def test_the_command_reads_a_native_query(
    run: RunCommand, models: Path, server_url: str, index: str, tmp_path: Path
) -> None:
    """From the option or a file, with or without the outer object."""
    line = ("--models", models, "--engine", server_url)
    assert run(*line, "index", write_jsonl(tmp_path / "docs.jsonl", 50), "--to", index).returncode == 0
    (tmp_path / "native.json").write_text('{"query": {"term": {"year": 2003}}}', encoding="utf-8")
    search = (*line, "search", "ocean", "--in", index, "--json", "--top", "50")
    for native in ('{"term": {"year": 2003}}', f"@{tmp_path / 'native.json'}"):
        hits = json.loads(run(*search, "--query", native, "--facet", "year").stdout)
        assert hits["hits"] and [one["value"] for one in hits["facets"]["year"]] == ["2003"]
    for wrong, sentence in [
        ("{", "--query is not valid JSON"),
        ("[1]", "--query takes a query as an object"),
        ("@nowhere.json", "There is no file 'nowhere.json'"),
        ('{"trem": {"year": 2003}}', "The server does not accept the native query"),
    ]:
        done = run(*search, "--query", wrong)
        assert done.returncode == 2 and sentence in done.stderr and "Traceback" not in done.stderr


def test_filters_of_server_types_hold_for_what_is_near(engine: ServerEngine, vectors: str) -> None:
    """Nested objects, keys of flattened fields, dates and runtime fields, filtered in the vector search."""
    fields = {"comments": PROPERTIES["comments"], "labels": {"type": "flattened"}, "day": {"type": "date"}}
    engine.client.indices.put_mapping(index=vectors, **mapped(engine, fields, {"made": {"type": "long"}}))
    made = [
        pointing(
            n,
            document(
                f"{n:02}",
                "x" if n % 2 else "z",
                comments=[{"stars": n % 5}],
                labels={"env": f"e{n % 3}"},
                day=f"2024-01-{n + 1:02}",
                made=n,
            ),
        )
        for n in range(20)
    ]
    put(engine, vectors, *made)
    for written, kept in {
        "comments.stars>=3": [n for n in range(20) if n % 5 >= 3],
        "comments.stars!=3": [n for n in range(20) if n % 5 != 3],
        "labels.env>e0": [n for n in range(20) if n % 3],
        "labels.env!=e0": [n for n in range(20) if n % 3],
        "day>2024-01-10": list(range(10, 20)),
        "day>now-1d/d": [],
        "made<10": list(range(10)),
    }.items():
        request = SearchRequest(asking("x"), top=50, filters=(parse_filter(written),))
        assert sorted(in_order(engine, vectors, request)) == [f"{n:02}" for n in kept], written
