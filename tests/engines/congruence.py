"""The behaviour that every engine shares: a list of functions, each run on each engine.

A test module provides the fixtures `engine` (an open engine) and `index` (a free name; what is
made under names that begin with it is removed afterwards) and imports everything from here.
"""

import dataclasses

import pytest

from enricher.errors import IndexConflict, IndexNotFound, UsageError
from enricher.records import (
    EnrichedDocument,
    FieldKind,
    Filter,
    IndexLayout,
    Operator,
    Query,
    QueryTerm,
    SearchEngine,
    SearchRequest,
)

LAYOUT = IndexLayout(
    fields=("title", "text"),
    mapping={
        "tokens.title": FieldKind.WORDS,
        "tokens.text": FieldKind.WORDS,
        "subwords.text": FieldKind.TERMS,
        "keywords": FieldKind.KEYWORD,
        "near": FieldKind.EXACT,
        "keyword_weights": FieldKind.STORED,
        "model": FieldKind.KEYWORD,
        "fingerprint": FieldKind.VALUE,
    },
    model_version="v1",
    compatible=("v0",),
    segmenter={"name": "jieba", "version": "0.42.1", "dictionary": "abc"},
)


def document(
    id_: str, text: str, title: str = "", keywords: object = (), **source: object
) -> EnrichedDocument:
    """A document whose tokens are the words of its title and text."""
    enrichment = {
        "tokens": {"title": title, "text": text},
        "subwords": {"text": text},
        "keywords": keywords,
        "keyword_weights": [{"text": "k", "weight": 0.5}],
        "model": "v1",
    }
    return EnrichedDocument(id_, {"title": title, "text": text, **source}, enrichment)


def query(*terms: QueryTerm | str) -> Query:
    """A query of these terms."""
    made = tuple(QueryTerm(term) if isinstance(term, str) else term for term in terms)
    return Query(" ".join(term.term for term in made), made)


def equal(field: str, value: str) -> Filter:
    """The filter for one value of a field."""
    return Filter(field, Operator.EQUAL, value)


def ids(engine: SearchEngine, index: str, *terms: QueryTerm | str, **rest: object) -> list[str]:
    """The ids of the hits, sorted."""
    response = engine.search(index, SearchRequest(query(*terms), **rest))  # type: ignore[arg-type]
    assert response.total >= len(response.hits)
    return sorted(hit.id for hit in response.hits)


def fill(engine: SearchEngine, index: str, *documents: EnrichedDocument) -> None:
    """Make an index that holds the documents."""
    engine.create(index, LAYOUT)
    assert engine.write(index, documents) == []
    engine.refresh(index)


# ------------------------------------------------------------------ indexes


def test_create_makes_an_empty_index_once(engine: SearchEngine, index: str) -> None:
    """A new index is empty, listed, and its name is taken."""
    assert not engine.exists(index)
    engine.create(index, LAYOUT)
    assert engine.exists(index)
    assert index in engine.indexes()
    assert engine.count(index) == 0
    assert list(engine.read(index)) == []
    with pytest.raises(IndexConflict, match=index):
        engine.create(index, LAYOUT)


def test_layout_comes_back_as_it_was_given(engine: SearchEngine, index: str) -> None:
    """An index answers the layout that it was made with."""
    engine.create(index, LAYOUT)
    assert engine.layout(index) == LAYOUT


def test_stamp_changes_the_versions_and_nothing_else(engine: SearchEngine, index: str) -> None:
    """Stamping an index replaces its model version and the compatible ones."""
    fill(engine, index, document("a", "x", year=1998))
    engine.stamp(index, "v2", ["v1", "v0"])
    stamped = engine.layout(index)
    assert (stamped.model_version, stamped.compatible) == ("v2", ("v1", "v0"))
    assert (stamped.fields, stamped.mapping, stamped.segmenter) == (
        LAYOUT.fields,
        LAYOUT.mapping,
        LAYOUT.segmenter,
    )
    assert ids(engine, index, "x", filters=(equal("year", "1998"),)) == ["a"]


def test_a_dropped_index_is_gone_with_its_aliases(engine: SearchEngine, index: str) -> None:
    """Dropping removes the documents and the aliases."""
    fill(engine, index, document("a", "x"))
    engine.set_alias(f"{index}-alias", index)
    engine.drop(index)
    assert not engine.exists(index)
    assert not engine.exists(f"{index}-alias")
    assert f"{index}-alias" not in engine.aliases()
    engine.create(index, LAYOUT)
    assert engine.count(index) == 0


