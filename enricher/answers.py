"""The JSON answers of searches and word queries. Applications rely on their keys."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from enricher.model.word2vec import Word2Vec
from enricher.records import (
    Candidate,
    ClientSearch,
    Keyword,
    Neighbor,
    Query,
    RelatedWord,
    Sense,
    values_at,
)
from enricher.search.opened import EM
from enricher.search.profile import Profile
from enricher.search.searcher import Answer

Json = dict[str, object]


def search_answer(
    answer: Answer,
    *,
    explain: bool = False,
    escape: bool = False,
    profile: Profile | None = None,
    tags: tuple[str, str] = EM,
    fields: Sequence[str] | None = None,
) -> Json:
    """The JSON answer to a search.

    explain: add the number of documents that match by words (`by_words`), and of those in the index that are
    not enriched (`unenriched`). A search with `co_reading` says how many of the best hits the library knows
    (`known_hits`). escape: escape the text of the highlights for HTML, except the tags. profile:
    add its steps. tags: what stands before and after a highlighted word. fields: add these fields of each
    document as its `source`; `*` for all. The score of a hit is null if a field sorts the hits.
    """
    opened, query, response = answer.index, answer.query, answer.response
    is_sorted = answer.question.sort is not None
    found: Json = {
        "total": response.total,
        "took_ms": round(response.took_ms, 3),
        "hits": [
            {
                "id": hit.id,
                "score": None if is_sorted else hit.score,
                "title": opened.title(hit),
                "keywords": hit.keywords,
                "highlight": opened.highlights(hit, query, escape=escape, tags=tags),
                **({} if fields is None else {"source": _chosen(hit.source, fields)}),
            }
            for hit in response.hits
        ],
        "facets": {name: [asdict(count) for count in counts] for name, counts in response.facets.items()},
        "expansion": query.terms_as_json(),
        "vector": query.vector_as_json(),
        **query.operators_as_json(),
    }
    if answer.known is not None:
        found["known_hits"] = answer.known
    if explain:
        found |= {"by_words": response.by_words, "unenriched": answer.unenriched}
    if profile is not None:
        found["profile"] = [step.as_json() for step in profile.steps]
    return found


def _chosen(source: Mapping[str, object], fields: Sequence[str]) -> Json:
    """The chosen fields of a document, flat, by their dotted paths; of an array all values."""
    if "*" in fields:
        return dict(source)
    found: Json = {}
    for name in fields:
        values = list(values_at(source, name))
        if values:
            found[name] = values[0] if len(values) == 1 else values
    return found


def client_search_answer(found: ClientSearch) -> Json:
    """The JSON answer with the requests that a client can send itself, and how to combine their answers."""
    return asdict(found)


def expand_answer(text: str, query: Query, *, of_index: bool) -> Json:
    """The JSON answer to an expansion. of_index: the query is for an index; add the shares of its vector."""
    found: Json = {"query": text, "terms": query.terms_as_json(), **query.operators_as_json()}
    return found | ({"vector": query.vector_as_json()} if of_index else {})


def explain_answer(
    text: str,
    query: Query,
    candidates: Sequence[Candidate],
    word2vec: Word2Vec | None,
    documents: Sequence[int] | None,
) -> Json:
    """The JSON answer with all words that were considered for a query.

    word2vec: the model; None for an index without one. documents: how many documents of the index contain
    each typed word; None without an index.
    """
    known = {} if word2vec is None else word2vec.index
    counts = [None] * len(query.typed) if documents is None else documents
    words = [
        {
            "word": word,
            "known": word in known,
            "idf": word2vec.idfs_of([word])[0] if word2vec is not None and word in known else None,
            "documents": count,
        }
        for word, count in zip(query.typed, counts, strict=True)
    ]
    return expand_answer(text, query, of_index=documents is not None) | {
        "words": words,
        "unknown": [word for word in query.typed if word not in known],
        "candidates": [asdict(candidate) for candidate in candidates],
    }


def keywords_answer(identity: str | None, keywords: Sequence[Keyword]) -> Json:
    """The JSON answer for the keywords of a document. identity: its id; None for a bare text."""
    return {"id": identity, "keywords": [asdict(keyword) for keyword in keywords]}


def neighbors_answer(word: str, neighbors: Sequence[Neighbor], parts: Sequence[str] = ()) -> Json:
    """The JSON answer for the neighbors of a word: words that can replace it.

    parts: the words by which the model answers for a phrase.
    """
    return {"word": word, **_parts(parts), "neighbors": [asdict(neighbor) for neighbor in neighbors]}


def _parts(parts: Sequence[str]) -> Json:
    return {"parts": list(parts)} if parts else {}


def related_answer(
    word: str,
    alpha: float,
    related: Sequence[RelatedWord],
    senses: Sequence[Sense] | None = None,
    parts: Sequence[str] = (),
) -> Json:
    """The JSON answer for the related words of a word; with its senses if they were requested.

    parts: the words by which the model answers for a phrase.
    """
    found: Json = {
        "word": word,
        **_parts(parts),
        "alpha": alpha,
        "related": [asdict(item) for item in related],
    }
    return found | ({} if senses is None else {"senses": [asdict(sense) for sense in senses]})


def similar_answer(item: str, together: Sequence[RelatedWord], alike: Sequence[Neighbor]) -> Json:
    """The JSON answer to a question for similar items."""
    return {
        "item": item,
        "read_together": [{"item": one.word, "score": one.score} for one in together],
        "alike": [{"item": one.word, "cosine": one.cosine} for one in alike],
    }


def suggest_answer(text: str, suggestions: Sequence[tuple[str, int]]) -> Json:
    """The JSON answer to a beginning or a mistyped word: known words with their counts."""
    return {"text": text, "suggestions": [{"word": word, "count": count} for word, count in suggestions]}
