"""The same documents on a server and on the embedded engine must be ranked alike, by words and vectors."""

from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

import enricher
from enricher.enrichment import DocumentEnricher
from enricher.records import SearchEngine, SearchRequest, SearchResponse
from enricher.search.opened import open_index
from enricher.settings import IndexConfiguration
from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.pipeline import index_documents, prepare_index
from indexer.stored_vectors import check_vectors
from tests.corpora import TOPICS, documents

FIELDS = ("title", "text")
WORDS = [word for topic in TOPICS.values() for word in topic]
QUERIES = [" ".join(WORDS[n::11][: 1 + n % 3]) for n in range(8)]
STREAM = list(documents(200))


def assert_same(mine: SearchResponse, theirs: SearchResponse, what: object) -> None:
    """Totals, facets and scores are equal, and so are the hits that no tie lets change places."""
    assert mine.total == theirs.total, what
    assert mine.facets == theirs.facets, what
    scores = [hit.score for hit in theirs.hits]
    assert [hit.score for hit in mine.hits] == pytest.approx(scores, abs=1e-3, rel=1e-6), what
    if scores:
        clear = scores[-1] + 2e-3
        assert {hit.id for hit in mine.hits if hit.score > clear} == {
            hit.id for hit in theirs.hits if hit.score > clear
        }, what
        by_id = {hit.id: hit for hit in theirs.hits}
        for hit in mine.hits:
            same = by_id.get(hit.id, hit)
            assert (hit.source, hit.keywords) == (same.source, same.keywords)
            assert hit.score == pytest.approx(same.score, abs=1e-3, rel=1e-6)


def fill(engine: SearchEngine, index: str, chain: DocumentEnricher) -> None:
    """Index the documents as the command line does."""
    prepare_index(engine, index, chain.layout())
    report = index_documents(engine, index, STREAM, chain, lambda rejection: pytest.fail(rejection.reason))
    assert report.written == len(STREAM)


def write_plainly(client: Elasticsearch, index: str) -> None:
    """The documents without enrichment, as an application writes them."""
    lines: list[dict[str, object]] = []
    for document in STREAM:
        lines += [{"index": {"_id": document.id}}, dict(document.source)]
    assert not client.bulk(index=index, operations=lines, refresh=True)["errors"]


def assert_right(engine: ClusterEngine, index: str, embedded: TantivyEngine, name: str, models: Path) -> None:
    """Both engines rank by words and vectors alike, and `doctor` finds the right vectors."""
    model = enricher.load(models)
    theirs, mine = open_index(engine, index, lambda _: model), open_index(embedded, name, lambda _: model)
    length = theirs.layout.dimensions["vector"]
    assert engine.dimensions(index) == length
    for text in QUERIES:
        query = theirs.rewrite(theirs.query(text), IndexConfiguration())
        assert query.vector is not None and len(query.vector.codes) == length
        request = SearchRequest(query, top=30)
        assert_same(mine.search(request), theirs.search(request), text)
    [check] = check_vectors(engine, models, [engine.name_of(index)])
    assert check.passed and "3 documents" in check.detail, check
