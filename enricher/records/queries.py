"""A query: weighted terms, and a vector if the index has vectors."""

from dataclasses import dataclass

from enricher.records.layout import TOKENS


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """One weighted term of a query.

    `weight`: the boost of the term; the words that the user typed have 1. `origin`: "query", or the
    name of the rewriter that added the term. `because`: the reason, for people. `for_`: the query
    word that this term is an alternative for. A word and its alternatives count once, with the best
    of their scores; the score of a term without `for_` is added to the sum. `field`: the field
    family under `enrichment` that is searched ("tokens", "subwords", or a field of a plug-in).
    """

    term: str
    weight: float = 1.0
    origin: str = "query"
    because: str = "in the query"
    for_: str | None = None
    field: str = TOKENS

    def as_json(self) -> dict[str, object]:
        """The term as JSON. Applications rely on these keys."""
        return {
            "term": self.term,
            "weight": self.weight,
            "for": self.for_,
            "origin": self.origin,
            "because": self.because,
            "field": self.field,
        }

    @property
    def is_typed(self) -> bool:
        """Whether the user typed this term, so that no rewriter added it."""
        return self.origin == "query"

    @property
    def group(self) -> str | None:
        """The query word that groups this term with its alternatives; None if the term has no group."""
        return self.term if self.is_typed else self.for_


@dataclass(frozen=True, slots=True)
class CandidateLink:
    """How strongly a candidate goes with one word of the query.

    log_probability: ln p(candidate|word); None if the model has no probabilities. information: that minus
    ln p(candidate), in nats. cosine: of their vectors.
    """

    word: str
    log_probability: float | None
    information: float
    cosine: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that a rewriter has considered for a query, and why it was added or not.

    information: mutual information with the whole query, in nats. score: by which candidates are ranked.
    log_prior: ln p(candidate). links: one for each known word of the query.
    """

    term: str
    origin: str
    added: bool
    because: str
    score: float
    information: float
    log_prior: float
    idf: float
    links: tuple[CandidateLink, ...]


@dataclass(frozen=True, slots=True)
class QueryVector:
    """The vector of a query, and its weight in the ranking.

    codes: d signed 8-bit integers. head, rest: the share of the cosine in the score, from 0 to 1, for
    the first ranks and for the other ranks (`enricher.search.fusion`).
    """

    codes: bytes
    head: float
    rest: float


@dataclass(frozen=True, slots=True)
class Query:
    """A query: the text that the user typed, its weighted terms, and its vector if the index has vectors.

    `text`: without what the user excluded. `required`: phrases that every hit contains as adjacent words.
    `excluded`: phrases and single words that no hit contains. Both are filters, also for documents that are
    found by their vectors.
    """

    text: str
    terms: tuple[QueryTerm, ...]
    vector: QueryVector | None = None
    required: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[tuple[str, ...], ...] = ()

    @property
    def typed(self) -> list[str]:
        """The words that the user typed, in the order of the query."""
        return [term.term for term in self.terms if term.is_typed]

    def ordered(self) -> list[QueryTerm]:
        """The terms sorted by origin (in order of first appearance), then by falling weight."""
        origins = list(dict.fromkeys(term.origin for term in self.terms))
        return sorted(self.terms, key=lambda term: (origins.index(term.origin), -term.weight))

    def terms_as_json(self) -> list[dict[str, object]]:
        """The terms as JSON, in the order of `ordered`."""
        return [term.as_json() for term in self.ordered()]

    def vector_as_json(self) -> dict[str, float] | None:
        """The shares of the vector in the ranking as JSON; None if the query has no vector."""
        return None if self.vector is None else {"head": self.vector.head, "rest": self.vector.rest}

    def operators_as_json(self) -> dict[str, list[str]]:
        """The required phrases and the excluded words as JSON; empty without any."""
        both = {"required": self.required, "excluded": self.excluded}
        return {name: [" ".join(words) for words in phrases] for name, phrases in both.items() if phrases}

    def groups(self) -> list[list[QueryTerm]]:
        """The terms grouped by query word, in order of first appearance. Other terms are groups of one."""
        groups: list[list[QueryTerm]] = []
        places: dict[str, int] = {}
        for term in self.terms:
            if term.group is not None and term.group in places:
                groups[places[term.group]].append(term)
                continue
            if term.group is not None:
                places[term.group] = len(groups)
            groups.append([term])
        return groups
