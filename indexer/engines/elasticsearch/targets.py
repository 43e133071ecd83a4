"""The index that a job fills: how it is made, who may write to it, and how the alias gets to it."""

from collections.abc import Mapping, Sequence
from typing import Any

from elasticsearch import NotFoundError

from enricher.errors import IndexConflict, UsageError
from enricher.records import IndexLayout
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from indexer.engines.elasticsearch.errors import refusal_of
from indexer.engines.elasticsearch.mapping import mapping_of
from indexer.engines.names import SAMPLE_ENDING, check_name, index_name_for

JOB = "enricher_job"
"""The key of `_meta` under which an index names the job that fills it."""
FOR_STREAMS = "_data_stream_timestamp"
"""The part of the mapping of every data stream."""
BESIDE_STREAMS = "enriched-"
"""What names begin with that a data stream would have otherwise."""
GC_DELETES = "index.gc_deletes"
REMEMBERED = "24h"
"""How long deletes are remembered while a job runs: as long as a late copy may come."""
REPLICAS = {"index.number_of_replicas": 0, "index.auto_expand_replicas": "false"}
COPYING = {
    GC_DELETES: REMEMBERED,
    "index.default_pipeline": "_none",
    "index.final_pipeline": "_none",
}
"""Settings of an index while copies are written to it."""
LOADING = {**COPYING, **REPLICAS, "index.refresh_interval": "-1"}
"""Settings of an index while it is filled."""
UNCOPIED = (
    "index.uuid", "index.creation_date", "index.provided_name", "index.version.", "index.resize.",
    "index.routing.allocation.", "index.blocks.", "index.history.", "index.replication.", "index.verified_",
)  # fmt: skip
"""Settings that belong to one index, by the beginning of their names."""


