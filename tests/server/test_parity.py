"""Both engines give the same answers: hits up to ties, scores, totals and facets."""

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import pytest

from enricher.records import (
    EnrichedDocument,
    Hit,
    QueryTerm,
    SearchEngine,
    SearchRequest,
    SearchResponse,
    parse_filter,
    parse_sort,
)
from indexer.engines.tantivy.engine import TantivyEngine
from tests.engines.congruence import LAYOUT, document, equal, query
from tests.server.engines import ServerEngine
from tests.server.ranking import assert_same

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
WORDS = [f"w{rank}" for rank in range(3_000)]
WEIGHTS = [1 / (rank + 3) for rank in range(len(WORDS))]
BATCH = 700
Pair = tuple[SearchEngine, SearchEngine]


def compare(pair: Pair, index: str, request: SearchRequest) -> SearchResponse:
    """Ask both engines, compare, and answer what the embedded one said."""
    mine, theirs = (engine.search(index, request) for engine in pair)
    assert_same(mine, theirs, request)
    return mine


def fill_both(pair: Pair, index: str, documents: Sequence[EnrichedDocument]) -> None:
    """Write to both, with several commits, so that both have several segments."""
    for engine in pair:
        engine.create(index, LAYOUT)
        for start in range(0, len(documents), BATCH):
            assert engine.write(index, documents[start : start + BATCH]) == []
            engine.refresh(index)


@pytest.fixture
def pair(engine: ServerEngine, tmp_path: Path) -> Iterator[Pair]:
    embedded = TantivyEngine(tmp_path / "indexes", heap_bytes=20_000_000)
    yield embedded, engine
    embedded.close()


def generated(count: int, chance: random.Random) -> list[EnrichedDocument]:
    """Documents of words by Zipf's law; one title in four is empty, one text in fifty."""

    def words(most: int) -> str:
        return " ".join(chance.choices(WORDS, WEIGHTS, k=chance.randint(1, most)))

    return [
        document(
            str(number),
            "" if chance.random() < 0.02 else words(100),
            "" if chance.random() < 0.25 else words(12),
            chance.sample(WORDS[:40], k=chance.randint(0, 5)),
            category=chance.choice(["news", "law", "医学"]),
            year=chance.randint(1990, 2000),
            price=chance.choice([1, 2.5, 3.14]),
            tags=chance.choices(WORDS[:30], k=2),
        )
        for number in range(count)
    ]


def some_terms(chance: random.Random) -> list[QueryTerm]:
    """A query of one to six groups, of which some have alternatives, boosts or other families."""
    terms: list[QueryTerm] = []
    for word in chance.choices(WORDS[:500], k=chance.randint(1, 6)):
        terms.append(QueryTerm(word, field=chance.choice(["tokens", "tokens", "subwords"])))
        for near in chance.choices(WORDS, k=chance.choice([0, 0, 3])):
            terms.append(QueryTerm(near, chance.uniform(0.05, 2), "neighbors", for_=word))
    for free in chance.choices(WORDS, k=chance.choice([0, 2])):
        terms.append(QueryTerm(free, chance.uniform(0.05, 0.5), "related"))
    if chance.random() < 0.2:
        terms.append(QueryTerm(chance.choice(WORDS[:40]), 0.3, "boost", field="keywords"))
    return terms


def test_generated_documents(pair: Pair, index: str) -> None:
    """A hundred queries over 5,000 documents agree to three decimals."""
    chance = random.Random(7)
    fill_both(pair, index, generated(5_000, chance))
    filters = [
        (),
        (equal("category", "医学"),),
        (equal("keywords", "w3"), equal("year", "1995")),
        (equal("price", "3.14"),),
    ]
    for number in range(100):
        terms = some_terms(chance) if number % 4 else [QueryTerm(chance.choice(WORDS[:1000]))]
        request = SearchRequest(
            query(*terms),
            top=chance.choice([10, 10, 50]),
            filters=filters[number % 3 if number % 5 else 3],
            facets=("keywords", "category", "year", "price", "tags") if number % 2 else (),
        )
        response = compare(pair, index, request)
        assert response.total or request.filters or len(terms) == 1


OPTIONS = [
    ("year>=1995", "year<1999"),
    ("category!=law", "price>1"),
    ("category>=law", "keywords<w2"),
    ("tags!=w1", "year!=1990"),
    ("keywords>w3", "price<=2.5"),
]


