"""The JSON that answers a question, the same from every door: its keys are a contract with applications."""

from collections.abc import Sequence
from dataclasses import asdict

from enricher.records import Keyword, Neighbor, Query, RelatedWord, Sense
from enricher.search.searcher import Answer

Json = dict[str, object]


def search_answer(answer: Answer, *, explain: bool = False, escape: bool = False) -> Json:
    """The answer to a search.

    explain: tell too how many documents were found by words. escape: make the text of the highlights safe in
    HTML, where its marks <em> stay.
    """
    opened, query, response = answer.index, answer.query, answer.response
    found: Json = {
        "total": response.total,
        "took_ms": round(response.took_ms, 3),
        "hits": [
            {
                "id": hit.id,
                "score": hit.score,
                "title": opened.title(hit),
                "keywords": hit.keywords,
                "highlight": opened.highlights(hit, query, escape=escape),
            }
            for hit in response.hits
        ],
        "facets": {name: [asdict(count) for count in counts] for name, counts in response.facets.items()},
        "expansion": query.terms_as_json(),
        "vector": query.vector_as_json(),
    }
    return found | ({"by_words": response.by_words} if explain else {})


def expand_answer(text: str, query: Query, *, of_index: bool) -> Json:
    """The terms of a query; of_index: as a search of an index asks it, with the share of its vector."""
    found: Json = {"query": text, "terms": query.terms_as_json()}
    return found | ({"vector": query.vector_as_json()} if of_index else {})


def keywords_answer(identity: str | None, keywords: Sequence[Keyword]) -> Json:
    """The keywords of a document, whose id is None for a text without one."""
    return {"id": identity, "keywords": [asdict(keyword) for keyword in keywords]}


def neighbors_answer(word: str, neighbors: Sequence[Neighbor]) -> Json:
    """The words that can replace a word."""
    return {"word": word, "neighbors": [asdict(neighbor) for neighbor in neighbors]}


def related_answer(
    word: str, alpha: float, related: Sequence[RelatedWord], senses: Sequence[Sense] | None = None
) -> Json:
    """The words that occur with a word, and its groups of senses where they were asked for."""
    found: Json = {"word": word, "alpha": alpha, "related": [asdict(item) for item in related]}
    return found | ({} if senses is None else {"senses": [asdict(sense) for sense in senses]})
