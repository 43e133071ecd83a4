"""Filters and facets on field types that only a server has, in an index whose mapping others made."""

from collections.abc import Mapping
from typing import Any

import pytest

from enricher.errors import UsageError
from enricher.records import SearchRequest, parse_filter
from indexer.engines.cluster.columns import Columns
from indexer.engines.cluster.conditions import field_filter, refused_filter
from tests.engines.congruence import LAYOUT, document, equal, fill, ids, query
from tests.engines.congruence_fields import facet, filtered
from tests.server.engines import ServerEngine, mapped

NESTED = {
    "type": "nested",
    "properties": {
        "author": {"type": "keyword"},
        "stars": {"type": "long"},
        "text": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "replies": {"type": "nested", "properties": {"author": {"type": "keyword"}}},
        "labels": {"type": "flattened"},
    },
}
PROPERTIES: dict[str, Any] = {
    "comments": NESTED,
    "labels": {"type": "flattened"},
    "outer": {"properties": {"labels": {"type": "flattened"}}},
    "address": {"type": "ip"},
    "day": {"type": "date"},
    "nanos": {"type": "date_nanos"},
    "slashes": {"type": "date", "format": "yyyy/MM/dd||epoch_second"},
    "on": {"type": "boolean"},
    "place": {"type": "geo_point"},
    "ages": {"type": "integer_range"},
    "season": {"type": "date_range"},
    "network": {"type": "ip_range"},
    "single": {"type": "float"},
    "half": {"type": "half_float"},
    "whole": {"type": "long"},
    "byte": {"type": "byte"},
    "lower": {"type": "keyword", "normalizer": "lowercase"},
    "hidden": {"type": "keyword", "index": False, "doc_values": False},
    "unindexed": {"type": "keyword", "index": False},
    "unkept": {"type": "keyword", "doc_values": False},
    "bytes": {"type": "binary"},
    "ideas": {"type": "completion"},
    "body": {"type": "text"},
    "headline": {"type": "text", "fields": {"raw": {"type": "keyword"}, "words": {"type": "text"}}},
    "another": {"type": "alias", "path": "day"},
    "other": {"type": "alias", "path": "headline"},
    "payload": {"type": "object", "enabled": False},
}
RUNTIME = {
    "decade": {"type": "keyword"},
    "rank": {"type": "long"},
    "seen": {"type": "date"},
    "live": {"type": "boolean"},
}
SOURCE: dict[str, Any] = {
    "comments": [
        {"author": "li", "stars": 5, "text": "very good", "replies": [{"author": "wu"}, {"author": "wu"}]},
        {"author": "li", "stars": 3, "labels": {"lang": "zh"}},
        {"author": "ma"},
    ],
    "labels": {"env": "prod", "n": 5, "deep": {"er": "x"}},
    "outer": {"labels": {"env": "test"}},
    "address": ["10.1.2.3", "2001:db8::0:1"],
    "day": "2024-01-02T10:00:00+08:00",
    "nanos": "2024-01-02T10:00:00.123456789Z",
    "slashes": "2024/05/01",
    "on": "true",
    "place": "1,2",
    "ages": {"gte": 10, "lte": 20},
    "season": {"gte": "2024-03-01", "lt": "2024-06-01"},
    "network": "10.0.0.0/8",
    "single": 3.14,
    "half": 3.14,
    "whole": 9007199254740993,
    "byte": 5,
    "lower": "News",
    "hidden": "h",
    "unindexed": "u",
    "unkept": "k",
    "bytes": "eA==",
    "ideas": "idea",
    "body": "some words",
    "headline": "Two Words",
    "payload": {"a": {"b": 1}},
    "decade": "90s",
    "rank": 7,
    "seen": "2024-02-03",
    "live": True,
}


@pytest.fixture
def typed(engine: ServerEngine, index: str) -> str:
    """An index of three documents, of which "full" has a field of every type."""
    engine.create(index, LAYOUT)
    engine.client.indices.put_mapping(index=index, **mapped(engine, PROPERTIES, RUNTIME))
    full, bare = document("full", "x", **SOURCE), document("bare", "x")
    second = document("second", "x", comments=[{"author": "li", "stars": 1}], labels={"env": "dev"})
    assert engine.write(index, [full, bare, second]) == []
    engine.refresh(index)
    return index


