"""What enriches an index: tables, names, patterns and records, by one rule."""

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


def test_an_index_has_the_names_by_which_it_is_known(engine: TantivyEngine) -> None:
    """As typed, its aliases in order, its own name; also before it is made."""
    assert names_of(engine, "art") == ("art", "all", "art-v1")
    assert names_of(engine, "art-v1") == ("art-v1", "all", "art")
    assert names_of(engine, "new") == ("new",)
    assert names_of(engine, "new", "art-v1") == ("new", "art-v1", "all", "art")


def test_a_name_wins_over_a_pattern_and_the_first_pattern_of_the_file_over_others() -> None:
    """Whichever of its names the table gives."""
    tables = Configuration({"art-*": table("keywords"), "*": table("vector"), "all": table("subwords")})
    assert configuration_of(tables, ("art", "all", "art-v1"), RECORDED) == table("subwords")
    assert configuration_of(tables, ("art", "art-v1"), RECORDED) == table("keywords")
    assert configuration_of(tables, ("else",), None) == table("vector")


def test_without_a_table_the_index_says_what_enriches_it() -> None:
    """Its plug-ins and settings; the defaults where it has no model or recorded none."""
    found = configuration_of(Configuration(), ("art",), RECORDED)
    assert found.enrichments == ("tokens", "keywords")
    assert found.settings["keywords"]["top"] == 2
    assert found.rewriters == IndexConfiguration().rewriters
    for silent in (None, IndexLayout(("body",), MAPPING, "m1"), WITHOUT_MODEL):
        assert configuration_of(Configuration(), ("art",), silent) == IndexConfiguration()


def test_a_pattern_that_fits_the_index_serves_its_alias_too(engine: TantivyEngine) -> None:
    """So that an alias and the index behind it are never enriched in two ways."""
    tables = Configuration({"art-*": table("keywords")})
    assert configuration_for(engine, tables, "art") == table("keywords")
    assert configuration_for(engine, tables, "other") == IndexConfiguration()


def test_what_is_not_there_records_nothing(engine: TantivyEngine) -> None:
    """An index that is to be made."""
    recorded = recorded_layout(engine, "art")
    assert recorded is not None and recorded.enrichments == RECORDED.enrichments
    assert recorded_layout(engine, "absent") is None


def test_fields_come_from_options_then_the_table_then_the_record_then_the_source() -> None:
    """Else they are title and text; an option takes the place of the title or of the text."""
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


def test_fields_that_nobody_has_named_are_told() -> None:
    """With those left out; what an index records is not news."""
    assert field_notes(("a",), TextFields(("a",))) == []
    assert field_notes(("a",), None) == []
    (note,) = field_notes(("a",), TextFields(("a", "c"), True, ("b",)))
    assert "enriched fields are a; c, b left out" in note


def test_indexes_with_other_fields_are_not_read_as_one(engine: TantivyEngine) -> None:
    """The texts of one of them would be lost."""
    assert fields_of_indexes(engine, ["art", "art-v1"]).names == ("headline", "body")
    with pytest.raises(UsageError, match=r"'art-v1' are in headline, body, those of 'other' in title, text"):
        fields_of_indexes(engine, ["art-v1", "other"])
