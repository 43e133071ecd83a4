"""The answers of the endpoints, as structs: they document the JSON that `enricher/answers.py` makes."""

from collections.abc import Mapping
from typing import Any

import msgspec

from enricher.gateway.requests import Decision, DecisionState


class Term(msgspec.Struct):
    """A term of a query, its weight, the plug-in that added it and the reason."""

    term: str
    weight: float
    origin: str
    because: str
    field: str
    for_: str | None = msgspec.field(name="for")


class Shares(msgspec.Struct):
    """The share of the vector in the score: in the first ten ranks, and in the others."""

    head: float
    rest: float


class Hit(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A document. The score is null if a field sorts the hits; `source` only with `fields`."""

    id: str
    score: float | None
    title: str
    keywords: list[str]
    highlight: list[str]
    source: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class FacetCount(msgspec.Struct):
    """A value, and how many of the documents have it."""

    value: str
    count: int


class Step(msgspec.Struct):
    """A step of a search: its time, and what it sent to the engine and received."""

    step: str
    ms: float
    requests: int
    bytes_sent: int
    bytes_received: int


class SearchAnswer(msgspec.Struct, kw_only=True):
    """The hits of a search, best first, and how the query was expanded."""

    total: int
    took_ms: float
    hits: list[Hit]
    facets: dict[str, list[FacetCount]]
    expansion: list[Term]
    vector: Shares | None
    required: list[str] | msgspec.UnsetType = msgspec.UNSET
    excluded: list[str] | msgspec.UnsetType = msgspec.UNSET
    known_hits: int | msgspec.UnsetType = msgspec.UNSET
    by_words: int | msgspec.UnsetType = msgspec.UNSET
    unenriched: int | msgspec.UnsetType = msgspec.UNSET
    profile: list[Step] | msgspec.UnsetType = msgspec.UNSET


class ExpandAnswer(msgspec.Struct, kw_only=True):
    """The terms of a query. `vector` only for an index."""

    query: str
    terms: list[Term]
    vector: Shares | msgspec.UnsetType | None = msgspec.UNSET
    required: list[str] | msgspec.UnsetType = msgspec.UNSET
    excluded: list[str] | msgspec.UnsetType = msgspec.UNSET


class QueryWord(msgspec.Struct):
    """A typed word. `idf`: from the training documents, null for an unknown word.

    `documents`: how many of the index contain it, null without an index.
    """

    word: str
    known: bool
    idf: float | None
    documents: int | None


class CandidateLink(msgspec.Struct):
    """How strongly a candidate goes with one word of the query; logarithms are natural ones."""

    word: str
    log_probability: float | None
    information: float
    cosine: float


class Candidate(msgspec.Struct):
    """A word that was considered for a query, and the reason why it was added or not.

    `information`: mutual information with the whole query, in nats; `score`: by which candidates rank.
    """

    term: str
    origin: str
    added: bool
    because: str
    score: float
    information: float
    log_prior: float
    idf: float
    links: list[CandidateLink]


class ExplainAnswer(msgspec.Struct, kw_only=True):
    """The words of a query, all candidates, and the terms that are searched."""

    query: str
    words: list[QueryWord]
    unknown: list[str]
    candidates: list[Candidate]
    terms: list[Term]
    vector: Shares | msgspec.UnsetType | None = msgspec.UNSET
    required: list[str] | msgspec.UnsetType = msgspec.UNSET
    excluded: list[str] | msgspec.UnsetType = msgspec.UNSET


class SystemScores(msgspec.Struct):
    """Mean metrics over the queries. `helped`, `hurt`: against `words`; `ms`: median of a query."""

    ndcg_at_10: float = msgspec.field(name="ndcg@10")
    recall_at_100: float = msgspec.field(name="recall@100")
    map: float
    mrr: float
    helped: int
    hurt: int
    ms: float


class EvaluatedQuery(msgspec.Struct):
    """A query: nDCG@10 of each system, the gain of `enriched`, and the first hits of both."""

    id: str
    text: str
    ndcg_at_10: dict[str, float] = msgspec.field(name="ndcg@10")
    gain: float
    hits: dict[str, list[str]]


class EvaluateAnswer(msgspec.Struct):
    """The typed words alone (`words`) and the enriched search (`enriched`) on judged queries.

    `index`: that was searched. `queries`: their number. `details`: the queries that gain most first.
    """

    index: str
    queries: int
    systems: dict[str, SystemScores]
    details: list[EvaluatedQuery]


class Keyword(msgspec.Struct):
    """A keyword and its score."""

    text: str
    score: float


class KeywordsAnswer(msgspec.Struct):
    """The keywords of a text, best first."""

    id: str | None
    keywords: list[Keyword]


class Neighbor(msgspec.Struct):
    """A word, and the cosine of its vector with that of the word asked for."""

    word: str
    cosine: float


class NeighborsAnswer(msgspec.Struct, kw_only=True):
    """The nearest words, best first; `parts` if the word is a phrase that they answer for."""

    word: str
    parts: list[str] | msgspec.UnsetType = msgspec.UNSET
    neighbors: list[Neighbor]


class RelatedWord(msgspec.Struct):
    """A related word. The logarithms are natural ones; null where the model has none."""

    word: str
    score: float
    log_probability: float | None
    log_prior: float | None


class Sense(msgspec.Struct):
    """A group of related words; `fit` to the context in nats, null without one."""

    related: list[RelatedWord]
    fit: float | None


class RelatedAnswer(msgspec.Struct, kw_only=True):
    """The related words, best first; `senses` if they were asked for.

    parts: if the word is a phrase that they answer for.
    """

    word: str
    parts: list[str] | msgspec.UnsetType = msgspec.UNSET
    alpha: float
    related: list[RelatedWord]
    senses: list[Sense] | msgspec.UnsetType = msgspec.UNSET


class TogetherItem(msgspec.Struct):
    """An item that is read together with another, by mutual information in nats."""

    item: str
    score: float


class AlikeItem(msgspec.Struct):
    """An item that is alike, and the cosine of their vectors."""

    item: str
    cosine: float


class MapsAnswer(msgspec.Struct):
    """The maps that the console shows."""

    maps: list[str]


class SimilarAnswer(msgspec.Struct):
    """The items that are read together with an item, and those that are alike, best first."""

    item: str
    read_together: list[TogetherItem]
    alike: list[AlikeItem]


class Suggestion(msgspec.Struct):
    """A known word, and how often it occurs in the training text."""

    word: str
    count: int


class SuggestAnswer(msgspec.Struct):
    """Known words: completions first, the most frequent one at the top."""

    text: str
    suggestions: list[Suggestion]


class ClientRequest(msgspec.Struct):
    """A request that a client can send to Elasticsearch itself."""

    name: str
    method: str
    path: str
    exact: bool
    note: str
    body: dict[str, Any]


class QueryAnswer(msgspec.Struct):
    """What an enriched search sends. `vector`: of the query alone, null without one.

    `body`: the search by words, which finds what the search finds by words.
    """

    query: str
    tokens: list[str]
    terms: list[Term]
    vector: list[int] | None
    shares: Shares | None
    body: dict[str, Any]


class EnrichedAnswer(msgspec.Struct, kw_only=True):
    """The enrichment of a document, or the reason why it has none."""

    id: str
    enrichment: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    error: str | msgspec.UnsetType = msgspec.UNSET


class ModelSummary(msgspec.Struct):
    """A model. `fault`: why it cannot be opened, null if it can."""

    version: str
    active: bool
    created: str | None
    language: str | None
    words: int | None
    documents: int | None
    fault: str | None


class ModelsAnswer(msgspec.Struct):
    """The models, oldest first."""

    models: list[ModelSummary]


class IndexSummary(msgspec.Struct):
    """An enriched index. `fault`: why it cannot be read, null if it can."""

    name: str
    documents: int | None
    model: str | None
    fields: list[str]
    fault: str | None


class IndexesAnswer(msgspec.Struct):
    """The enriched indexes, by name, and the aliases."""

    indexes: list[IndexSummary]
    aliases: Mapping[str, list[str]]


class JobReport(msgspec.Struct):
    """A reindex job; the other keys are those of `enricher reindex status --json`.

    `fault`: what the last process of this service said when it failed on the job, null if none has.
    """

    job: str
    kind: str
    phase: str
    source: str
    alias: str
    target: str
    model: str | None
    rejected: int
    seconds_since_heartbeat: float | None
    fault: str | None


class JobsAnswer(msgspec.Struct):
    """The reindex jobs, the newest first."""

    jobs: list[JobReport]


class StateCounts(msgspec.Struct):
    """The number of words in each state."""

    open: int
    accept: int
    reject: int
    merge: int
    skip: int


class ReviewFileSummary(msgspec.Struct):
    """A file to review. `fault`: why it cannot be read, null if it can."""

    file: str
    states: StateCounts | None
    fault: str | None


class ReviewsAnswer(msgspec.Struct):
    """The files of candidates that may be reviewed."""

    files: list[ReviewFileSummary]


class ReviewedWord(msgspec.Struct):
    """A word. `state`: the one that holds today. `evidence`: the other columns of the file."""

    word: str
    state: DecisionState
    decision: Decision
    evidence: dict[str, str]


class ReviewWordsAnswer(msgspec.Struct):
    """Words of a file. `left`: how many more come after them. `states`: of the whole file."""

    words: list[ReviewedWord]
    left: int
    states: StateCounts


class DecideAnswer(msgspec.Struct):
    """The word as it is in the file now. `states`: of the whole file."""

    word: ReviewedWord
    states: StateCounts


class VersionAnswer(msgspec.Struct):
    """The model version that is active now."""

    version: str


class BegunJobAnswer(JobReport):
    """A job on which the service works now, or that has ended. `notes`: what the operator should know."""

    notes: list[str]


class IndexRejection(msgspec.Struct):
    """A line that could not be indexed, and why."""

    where: str
    reason: str


class IndexDocumentsAnswer(msgspec.Struct):
    """How many documents were written, and the first hundred that were not."""

    index: str
    written: int
    rejected: int
    duplicates: int
    truncated: int
    without_text: int
    model: str | None
    rejections: list[IndexRejection]
    notes: list[str]


class ReloadAnswer(msgspec.Struct):
    """The configuration was read again. `changed`: the settings that have other values now.

    `needs_restart`: settings of the file that have other values than at the start, and count after the next.
    """

    changed: list[str]
    needs_restart: list[str]


class LiveAnswer(msgspec.Struct):
    """The process answers."""

    status: str


class ReadyAnswer(msgspec.Struct):
    """Whether the service can answer searches: its active model, and its engine."""

    ready: bool
    model: str | None
    engine: str
    reasons: list[str]


class ErrorCause(msgspec.Struct):
    """The type and the sentence of an error."""

    type: str
    reason: str


class ErrorAnswer(msgspec.Struct):
    """An error, in the form of Elasticsearch."""

    error: ErrorCause
    status: int