FILTERS = [
    ("comments.author", "li", ["full", "second"]),
    ("comments.author", "ma", ["full"]),
    ("comments.author", "nobody", []),
    ("comments.stars", "5", ["full"]),
    ("comments.stars", "5.5", []),
    ("comments.text", "very good", ["full"]),
    ("comments.text.raw", "very good", ["full"]),
    ("comments.replies.author", "wu", ["full"]),
    ("comments.labels.lang", "zh", ["full"]),
    ("labels.env", "prod", ["full"]),
    ("labels.n", "5", ["full"]),
    ("labels.deep.er", "x", ["full"]),
    ("labels", "prod", ["full"]),
    ("labels.nokey", "prod", []),
    ("outer.labels.env", "test", ["full"]),
    ("address", "10.1.2.3", ["full"]),
    ("address", "10.0.0.0/8", ["full"]),
    ("address", "2001:DB8::1", ["full"]),
    ("address", "11.0.0.0/8", []),
    ("day", "2024-01-02", ["full"]),
    ("day", "2024-01-02T02:00:00Z", ["full"]),
    ("day", "1704160800000", ["full"]),
    ("day", "2024-01-03", []),
    ("another", "2024-01-02", ["full"]),
    ("nanos", "2024-01-02", ["full"]),
    ("nanos", "2024-01-02T10:00:00.123456789Z", ["full"]),
    ("nanos", "2024-01-02T10:00:00.123456788Z", []),
    ("slashes", "2024/05/01", ["full"]),
    ("on", "true", ["full"]),
    ("on", "True", ["full"]),
    ("on", "false", []),
    ("ages", "15", ["full"]),
    ("ages", "21", []),
    ("season", "2024-04-01", ["full"]),
    ("network", "10.9.9.9", ["full"]),
    ("single", "3.14", ["full"]),
    ("single", "1e300", []),
    ("half", "3.14", ["full"]),
    ("whole", "9007199254740993", ["full"]),
    ("whole", "9007199254740992", []),
    ("whole", "1.5", []),
    ("byte", "5.0", ["full"]),
    ("byte", "5000", []),
    ("lower", "NEWS", ["full"]),
    ("unindexed", "u", ["full"]),
    ("unkept", "k", ["full"]),
    ("headline", "Two Words", ["full"]),
    ("headline.raw", "Two Words", ["full"]),
    ("other", "Two Words", ["full"]),
    ("decade", "90s", ["full"]),
    ("rank", "7", ["full"]),
    ("seen", "2024-02-03", ["full"]),
    ("live", "true", ["full"]),
]

NO_FILTERS = [
    ("comments.stars", "many", "'comments.stars' .* holds numbers, but 'many' is not a number"),
    ("comments", "x", "no field 'comments'"),
    ("address", "abc", "'address' .* holds IP addresses, but 'abc' is not an IP address"),
    ("network", "10.0.0.0/8", "'network' .* holds IP addresses"),
    (
        "day",
        "May",
        r"'day' .* of the format strict_date_optional_time\|\|epoch_millis, but 'May' is not such a date",
    ),
    ("another", "May", "'another' .* dates of the format .* 'May' is not such a date"),
    ("nanos", "May", "'nanos' .* dates of the format .* 'May' is not such a date"),
    (
        "slashes",
        "2024-05-01",
        r"dates of the format yyyy/MM/dd\|\|epoch_second, but '2024-05-01' is not such a date",
    ),
    ("season", "spring", "'season' .* dates of the format .* 'spring' is not such a date"),
    ("seen", "May", "'seen' .* dates of the format .* 'May' is not such a date"),
    ("on", "yes", "'on' .* holds true or false, but 'yes' is neither"),
    ("live", "1", "'live' .* holds true or false, but '1' is neither"),
    ("place", "1,2", "'place' .* holds geographic or planar shapes"),
    ("ages", "old", "'ages' .* holds numbers, but 'old' is not a number"),
    ("single", "abc", "'single' .* holds numbers, but 'abc' is not a number"),
    ("rank", "abc", "'rank' .* holds numbers, but 'abc' is not a number"),
    ("hidden", "h", "'hidden' .* is not indexed"),
    ("bytes", "eA==", "'bytes' .* holds bytes"),
    ("ideas", "idea", "'ideas' .* holds suggestions"),
    ("body", "some words", "'body' .* is full text"),
    ("headline.words", "two", r"'headline\.words' .* is full text"),
    ("payload", "x", "'payload' .* is not indexed"),
    ("payload.a.b", "1", r"'payload\.a\.b' .* is not indexed"),
    ("nowhere", "1", "no field 'nowhere' .* address.* comments.author.* decade"),
    ("enrichment.tokens.text", "x", "no field"),
]


