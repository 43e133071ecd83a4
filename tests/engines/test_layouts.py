"""The layout of an index as JSON: what older versions wrote, and what newer ones add."""

import dataclasses
import json
from typing import Any

import pytest

from enricher.errors import EngineError
from enricher.records import FieldKind, IndexLayout
from indexer.engines.layouts import layout_as_json, layout_from_json, settings_hash
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


@pytest.mark.parametrize("damage", [{"enrichments": [1]}, {"enrichments": {"tokens": 3}}, {"format": 9}])
def test_a_damaged_layout_is_named(damage: dict[str, object]) -> None:
    """By its index."""
    with pytest.raises(EngineError, match="'docs'"):
        layout_from_json("docs", OLD | damage)


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