def test_an_unknown_index_is_said_by_every_method(engine: SearchEngine, index: str) -> None:
    """Every method that names an index raises IndexNotFound with its name."""
    request = SearchRequest(query("x"))
    calls = [
        lambda: engine.drop(index),
        lambda: engine.layout(index),
        lambda: engine.stamp(index, "v2"),
        lambda: engine.write(index, [document("a", "x")]),
        lambda: engine.refresh(index),
        lambda: engine.search(index, request),
        lambda: list(engine.read(index)),
        lambda: engine.delete(index, ["a"]),
        lambda: engine.count(index),
        lambda: engine.frequencies(index, {"tokens.text": ["x"]}),
        lambda: engine.set_alias(f"{index}-alias", index),
    ]
    for call in calls:
        with pytest.raises(IndexNotFound, match=index):
            call()
    assert not engine.exists(index)


@pytest.mark.parametrize(
    "name", ["Upper", "with space", "a/b", "..", ".", "", "-a", "_all", "a,b", "*", "a\0b", "x" * 256, ".dot"]
)
def test_names_that_no_index_can_have_are_refused(engine: SearchEngine, name: str) -> None:
    """A name that the server could not take is wrong usage on every engine."""
    with pytest.raises(UsageError, match="index name"):
        engine.create(name, LAYOUT)


@pytest.mark.parametrize("name", ["_fresh", "_all", "-a", "+a", "*", "<a-{now/d}>", "far:a", ""])
def test_names_that_no_index_can_have_are_refused_before_anything_is_asked(
    engine: SearchEngine, name: str
) -> None:
    """Asking for an index of such a name is wrong usage too, on every engine."""
    for call in [
        engine.exists,
        engine.layout,
        engine.count,
        engine.refresh,
        engine.count_unenriched,
        engine.drop,
    ]:
        with pytest.raises(UsageError, match="index name"):
            call(name)
    with pytest.raises(UsageError, match="index name"):
        list(engine.read(name))


@pytest.mark.parametrize("name", ["with space", "a/b", "..", "", "-a", "_all", "a,b", "*", ".dot", "a\nb"])
def test_names_that_no_new_alias_can_have_are_refused(engine: SearchEngine, index: str, name: str) -> None:
    """By the rule for aliases, which may have capitals."""
    engine.create(index, LAYOUT)
    with pytest.raises(UsageError, match="alias name"):
        engine.set_alias(name, index)


@pytest.mark.parametrize("ending", ["Live", "ÄÖ商品", "50%25", "a+b;c&d=e"])
def test_an_alias_is_taken_as_it_is(engine: SearchEngine, index: str, ending: str) -> None:
    """With capitals, letters of any script and signs that a URL must quote; no index has capitals."""
    alias = f"{index}-{ending}"
    fill(engine, index, document("a", "x"))
    assert not engine.exists(alias)
    with pytest.raises(IndexNotFound):
        engine.count(alias)
    engine.set_alias(alias, index)
    assert engine.exists(alias) and engine.aliases()[alias] == (index,)
    assert engine.layout(alias) == LAYOUT and engine.count(alias) == 1
    engine.write(alias, [document("b", "x")])
    engine.refresh(alias)
    assert ids(engine, alias, "x") == ["a", "b"]
    assert sorted(found.id for found in engine.read(alias)) == ["a", "b"]
    assert engine.delete(alias, ["a"]) == 1
    with pytest.raises(UsageError, match="capital"):
        engine.create(f"{index}-Live", LAYOUT)


def test_an_alias_moves_in_one_action(engine: SearchEngine, index: str) -> None:
    """An alias stands for one index, and for another after it is set again."""
    one, two, alias = f"{index}-1", f"{index}-2", f"{index}-alias"
    fill(engine, one, document("a", "x"))
    fill(engine, two, document("b", "x"))
    engine.set_alias(alias, one)
    assert ids(engine, alias, "x") == ["a"]
    engine.set_alias(alias, two)
    assert ids(engine, alias, "x") == ["b"]
    assert engine.aliases()[alias] == (two,)
    assert engine.exists(alias)
    assert engine.layout(alias) == LAYOUT
    engine.write(alias, [document("c", "x")])
    engine.refresh(alias)
    assert engine.count(two) == 2
    with pytest.raises(IndexConflict):
        engine.set_alias(one, two)
    with pytest.raises(IndexConflict):
        engine.create(alias, LAYOUT)


# ------------------------------------------------------------------ documents

