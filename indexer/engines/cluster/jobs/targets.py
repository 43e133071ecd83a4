"""The index that a job fills: how it is created, which settings it has meanwhile, and the write block."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from enricher.errors import IndexConflict, UsageError
from enricher.records import ENRICHMENT, IndexLayout
from indexer.engines.cluster.dialect import Dialect
from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.cluster.mapping import VECTOR_CODES, create_index, has_vectors, mapping_of
from indexer.engines.names import SAMPLE_ENDING, check_name, index_name_for

JOB = "enricher_job"
"""The key of `_meta` under which an index records the job that fills it."""
TEMPLATES = "index_templates.index_template"
PREFIX_BESIDE_STREAMS = "enriched-"
"""The prefix of the new index where a template keeps the name of the alias for data streams."""
GC_DELETES = "index.gc_deletes"
DELETES_KEPT = "24h"
"""How long the target remembers deletes while a job runs: as long as a late copy may arrive."""
REPLICAS = {"index.number_of_replicas": 0, "index.auto_expand_replicas": "false"}
COPYING = {
    GC_DELETES: DELETES_KEPT,
    "index.default_pipeline": "_none",
    "index.final_pipeline": "_none",
}
"""Settings of an index while copies are written to it."""
LOADING = {**COPYING, **REPLICAS, "index.refresh_interval": "-1"}
"""Settings of a new index while it is filled."""
SOURCE_MODE, SYNTHETIC = "index.mapping.source.mode", "synthetic"
"""A setting, and its value for an index that rebuilds `_source` when it is read. It can exclude nothing."""
UNCOPIED = (
    "index.uuid", "index.creation_date", "index.provided_name", "index.version.", "index.resize.",
    "index.routing.allocation.", "index.blocks.", "index.history.", "index.replication.", "index.verified_",
)  # fmt: skip
"""Prefixes of the settings that belong to one index and are not copied."""


class Targets:
    """Describes, creates and configures indexes of a cluster."""

    def __init__(self, engine: ClusterEngine) -> None:
        self._engine = engine
        self._server = engine.server.patient

    # ------------------------------------------------------------------ description

    def is_data_stream(self, name: str) -> bool:
        """Whether a name is that of a data stream."""
        with self._engine.failures(name):
            found = self._server.get("_resolve", "index", check_name(name), ignore_unavailable=True)
        return any(stream["name"] == name for stream in found["data_streams"])

    def free_bytes(self) -> float:
        """Free bytes on all data nodes together."""
        with self._engine.failures():
            stats = self._server.get("_nodes", "stats", "fs", filter_path="nodes.*.fs.total")
        return sum(float(node["fs"]["total"]["available_in_bytes"]) for node in stats["nodes"].values())

    def described(self, index: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Settings by their full names, mapping, and aliases of an index. Raises IndexNotFound."""
        with self._engine.failures(index):
            answer = self._server.get(index, flat_settings=True)
        ((_, found),) = answer.body.items()
        return found["settings"], found["mappings"], found["aliases"]

    def template_of(self, name: str) -> dict[str, Any]:
        """The settings, mappings and aliases that index templates would add to a new index of that name."""
        with self._engine.failures():
            found = self._server.post("_index_template", "_simulate_index", name)
        template: dict[str, Any] = found.body.get("template", {})
        return {part: value for part, value in template.items() if value}

    def beginning_for(self, alias: str) -> str:
        """The beginning of the names of new indexes behind an alias.

        That is the alias itself, or the alias with a prefix where an index template keeps such names for data
        streams. Raises UsageError if the name with the prefix is kept for data streams too.
        """
        for beginning in (alias, f"{PREFIX_BESIDE_STREAMS}{alias}"):
            if not self._is_for_streams(index_name_for(beginning, SAMPLE_ENDING)):
                return beginning
        raise UsageError(
            f"An index template keeps the names of new indexes behind {alias!r} for data streams: name "
            "another alias with --to, or change the template."
        )

    def _is_for_streams(self, name: str) -> bool:
        """Whether the index template of a name makes data streams: no index can have such a name."""
        parts = ",".join(f"{TEMPLATES}.{part}" for part in ("index_patterns", "priority", "data_stream"))
        with self._engine.failures():
            found = self._server.get("_index_template", filter_path=parts).body.get("index_templates", ())
        templates = [
            template
            for template in (one["index_template"] for one in found)
            if any(fnmatchcase(name, pattern) for pattern in template["index_patterns"])
        ]
        first: dict[str, Any] = max(templates, key=lambda one: int(one.get("priority", 0)), default={})
        return "data_stream" in first

    # ------------------------------------------------------------------ creation, settings, removal

    def create_like(
        self,
        settings: Mapping[str, Any],
        mapping: Mapping[str, Any],
        target: str,
        layout: IndexLayout,
        job: str,
    ) -> None:
        """Create the target with the settings and the mapping of its source and the fields of the layout.

        An index that this job has created before is left as it is. Raises IndexConflict if another program
        has created one of that name.
        """
        kept = {name: value for name, value in settings.items() if not name.startswith(UNCOPIED)}
        made = _with_layout(mapping, layout, self._server.dialect)
        if settings.get(SOURCE_MODE) == SYNTHETIC:
            del made["_source"]
        made["_meta"][JOB] = job
        try:
            with self._engine.failures(target):
                create_index(self._server, target, layout, {**kept, **LOADING}, made)
        except IndexConflict:
            if self.described(target)[1].get("_meta", {}).get(JOB) != job:
                raise

    def add_mapping(self, index: str, layout: IndexLayout) -> None:
        """Record a layout in an index, and add those of its fields that the mapping lacks."""
        _, mapping, _ = self.described(index)
        ours: dict[str, Any] = mapping_of(layout, self._server.dialect)
        lacking = _lacking(ours["properties"], mapping.get("properties", {}))
        if has_vectors(mapping):  # an older index: its documents have no vector codes
            lacking.get(ENRICHMENT, {}).get("properties", {}).pop(VECTOR_CODES, None)
        meta = {**mapping.get("_meta", {}), **ours["_meta"]}
        with self._engine.failures(index):
            self._server.put(index, "_mapping", body={"properties": lacking, "_meta": meta})

    def reopen(self, target: str) -> None:
        """Prepare an index that was in use before for copies; lifts its write block."""
        self._put(target, {**COPYING, "index.blocks.write": None})

    def replicate(self, settings: Mapping[str, Any], target: str) -> None:
        """Give the target as many replicas as its source has by its settings; the server builds them."""
        self._put(target, {name: settings.get(name) for name in REPLICAS})

    def has_all_replicas(self, index: str) -> bool:
        """Whether all replicas of an index are allocated."""
        with self._engine.failures(index):
            health = self._server.get("_cluster", "health", index, level="indices")["indices"]
        return bool(health[index]["status"] == "green")

    def restore(self, settings: Mapping[str, Any], target: str) -> None:
        """Give the target those settings of its source that differed while it was filled.

        The target forgets the deletes of the job and remembers those of clients from now on, which
        `Copies.write_late` relies on.
        """
        self._engine.refresh(target)  # the server forgets only deletes that were refreshed
        self._put(target, {GC_DELETES: "0ms"})
        self._engine.refresh(target)
        self._put(target, {name: settings.get(name) for name in LOADING} | {GC_DELETES: DELETES_KEPT})

    def forget_deletes(self, settings: Mapping[str, Any], target: str) -> None:
        """Restore `index.gc_deletes`, the last setting that differs: nothing more is copied."""
        self._put(target, {GC_DELETES: settings.get(GC_DELETES)})

    def _put(self, index: str, settings: Mapping[str, object]) -> None:
        """Change settings of an index; None removes one."""
        with self._engine.failures(index):
            self._server.put(index, "_settings", body=settings)

    def drop(self, index: str) -> None:
        """Remove an index if it exists."""
        with self._engine.failures(index):
            self._server.delete(index, ignored=[404])

    def made_by(self, index: str, job: str) -> bool:
        """Whether an index records that this job has created it. Raises IndexNotFound."""
        return bool(self.described(index)[1].get("_meta", {}).get(JOB) == job)

    # ------------------------------------------------------------------ write block

    def block(self, index: str) -> None:
        """Refuse writes from now on; when this returns, writes that were under way have completed."""
        with self._engine.failures(index):
            self._server.put(index, "_block", "write")

    def unblock(self, index: str) -> None:
        """Accept writes again."""
        self._put(index, {"index.blocks.write": None})

    def is_blocked(self, index: str) -> bool:
        """Whether an index refuses writes."""
        return self.described(index)[0].get("index.blocks.write") == "true"


def _with_layout(mapping: Mapping[str, Any], layout: IndexLayout, dialect: Dialect) -> dict[str, Any]:
    """A mapping with the fields and the `_meta` of a layout."""
    ours: dict[str, Any] = mapping_of(layout, dialect)
    properties = {**mapping.get("properties", {}), **ours["properties"]}
    meta = {**mapping.get("_meta", {}), **ours["_meta"]}
    source = mapping.get("_source", {})
    if source.get("mode") != SYNTHETIC:
        source = {**source, **ours["_source"]}
    return {**mapping, "properties": properties, "_meta": meta, "_source": source}


def _lacking(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the wanted mapping that the other lacks, below the objects that hold them."""
    found: dict[str, Any] = {}
    for name, field in wanted.items():
        if name not in there:
            found[name] = field
        elif below := _lacking(field.get("properties", {}), there[name].get("properties", {})):
            found[name] = {"properties": below}
    return found
