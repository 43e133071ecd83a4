"""The layout of an index as JSON: what older versions wrote, and what newer ones add."""

import dataclasses
import json
from typing import Any

import pytest

from enricher.errors import EngineError
from enricher.records import FieldKind, IndexLayout
from enricher.records.layout_json import layout_as_json, layout_from_json, settings_hash
from tests.engines.congruence import LAYOUT

OLD: dict[str, Any] = {
    "format": 1,
    "fields": ["title", "text"],
    "mapping": {"tokens.text": "words", "keywords": "keyword"},
    "model": "m1",
    "compatible": [],
    "segmenter": {"segmenter.name": "rjieba"},
}
"""As it was written before plug-ins and their settings were recorded."""


def test_an_old_layout_opens_and_is_written_as_it_was() -> None:
    """What it does not record is unknown."""
    layout = layout_from_json("docs", OLD)
    assert layout.enrichments is None and not layout.mixed
    assert layout_as_json(layout) == OLD


def test_plugins_and_settings_are_recorded_with_a_hash() -> None:
    """The same after reading, and the same hash whatever the order."""
    enrichments = {"tokens": {}, "keywords": {"top": 2, "method": "phrases"}}
    layout = IndexLayout(
        ("text",), {"keywords": FieldKind.KEYWORD}, "m1", enrichments=enrichments, mixed=True
    )
    written = layout_as_json(layout)
    assert layout_from_json("docs", written) == layout
    assert written["settings_hash"] == settings_hash(dict(reversed(enrichments.items())))
    assert written["settings_hash"] != settings_hash({**enrichments, "keywords": {"top": 9}})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"enrichments": [1]}, "is damaged: enrichments must be an object or null, not a list."),
        ({"enrichments": {"tokens": 3}}, "is damaged: enrichments.tokens must be an object, not 3."),
        ({"fields": "text"}, "is damaged: fields must be a list, not the string 'text'."),
        ({"fields": [1]}, r"is damaged: fields\[0\] must be a string, not 1."),
        (
            {"mapping": {"keywords": "sharp"}},
            "is damaged: mapping.keywords must be words, terms, keyword, ",
        ),
        ({"model": 3}, "is damaged: model must be a string or null, not 3."),
        ({"segmenter": {"segmenter.version": 2}}, 'segmenter."segmenter.version" must be a string, not 2.'),
        ({"format": 9}, "is of another format than 1"),
    ],
)
def test_a_damaged_layout_is_named(damage: dict[str, object], said: str) -> None:
    """By its index and the key."""
    with pytest.raises(EngineError, match=f"'docs'.*{said}"):
        layout_from_json("docs", OLD | damage)


@pytest.mark.parametrize("key", ["fields", "mapping", "model", "compatible", "segmenter"])
def test_a_layout_without_a_key_is_damaged(key: str) -> None:
    """That every version has written."""
    with pytest.raises(EngineError, match=f"'docs' is damaged: {key} is missing"):
        layout_from_json("docs", {name: value for name, value in OLD.items() if name != key})


WITH_VECTORS = dataclasses.replace(
    LAYOUT, mapping={**LAYOUT.mapping, "vector": FieldKind.VECTOR}, dimensions={"vector": 100}
)


@pytest.mark.parametrize("layout", [LAYOUT, WITH_VECTORS])
def test_a_layout_survives_json(layout: IndexLayout) -> None:
    """It is read as it was written."""
    assert layout_from_json("things", json.loads(json.dumps(layout_as_json(layout)))) == layout


def test_a_layout_without_lengths_is_that_of_an_older_version() -> None:
    """It is of the same format, in both directions."""
    written = layout_as_json(WITH_VECTORS)
    older = {name: value for name, value in written.items() if name != "dimensions"}
    assert layout_from_json("things", older) == dataclasses.replace(WITH_VECTORS, dimensions={})
    assert written["format"] == 1 and "dimensions" not in layout_as_json(LAYOUT)


@pytest.mark.parametrize("lengths", [{"vector": "many"}, {"vector": None}, [100], "100", None])
def test_damaged_lengths_are_a_sentence(lengths: object) -> None:
    """The index is named."""
    with pytest.raises(EngineError, match="'things' is damaged"):
        layout_from_json("things", layout_as_json(WITH_VECTORS) | {"dimensions": lengths})
