"""What is looked at before anything is written: each finding a sentence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from enricher.errors import EngineError, UsageError
from enricher.records import ENRICHMENT, VECTOR, IndexLayout
from indexer.engines.elasticsearch.jobs.shards import Query
from indexer.engines.elasticsearch.jobs.states import INDEX as JOBS
from indexer.engines.elasticsearch.mapping import META, check_whole_source
from indexer.engines.elasticsearch.vectors import dimensions_of
from indexer.engines.names import SAMPLE_ENDING, check_name, check_new_alias, index_name_for
from indexer.pipeline import DocumentEnricher, difference
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.job import JobOptions

FIELD_LIMIT = 1_000
"""Fields of an index, unless its settings say otherwise."""
ROOM = 3.0
"""Times the size of the source that must be free: what is added is at most about as large as an index."""
NO_PIPELINE = "_none"
NAMED = 5
"""Ids that a sentence names."""


def check(cluster: Cluster, source: str, alias: str, layout: IndexLayout) -> list[str]:
    """What the user should know of a new index, a sentence each.

    Raises UsageError, EngineError where it cannot be done.
    """
    behind = cluster.aliases.behind(check_name(alias))
    if not behind:
        check_new_alias(alias)
    concrete, settings, mapping = _copiable(cluster, source)
    if behind == [alias] or alias == JOBS:
        raise UsageError(
            f"{alias!r} is an index: an alias of that name cannot be made. Name another with --to."
        )
    if behind and behind != [concrete]:
        names = ", ".join(behind)
        raise UsageError(f"The alias {alias!r} stands for {names}, and not for {concrete!r} alone.")
    if settings.get("index.lifecycle.rollover_alias") == alias:
        raise UsageError(f"The alias {alias!r} is moved by rollover: it cannot be moved by a job too.")
    _check_fields(concrete, settings, mapping, layout)
    beginning = cluster.targets.beginning_for(alias)
    template = cluster.targets.template_of(index_name_for(beginning, SAMPLE_ENDING))
    if template.get("aliases"):
        names = ", ".join(sorted(template["aliases"]))
        raise UsageError(
            f"An index template gives every index whose name begins with {beginning!r} the alias {names}, "
            "which would show the new index half filled: name another alias with --to, or change it."
        )
    needed, free = ROOM * cluster.engine.bytes_on_disk(concrete), cluster.targets.free_bytes()
    if needed > free:
        raise EngineError(
            f"A copy of {concrete!r} may need {needed / 1e9:.1f} GB, and the nodes have {free / 1e9:.1f} GB: "
            "make room."
        )
    notes = list(_notes(settings, alias, template))
    if source not in (concrete, alias):
        notes.append(f"The alias {source!r} stands for {concrete!r} afterwards as well; {alias!r} is moved.")
    return notes


def check_in_place(
    cluster: Cluster, index: str, alias: str, enricher: DocumentEnricher, options: JobOptions
) -> list[str]:
    """The same for documents that are enriched where they are."""
    concrete, settings, mapping = _copiable(cluster, index)
    behind = cluster.aliases.behind(check_name(alias))
    if not behind:
        check_new_alias(alias)
    if behind and behind != [concrete]:
        names = ", ".join(behind)
        raise UsageError(f"The name {alias!r} stands for {names}, and not for {concrete!r} alone.")
    if settings.get("index.blocks.write") == "true":
        raise EngineError(f"The index {concrete!r} takes no writes: remove the block index.blocks.write.")
    layout, present = enricher.layout(), cluster.layout(concrete)
    _check_fields(concrete, settings, mapping, layout)
    if options.query is not None:
        cluster.shards.count(concrete, [options.query])  # a query that the server does not understand
    if present is not None:
        _check_same(concrete, present, layout, mapping, options)
        valid = {present.model_version, *present.compatible}
        if options.is_partial and layout.model_version not in valid:
            raise UsageError(
                f"The documents of {concrete!r} were enriched by the model {present.model_version}: "
                f"some of them by {layout.model_version} would be a mixture. Enrich all of them."
            )
    absent = _absent(cluster, concrete, options.ids) if options.ids else []
    first = options.is_partial and present is None
    return list(_notes_in_place(settings, concrete, absent, first))


def _absent(cluster: Cluster, index: str, ids: Sequence[str]) -> list[str]:
    """Those of the ids that no document of an index has."""
    shards = cluster.shards
    shards.refresh(index)
    where: list[Query] = [{"ids": {"values": list(ids)}}]
    present = {
        one.id for shard in shards.points(index) for one in shards.identities(index, shard, where=where)
    }
    return [one for one in ids if one not in present]


def _notes_in_place(
    settings: Mapping[str, Any], index: str, absent: Sequence[str], first: bool
) -> Iterator[str]:
    name = settings.get("index.final_pipeline", NO_PIPELINE)
    if name != NO_PIPELINE:
        yield f"The documents of {index!r} pass through its final pipeline {name!r} again."
    if absent:
        names = ", ".join(absent[:NAMED]) + ", …" * (len(absent) > NAMED)
        yield f"Of the ids {len(absent):,} {'are' if len(absent) > 1 else 'is'} not in {index!r}: {names}."
    if first:
        yield f"The other documents of {index!r} stay as they are: searches find only those enriched."


def _copiable(cluster: Cluster, source: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The index of a name, its settings and its mapping. UsageError where its documents cannot be written
    again.
    """
    if cluster.targets.is_data_stream(source):
        raise UsageError(
            f"{source!r} is a data stream, which is written by rollover: it cannot be reindexed."
        )
    concrete = cluster.engine.name_of(source)
    if concrete == JOBS:
        raise UsageError(f"The index {concrete!r} holds the jobs themselves: it cannot be reindexed.")
    settings, mapping, _ = cluster.targets.described(concrete)
    if settings.get("index.mapping.source.mode") == "disabled":
        raise UsageError(f"The index {concrete!r} keeps no _source: its documents cannot be read.")
    check_whole_source(concrete, mapping)
    if ENRICHMENT in mapping.get("properties", {}) and META not in mapping.get("_meta", {}):
        raise UsageError(
            f"The documents of {concrete!r} have a field {ENRICHMENT!r} of their own, a name that is ours."
        )
    return concrete, settings, mapping