class Targets:
    """Indexes and aliases of a cluster, for a job."""

    def __init__(self, engine: ElasticsearchEngine) -> None:
        self._engine = engine
        self._client = engine.patient

    # ------------------------------------------------------------------ what is there

    def is_data_stream(self, name: str) -> bool:
        """Whether the name is that of a data stream."""
        with self._engine.failures(name):
            found = self._client.indices.resolve_index(name=check_name(name), ignore_unavailable=True)
        return any(stream["name"] == name for stream in found["data_streams"])

    def behind(self, name: str) -> list[str]:
        """The indexes that a name stands for, itself where it is one; none where there is nothing of it."""
        with self._engine.failures(name):
            found = self._client.options(ignore_status=404).indices.get(index=name, features=["aliases"])
        return sorted(found.body) if found.meta.status == 200 else []

    def free_bytes(self) -> float:
        """Bytes that the data nodes have left, all together."""
        with self._engine.failures():
            stats = self._client.nodes.stats(metric="fs", filter_path="nodes.*.fs.total")
        return sum(float(node["fs"]["total"]["available_in_bytes"]) for node in stats["nodes"].values())

    def described(self, index: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Settings by their full names, mapping, and aliases of an index."""
        with self._engine.failures(index):
            answer = self._client.indices.get(index=index, flat_settings=True)
        ((_, found),) = answer.body.items()
        return found["settings"], found["mappings"], found["aliases"]

    def template_of(self, name: str) -> dict[str, Any]:
        """What index templates would add to a new index of that name: settings, mappings, aliases."""
        with self._engine.failures():
            found = self._client.indices.simulate_index_template(name=name)
        template: dict[str, Any] = found.body.get("template", {})
        return {part: value for part, value in template.items() if value}

    def beginning_for(self, alias: str) -> str:
        """What the names of indexes behind an alias are made of: the alias, or more than that where an index
        template keeps names that begin so for data streams.
        """
        for beginning in (alias, f"{BESIDE_STREAMS}{alias}"):
            mappings = self.template_of(index_name_for(beginning, SAMPLE_ENDING)).get("mappings", {})
            if not mappings.get(FOR_STREAMS, {}).get("enabled"):
                return beginning
        raise UsageError(
            f"An index template keeps the names of new indexes behind {alias!r} for data streams: name "
            "another alias with --to, or change the template."
        )

    # ------------------------------------------------------------------ the target

    def create_like(self, source: str, target: str, layout: IndexLayout, job: str) -> None:
        """Make the target with the settings and the mapping of the source and what the layout adds, ready to
        be filled; one that this job made before is taken as it is. IndexConflict where another made it.
        """
        settings, mapping, _ = self.described(source)
        kept = {name: value for name, value in settings.items() if not name.startswith(UNCOPIED)}
        made = self._with(mapping, layout)
        made["_meta"][JOB] = job
        try:
            with self._engine.failures(target):
                self._client.indices.create(index=target, settings={**kept, **LOADING}, mappings=made)
        except IndexConflict:
            if self.described(target)[1].get("_meta", {}).get(JOB) != job:
                raise

    def add_mapping(self, index: str, layout: IndexLayout) -> None:
        """Add the stamp of a layout, and those of its fields that are not there, to an index."""
        _, mapping, _ = self.described(index)
        ours: dict[str, Any] = mapping_of(layout)
        lacking = _lacking(ours["properties"], mapping.get("properties", {}))
        meta = {**mapping.get("_meta", {}), **ours["_meta"]}
        with self._engine.failures(index):
            self._client.indices.put_mapping(index=index, properties=lacking, meta=meta)

    @staticmethod
    def _with(mapping: Mapping[str, Any], layout: IndexLayout) -> dict[str, Any]:
        ours: dict[str, Any] = mapping_of(layout)
        properties = {**mapping.get("properties", {}), **ours["properties"]}
        return {**mapping, "properties": properties, "_meta": {**mapping.get("_meta", {}), **ours["_meta"]}}

    def reopen(self, target: str) -> None:
        """Take copies into an index that was in use before; a block is lifted."""
        self._put(target, {**COPYING, "index.blocks.write": None})

    def replicate(self, source: str, target: str) -> None:
        """Give the target the replicas of the source; they are copied from now on."""
        settings, _, _ = self.described(source)
        self._put(target, {name: settings.get(name) for name in REPLICAS})

    def is_as_safe(self, source: str, target: str) -> bool:
        """Whether the target has all its replicas, where the source has."""
        with self._engine.failures(target):
            health = self._client.cluster.health(index=[source, target], level="indices")["indices"]
        return bool(health[target]["status"] == "green" or health[source]["status"] == "yellow")

    def restore(self, source: str, target: str) -> None:
        """Give the target the settings of the source that were others while it was filled.

        Deletes by the job are forgotten, those by clients remembered from now on: see `Copies.write_late`.
        """
        self._engine.refresh(target)  # a delete that was not refreshed is not forgotten
        self._put(target, {GC_DELETES: "0ms"})
        self._engine.refresh(target)
        settings, _, _ = self.described(source)
        self._put(target, {name: settings.get(name) for name in LOADING} | {GC_DELETES: REMEMBERED})

    def forget_deletes(self, source: str, target: str) -> None:
        """The last of these settings: nothing is copied any more."""
        self._put(target, {GC_DELETES: self.described(source)[0].get(GC_DELETES)})

    def _put(self, index: str, settings: Mapping[str, object]) -> None:
        """Change settings of an index; None takes one away."""
        with self._engine.failures(index):
            self._client.indices.put_settings(index=index, settings=settings)

    def drop(self, index: str) -> None:
        """Remove an index where it is there."""
        with self._engine.failures(index):
            self._client.options(ignore_status=404).indices.delete(index=index)

    def drop_made(self, index: str, job: str) -> None:
        """Remove an index where it is there and that job has made it, not somebody else."""
        if self.behind(index) == [index] and self.described(index)[1].get("_meta", {}).get(JOB) == job:
            self.drop(index)

    # ------------------------------------------------------------------ aliases

    def open_entrance(self, target: str, number: str) -> None:
        """Take copies, deletes and a swap from those alone who know the number; one action."""
        add = {"add": {"index": target, "alias": entrance(target, number), "is_hidden": True}}
        self._change_aliases(target, [self._without_entrances(target), add])

    def close_entrance(self, target: str) -> None:
        """Take none from anybody."""
        with self._engine.failures(target):
            client = self._client.options(ignore_status=404)  # where there is none
            client.indices.update_aliases(actions=[self._without_entrances(target)])

    def add_alias(self, alias: str, index: str) -> None:
        """Let an alias stand for an index too."""
        self._change_aliases(index, [{"add": {"index": index, "alias": alias}}])

    def swap(self, alias: str, source: str, target: str, number: str) -> bool:
        """Point the alias at the target, with the filter, routing and write index that it had; one action.

        With it the entrance is closed. False, and nothing is done, where the entrance has another number.
        """
        _, _, aliases = self.described(source)
        actions = [
            {"remove": {"index": target, "alias": entrance(target, number), "must_exist": True}},
            {"remove": {"index": source, "alias": alias, "must_exist": False}},
            {"add": {"index": target, "alias": alias, **_alias_of(aliases.get(alias, {}))}},
        ]
        with self._engine.failures(alias):
            try:
                self._client.options(max_retries=0).indices.update_aliases(actions=actions)
            except NotFoundError as error:
                if refusal_of(error).type != "aliases_not_found_exception":
                    raise
                return False
        return True

    def _change_aliases(self, index: str, actions: Sequence[Mapping[str, Any]]) -> None:
        with self._engine.failures(index):
            self._client.indices.update_aliases(actions=actions)

    def _without_entrances(self, target: str) -> dict[str, Any]:
        return {"remove": {"index": target, "alias": entrance(target, "*"), "must_exist": False}}

    # ------------------------------------------------------------------ the block

    def block(self, index: str) -> None:
        """Refuse writes from now on; those under way have completed when this returns."""
        with self._engine.failures(index):
            self._client.indices.add_block(index=index, block="write")

    def unblock(self, index: str) -> None:
        """Take writes again."""
        self._put(index, {"index.blocks.write": None})

    def is_blocked(self, index: str) -> bool:
        """Whether an index refuses writes."""
        return self.described(index)[0].get("index.blocks.write") == "true"


def entrance(target: str, number: str) -> str:
    """The alias by which copies are written: who was paused finds it gone."""
    return f".{target}-entrance-{number}"


def _lacking(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a mapping that another has not, with what stands above them."""
    found: dict[str, Any] = {}
    for name, field in wanted.items():
        if name not in there:
            found[name] = field
        elif below := _lacking(field.get("properties", {}), there[name].get("properties", {})):
            found[name] = {"properties": below}
    return found


def _alias_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """What an alias has beside its name."""
    return {
        name: found[name]
        for name in ("filter", "index_routing", "search_routing", "is_write_index", "is_hidden")
        if name in found
    }