def test_a_filter_finds_values_of_every_type(engine: ServerEngine, typed: str) -> None:
    """Of nested objects, keys of flattened ones, runtime fields, aliases, ranges, and parts of fields."""
    for name, value, found in FILTERS:
        assert filtered(engine, typed, name, value) == sorted(found), (name, value)
    both = (equal("comments.author", "li"), equal("labels.env", "dev"))
    assert ids(engine, typed, "x", filters=both) == ["second"]


def test_a_filter_that_cannot_be_is_one_sentence(engine: ServerEngine, typed: str) -> None:
    """It names the field and what is wrong with it or with the value, and repeats no error of the server."""
    for name, value, sentence in NO_FILTERS:
        with pytest.raises(UsageError, match=sentence) as raised:
            filtered(engine, typed, name, value)
        said = str(raised.value)
        assert "shard" not in said and "exception" not in said and said.endswith("."), said
        others = (equal("labels.env", "prod"), equal(name, value), equal("decade", "90s"))
        with pytest.raises(UsageError, match=sentence):
            ids(engine, typed, "x", filters=others)


RANGES = [
    ("comments.stars>=5", ["full"]),
    ("comments.stars<2", ["second"]),
    ("comments.stars!=5", ["bare", "second"]),
    ("comments.author!=li", ["bare"]),
    ("comments.author>li", ["full"]),
    ("comments.text<w", ["full"]),
    ("comments.replies.author>=wu", ["full"]),
    ("comments.labels.lang>=zh", ["full"]),
    ("labels.env>dev", ["full"]),
    ("labels.env<=dev", ["second"]),
    ("labels.env<dev", []),
    ("labels.deep.er>=w", ["full"]),
    ("labels.env!=prod", ["bare", "second"]),
    ("labels>=prod", ["full"]),
    ("address>=10.0.0.0", ["full"]),
    ("address<10.0.0.0", []),
    ("address!=10.0.0.0/8", ["bare", "second"]),
    ("day>=2024-01-02", ["full"]),
    ("day>2024-01-02", []),
    ("day<=2024-01-02", ["full"]),
    ("day<2024-01-02", []),
    ("day<2024-01-03", ["full"]),
    ("day>=2024-01-02T02:00:00.000Z", ["full"]),
    ("day>1704160799999", ["full"]),
    ("day<now", ["full"]),
    ("day>=now-1d/d", []),
    ("day>=2024-01-31||-1M/M", ["full"]),
    ("day!=2024-01-02", ["bare", "second"]),
    ("another<=2024-01-02", ["full"]),
    ("nanos>2024-01-02T10:00:00.123456788Z", ["full"]),
    ("nanos>2024-01-02T10:00:00.123456789Z", []),
    ("nanos>2024-01-02T10:00:00.123Z", []),
    ("nanos<=2024-01-02T10:00:00.123Z", ["full"]),
    ("nanos<2024-01-02T10:00:00.123Z", []),
    ("slashes>=2024/05/01", ["full"]),
    ("slashes<2024/05/01", []),
    ("ages>20", []),
    ("ages>=20", ["full"]),
    ("season<2024-03-02", ["full"]),
    ("season<2024-03-01", []),
    ("network>10.255.0.0", ["full"]),
    ("single>3.13", ["full"]),
    ("single<1e300", ["full"]),
    ("single>-1e300", ["full"]),
    ("single>1e300", []),
    ("half<=3.14", ["full"]),
    ("half<1e6", ["full"]),
    ("whole>9007199254740992", ["full"]),
    ("whole>9007199254740992.5", ["full"]),
    ("whole<1e300", ["full"]),
    ("whole>1e300", []),
    ("whole>=-1e300", ["full"]),
    ("whole<-1e300", []),
    ("byte<5000", ["full"]),
    ("byte>4.5", ["full"]),
    ("byte>=5.5", []),
    ("lower>=NEWS", ["full"]),
    ("unindexed>=u", ["full"]),
    ("unkept<l", ["full"]),
    ("headline>=Two", ["full"]),
    ("other<Two", []),
    ("decade>80s", ["full"]),
    ("rank<=7", ["full"]),
    ("rank!=7", ["bare", "second"]),
    ("seen>=2024-02", ["full"]),
    ("seen<2024-02-03", []),
    ("live!=true", ["bare", "second"]),
]