def _check_same_settings(index: str, present: IndexLayout, layout: IndexLayout, options: JobOptions) -> None:
    """UsageError where some documents would be enriched with other settings than the rest."""
    if not options.only and not options.is_partial:
        return
    other = difference(present, layout)
    if other is None and present.mixed:
        other = "some of its documents may have been enriched with other settings"
    if other is not None:
        raise UsageError(
            f"The index {index!r} was made in another way: {other}. Enrich all of its documents with "
            f"`enricher reindex start {index} --in-place`, or configure it as it was."
        )


def _check_same(
    index: str, present: IndexLayout, layout: IndexLayout, mapping: Mapping[str, Any], options: JobOptions
) -> None:
    """See that what enriches an index now fits into the fields that are there."""
    other = [path for path, kind in layout.mapping.items() if present.mapping.get(path, kind) != kind]
    if other or present.fields != layout.fields:
        what = ", ".join(other) or "the enriched fields"
        raise UsageError(f"In {index!r} {what} are others: make a new index, without --in-place.")
    _check_same_settings(index, present, layout, options)
    lost = sorted(present.mapping.keys() - layout.mapping.keys())
    if lost:
        raise UsageError(
            f"The documents of {index!r} would lose {', '.join(lost)}, which this model or configuration "
            "does not give: make a new index, without --in-place, or name the plug-ins that do."
        )
    held, given = dimensions_of(mapping), layout.dimensions.get(VECTOR)
    if held and given and held != given:
        raise UsageError(
            f"The vectors of {index!r} have {held} dimensions, "
            f"those of the model {layout.model_version} {given}: make a new index, without --in-place."
        )


def _notes(settings: Mapping[str, Any], alias: str, template: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("default_pipeline", "final_pipeline"):
        name = settings.get(f"index.{kind}", NO_PIPELINE)
        if name != NO_PIPELINE:
            yield f"Copies do not pass through the {kind.replace('_', ' ')} {name!r} again; later writes do."
    if settings.get("index.blocks.write") == "true":
        yield f"The index behind {alias!r} takes no writes now; the new one will."
    if template:
        parts = " and ".join(sorted(template))
        yield f"An index template that fits the new name adds {parts}; those of the old index come first."


def _check_fields(
    source: str, settings: Mapping[str, Any], mapping: Mapping[str, Any], layout: IndexLayout
) -> None:
    limit = int(settings.get("index.mapping.total_fields.limit", FIELD_LIMIT))
    properties = {name: field for name, field in mapping.get("properties", {}).items() if name != ENRICHMENT}
    ours = {path.split(".")[0] for path in layout.mapping} | set(layout.mapping)
    number = sum(_fields(properties)) + 1 + len(ours)
    if number > limit:
        raise EngineError(
            f"The index {source!r} may have {limit:,} fields and would have {number:,}: raise "
            "index.mapping.total_fields.limit on it."
        )


def _fields(properties: Mapping[str, Any]) -> Iterator[int]:
    """One for every field and every field below it."""
    for field in properties.values():
        yield 1
        yield from _fields(field.get("properties", {}))
        yield from _fields(field.get("fields", {}))
