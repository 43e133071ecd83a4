"""Sort orders, native filters and printed requests on a real server."""

import pytest

from enricher.errors import UsageError
from enricher.records import SearchRequest, parse_sort
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from tests.engines.congruence import LAYOUT, document, query

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
def typed(engine: ElasticsearchEngine, index: str) -> str:
    """An index of three documents, the last of which lacks most fields."""
    engine.create(index, LAYOUT)
    engine.client.indices.put_mapping(index=index, properties=PROPERTIES, runtime={"decade": KEYWORD})
    made = [document(id_, "x", **values) for id_, values in zip("abc", VALUES, strict=True)]
    assert engine.write(index, made) == []
    engine.refresh(index)
    return index


def test_hits_are_sorted_by_fields_of_every_type(engine: ElasticsearchEngine, typed: str) -> None:
    """Dates, addresses, keys of flattened fields, nested objects, runtime fields and parts of text."""

    def listed(sort: str) -> str:
        hits = engine.search(typed, SearchRequest(query("x"), sort=parse_sort(sort))).hits
        return "".join(hit.id for hit in hits)

    for name in ("nanos", "whole", "single", "on", "address", "lower", "labels.env", "labels"):
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
    engine: ElasticsearchEngine, typed: str, name: str, sentence: str
) -> None:
    """It names the field and the reason."""
    with pytest.raises(UsageError, match=sentence):
        engine.search(typed, SearchRequest(query("x"), sort=parse_sort(f"{name}:desc")))
