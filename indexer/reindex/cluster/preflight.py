"""Checks before a job on a cluster writes anything. Every finding is a sentence."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from enricher.enrichment import DocumentEnricher
from enricher.errors import AccessDenied, EngineError, UsageError
from enricher.recipe.differences import difference
from enricher.records import ENRICHMENT, VECTOR, IndexLayout
from indexer.engines.cluster.health import check_one_cluster, cluster_ids
from indexer.engines.cluster.jobs.portable import lacking
from indexer.engines.cluster.jobs.states import INDEX as JOBS
from indexer.engines.cluster.mapping import META, check_whole_source
from indexer.engines.cluster.vectors import dimensions_of
from indexer.engines.names import SAMPLE_ENDING, check_name, check_new_alias, index_name_for
from indexer.reindex.cluster.cluster import Cluster, ClusterPair
from indexer.reindex.cluster.privileges import check_copy, check_source, check_written
from indexer.reindex.cluster.privileges import check_migration as check_migrated
from indexer.reindex.job import JobOptions

DEFAULT_MAX_FIELDS = 1_000
"""Fields of an index, unless `index.mapping.total_fields.limit` says otherwise."""
MIN_FREE_RATIO = 3.0
"""Bytes that must be free on the data nodes for each byte of the source."""
NO_PIPELINE = "_none"
MAX_IDS_SHOWN = 5
"""Ids that a sentence names."""


def check(
    cluster: Cluster, source: str, alias: str, layout: IndexLayout, *, write_block: bool = False
) -> list[str]:
    """Check a job that fills a new index, and return what the user should know, one sentence each.

    Raises UsageError or EngineError if the job is impossible.
    """
    behind = cluster.aliases.behind(check_name(alias))
    if not behind:
        check_new_alias(alias)
    concrete, settings, mapping = _reindexable(cluster, source)
    if behind == [alias] or alias == JOBS:
        raise UsageError(
            f"{alias!r} is an index, so no alias can have that name. Name another one with --to."
        )
    if behind and behind != [concrete]:
        names = ", ".join(behind)
        raise UsageError(f"The alias {alias!r} points to {names}, and not only to {concrete!r}.")
    if settings.get("index.lifecycle.rollover_alias") == alias:
        raise UsageError(f"The alias {alias!r} is managed by rollover: a job cannot move it as well.")
    check_copy(cluster, concrete, alias, changes_source=write_block or behind == [concrete])
    _check_fields(concrete, settings, mapping, layout)
    template = _check_template(cluster, alias)
    _check_disk(cluster, concrete, cluster.engine.bytes_on_disk(concrete))
    notes = list(_notes(settings, alias, template))
    if source not in (concrete, alias):
        notes.append(f"Only the alias {alias!r} moves: {source!r} still points to {concrete!r} afterwards.")
    return notes


def check_migration(
    clusters: ClusterPair, source: str, alias: str, layout: IndexLayout, *, write_block: bool = False
) -> list[str]:
    """Check a job that fills an index of another cluster, and return what the user should know.

    Raises UsageError or EngineError if the job is impossible.
    """
    here, there = clusters.source, clusters.target
    check_one_cluster(there.engine.server)
    if cluster_ids(here.engine.server) & cluster_ids(there.engine.server):
        raise UsageError("--target-engine names the cluster of the source itself: omit it.")
    concrete, settings, mapping = _reindexable(here, source)
    behind = there.aliases.behind(check_name(alias))
    if behind:
        names = ", ".join(behind)
        raise UsageError(
            f"There is an index or alias {alias!r} ({names}) in the target already: name another with --to."
        )
    check_new_alias(alias)
    if int(settings.get("index.routing_partition_size", 1)) > 1:
        raise UsageError(
            f"The index {concrete!r} divides the documents of a routing (index.routing_partition_size): it "
            "cannot be copied into another cluster."
        )
    check_migrated(clusters, concrete, alias, blocks_source=write_block)
    _check_fields(concrete, settings, mapping, layout)
    _check_template(there, alias)
    _check_disk(there, concrete, here.engine.bytes_on_disk(concrete))
    product = there.engine.server.product
    missing = there.engine.server.dialect.missing_types
    notes = [
        f"The field {name!r} has the type {kind}, which {product} lacks: it is stored, but not searched."
        for name, kind in lacking(mapping, missing).items()
        if not name.startswith(f"{ENRICHMENT}.")
    ]
    pipelines = {settings.get(f"index.{kind}_pipeline", NO_PIPELINE) for kind in ("default", "final")}
    notes += [f"The pipeline {name!r} stays where it is." for name in sorted(pipelines - {NO_PIPELINE})]
    return notes


def check_readable(cluster: Cluster, source: str, *, blocks: bool) -> str:
    """The index that a name points to, whose documents a job reads. blocks: whether it refuses writes later.

    Raises UsageError, AccessDenied or EngineError if its documents cannot be read or written again.
    """
    concrete, _, _ = _reindexable(cluster, source)
    check_source(cluster, concrete, blocks_source=blocks)
    return concrete


def _check_disk(cluster: Cluster, source: str, size: float) -> None:
    """Raise EngineError if the nodes of a cluster have no room for a copy of an index. size: in bytes."""
    needed, free = MIN_FREE_RATIO * size, cluster.targets.free_bytes()
    if needed > free:
        raise EngineError(
            f"A copy of {source!r} may need {needed / 1e9:.1f} GB, but the nodes have {free / 1e9:.1f} GB "
            "free. Free some disk space."
        )


def check_in_place(
    cluster: Cluster, index: str, alias: str, enricher: DocumentEnricher, options: JobOptions
) -> list[str]:
    """Check a job in place, and return what the user should know, one sentence each.

    Raises UsageError or EngineError if the job is impossible.
    """
    concrete, settings, mapping = _reindexable(cluster, index)
    behind = cluster.aliases.behind(check_name(alias))
    if not behind:
        check_new_alias(alias)
    if behind and behind != [concrete]:
        names = ", ".join(behind)
        raise UsageError(f"The name {alias!r} points to {names}, and not only to {concrete!r}.")
    if settings.get("index.blocks.write") == "true":
        raise EngineError(f"The index {concrete!r} refuses writes: remove the block index.blocks.write.")
    check_written(cluster, concrete)
    layout, present = enricher.layout(), cluster.layout(concrete)
    _check_fields(concrete, settings, mapping, layout)
    if options.query is not None:
        cluster.shards.count(concrete, [options.query])  # fails if the server does not understand the query
    if present is not None:
        _check_layout(concrete, present, layout, mapping, options)
        valid = {present.model_version, *present.compatible}
        if options.is_partial and layout.model_version not in valid and valid.isdisjoint(options.former):
            raise UsageError(
                f"The documents of {concrete!r} were enriched with the model {present.model_version}: "
                f"enriching some of them with {layout.model_version} would mix models. Enrich all of them."
            )
    absent = cluster.shards.absent(concrete, options.ids) if options.ids else []
    first = options.is_partial and present is None
    return list(_notes_in_place(settings, concrete, absent, first))


def _check_template(cluster: Cluster, alias: str) -> dict[str, Any]:
    """What index templates add to the new index. Raises UsageError if they would put it behind an alias."""
    beginning = cluster.targets.beginning_for(alias)
    template = cluster.targets.template_of(index_name_for(beginning, SAMPLE_ENDING))
    if template.get("aliases"):
        names = ", ".join(sorted(template["aliases"]))
        raise UsageError(
            f"An index template gives every index whose name begins with {beginning!r} the alias {names}, "
            "so searches would see the half-filled new index. Name another alias with --to, or change the "
            "template."
        )
    return template


def _notes_in_place(
    settings: Mapping[str, Any], index: str, absent: Sequence[str], first: bool
) -> Iterator[str]:
    """first: whether the job enriches only some documents of an index without enrichment."""
    name = settings.get("index.final_pipeline", NO_PIPELINE)
    if name != NO_PIPELINE:
        yield f"The documents of {index!r} pass through its final pipeline {name!r} again."
    if absent:
        names = ", ".join(absent[:MAX_IDS_SHOWN]) + ", …" * (len(absent) > MAX_IDS_SHOWN)
        yield f"{len(absent):,} of the ids {'are' if len(absent) > 1 else 'is'} not in {index!r}: {names}."
    if first:
        yield f"The other documents of {index!r} stay unenriched: searches find only the enriched ones."


def _reindexable(cluster: Cluster, source: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The index that a name points to, its settings and its mapping.

    Raises UsageError if its documents cannot be written again.
    """
    with suppress(AccessDenied):  # whoever may not see the cluster can still enrich an index
        check_one_cluster(cluster.engine.server)
    if cluster.targets.is_data_stream(source):
        raise UsageError(
            f"{source!r} is a data stream, which is written by rollover: it cannot be reindexed."
        )
    concrete = cluster.engine.name_of(source)
    if concrete == JOBS:
        raise UsageError(f"The index {concrete!r} holds the jobs themselves: it cannot be reindexed.")
    settings, mapping, _ = cluster.targets.described(concrete)
    if settings.get("index.mapping.source.mode") == "disabled":
        raise UsageError(f"The index {concrete!r} does not store _source: its documents cannot be read.")
    check_whole_source(concrete, mapping)
    if ENRICHMENT in mapping.get("properties", {}) and META not in mapping.get("_meta", {}):
        raise UsageError(
            f"The documents of {concrete!r} have a field {ENRICHMENT!r} of their own. Enrichment is stored "
            "under that name: rename the field."
        )
    return concrete, settings, mapping


