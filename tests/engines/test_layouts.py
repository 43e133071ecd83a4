"""The layout of an index as the engines keep it."""

from typing import Any

import pytest

from enricher.errors import EngineError
from enricher.records import FieldKind, IndexLayout
from indexer.engines.layouts import layout_as_json, layout_from_json, settings_hash

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
