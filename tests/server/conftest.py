"""The server that these tests talk to: the one that ELASTICSEARCH_URL names, or one of their own."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite(
    "tests.engines.congruence",
    "tests.engines.congruence_fields",
    "tests.engines.congruence_search",
    "tests.engines.congruence_vectors",
)

from indexer.engines.addresses import parse_addresses  # noqa: E402
from indexer.engines.elasticsearch.bulk import RetryPolicy  # noqa: E402
from indexer.engines.elasticsearch.engine import ElasticsearchEngine  # noqa: E402
from tests.server.distribution import MAIN, NEWER, ServerMissing, unpack  # noqa: E402
from tests.server.node import Node  # noqa: E402
from tests.server.sharing import shared  # noqa: E402

QUICK = RetryPolicy(tries=6, first=0.02, longest=0.2, total=60.0)
"""Retries that do not make a test wait."""


def _missing(error: ServerMissing) -> None:
    if os.environ.get("CI") == "true" or os.environ.get("ENRICHER_REQUIRE_SERVER") == "1":
        raise error
    pytest.skip(f"These tests need Elasticsearch. {error}")


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that another user may enter, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="enricher-server-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server_home(server_folder: Path) -> Path:
    """An unpacked server, from which any number of nodes can be started."""
    try:
        return unpack(server_folder)
    except ServerMissing as error:
        _missing(error)
        raise


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server without security."""
    given = os.environ.get(MAIN.variable)
    if given:
        yield given.rstrip("/")
        return
    node = Node(
        request.getfixturevalue("server_home"), request.getfixturevalue("server_folder") / "node-plain"
    )
    try:
        node.start()
    except ServerMissing as error:
        _missing(error)
    yield node.url
    node.stop()


@pytest.fixture(scope="session")
def newer_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a newer server without security; all workers share one."""
    given = os.environ.get(NEWER.variable)
    if given:
        yield given.rstrip("/")
        return
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    folder = Path(tempfile.gettempdir()) / f"enricher-newer-{run}"

    def start() -> Node:
        node = Node(unpack(folder, NEWER), folder / "node", release=NEWER)
        node.start()
        return node

    try:
        with shared(folder, start) as url:
            yield url
    except ServerMissing as error:
        _missing(error)


@pytest.fixture(scope="session")
def secured_node(server_home: Path, server_folder: Path) -> Iterator[Node]:
    """A node of its own with security on, and one superuser."""
    node = Node(server_home, server_folder / "node-secured", user="keeper", password="right-password")
    try:
        node.start()
    except ServerMissing as error:
        _missing(error)
    yield node
    node.stop()


@pytest.fixture
def index(server_url: str) -> Iterator[str]:
    """A free name; every index whose name begins with it is removed afterwards."""
    name = f"enricher-test-{uuid.uuid4().hex[:12]}"
    yield name
    engine = ElasticsearchEngine(parse_addresses(server_url))
    try:
        for made in engine.client.indices.get(index=f"{name}*", expand_wildcards="all"):
            engine.client.indices.delete(index=made)
    finally:
        engine.close()


@pytest.fixture
def engine(server_url: str) -> Iterator[ElasticsearchEngine]:
    """The engine under test, on the real server."""
    opened = ElasticsearchEngine(parse_addresses(server_url), retry=QUICK)
    yield opened
    opened.close()
