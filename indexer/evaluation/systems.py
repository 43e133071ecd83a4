"""The systems that are compared: the plain ones, RM3, the parts of a recipe, and the whole of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from enricher.evaluation.baselines import WORDS, System, plain_systems
from enricher.evaluation.collection import Collection
from enricher.evaluation.report import ENRICHED
from enricher.evaluation.rm3 import FeedbackQueries
from enricher.records import (
    ALL,
    TOKENS,
    IndexLayout,
    Query,
    QueryTerm,
    SearchEngine,
    SearchRequest,
)
from enricher.settings import IndexConfiguration
from indexer.pipeline import STAMP_MAPPING, DocumentEnricher
from indexer.search import SearchableIndex


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
    return [*plain, System("rm3", index, feedback.query)]


def recipe_systems(opened: SearchableIndex, configuration: IndexConfiguration) -> list[System]:
    """The words alone, each rewriter alone, each searchable enrichment alone, and the whole recipe.

    They are called `words`, `words+NAME` and `enriched`.
    """

    def system(name: str, configuration: IndexConfiguration) -> System:
        rewrite = opened.rewriting(configuration)
        return System(name, opened.name, lambda text: rewrite(opened.query(text)))

    systems = [System("words", opened.name, opened.query)]
    for name in configuration.rewriters:
        systems.append(system(f"words+{name}", replace(configuration, rewriters=(name,))))
    for family, fields in searchable_families(opened.layout).items():
        if family not in configuration.rewriters:
            systems.append(System(f"words+{family}", opened.name, _also_in(opened, family, fields)))
    return [*systems, system(ENRICHED, configuration)]


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
