"""Every engine of the registry behaves alike: the shared functions, each run on each engine."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from enricher.records import SearchEngine
from indexer.engines import KINDS, EngineKind, detected, open_engine
from tests.engines.congruence import *  # noqa: F403
from tests.engines.congruence_fields import *  # noqa: F403
from tests.engines.congruence_filters import *  # noqa: F403
from tests.engines.congruence_pages import *  # noqa: F403
from tests.engines.congruence_phrases import *  # noqa: F403
from tests.engines.congruence_search import *  # noqa: F403
from tests.engines.congruence_vectors import *  # noqa: F403

SERVERS = {"elasticsearch": "server_url", "opensearch": "opensearch_url"}
"""The fixture that answers the URL of a kind of engine which needs a server."""
DISTINCT = [kind for kind in KINDS if kind is not detected.KIND]
"""Without the kind that opens one of the others."""


@pytest.fixture(params=DISTINCT, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> EngineKind:
    """A kind of engine."""
    found: EngineKind = request.param
    return found


@pytest.fixture
def engine(kind: EngineKind, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SearchEngine]:
    """An open engine of that kind, whose indexes are its own."""
    alone = kind.url_of_folder
    if alone is not None:
        url = alone(tmp_path / "index")
    else:
        url = f"{kind.name}+{request.getfixturevalue(SERVERS[kind.name])}"
    opened = open_engine(url)
    yield opened
    opened.close()


@pytest.fixture
def index(engine: SearchEngine) -> Iterator[str]:
    """A free name; every index whose name begins with it is removed afterwards."""
    name = f"enricher-test-{uuid.uuid4().hex[:12]}"
    yield name
    for made in engine.indexes():
        if made.startswith(name):
            engine.drop(made)
