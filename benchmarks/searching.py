"""Searching a real Elasticsearch: what enrichment costs over the plain index of the same documents.

The plain index has the dynamic mapping of the server. The competitor of a search is `multi_match` on title
and text of the plain index. Queries are titles of documents, and short ones: the first words of titles. Both
sides take turns. Indexes are merged to one segment, and each query is asked once, so that no answer comes
from a cache.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from statistics import fmean, quantiles
from typing import Any

from elasticsearch import helpers

from benchmarks.indexing import FIELDS, documents_of, scratch
from benchmarks.measure import Comparison, Figure, Row, as_goal, as_ratio, command_line, verdict
from benchmarks.reindexing import server
from enricher.loaded_model import load
from enricher.records import Document
from enricher.search.profile import profiling
from enricher.search.searcher import Question, Searcher
from enricher.settings import Configuration, IndexConfiguration
from indexer.engines.addresses import parse_addresses
from indexer.engines.elasticsearch.engine import ElasticsearchEngine

CORPORA = {"zh/corpus_news": 20_000, "zh/corpus_science": 17_000, "en/corpus_bio_abstracts": 18_000}
"""The corpora, and the documents that are drawn from each."""
QUERIES = 300
WARM_UP = 50
SHORT_CHARACTERS = 12
SEED = 7
HITS = 10
LEASE_SYNC_SECONDS = 40
"""Longer than the interval (30 s) at which a server takes back retention leases."""
WORKERS = 2
LIGHT = ("tokens", "subwords", "keywords")
SETTINGS = {"number_of_shards": 1, "number_of_replicas": 0}


@dataclass
class Percentile(Comparison):
    """The 95th percentiles of both sides."""

    @property
    def ratio(self) -> float:
        return _p95(self.ours) / _p95(self.theirs)

    def row(self) -> Sequence[str]:
        ours, theirs = (f"{_p95(side) * 1e3:.3g} ms" for side in (self.ours, self.theirs))
        return (
            *(self.work, ours, self.competitor, theirs),
            *(as_ratio(self.ratio), as_goal(self.at_most), verdict(self.met)),
        )


def _p95(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=20)[-1]


def rows(models: Path, data: Path) -> Iterator[Row]:
    """All figures. models: the folder of the active model that enriches the documents."""
    with server() as url, scratch() as folder:
        source = folder / "documents.jsonl"
        titles = write_documents(source, data)
        bench = Searching(url, models, folder)
        try:
            yield from bench.rows(source, titles)
        finally:
            bench.close()


def write_documents(path: Path, data: Path, queries: int = QUERIES) -> list[str]:
    """Write the documents in a random order; return the titles of some, WARM_UP of them and the queries."""
    drawn: list[Document] = []
    generator = random.Random(SEED)
    for name, number in CORPORA.items():
        found = [one for one in documents_of(data / name / "corpus.jsonl.gz") if one.text("text")]
        chosen = generator.sample(found, min(number, len(found)))
        drawn += [Document(f"{name}-{place}", one.source) for place, one in enumerate(chosen)]
    generator.shuffle(drawn)
    with path.open("w", encoding="utf-8") as file:
        for one in drawn:
            line = {"id": one.id, **{field: one.text(field) for field in FIELDS}}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    titles = [one.text("title") for one in drawn if len(one.text("title")) >= 8]
    return generator.sample(titles, WARM_UP + queries)


def short_queries(titles: Sequence[str]) -> list[str]:
    """The first words of each title."""
    return [title[:SHORT_CHARACTERS].rpartition(" ")[0] or title[:SHORT_CHARACTERS] for title in titles]


class Searching:
    """Three indexes of the same documents on one server: plain, enriched by default, and without vectors."""

    def __init__(self, url: str, models: Path, folder: Path) -> None:
        self.url, self.models, self.folder = url, models, folder
        self.engine = ElasticsearchEngine(parse_addresses(url), settings=SETTINGS, timeout=600)
        self.prefix = f"bench-{time.time_ns():x}"
        self.plain, self.full, self.light, self.words = (
            f"{self.prefix}-{name}" for name in ("plain", "full", "light", "words")
        )

    def close(self) -> None:
        """Drop the indexes."""
        for name in (self.plain, self.full, self.light, self.words):
            if self.engine.exists(name):
                self.engine.drop(name)
        self.engine.close()

    def rows(self, source: Path, titles: Sequence[str]) -> Iterator[Row]:
        self._fill_plain(source)
        enriched = self._index(source, self.full)
        words = self._index(source, self.words, "--no-enrichment")
        work = "time to index with the default enrichments, over the same with --no-enrichment"
        yield Figure(work, enriched / words, 2.5, "×")
        self._index(source, self.light, configuration=IndexConfiguration(enrichments=LIGHT))
        self._release_recovery_sources()
        for name in (self.plain, self.full, self.light):
            self.engine.client.indices.forcemerge(index=name, max_num_segments=1)
            self.engine.refresh(name)
        sizes = {name: self.engine.bytes_on_disk(name) for name in (self.plain, self.full, self.light)}
        plain = sizes[self.plain]
        over = f"over a plain index of {plain / 1e6:.0f} MB"
        yield Figure(f"size of an enriched index, {over}", sizes[self.full] / plain, 2.5, "×")
        yield Figure(
            f"size without document expansion and vectors, {over}", sizes[self.light] / plain, 2.0, "×"
        )
        yield self._page_bytes(titles)
        for kind, queries in (("titles", titles), ("short queries", short_queries(titles))):
            yield from self._searches(kind, queries)

    def _release_recovery_sources(self) -> None:
        """Let the next merge drop what the server keeps of left-out fields to recover replicas.

        It keeps that for 12 hours by default.
        """
        leases = {"index.soft_deletes.retention_lease.period": "1s"}
        for name in (self.plain, self.full, self.light):
            self.engine.client.indices.put_settings(index=name, settings=leases)
        time.sleep(LEASE_SYNC_SECONDS)

    # ------------------------------------------------------------------ filling

    def _fill_plain(self, source: Path) -> None:
        client = self.engine.client
        client.indices.create(index=self.plain, settings=SETTINGS)
        with source.open(encoding="utf-8") as file:
            lines = map(json.loads, file)
            actions = ({"_index": self.plain, "_id": line.pop("id"), "_source": line} for line in lines)
            helpers.bulk(client, actions, chunk_size=1_000, refresh=True)

    def _index(
        self, source: Path, name: str, *options: str, configuration: IndexConfiguration | None = None
    ) -> float:
        """Index the documents as a user would, and return the seconds."""
        config = self.folder / "enricher.toml"
        enrichments = (configuration or IndexConfiguration()).enrichments
        config.write_text(f'[index."{name}"]\nenrichments = {json.dumps(enrichments)}\n')
        words = ("index", str(source), "--to", name, "--workers", str(WORKERS), *options)
        rejects = ("--rejects", str(self.folder / "rejects"))
        return command_line(*words, *rejects, models=self.models, url=self.url, config=config).seconds

    # ------------------------------------------------------------------ searching

    def _multi_match(self, text: str, index: str) -> Any:
        query = {"multi_match": {"query": text, "fields": list(FIELDS)}}
        return self.engine.client.search(index=index, query=query, size=HITS)

    def _page_bytes(self, titles: Sequence[str]) -> Figure:
        """What an application that knows nothing of enrichment receives."""
        found = dict.fromkeys((self.plain, self.full), 0)
        for name in found:
            for title in titles[:WARM_UP]:
                answer = self._multi_match(title, name)
                found[name] += len(json.dumps(answer.body, ensure_ascii=False).encode())
        return Figure(
            f"bytes of {HITS} hits for an unchanged application, over the plain index",
            found[self.full] / found[self.plain], 1.2, "×",
        )  # fmt: skip

    def _searches(self, kind: str, queries: Sequence[str]) -> Iterator[Row]:
        searcher = Searcher(self.engine, lru_cache(partial(load, self.models)), Configuration)
        requests: list[int] = []

        def enriched(text: str, index: str) -> None:
            with profiling() as profile:
                searcher.search(Question(text, index, HITS))
            requests.append(profile.requests)

        for name, median, tail, label in (
            (self.full, 4.0, 5.0, "enriched search"),
            (self.light, 2.5, 2.5, "search by words and sub-words only"),
        ):
            ours, theirs = self._timed(partial(enriched, index=name), queries)
            work, competitor = f"{label}, {kind}", "multi_match on the plain index"
            yield Comparison(f"{work}, median", competitor, median, ours, theirs)
            yield Percentile(f"{work}, 95th percentile", competitor, tail, ours, theirs)
            measured = requests[WARM_UP:]
            yield Figure(f"requests, {label}, {kind}, largest", max(measured), 3, "requests")
            yield Figure(f"requests, {label}, {kind}, mean", fmean(measured), 3, "requests")
            requests.clear()

    def _timed(
        self, search: Callable[[str], object], queries: Sequence[str]
    ) -> tuple[list[float], list[float]]:
        """The seconds of our search and of the plain one for every query after the first WARM_UP."""
        ours: list[float] = []
        theirs: list[float] = []
        for text in queries:
            for side, run in ((ours, search), (theirs, partial(self._multi_match, index=self.plain))):
                started = time.perf_counter()
                run(text)
                side.append(time.perf_counter() - started)
        return ours[WARM_UP:], theirs[WARM_UP:]
