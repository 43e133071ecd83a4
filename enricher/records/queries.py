"""What a user typed, as weighted terms."""

from dataclasses import dataclass

from enricher.records.layout import TOKENS


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """One weighted term of a query.

    `weight` is relative to the original words, which have 1. `origin` is "query" or the name of
    the rewriter. `for_` is the query word that this term is an alternative of: a word and its
    alternatives count once, with the best of their scores; a term without it is added to the
    sum. `field` is the family under `enrichment` that is searched ("tokens", "subwords", or a
    field of a plug-in).
    """

    term: str
    weight: float = 1.0
    origin: str = "query"
    because: str = "in the query"
    for_: str | None = None
    field: str = TOKENS

    def as_json(self) -> dict[str, object]:
        """Under the names of the contract; `field` is the family that is searched."""
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
        """Whether it is a word of the query itself, which no rewriter has added."""
        return self.origin == "query"

    @property
    def group(self) -> str | None:
        """The word under which alternatives are gathered, None for a term that stands alone."""
        return self.term if self.is_typed else self.for_


@dataclass(frozen=True, slots=True)
class QueryVector:
    """What a query is about, and how much that counts beside its words.

    codes: d whole numbers of 8 bits. head, rest: shares of the cosine in the ranking, from 0 to 1, of
    the first ranks and of the others (`enricher.search.fusion`).
    """

    codes: bytes
    head: float
    rest: float


@dataclass(frozen=True, slots=True)
class Query:
    """What a user typed, as weighted terms, and as a vector where the index has vectors."""

    text: str
    terms: tuple[QueryTerm, ...]
    vector: QueryVector | None = None

    @property
    def typed(self) -> list[str]:
        """The words that the user typed, in their order."""
        return [term.term for term in self.terms if term.is_typed]

    def ordered(self) -> list[QueryTerm]:
        """The terms by origin in the order of its first appearance, of each the heaviest first."""
        origins = list(dict.fromkeys(term.origin for term in self.terms))
        return sorted(self.terms, key=lambda term: (origins.index(term.origin), -term.weight))

    def terms_as_json(self) -> list[dict[str, object]]:
        """The terms under the names of the contract, in the order in which people see them."""
        return [term.as_json() for term in self.ordered()]

    def vector_as_json(self) -> dict[str, float] | None:
        """The shares of the vector in the ranking, None where the query has none."""
        return None if self.vector is None else {"head": self.vector.head, "rest": self.vector.rest}

    def groups(self) -> list[list[QueryTerm]]:
        """The terms by group, in order of first appearance; a term without a group is one."""
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