def _check_layout(
    index: str, present: IndexLayout, layout: IndexLayout, mapping: Mapping[str, Any], options: JobOptions
) -> None:
    """Raise UsageError if the fields of the new layout do not fit those of the index."""
    other = [
        path
        for path, kind in layout.mapping.items()
        if present.mapping.get(path, kind).written_as != kind.written_as
    ]
    if other or present.fields != layout.fields:
        what = ", ".join(other) or "the enriched fields"
        raise UsageError(
            f"The configuration of {index!r} has changed ({what}): make a new index, without --in-place."
        )
    _check_settings(index, present, layout, options)
    lost = sorted(present.mapping.keys() - layout.mapping.keys())
    if lost:
        raise UsageError(
            f"The documents of {index!r} would lose {', '.join(lost)}, which this model or configuration "
            "does not provide: make a new index, without --in-place, or name the plug-ins that do."
        )
    held, given = dimensions_of(mapping), layout.dimensions.get(VECTOR)
    if held and given and held != given:
        raise UsageError(
            f"The vectors of {index!r} have {held} dimensions, "
            f"those of the model {layout.model_version} {given}: make a new index, without --in-place."
        )


def _check_settings(index: str, present: IndexLayout, layout: IndexLayout, options: JobOptions) -> None:
    """Raise UsageError if the job would enrich some documents with other settings than the rest."""
    if not options.only and not options.is_partial:
        return
    other = difference(present, layout)
    if other is None and present.mixed:
        other = "some of its documents may have been enriched with other settings"
    if other is not None:
        raise UsageError(
            f"The index {index!r} was enriched differently: {other}. Enrich all of its documents with "
            f"`enricher reindex start {index} --in-place`, or restore its configuration."
        )