NO_RANGES = [
    ("day>May", "'day' .* dates of the format .* 'May' is not such a date"),
    ("seen<May", "'seen' .* dates of the format .* 'May' is not such a date"),
    ("slashes<=2024-05-01", "'slashes' .* dates of the format .* is not such a date"),
    ("season>spring", "'season' .* dates of the format .* 'spring' is not such a date"),
    ("on>true", "'on' .* true or false, which have no order"),
    ("live<false", "'live' .* true or false, which have no order"),
    ("address>10.0.0.0/8", "'address' .* does not accept the filter 'address>10.0.0.0/8'|IP"),
    ("place>1,2", "'place' .* holds geographic or planar shapes"),
    ("body>a", "'body' .* is full text"),
    ("hidden>h", "'hidden' .* is not indexed"),
    ("comments>1", "no field 'comments'"),
    ("payload.a>1", "is not indexed"),
    ("rank>abc", "'rank' .* holds numbers, but 'abc' is not a number"),
]


def test_a_range_finds_values_of_every_type(engine: ServerEngine, typed: str) -> None:
    """Dates by the rules of the server, with its date maths; keys of flattened fields; nested objects."""
    for written, found in RANGES:
        assert ids(engine, typed, "x", filters=(parse_filter(written),)) == sorted(found), written
    several = tuple(map(parse_filter, ("day>=2024-01-01", "day<2024-02-01", "comments.stars>4")))
    assert ids(engine, typed, "x", filters=several) == ["full"]


def test_a_range_that_cannot_be_is_one_sentence(engine: ServerEngine, typed: str) -> None:
    """It names the field, and repeats no error of the server."""
    for written, sentence in NO_RANGES:
        with pytest.raises(UsageError, match=sentence) as raised:
            ids(engine, typed, "x", filters=(parse_filter("labels.env=prod"), parse_filter(written)))
        said = str(raised.value)
        assert "shard" not in said and "exception" not in said and said.endswith("."), said


FACETS: dict[str, dict[str, int]] = {
    "comments.author": {"li": 2, "ma": 1},
    "comments.stars": {"1": 1, "3": 1, "5": 1},
    "comments.text": {"very good": 1},
    "comments.replies.author": {"wu": 1},
    "comments.labels.lang": {"zh": 1},
    "labels.env": {"dev": 1, "prod": 1},
    "labels": {"5": 1, "dev": 1, "prod": 1, "x": 1},
    "address": {"10.1.2.3": 1, "2001:db8::1": 1},
    "day": {"2024-01-02T02:00:00.000Z": 1},
    "another": {"2024-01-02T02:00:00.000Z": 1},
    "nanos": {"2024-01-02T10:00:00.123Z": 1},
    "slashes": {"2024/05/01": 1},
    "on": {"true": 1},
    "single": {"3.14": 1},
    "half": {"3.14": 1},
    "whole": {"9007199254740993": 1},
    "byte": {"5": 1},
    "lower": {"news": 1},
    "unindexed": {"u": 1},
    "headline": {"Two Words": 1},
    "other": {"Two Words": 1},
    "decade": {"90s": 1},
    "rank": {"7": 1},
    "seen": {"2024-02-03T00:00:00.000Z": 1},
    "live": {"true": 1},
}


