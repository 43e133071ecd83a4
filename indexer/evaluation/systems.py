"""The systems of an evaluation: plain systems, RM3, each part of the enriched search, and the whole."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from enricher.enrichment import DocumentEnricher
from enricher.errors import ConfigurationError
from enricher.evaluation.baselines import WORDS, System, plain_systems
from enricher.evaluation.collection import Collection
from enricher.evaluation.report import ENRICHED, PLAIN_PREFIX
from enricher.evaluation.rm3 import FeedbackQueries
from enricher.records import (
    ALL,
    STAMP_MAPPING,
    TOKENS,
    VECTOR,
    IndexLayout,
    Query,
    QueryTerm,
    SearchEngine,
    SearchRequest,
)
from enricher.search.opened import SearchableIndex
from enricher.settings import IndexConfiguration

FEEDBACK = "rm3"
TYPED = "words"
"""The system that searches the typed words only. Systems with one more part are called `words+PART`."""


def baseline_systems(
    engine: SearchEngine, index: str, enricher: DocumentEnricher, collection: Collection
) -> list[System]:
    """The plain systems and RM3. index: an index with the fields of BaselineFields."""
    plain = plain_systems(enricher.analyzer, collection.language, collection.titled, index)
    feedback = FeedbackQueries(
        enricher.analyzer,
        enricher.fields,
        plain[0].query,
        lambda query, top: engine.search(index, SearchRequest(query, top)).hits,
        lambda words: engine.frequencies(index, {WORDS: words})[WORDS],
    )
    return [*plain, System(FEEDBACK, index, feedback.query)]


def check_names(others: Iterable[str]) -> None:
    """Raise ConfigurationError if a further configuration has the name of a built-in system."""
    for name in others:
        if name.startswith((PLAIN_PREFIX, f"{TYPED}+")) or name in (FEEDBACK, TYPED, ENRICHED):
            raise ConfigurationError(
                f"A further configuration cannot be called {name!r}: the names {FEEDBACK}, {TYPED} and "
                f"{ENRICHED}, and names that begin with {PLAIN_PREFIX} or {TYPED}+, are reserved."
            )


def recipe_systems(
    opened: SearchableIndex,
    configuration: IndexConfiguration,
    others: Mapping[str, IndexConfiguration],
) -> list[System]:
    """The systems of the enriched search.

    They are the words alone (`words`), with each rewriter or searchable enrichment (`words+NAME`), the
    complete configuration (`enriched`), and other configurations by their names.
    """

    def system(name: str, configuration: IndexConfiguration) -> System:
        rewrite = opened.rewriting(configuration)
        return System(name, opened.name, lambda text: rewrite(opened.query(text)))

    systems = [System(TYPED, opened.name, opened.query)]
    searched = [name for name in configuration.rewriters if name != VECTOR or opened.layout.has_vectors]
    for name in searched:
        systems.append(system(f"{TYPED}+{name}", replace(configuration, rewriters=(name,))))
    for family, fields in searchable_families(opened.layout).items():
        if family not in configuration.rewriters:
            systems.append(System(f"{TYPED}+{family}", opened.name, _also_in(opened, family, fields)))
    whole = {ENRICHED: configuration} | dict(others)
    return systems + [system(name, recipe) for name, recipe in whole.items()]


def searchable_families(layout: IndexLayout) -> dict[str, list[str]]:
    """Field family → the fields of a query that search it, without words and stamp fields.

    A scored family is searched by its own name, exact values by the name of each field.
    """
    families: dict[str, list[str]] = {}
    for path, kind in layout.mapping.items():
        family = path.removeprefix(f"{ALL}.").split(".")[0]
        if family in (TOKENS, *STAMP_MAPPING) or not kind.has_terms:
            continue
        if kind.scored:
            families[family] = [family]
        elif not layout.family(family):
            families.setdefault(family, []).append(path)
    return families


def _also_in(opened: SearchableIndex, family: str, fields: Sequence[str]) -> Callable[[str], Query]:
    """A query builder that also searches the words in a family of fields. The scores are added."""

    def query(text: str) -> Query:
        typed = opened.query(text)
        added = (
            QueryTerm(term.term, 1.0, family, f"searched in {field} too", field=field)
            for field in fields
            for term in typed.terms
        )
        return Query(text, (*typed.terms, *added))

    return query
