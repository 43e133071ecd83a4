"""Which plug-ins and settings enrich an index, by its names, enricher.toml and what it records."""

from collections.abc import Sequence

from enricher.errors import IndexConflict
from enricher.records import IndexLayout, SearchEngine
from enricher.settings import Configuration, IndexConfiguration
from enricher.text.analysis import STRIP_HTML


def names_of(engine: SearchEngine, *typed: str) -> tuple[str, ...]:
    """The names by which an index is configured: as typed, its aliases in order, its own name."""
    aliases = engine.aliases()
    indexes = [index for name in typed for index in aliases.get(name, (name,))]
    others = sorted(alias for alias, behind in aliases.items() if not set(behind).isdisjoint(indexes))
    return tuple(dict.fromkeys([*typed, *others, *indexes]))


def recorded_layout(engine: SearchEngine, index: str) -> IndexLayout | None:
    """What an index records of itself; None where there is no such index, or somebody else made it."""
    if not engine.exists(index):
        return None
    try:
        return engine.layout(index)
    except IndexConflict:
        return None


def configuration_of(
    tables: Configuration, names: Sequence[str], recorded: IndexLayout | None
) -> IndexConfiguration:
    """The plug-ins and settings of an index by the rule above."""
    table = tables.table_of(*names)
    if table is not None:
        return table
    if recorded is not None:
        return recorded_configuration(recorded)
    return IndexConfiguration()


def recorded_configuration(recorded: IndexLayout) -> IndexConfiguration:
    """The plug-ins and settings that an index records; the defaults where no model has enriched it."""
    if recorded.model_version is None or recorded.enrichments is None:
        return IndexConfiguration()
    return IndexConfiguration(
        enrichments=tuple(recorded.enrichments),
        settings=recorded.enrichments,
        strip_html=STRIP_HTML in recorded.segmenter,
    )


def configuration_for(
    engine: SearchEngine, tables: Configuration, *typed: str, recorded: IndexLayout | None = None
) -> IndexConfiguration:
    """The same for an index by any of its names; its aliases are asked for only where there are tables."""
    names = names_of(engine, *typed) if tables.indexes else typed
    return configuration_of(tables, names, recorded)
