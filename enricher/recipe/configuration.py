"""The plug-ins and settings of an index, from its names, enricher.toml and the index's own record."""

from collections.abc import Sequence

import msgspec

from enricher.errors import IndexConflict
from enricher.records import IndexLayout, SearchEngine
from enricher.settings import Configuration, IndexConfiguration
from enricher.text.analysis import STRIP_HTML


def names_of(engine: SearchEngine, *typed: str) -> tuple[str, ...]:
    """The names under which enricher.toml may configure an index: as typed, its aliases sorted, its own."""
    aliases = engine.aliases()
    indexes = [index for name in typed for index in aliases.get(name, (name,))]
    others = sorted(alias for alias, behind in aliases.items() if not set(behind).isdisjoint(indexes))
    return tuple(dict.fromkeys([*typed, *others, *indexes]))


def recorded_layout(engine: SearchEngine, index: str) -> IndexLayout | None:
    """The layout that an index records; None if there is no such index or another program created it."""
    if not engine.exists(index):
        return None
    try:
        return engine.layout(index)
    except IndexConflict:
        return None


def configuration_of(
    tables: Configuration, names: Sequence[str], recorded: IndexLayout | None
) -> IndexConfiguration:
    """The plug-ins and settings of an index: its table, else its record, else the defaults."""
    table = tables.table_of(*names)
    if table is not None:
        return table
    if recorded is not None:
        return recorded_configuration(recorded)
    return IndexConfiguration()


def keeping_fields(configuration: IndexConfiguration, present: IndexLayout | None) -> IndexConfiguration:
    """A configuration for more documents of an index: without `per_field`, it has the fields that it has.

    present: the layout of the index; None for a new one.
    """
    if configuration.per_field is None and present is not None and present.has_field_copies:
        return msgspec.structs.replace(configuration, per_field=True)
    return configuration


def recorded_configuration(recorded: IndexLayout) -> IndexConfiguration:
    """The plug-ins and settings that an index records; the defaults if no model has enriched it."""
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
    """The plug-ins and settings of an index that is given by any of its names.

    Its aliases are read from the engine only if enricher.toml has tables.
    """
    names = names_of(engine, *typed) if tables.indexes else typed
    return configuration_of(tables, names, recorded)
