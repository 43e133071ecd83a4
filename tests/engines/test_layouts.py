"""The layout of an index as JSON: what older versions wrote, and what newer ones add."""

import dataclasses
import json

import pytest

from enricher.errors import EngineError
from enricher.records import FieldKind, IndexLayout
from indexer.engines.layouts import layout_as_json, layout_from_json
from tests.engines.congruence import LAYOUT

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
