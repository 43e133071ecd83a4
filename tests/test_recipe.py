"""The plug-ins, settings and fields of an index: tables, names, patterns and records."""

from pathlib import Path

import pytest

from enricher.errors import UsageError
from enricher.recipe.configuration import configuration_for, configuration_of, names_of, recorded_layout
from enricher.recipe.fields import NamedFields, chosen_fields, field_notes, fields_of_indexes
from enricher.recipe.text_fields import TextFields
from enricher.records import FieldKind, IndexLayout
from enricher.settings import Configuration, IndexConfiguration
from indexer.engines.tantivy.engine import TantivyEngine

MAPPING = {"tokens.body": FieldKind.WORDS}
ENRICHED = {"tokens": {}, "keywords": {"top": 2, "method": "phrases"}}
RECORDED = IndexLayout(("headline", "body"), MAPPING, "m1", enrichments=ENRICHED)
WITHOUT_MODEL = IndexLayout(("body",), MAPPING, enrichments=ENRICHED)


def table(*enrichments: str) -> IndexConfiguration:
    return IndexConfiguration(enrichments=("tokens", *enrichments))


@pytest.fixture
def engine(tmp_path: Path) -> TantivyEngine:
    """Two indexes, of which one has two aliases."""
    engine = TantivyEngine(tmp_path)
    engine.create("art-v1", RECORDED)
    engine.create("other", IndexLayout(("title", "text"), {"tokens.text": FieldKind.WORDS}))
    engine.set_alias("art", "art-v1")
    engine.set_alias("all", "art-v1")
    return engine


def test_the_names_of_an_index_are_as_typed_then_aliases_then_its_own(engine: TantivyEngine) -> None:
    """An index that does not exist yet has the name as typed."""
    assert names_of(engine, "art") == ("art", "all", "art-v1")
    assert names_of(engine, "art-v1") == ("art-v1", "all", "art")
    assert names_of(engine, "new") == ("new",)
    assert names_of(engine, "new", "art-v1") == ("new", "art-v1", "all", "art")


def test_a_table_name_wins_over_patterns_and_the_first_pattern_over_later_ones() -> None:
    """Any name of the index can match."""
    tables = Configuration({"art-*": table("keywords"), "*": table("vector"), "all": table("subwords")})
    assert configuration_of(tables, ("art", "all", "art-v1"), RECORDED) == table("subwords")
    assert configuration_of(tables, ("art", "art-v1"), RECORDED) == table("keywords")
    assert configuration_of(tables, ("else",), None) == table("vector")


def test_without_a_table_the_record_of_the_index_is_used() -> None:
    """The defaults apply if it has no model, or recorded no plug-ins."""
    found = configuration_of(Configuration(), ("art",), RECORDED)
    assert found.enrichments == ("tokens", "keywords")
    assert found.settings["keywords"]["top"] == 2
    assert found.rewriters == IndexConfiguration().rewriters
    for silent in (None, IndexLayout(("body",), MAPPING, "m1"), WITHOUT_MODEL):
        assert configuration_of(Configuration(), ("art",), silent) == IndexConfiguration()


def test_a_pattern_that_matches_the_index_applies_to_its_alias_too(engine: TantivyEngine) -> None:
    """An alias and its index are never enriched in two ways."""
    tables = Configuration({"art-*": table("keywords")})
    assert configuration_for(engine, tables, "art") == table("keywords")
    assert configuration_for(engine, tables, "other") == IndexConfiguration()


def test_a_missing_index_has_no_recorded_layout(engine: TantivyEngine) -> None:
    """An existing index has one."""
    recorded = recorded_layout(engine, "art")
    assert recorded is not None and recorded.enrichments == RECORDED.enrichments
    assert recorded_layout(engine, "absent") is None


def test_fields_come_from_options_then_the_table_then_the_record_then_the_source() -> None:
    """The default is title and text; an option replaces the title or the text."""
    source = TextFields(("subject", "story"), True)
    assert chosen_fields(NamedFields(), None) == ("title", "text")
    assert chosen_fields(NamedFields(), source) == ("subject", "story")
    assert chosen_fields(NamedFields(), source, None, ("headline", "body")) == ("headline", "body")
    assert chosen_fields(NamedFields(), source, ("a", "b", "c"), ("headline", "body")) == ("a", "b", "c")
    assert chosen_fields(NamedFields(text="body"), source, ("a", "b", "c")) == ("a", "body")
    assert chosen_fields(NamedFields(title="x"), source, ("a", "b", "c")) == ("x", "b", "c")
    assert chosen_fields(NamedFields(title="x"), None) == ("x", "text")
    assert chosen_fields(NamedFields(text="body"), None) == ("title", "body")
    assert chosen_fields(NamedFields("body", "body"), None) == ("body",)
    with pytest.raises(UsageError, match="inside"):
        chosen_fields(NamedFields("page", "page.body"), None)


def test_detected_fields_are_reported() -> None:
    """The report lists the fields left out. Recorded fields are not reported."""
    assert field_notes(("a",), TextFields(("a",))) == []
    assert field_notes(("a",), None) == []
    (note,) = field_notes(("a",), TextFields(("a", "c"), True, ("b",)))
    assert "enriched fields are a; c, b left out" in note


def test_indexes_with_different_fields_cannot_be_read_together(engine: TantivyEngine) -> None:
    """The texts of one of them would be lost."""
    assert fields_of_indexes(engine, ["art", "art-v1"]).names == ("headline", "body")
    with pytest.raises(UsageError, match=r"'art-v1' are in headline, body, those of 'other' in title, text"):
        fields_of_indexes(engine, ["art-v1", "other"])