def test_a_facet_counts_documents_by_values_that_filters_take(engine: ServerEngine, typed: str) -> None:
    """A document once, however many of its nested objects have the value."""
    for name, counted in FACETS.items():
        if engine.name == "opensearch" and "labels" in name:
            continue  # it counts nothing in objects of the type flat_object
        assert facet(engine, typed, name) == counted, name
        for value, count in counted.items():
            assert len(filtered(engine, typed, name, value)) == count, (name, value)
    first = engine.search(typed, SearchRequest(query("x"), facets=("comments.author", "decade"))).facets
    assert [one.value for one in first["comments.author"]] == ["li", "ma"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("ages", "'ages' .* cannot be counted: it holds ranges"),
        ("season", "'season' .* cannot be counted: it holds ranges"),
        ("hidden", "'hidden' .* cannot be counted: it has no doc values"),
        ("unkept", "'unkept' .* cannot be counted: it has no doc values"),
        ("place", "'place' .* holds geographic or planar shapes"),
        ("body", "'body' .* is full text"),
        ("bytes", "'bytes' .* holds bytes"),
        ("comments", "no field 'comments'"),
    ],
)
def test_a_facet_that_cannot_be_is_one_sentence(
    engine: ServerEngine, typed: str, name: str, sentence: str
) -> None:
    """It names the field and the reason."""
    with pytest.raises(UsageError, match=sentence):
        facet(engine, typed, name)


def test_what_only_the_server_can_tell_is_one_sentence_too(engine: ServerEngine, index: str) -> None:
    """A type that this program does not know: the server's reason, with the field and the value."""
    fill(engine, index, document("a", "x", tag="v"))
    found = engine._descriptions.fresh(index)
    layout, mapping = found.layout, found.mapping
    unknown = {**mapping, "properties": {**mapping["properties"], "enrichment": {"type": "new_type"}}}
    columns = Columns(index, layout, unknown)
    said = str(refused_filter(columns, equal("tag", "v"), "of no use"))
    assert said == (
        f"The field 'tag' of the index '{index}' has the type keyword and does not accept the filter "
        "'tag=v': of no use."
    )
    assert str(columns.refused_facet("tag", "of no use")).endswith("cannot be counted: of no use.")


def columns_of(properties: Mapping[str, Any], **mapping: Any) -> Columns:
    """The columns of a mapping that no server of the tests can have."""
    return Columns("docs", LAYOUT, {"properties": properties, **mapping})


def test_types_of_the_full_product_are_asked_as_it_documents_them() -> None:
    """The server of the tests lacks these types."""
    found = columns_of(
        {
            "big": {"type": "unsigned_long"},
            "scaled": {"type": "scaled_float", "scaling_factor": 100},
            "words": {"type": "token_count", "analyzer": "standard"},
            "same": {"type": "constant_keyword", "value": "k"},
            "wild": {"type": "wildcard"},
            "release": {"type": "version"},
            "typed": {"type": "search_as_you_type", "fields": {"raw": {"type": "wildcard"}}},
            "plain": {"type": "search_as_you_type"},
            "lean": {"type": "match_only_text"},
            "shape": {"type": "geo_shape"},
            "rank": {"type": "rank_feature"},
        },
        runtime={"made": {"type": "composite", "fields": {"part": {"type": "long"}}}},
    )
    assert field_filter(found, equal("big", str(2**64 - 1))) == {"term": {"big": {"value": 2**64 - 1}}}
    assert (
        field_filter(found, equal("big", "-1"))
        == field_filter(found, equal("words", "1.5"))
        == {"match_none": {}}
    )
    assert field_filter(found, equal("scaled", "2.50")) == {"term": {"scaled": {"value": 2.5}}}
    assert field_filter(found, equal("words", "3")) == {"term": {"words": {"value": 3}}}
    for name in ("same", "wild", "release"):
        assert field_filter(found, equal(name, "1.2.3")) == {"term": {name: {"value": "1.2.3"}}}
    assert field_filter(found, equal("typed", "a b")) == {"term": {"typed.raw": {"value": "a b"}}}
    assert field_filter(found, equal("made.part", "5")) == {"term": {"made.part": {"value": 5}}}
    for written, bounds in [
        ("big<1", {"lt": 1}),
        ("scaled>=0", {"gte": -0.0}),
        ("release>1.2", {"gt": "1.2"}),
    ]:
        wanted = parse_filter(written)
        assert field_filter(found, wanted) == {"range": {wanted.field: bounds}}
    assert field_filter(found, parse_filter("big>=-1")) == {"exists": {"field": "big"}}
    assert field_filter(found, parse_filter("big<-1")) == {"match_none": {}}
    for name in ("plain", "lean", "shape", "rank"):
        with pytest.raises(UsageError, match=name):
            field_filter(found, equal(name, "a"))
    for name in ("big", "scaled", "words", "made.part"):
        with pytest.raises(UsageError, match="holds numbers"):
            field_filter(found, equal(name, "abc"))
