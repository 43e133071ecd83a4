"""The systems that are compared: the plain ones, RM3, the parts of a recipe, and the whole of it."""

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
"""The system of the typed words alone; those with one part more are called `words+PART`."""


def baseline_systems(
    engine: SearchEngine, index: str, enricher: DocumentEnricher, collection: Collection
) -> list[System]:
    """The plain systems and RM3; `index` holds the fields of BaselineFields."""
    plain = plain_systems(enricher.analyzer, collection.language, collection.titled, index)
    feedback = FeedbackQueries(
        enricher.analyzer,
        enricher.fields,
        plain[0].query,
        lambda query, top: engine.search(index, SearchRequest(query, top)).hits,
        lambda words: engine.frequencies(index, WORDS, words),
    )
    return [*plain, System(FEEDBACK, index, feedback.query)]


def check_names(others: Iterable[str]) -> None:
    """Raise ConfigurationError where a further recipe is called like a system that is there anyway."""
    for name in others:
        if name.startswith((PLAIN_PREFIX, f"{TYPED}+")) or name in (FEEDBACK, TYPED, ENRICHED):
            raise ConfigurationError(
                f"A further recipe cannot be called {name!r}: {FEEDBACK}, {TYPED}, {ENRICHED} and all names "
                f"that begin with {PLAIN_PREFIX} or {TYPED}+ are those of other systems."
            )


def recipe_systems(
    opened: SearchableIndex,
    configuration: IndexConfiguration,
    others: Mapping[str, IndexConfiguration],
) -> list[System]:
    """The words alone, each rewriter alone, each searchable enrichment alone, the whole recipe, and others.

    They are called `words`, `words+NAME` and `enriched`; others by the names that were checked.
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
    """What a query names to search each family of fields, but for the words and the stamp.

    That is the family itself where it is scored, else its fields of exact values one by one.
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
    """Queries whose words are searched in a family too; what they score there is added."""

    def query(text: str) -> Query:
        typed = opened.query(text)
        added = (
            QueryTerm(term.term, 1.0, family, f"searched in {field} too", field=field)
            for field in fields
            for term in typed.terms
        )
        return Query(text, (*typed.terms, *added))

    return query
