"""What a search on a real server costs, what a hit holds, and what happens when the index changes."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

import enricher
from enricher.enrichment import DocumentEnricher, EnricherRecipe
from enricher.errors import EngineError, IndexChanged, IndexConflict
from enricher.records import ENRICHMENT, Document, SearchRequest
from enricher.search.profile import Profile, profiling
from enricher.search.searcher import Answer, Question, Searcher
from enricher.settings import Configuration, IndexConfiguration
from indexer.doctor import examine
from indexer.engines import open_engine
from indexer.pipeline import index_documents, prepare_index
from indexer.reindex.cluster.cluster import Cluster
from tests.conftest import RunCommand
from tests.corpora import TOPICS, documents
from tests.server.engines import ServerEngine, engine_at

FIELDS = ("title", "text")
QUERIES = ("tide reef", "事务", "tide")
WORDS = [word for topic in TOPICS.values() for word in topic]


@pytest.fixture
def chain(models: Path, model: enricher.Model) -> DocumentEnricher:
    """The default recipe."""
    return EnricherRecipe(models, model.version, FIELDS, IndexConfiguration()).open()


@pytest.fixture
def searcher(engine: ServerEngine, model: enricher.Model) -> Searcher:
    return Searcher(engine, lambda version: model, Configuration)


def write(engine: ServerEngine, index: str, chain: DocumentEnricher, stream: list[Document]) -> None:
    """Create an index if it is not there, and write documents with their enrichment."""
    prepare_index(engine, index, chain.layout())
    index_documents(engine, index, stream, chain, lambda rejection: pytest.fail(rejection.reason))


def profiled(searcher: Searcher, question: Question) -> tuple[Answer, Profile]:
    with profiling() as profile:
        return searcher.search(question), profile


def test_a_search_is_at_most_three_requests(
    engine: ServerEngine, index: str, searcher: Searcher, chain: DocumentEnricher
) -> None:
    """After the first: the frequencies of unknown words, the words, the vectors with the documents."""
    write(engine, index, chain, list(documents(400)))
    searcher.search(Question("数据库", index))
    for number in range(20):
        text = " ".join(random.Random(number).sample(WORDS, 3))
        facets = ("keywords",) if number % 2 else ()
        question = Question(text, index, 10 + number, facets=facets)
        answer, profile = profiled(searcher, question)
        assert len(answer.response.hits) == 10 + number and answer.query.vector is not None
        assert 2 <= profile.requests <= 3, profile.steps
        again, profile = profiled(searcher, question)
        assert profile.requests == 2, profile.steps
        assert [hit.id for hit in again.response.hits] == [hit.id for hit in answer.response.hits]
    _, profile = profiled(searcher, Question(WORDS[0], index, expansion=False))
    assert profile.requests == 1
    assert sum(step.received for step in profile.steps) > 1000


def test_deep_pages_and_rare_words_show_every_hit(
    engine: ServerEngine, index: str, searcher: Searcher, chain: DocumentEnricher
) -> None:
    """Whether the second request has fetched the documents or not, each hit has its text and its rank."""
    write(engine, index, chain, list(documents(700)))
    for text in (WORDS[0], " ".join(WORDS[:6]), "reef tide 事务"):
        whole = searcher.search(Question(text, index, 500)).response.hits
        assert len(whole) > 150 and all(hit.source["text"] for hit in whole)
        for top in (1, 10, 11, 40, 100, 101):
            hits = searcher.search(Question(text, index, top)).response.hits
            assert [hit.id for hit in hits] == [hit.id for hit in whole[:top]]
            assert all(hit.source == other.source for hit, other in zip(hits, whole, strict=False))


def test_derived_text_is_searched_but_not_shown(
    engine: ServerEngine,
    index: str,
    searcher: Searcher,
    chain: DocumentEnricher,
    model: enricher.Model,
) -> None:
    """An application that reads a document gets keywords, model and fingerprint, as small as they are."""
    write(engine, index, chain, list(documents(30)))
    hits = engine.client.search(index=index, size=30)["hits"]["hits"]
    for hit in hits:
        assert set(hit["_source"][ENRICHMENT]) == {"keywords", "keyword_weights", "model", "fingerprint"}
        assert "fields" not in hit
    answer = searcher.search(Question(WORDS[0], index))
    assert answer.unenriched == 0 and answer.response.hits[0].keywords
    assert sorted(one.source for one in map(_sorted, engine.read(index))) == sorted(
        one.source for one in map(_sorted, documents(30))
    )


def _sorted(document: Document) -> Document:
    return replace(document, source=json.dumps(document.source, sort_keys=True))  # type: ignore[arg-type]


def test_a_partial_update_is_found_and_mended(
    engine: ServerEngine,
    index: str,
    searcher: Searcher,
    chain: DocumentEnricher,
    models: Path,
    server_url: str,
    run: RunCommand,
) -> None:
    """It keeps the stamp and loses words and vectors: such a document counts as missing, not as fresh."""
    write(engine, index, chain, [*documents(30), Document("one", {"title": "", "text": "whale reef"})])
    assert "one" in [hit.id for hit in searcher.search(Question("whale reef", index)).response.hits]
    engine.client.update(index=index, id="one", doc={"views": 7}, refresh=True)
    assert engine.client.get(index=index, id="one")["_source"][ENRICHMENT]["fingerprint"]
    assert engine.count_unenriched(index) == 1
    assert engine.search(index, SearchRequest(searcher.open(index).query("whale"))).total == 0 or (
        "one" not in [hit.id for hit in searcher.search(Question("whale reef", index, 31)).response.hits]
    )
    [check] = [
        check
        for check in examine(models, lambda: open_engine(server_url), None)
        if check.name == f"index {index}"
    ]
    assert "1 document" in check.detail
    done = run("--models", models, "--engine", server_url, "reindex", "start", index, "--only", "missing")
    assert done.returncode == 0, done.stderr
    assert engine.count_unenriched(index) == 0
    mended = {one.id: one for one in engine.sample_enriched(index, 40)}["one"]
    assert mended.source["views"] == 7 and mended.enrichment["vector"]
    assert "one" in [hit.id for hit in searcher.search(Question("whale reef", index)).response.hits]


def test_an_alias_that_moves_is_followed_at_once(
    engine: ServerEngine, index: str, searcher: Searcher, chain: DocumentEnricher
) -> None:
    """What is known of an index is read again when the hits come from another one, or when there are none."""
    write(engine, f"{index}-1", chain, list(documents(30)))
    write(engine, f"{index}-2", chain, [Document("new", {"title": "", "text": "whale reef tide"})])
    other = open_engine(str(engine.server.addresses))
    other.set_alias(index, f"{index}-1")
    assert len(searcher.search(Question("whale reef", index)).response.hits) == 10
    other.set_alias(index, f"{index}-2")
    assert [hit.id for hit in searcher.search(Question("whale reef", index)).response.hits] == ["new"]
    other.drop(f"{index}-2")
    write(engine, f"{index}-3", chain, list(documents(20)))
    other.set_alias(index, f"{index}-3")
    assert searcher.search(Question("whale reef", index)).response.total > 1
    other.close()


def test_another_model_of_an_index_is_noticed(
    engine: ServerEngine, index: str, chain: DocumentEnricher, model: enricher.Model
) -> None:
    """The query is made again by the model that the index has now; the engine refuses the old one."""
    loaded: list[str] = []

    def load(version: str) -> enricher.Model:
        loaded.append(version)
        return model

    searcher = Searcher(engine, load, Configuration)
    write(engine, index, chain, list(documents(30)))
    searcher.search(Question("whale reef", index))
    opened = searcher.open(index)
    other = open_engine(str(engine.server.addresses))
    other.stamp(index, "next")
    later = replace(chain, model_version="next")
    for document, enrichment in zip(documents(30), later.enrich(list(documents(30))), strict=True):
        stored = {"model": "next", "keywords": enrichment["keywords"]}
        engine.client.index(index=index, id=document.id, document={**document.source, ENRICHMENT: stored})
    other.refresh(index)
    with pytest.raises(IndexChanged, match="changed in the meantime"):
        opened.search(SearchRequest(opened.query("whale reef")))
    searcher.search(Question("whale reef", index))
    assert loaded[-1] == "next" and loaded[0] == model.version
    other.close()


@pytest.mark.parametrize("without_words", [False, True])
def test_several_shards_give_the_ranking_of_one(
    server_url: str,
    engine: ServerEngine,
    index: str,
    model: enricher.Model,
    chain: DocumentEnricher,
    without_words: bool,
) -> None:
    """Also where documents of equal numbers have no vector, so that only ids tell them apart."""
    stream = list(documents(300))
    if without_words:
        stream += [
            Document(f"empty-{number}", {"title": "", "text": f"zq{number} tide"}) for number in range(40)
        ]
    parted = engine_at(
        str(engine.server.addresses), settings={"number_of_shards": 3, "number_of_replicas": 0}
    )
    answers = []
    for number, one in enumerate((engine, parted)):
        name = f"{index}-{number}"
        write(one, name, chain, stream)
        if without_words:  # as an application writes them
            for document in stream[300:]:
                fields = {
                    "all": {"tokens": document.text("text"), "subwords": "tide"},
                    "model": model.version,
                }
                one.client.index(index=name, id=document.id, document={**document.source, ENRICHMENT: fields})
            one.refresh(name)
        one.client.indices.forcemerge(index=name, max_num_segments=1)
        searcher = Searcher(one, lambda version: model, Configuration)
        answers.append([searcher.search(Question(text, name, 30)).response for text in QUERIES])
    for one, other in zip(*answers, strict=True):
        assert one.total == other.total
        assert [round(hit.score, 4) for hit in one.hits] == pytest.approx(
            [round(hit.score, 4) for hit in other.hits], abs=2e-4
        )
        assert len({hit.id for hit in other.hits}) == 30
    parted.close()


def test_doctor_says_what_a_new_index_would_save(
    engine: ServerEngine, index: str, chain: DocumentEnricher, models: Path, server_url: str
) -> None:
    """An index enriched in place keeps derived text in its documents, a new one does not."""
    write(engine, f"{index}-new", chain, list(documents(20)))
    settings = dict(engine.server.dialect.needed_settings)
    engine.client.indices.create(index=f"{index}-old", settings=settings)
    for document in documents(20):
        engine.client.index(index=f"{index}-old", id=document.id, document=document.source)
    engine.refresh(f"{index}-old")
    cluster = Cluster(engine)
    cluster.targets.add_mapping(f"{index}-old", chain.layout())
    write(engine, f"{index}-old", chain, list(documents(20)))
    assert engine.excess_share(f"{index}-new") == 0.0
    assert 0.3 < engine.excess_share(f"{index}-old") < 0.95
    details = {check.name: check.detail for check in examine(models, lambda: open_engine(server_url), None)}
    assert "is derived text" in details[f"index {index}-old"]
    assert "derived" not in details[f"index {index}-new"]


def test_an_alias_of_several_indexes_is_searched_as_one(
    engine: ServerEngine, index: str, searcher: Searcher, chain: DocumentEnricher
) -> None:
    """Indexes of one month each, with the ranking of one index of all documents; new ones join at once."""
    stream = list(documents(300))
    write(engine, f"{index}-whole", chain, stream)
    for month, part in enumerate((stream[:100], stream[100:150], stream[150:])):
        write(engine, f"{index}-2026.{month}", chain, part)
        engine.client.indices.put_alias(index=f"{index}-2026.{month}", name=f"{index}-all")
    for text in QUERIES:
        question = Question(text, f"{index}-all", 20, facets=("keywords",))
        whole = searcher.search(replace(question, index=f"{index}-whole"))
        parts = searcher.search(question)
        assert (parts.response.total, parts.unenriched) == (whole.response.total, 0)
        assert [round(hit.score, 4) for hit in parts.response.hits] == pytest.approx(
            [round(hit.score, 4) for hit in whole.response.hits], abs=2e-4
        )
        assert {hit.id for hit in parts.response.hits} == {hit.id for hit in whole.response.hits}
        assert parts.response.facets == whole.response.facets
    assert engine.count(f"{index}-all") == 300 and engine.count_unenriched(f"{index}-all") == 0
    with pytest.raises(EngineError, match="points to several indexes"):
        list(engine.read(f"{index}-all"))


def test_indexes_that_differ_are_not_searched_together(
    engine: ServerEngine, index: str, searcher: Searcher, chain: DocumentEnricher
) -> None:
    """Two models, or an index of somebody else: the sentence names the indexes."""
    for name, one in (("a", chain), ("b", replace(chain, model_version="other"))):
        write(engine, f"{index}-{name}", one, list(documents(3)))
        engine.client.indices.put_alias(index=f"{index}-{name}", name=f"{index}-all")
    with pytest.raises(IndexConflict, match=rf"enriched differently \({index}-a, {index}-b\)"):
        searcher.search(Question("tide", f"{index}-all"))
    engine.client.indices.create(index=f"{index}-c", aliases={f"{index}-more": {}})
    engine.client.indices.put_alias(index=f"{index}-a", name=f"{index}-more")
    with pytest.raises(IndexConflict, match=f"{index}-c"):
        searcher.search(Question("tide", f"{index}-more"))


def test_a_template_makes_the_next_index_of_an_alias(
    engine: ServerEngine,
    index: str,
    searcher: Searcher,
    chain: DocumentEnricher,
    models: Path,
    server_url: str,
    run: RunCommand,
) -> None:
    """The server creates it when an application writes, and it is enriched and searched with the others."""
    write(engine, f"{index}-1", chain, list(documents(20)))
    mapping = engine.client.indices.get_mapping(index=f"{index}-1")[f"{index}-1"]["mappings"]
    settings = dict(engine.server.dialect.needed_settings)
    template = {"aliases": {f"{index}-all": {}}, "mappings": mapping, "settings": settings}
    engine.client.indices.put_index_template(name=index, index_patterns=[f"{index}-*"], template=template)
    try:
        engine.client.indices.put_alias(index=f"{index}-1", name=f"{index}-all")
        engine.client.index(index=f"{index}-2", id="new", document={"text": "whale reef"}, refresh=True)
        assert searcher.search(Question("whale reef", f"{index}-all")).unenriched == 1
        line = ("--models", models, "--engine", server_url)
        done = run(*line, "reindex", "start", f"{index}-2", "--in-place", "--only", "missing")
        assert done.returncode == 0, done.stderr
        answer = searcher.search(Question("whale reef", f"{index}-all", 21))
        assert "new" in [hit.id for hit in answer.response.hits]
        assert engine.count_unenriched(f"{index}-all") == 0
        stored = engine.client.get(index=f"{index}-2", id="new")["_source"]["enrichment"]
        assert set(stored) == {"keywords", "keyword_weights", "model", "fingerprint"}
    finally:
        engine.client.indices.delete_index_template(name=index)