STRANGE: dict[str, object] = {
    "title": "emoji 😀👩‍👩‍👧 and combining e\u0301",
    "text": "שלום עולם مرحبا 你好\u3000\u00a0世界",
    "nul": "a\0b",
    "nested": {"list": [{"a": 1, "b": [True, None]}, {"a": 2.5}], "empty": {}},
    "big": 9007199254740993,
    "small": 1e-300,
    "negative": -0.5,
    "none": None,
    "no_values": [],
    "long": "长" * 40_000,
    "名称": "值",
    "with space": "and-dash",
}


def test_the_source_comes_back_identical(engine: SearchEngine, index: str) -> None:
    """Nested objects, numbers and any text are read and found as they were written."""
    strange = EnrichedDocument(
        "ids may be 长 😀/x?", STRANGE, {"tokens": {"text": "needle"}, "keywords": ["k"]}
    )
    fill(engine, index, strange)
    (read,) = engine.read(index)
    assert (read.id, read.source) == (strange.id, STRANGE)
    assert list(read.source) == list(STRANGE) or engine.name == "opensearch"  # which keeps no order of names
    (hit,) = engine.search(index, SearchRequest(query("needle"))).hits
    assert (hit.id, hit.source, hit.keywords) == (strange.id, STRANGE, ("k",))


def test_lone_surrogates_become_replacement_characters(engine: SearchEngine, index: str) -> None:
    """Half of a character pair in ids, keys, values, words or keywords loses no document."""
    broken = document("a\ud800", "x\udfff y", "t", ["k\ud800"], **{"f\ud800": "v\ud800"})
    fill(engine, index, broken)
    (read,) = engine.read(index)
    assert read.id == "a\ufffd"
    assert read.source["f\ufffd"] == "v\ufffd"
    assert ids(engine, index, "x\ud800") == ["a\ufffd"]
    assert ids(engine, index, "y", filters=(equal("keywords", "k\ud800"),)) == ["a\ufffd"]
    assert ids(engine, index, "y", filters=(equal("f\ud800", "v\ud800"),)) == ["a\ufffd"]
    assert engine.delete(index, ["a\ud800"]) == 1


def test_the_last_of_equal_ids_wins(engine: SearchEngine, index: str) -> None:
    """Within a batch and between batches, the document written last stays."""
    fill(engine, index, document("a", "one"), document("b", "one"), document("a", "two"))
    assert ids(engine, index, "two") == ["a"]
    assert ids(engine, index, "one") == ["b"]
    engine.write(index, [document("a", "three")])
    engine.write(index, [document("a", "four")])
    engine.refresh(index)
    assert engine.count(index) == 2
    assert ids(engine, index, "three") == []
    assert ids(engine, index, "four") == ["a"]


def test_writing_the_same_again_changes_nothing(engine: SearchEngine, index: str) -> None:
    """Documents written twice are there once."""
    documents = [document(str(number), f"w{number} x") for number in range(50)]
    fill(engine, index, *documents)
    engine.write(index, documents)
    engine.refresh(index)
    assert engine.count(index) == 50
    assert sorted(read.id for read in engine.read(index)) == sorted(item.id for item in documents)


def test_deleted_documents_are_counted_and_gone(engine: SearchEngine, index: str) -> None:
    """Deleting answers how many documents there were, unknown and repeated ids aside."""
    fill(engine, index, document("a", "x"), document("b", "x"), document("c", "x"))
    assert engine.delete(index, ["a", "nobody", "b", "a"]) == 2
    engine.refresh(index)
    assert engine.count(index) == 1
    assert ids(engine, index, "x") == ["c"]
    assert engine.delete(index, ["a"]) == 0
    assert engine.delete(index, []) == 0


def test_documents_that_no_engine_holds_are_rejected_alone(engine: SearchEngine, index: str) -> None:
    """An empty id, an immense id, a reserved field and NaN are refused, and the others written."""
    engine.create(index, LAYOUT)
    refused = [
        EnrichedDocument("", {"text": "x"}, {}),
        EnrichedDocument("i" * 600, {"text": "x"}, {}),
        EnrichedDocument("reserved", {"enrichment": {"a": 1}}, {}),
        EnrichedDocument("nan", {"value": float("nan")}, {}),
    ]
    rejections = engine.write(index, [document("a", "x"), *refused, document("b", "x")])
    assert [rejection.where for rejection in rejections] == [item.id for item in refused]
    assert all(rejection.reason.endswith(".") for rejection in rejections)
    assert '"text"' in rejections[0].content
    engine.refresh(index)
    assert ids(engine, index, "x") == ["a", "b"]


def _nested(depth: int) -> dict[str, object]:
    """Objects in objects, with a value whose path has so many names."""
    outer: dict[str, object] = {"a": 1}
    for _ in range(depth - 1):
        outer = {"a": outer}
    return outer


