"""The embedded engine: the shared behaviour, and what only it has."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.engines.tantivy import TantivyEngine
from tests.engines.congruence import *  # noqa: F403


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivyEngine]:
    opened = TantivyEngine(tmp_path / "indexes", heap_bytes=20_000_000)
    yield opened
    opened.close()


@pytest.fixture
def index() -> str:
    return "things"
