"""One index that is followed: how it is opened, and the enricher of its documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from enricher.enrichment import DocumentEnricher
from enricher.errors import EngineError, EngineUnavailable, IndexConflict, UsageError
from enricher.recipe.configuration import recorded_layout
from enricher.recipe.reopening import enricher_like
from enricher.records import IndexLayout
from indexer.engines.cluster.jobs.aliases import fencing_alias
from indexer.engines.cluster.jobs.copies import FencedOut
from indexer.engines.cluster.jobs.shards import FollowedIndex
from indexer.engines.cluster.mapping import check_whole_source, has_vector_codes
from indexer.engines.names import not_enriched
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.follow.state import FollowState
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Job, JobKind, Phase
from indexer.reindex.jobs import EnrichmentSettings
from indexer.reindex.ledger import StateLedger

TOKEN = "follow"
"""The token of the fencing alias of all followers. A job that swaps the alias, or that changes the layout of
the index, removes it: a follower that was paused cannot write with what it knows.
"""


class NotEnriched(UsageError):
    """The index behind the alias has no enrichment, so there is nothing to keep up to date."""


@dataclass(frozen=True, slots=True)
class Followed:
    """An index that this instance may write to.

    shards: how many it has. alias: the name through which this instance writes; others remove it when the
    layout of the index changes. with_codes: whether its documents have `vector_codes`.
    """

    index: str
    uuid: str
    shards: int
    enricher: DocumentEnricher
    layout: IndexLayout
    alias: str
    with_codes: bool

    def is_same(self, index: FollowedIndex) -> bool:
        """Whether this is the index that a name points to now."""
        return (self.index, self.uuid) == (index.name, index.uuid)


def index_behind(cluster: Cluster, alias: str) -> FollowedIndex:
    """The index behind an alias. Raises UsageError if there are several."""
    found = cluster.shards.behind(alias)
    if not found:  # as long as a server that starts has no shard
        raise cluster.engine.unavailable(f"No shard of {alias!r} answers")
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise UsageError(
            f"The alias {alias!r} points to several indexes ({names}): follow each of them by its own name."
        )
    return found[0]


def open_followed(
    cluster: Cluster,
    index: FollowedIndex,
    alias: str,
    settings: EnrichmentSettings,
    last: Followed | None = None,
) -> Followed:
    """Open the index behind an alias, with the model and the plug-ins that it records.

    last: what was open before; its model is not loaded again if the index records the same one.
    Raises NotEnriched, UsageError, ModelError, EngineUnavailable if a shard has no primary, and FencedOut if
    the alias moves, or the layout changes, at this moment.
    """
    if cluster.targets.is_data_stream(alias):
        raise UsageError(
            f"{alias!r} is a data stream, whose documents cannot be changed: it cannot be followed."
        )
    layout = _layout(cluster, index.name, alias)
    settings_of_index, mapping, _ = cluster.targets.described(index.name)
    check_whole_source(index.name, mapping)
    shards = int(settings_of_index["index.number_of_shards"])
    check_primaries(cluster, index, shards)
    if last is not None and last.layout == layout:
        enricher = last.enricher
    else:
        enricher = enricher_like(cluster.engine, index.name, alias, layout, *settings.sources)
    cluster.aliases.add_fencing_alias(index.name, TOKEN)
    reached("target-ready")
    if cluster.aliases.behind(alias) != [index.name] or _layout(cluster, index.name, alias) != layout:
        raise FencedOut(f"The index {index.name!r} changes at this moment.")
    alias = fencing_alias(index.name, TOKEN)
    return Followed(index.name, index.uuid, shards, enricher, layout, alias, has_vector_codes(mapping))


def check_primaries(cluster: Cluster, index: FollowedIndex, shards: int) -> None:
    """Raise EngineUnavailable if not all shards of an index have a primary."""
    if len(index.shards) < shards:
        raise cluster.engine.unavailable(f"A shard of {index.name!r} has no primary")


def _layout(cluster: Cluster, index: str, alias: str) -> IndexLayout:
    """The layout of an index, as far as it decides how documents are enriched. Raises NotEnriched."""
    try:
        layout = recorded_layout(cluster.engine, index)
    except IndexConflict:
        layout = None
    if layout is None:
        raise NotEnriched(str(not_enriched(index, alias)))
    return replace(layout, compatible=(), mixed=False)


def join(
    cluster: Cluster,
    ledger: StateLedger[FollowState],
    jobs: Sequence[Job],
    index: FollowedIndex,
    layout: IndexLayout,
) -> FollowState:
    """The state of an index that instances share. A new one begins where the last job has ended.

    jobs: the newest first.
    """
    if index.name not in ledger.names():
        _forget_removed(cluster, ledger)
        try:
            ledger.create(FollowState.of(index, cursors(cluster, jobs, index, layout)))
        except EngineUnavailable:
            raise
        except EngineError:  # another instance was faster; otherwise the next line fails
            pass
        reached("job-written")
    state = ledger.load(index.name)
    if state.uuid == index.uuid:
        return state

    def replaced(state: FollowState) -> None:
        if state.uuid != index.uuid:
            state.restart(index, {})

    return ledger.update(index.name, replaced)


def _forget_removed(cluster: Cluster, ledger: StateLedger[FollowState]) -> None:
    """Forget the states of indexes that no longer exist."""
    for name in ledger.names():
        if not cluster.engine.exists(name):
            ledger.remove(name)


def cursors(
    cluster: Cluster, jobs: Sequence[Job], index: FollowedIndex, layout: IndexLayout
) -> Mapping[int, int]:
    """Shard → the sequence number up to which a job has enriched all documents; none if no job has.

    jobs: the newest first.
    """
    for job in jobs:
        if job.target != index.name or (job.model_version, job.fields) != (
            layout.model_version,
            layout.fields,
        ):
            continue
        if job.kind is JobKind.COPY and job.swapped_at and cluster.targets.made_by(index.name, job.id):
            return job.swapped_at
        everything = job.options.query is None and not job.options.ids and len(job.options.only) != 1
        if job.kind is JobKind.IN_PLACE and job.phase is Phase.DONE and everything and job.uuid == index.uuid:
            return job.checkpoints
    return {}