def test_filters_phrases_pages_and_orders(pair: Pair, index: str) -> None:
    """The same documents in the same order, whatever is combined."""
    chance = random.Random(13)
    shown = same = 0
    fill_both(pair, index, generated(3_000, chance))
    for number in range(60):
        words = chance.choices(WORDS[:30], k=4)
        asked = query(*some_terms(chance), *words)
        if number % 3 == 0:
            asked = replace(asked, required=(tuple(words[:2]),), excluded=((words[3],),))
        if number % 3 == 1:
            asked = replace(asked, required=((words[0],),), excluded=(tuple(words[1:3]), (words[3],)))
        request = SearchRequest(
            asked,
            top=chance.choice([5, 20]),
            filters=tuple(map(parse_filter, chance.choice([(), *OPTIONS]))),
            facets=("category",),
            from_=chance.choice([0, 0, 7, 40]),
        )
        compare(pair, index, request)
        for order in ("year", "price:desc", "category", "keywords:desc", "tags"):
            mine, theirs = (engine.search(index, replace(request, sort=parse_sort(order))) for engine in pair)
            assert (mine.total, mine.facets) == (theirs.total, theirs.facets)
            field, _, falling = order.partition(":")
            orders = [[_first(hit, field, falling != "") for hit in found.hits] for found in (mine, theirs)]
            assert orders[0] == orders[1], request
            shown += len(mine.hits)
            same += sum(a.id == b.id for a, b in zip(mine.hits, theirs.hits, strict=True))
    assert same > 0.97 * shown  # scores that differ in the last digit change places


def _first(hit: Hit, field: str, falling: bool) -> object:
    """The value by which a hit is sorted."""
    values = hit.keywords if field == "keywords" else hit.source.get(field)
    if isinstance(values, list | tuple):
        return (max if falling else min)(map(str, values), default=None)
    return values


def test_a_fresh_index_after_changes(pair: Pair, index: str) -> None:
    """After replacements and deletes, what is left agrees once it is written to a fresh index."""
    chance = random.Random(11)
    documents = {one.id: one for one in generated(1_500, chance)}
    fill_both(pair, f"{index}-1", list(documents.values()))
    changed = {one.id: one for one in generated(400, chance)}
    gone = [str(number) for number in range(1_000, 1_300)]
    for engine in pair:
        assert engine.write(f"{index}-1", list(changed.values())) == []
        assert engine.delete(f"{index}-1", gone) == len(gone)
        engine.refresh(f"{index}-1")
        assert engine.count(f"{index}-1") == 1_200
    left = {one: kept for one, kept in {**documents, **changed}.items() if one not in gone}
    fill_both(pair, f"{index}-2", list(left.values()))
    for _ in range(20):
        terms = some_terms(chance)
        old = [engine.search(f"{index}-1", SearchRequest(query(*terms))).total for engine in pair]
        fresh = compare(pair, f"{index}-2", SearchRequest(query(*terms), facets=("keywords",)))
        assert old == [fresh.total] * 2


def english(text: str) -> list[str]:
    """Words in small letters."""
    return re.findall(r"\w+", text.lower())


def chinese(text: str) -> list[str]:
    """Characters and pairs of characters."""
    letters = re.findall(r"\w", text)
    return [*letters, *(a + b for a, b in pairwise(letters))]


@pytest.mark.parametrize(("folder", "cut"), [("en/ir_scifact", english), ("zh/ir_cmrc2018", chinese)])
def test_real_documents(pair: Pair, index: str, folder: str, cut: object) -> None:
    """Real documents, found by real queries, agree to three decimals."""
    if not (DATA / folder).exists():
        pytest.skip(f"The real text is missing: there is no {DATA / folder}.")
    assert callable(cut)
    documents = []
    with gzip.open(DATA / folder / "docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in islice(lines, 1_000):
            source = json.loads(line)
            title, text = " ".join(cut(source.get("title") or "")), " ".join(cut(source["text"]))
            made = document(source["id"], text, title, cut(source["text"])[:8])
            documents.append(EnrichedDocument(source["id"], source, made.enrichment))
    fill_both(pair, index, documents)
    with gzip.open(DATA / folder / "queries.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in islice(lines, 30)]
    found = [compare(pair, index, SearchRequest(query(*cut(text)), facets=("keywords",))) for text in texts]
    assert all(response.total for response in found)