def _notes(settings: Mapping[str, Any], alias: str, template: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("default_pipeline", "final_pipeline"):
        name = settings.get(f"index.{kind}", NO_PIPELINE)
        if name != NO_PIPELINE:
            yield f"Copies do not pass through the {kind.replace('_', ' ')} {name!r} again; later writes do."
    if settings.get("index.blocks.write") == "true":
        yield f"The index behind {alias!r} refuses writes now; the new one will accept them."
    if template:
        parts = " and ".join(sorted(template))
        yield f"An index template that matches the new name adds {parts}; the old index takes precedence."


def _check_fields(
    source: str, settings: Mapping[str, Any], mapping: Mapping[str, Any], layout: IndexLayout
) -> None:
    """Raise EngineError if the index would have more fields than its limit allows."""
    limit = int(settings.get("index.mapping.total_fields.limit", DEFAULT_MAX_FIELDS))
    properties = {name: field for name, field in mapping.get("properties", {}).items() if name != ENRICHMENT}
    ours = {path.split(".")[0] for path in layout.mapping} | set(layout.mapping)
    number = sum(_fields(properties)) + 1 + len(ours)
    if number > limit:
        raise EngineError(
            f"The index {source!r} may have {limit:,} fields, and would have {number:,}: raise its setting "
            "index.mapping.total_fields.limit."
        )


def _fields(properties: Mapping[str, Any]) -> Iterator[int]:
    """Yield 1 for every field, and for every field below it."""
    for field in properties.values():
        yield 1
        yield from _fields(field.get("properties", {}))
        yield from _fields(field.get("fields", {}))
