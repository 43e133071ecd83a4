"""Servers for tests: those that variables name, as ELASTICSEARCH_URL does, or some of their own."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.server.certificates import Authority
from tests.server.distribution import (
    NEWER,
    OPENSEARCH,
    OPENSEARCH_2,
    OPENSEARCH_3,
    UNDER_TEST,
    WITHOUT_KNN,
    Release,
    ServerMissing,
    unpack,
)
from tests.server.node import Node, User
from tests.server.roles import ROLES
from tests.server.sharing import shared

UrlOf = Callable[[Release], str]
"""Answers the URL of a server of a release."""


def _missing(error: ServerMissing) -> None:
    if os.environ.get("CI") == "true" or os.environ.get("ENRICHER_REQUIRE_SERVER") == "1":
        raise error
    pytest.skip(f"These tests need a search server. {error}")


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
        return unpack(server_folder, UNDER_TEST)
    except ServerMissing as error:
        _missing(error)
        raise


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server without security."""
    given = os.environ.get(UNDER_TEST.variable)
    if given:
        yield given.rstrip("/")
        return
    folder: Path = request.getfixturevalue("server_folder")
    node = Node(request.getfixturevalue("server_home"), folder / "node-plain", release=UNDER_TEST)
    try:
        node.start()
    except ServerMissing as error:
        _missing(error)
    yield node.url
    node.stop()


@pytest.fixture(scope="session")
def url_of() -> Iterator[UrlOf]:
    """Answers the URL of a server of a release, without security; all workers share one.

    The server stays for the session: a worker that stopped one sooner would wait for the other workers
    that use it, which may do so until they end, and they end together with this one.
    """
    with ExitStack() as servers:
        yield cache(lambda release: servers.enter_context(_server_of(release)))


@contextmanager
def _server_of(release: Release) -> Iterator[str]:
    given = os.environ.get(release.variable)
    if given:
        yield given.rstrip("/")
        return
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    folder = Path(tempfile.gettempdir()) / f"enricher-{release.name}-{run}"

    def start() -> Node:
        node = Node(unpack(folder, release), folder / "node", release=release)
        node.start()
        return node

    try:
        with shared(folder, start) as url:
            yield url
    except ServerMissing as error:
        _missing(error)


@pytest.fixture(scope="session")
def newer_url(url_of: UrlOf) -> str:
    """The URL of a newer Elasticsearch without security."""
    return url_of(NEWER)


@pytest.fixture(scope="session")
def opensearch_url(url_of: UrlOf) -> str:
    """The URL of an OpenSearch without security."""
    return url_of(UNDER_TEST if UNDER_TEST.family == OPENSEARCH else OPENSEARCH_2)


@pytest.fixture(scope="session")
def newer_opensearch_url(url_of: UrlOf) -> str:
    """The URL of a newer OpenSearch without security."""
    return url_of(OPENSEARCH_3)


@pytest.fixture(scope="session")
def opensearch_without_knn_url(url_of: UrlOf) -> str:
    """The URL of an OpenSearch that cannot store vectors."""
    return url_of(WITHOUT_KNN)


@pytest.fixture(scope="session")
def authority(server_folder: Path) -> Authority:
    """The certificate authority of `secured_node`; the node sends its certificate too."""
    made = Authority(server_folder / "authority")
    made.issue("node", "DNS:localhost,IP:127.0.0.1", chain=made.certificate.read_text())
    return made


@pytest.fixture(scope="session")
def secured_node(server_home: Path, server_folder: Path, authority: Authority) -> Iterator[Node]:
    """A node of its own with security and HTTPS on, a superuser, and a user of every role in ROLES."""
    node = Node(
        server_home,
        server_folder / "node-secured",
        user="keeper",
        password="right-password",
        users={name: User(f"password-of-{name}", (name,)) for name in ROLES},
        roles=ROLES,
        certificates=authority.folder,
    )
    try:
        node.start()
    except ServerMissing as error:
        _missing(error)
    yield node
    node.stop()
