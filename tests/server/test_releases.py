"""Every supported server: the ranking is that of the embedded engine, and a killed job loses nothing."""

from pathlib import Path

import pytest

from enricher.enrichment import DocumentEnricher
from indexer.engines import open_engine
from indexer.engines.tantivy.engine import TantivyEngine
from tests.conftest import RunCommand
from tests.server.distribution import RELEASES, UNDER_TEST, Release
from tests.server.engines import ServerEngine
from tests.server.fixtures import UrlOf
from tests.server.ranking import STREAM, assert_right, fill, write_plainly
from tests.server.reindex.truth import SOON

OTHERS = [release for release in RELEASES if release is not UNDER_TEST]
"""All tests run on the other one."""


@pytest.fixture(scope="module", params=OTHERS, ids=lambda release: release.name)
def release(request: pytest.FixtureRequest) -> Release:
    """A supported server."""
    found: Release = request.param
    return found


@pytest.fixture(scope="module")
def server_url(release: Release, url_of: UrlOf) -> str:
    """The URL of that server: everything in this module runs on it."""
    return url_of(release)


def test_the_same_documents_have_the_same_ranking(
    server_url: str,
    release: Release,
    index: str,
    embedded: TantivyEngine,
    default_chain: DocumentEnricher,
    models: Path,
) -> None:
    """Ids, and scores to three decimals, of queries with vectors; the server says of which family it is."""
    opened = open_engine(server_url)
    fill(opened, index, default_chain)
    assert opened.name == release.family
    assert_right(opened, index, embedded, index, models)  # type: ignore[arg-type]
    opened.close()


def test_a_killed_job_enriches_an_index_of_others(
    server_url: str,
    engine: ServerEngine,
    index: str,
    embedded: TantivyEngine,
    models: Path,
    run: RunCommand,
) -> None:
    """Every document is there once, and the ranking is right."""
    write_plainly(engine.client, index)

    def reindex(*words: object) -> int:
        done = run("--models", models, "--engine", server_url, "reindex", *map(str, words))
        return done.returncode

    alias, lease = f"{index}-alias", ("--lease-seconds", SOON)
    assert reindex("start", index, "--to", alias, *lease, "--fail-at", "page-noted") == -9
    assert engine.aliases().get(alias) is None
    assert reindex("resume", *lease) == 0
    assert engine.count(alias) == engine.count(index) == len(STREAM)
    assert engine.count_unenriched(alias) == 0
    assert_right(engine, alias, embedded, index, models)