UNFIT: list[dict[str, object]] = [
    {"": 1},
    {"": None},
    {".": 1},
    {"..": 1},
    {".a": 1},
    {"a.": 1},
    {"a..b": 1},
    {" ": 1},
    {"\u3000": 1},
    {"a. .b": 1},
    {"a": {"": 1}},
    {"a": [{"b": {".": []}}]},
    _nested(21),
    _nested(200),
    {".".join("a" * 21): 1},
    {"a": 1, "a.b": 2},
    {"a": [1, {"b": 2}]},
    {"a": [{"b": 2}, "x"]},
    {"a": 10**400},
    {"_id": "x"},
    {"_source": {"a": 1}},
    {"_doc_count": 5},
]

FIT: list[dict[str, object]] = [
    {},
    _nested(20),
    {".".join("a" * 20): 1},
    {"a": None, "a.b": 1},
    {"a.b": 1, "a": {"b": 2}},
    {"a ": 1, "b*": 1, "c\nd": 1},
    {"a": {"_id": 1}, "_type": "x", "_score": 1.5},
    {"a": 10**30},
    {"a": [[[1], [2]], []]},
    {"n" * 40_000: 1},
]


def test_fields_that_one_engine_cannot_hold_are_rejected_by_all(engine: SearchEngine, index: str) -> None:
    """Empty names, depth, a value that is an object too, reserved names: refused in a sentence, alone."""
    engine.create(index, LAYOUT)
    unfit = [EnrichedDocument(f"unfit-{place}", source, {}) for place, source in enumerate(UNFIT)]
    rejections = engine.write(index, [document("a", "x"), *unfit, document("b", "x")])
    assert [rejection.where for rejection in rejections] == [item.id for item in unfit]
    assert all(rejection.reason.startswith("The ") for rejection in rejections)
    engine.refresh(index)
    assert ids(engine, index, "x") == ["a", "b"]


def test_odd_fields_that_every_engine_can_hold_are_taken(engine: SearchEngine, index: str) -> None:
    """Each in an index of its own is written and read as it was."""
    for place, source in enumerate(FIT):
        name = f"{index}-{place}"
        engine.create(name, LAYOUT)
        assert engine.write(name, [EnrichedDocument("a", source, {})]) == [], source
        engine.refresh(name)
        assert [one.source for one in engine.read(name)] == [source]
        engine.drop(name)


def test_of_equal_ids_the_last_that_can_be_held_stays(engine: SearchEngine, index: str) -> None:
    """A refused document does not take the one before it along."""
    engine.create(index, LAYOUT)
    unfit = EnrichedDocument("a", {"": 1}, {})
    assert len(engine.write(index, [document("a", "x"), unfit, document("b", "x")])) == 1
    engine.refresh(index)
    assert ids(engine, index, "x") == ["a", "b"]


def test_documents_of_other_models_are_foreign(engine: SearchEngine, index: str) -> None:
    """Those of the index's model and of compatible ones are not, those without enrichment are."""
    fill(engine, index)
    assert engine.count_unenriched(index) == 0
    made = document("mine", "x")
    older = EnrichedDocument("older", made.source, {**made.enrichment, "model": "v0"})
    other = EnrichedDocument("other", made.source, {**made.enrichment, "model": "v9"})
    bare = EnrichedDocument("bare", made.source, {})
    engine.write(index, [made, older, other, bare])
    engine.refresh(index)
    assert engine.count_unenriched(index) == 2
    assert [engine.count_enriched_with(index, model) for model in ("v0", "v9", "v5")] == [1, 1, 0]
    engine.stamp(index, "v9", ["v1"])
    assert engine.count_unenriched(index) == 2
    engine.stamp(index, "v9", ["v1", "v0"])
    assert engine.count_unenriched(index) == 1
    engine.delete(index, ["bare"])
    engine.refresh(index)
    assert engine.count_unenriched(index) == 0


def test_in_an_index_without_a_model_those_that_have_one_are_foreign(
    engine: SearchEngine, index: str
) -> None:
    """Words alone make a document valid there."""
    engine.create(index, dataclasses.replace(LAYOUT, model_version=None, compatible=()))
    plain = EnrichedDocument("a", {"text": "x"}, {"tokens": {"text": "x"}})
    assert engine.write(index, [plain, document("b", "x")]) == []
    engine.refresh(index)
    assert engine.count_unenriched(index) == 1


def test_a_write_of_nothing_is_nothing(engine: SearchEngine, index: str) -> None:
    """An empty batch is no error."""
    engine.create(index, LAYOUT)
    assert engine.write(index, []) == []
