"""The index privileges that a job needs, checked before it writes anything.

Without this, a job of many hours would fail at its swap. docs/elasticsearch.md lists the same privileges.
"""

from collections.abc import Mapping, Sequence

from enricher.errors import AccessDenied
from indexer.engines.cluster.access import missing_privileges
from indexer.engines.cluster.jobs.aliases import fencing_alias
from indexer.engines.cluster.jobs.states import INDEX as JOBS
from indexer.engines.names import SAMPLE_ENDING, index_name_for
from indexer.reindex.cluster.cluster import Cluster, ClusterPair

FULL = ("read", "write", "manage")
READ = ("read", "view_index_metadata", "maintenance", "monitor")
LEDGER = ("read", "write")


def check_copy(cluster: Cluster, source: str, alias: str, *, changes_source: bool) -> None:
    """Check what a job needs that fills a new index.

    source: the index by its own name. changes_source: whether the job takes the alias from the source, or
    blocks writes to it. Raises AccessDenied.
    """
    beginning = cluster.targets.beginning_for(alias)
    target = index_name_for(beginning, SAMPLE_ENDING)
    needed = _filled(target) | {alias: FULL, source: (*READ, "manage") if changes_source else READ}
    _check(cluster, needed, {target: f"{beginning}-*", _fencing(target): f".{beginning}-*"})


def check_migration(clusters: ClusterPair, source: str, alias: str, *, blocks_source: bool) -> None:
    """Check what a job needs that fills a new index of another cluster. Raises AccessDenied.

    source: the index by its own name.
    """
    check_source(clusters.source, source, blocks_source=blocks_source)
    beginning = clusters.target.targets.beginning_for(alias)
    target = index_name_for(beginning, SAMPLE_ENDING)
    needed = {target: FULL, _fencing(target): FULL, alias: FULL}
    _check(clusters.target, needed, {target: f"{beginning}-*", _fencing(target): f".{beginning}-*"})


def check_source(cluster: Cluster, source: str, *, blocks_source: bool) -> None:
    """Check what a migration needs on its source, an index by its own name. Raises AccessDenied."""
    reading = (*READ, "manage") if blocks_source else READ
    _check(cluster, {source: reading, JOBS: LEDGER}, {})


def check_written(cluster: Cluster, index: str) -> None:
    """Check what a job in place needs on its index. Raises AccessDenied."""
    _check(cluster, _filled(index), {_fencing(index): f".{index}-*"})


def check_rollback(cluster: Cluster, alias: str, old: str, new: str) -> None:
    """Check what a job needs that moves an alias back to an old index. Raises AccessDenied."""
    _check(cluster, _filled(old) | {alias: FULL, new: FULL}, {_fencing(old): f".{old}-*"})


def _filled(index: str) -> dict[str, Sequence[str]]:
    """What a job needs on an index that it fills."""
    return {index: FULL, _fencing(index): FULL, JOBS: LEDGER}


def _fencing(index: str) -> str:
    """A name that stands for the fencing aliases of an index."""
    return fencing_alias(index, "")


def _check(cluster: Cluster, needed: Mapping[str, Sequence[str]], shown: Mapping[str, str]) -> None:
    lacking = missing_privileges(cluster.engine.server, needed, shown)
    if lacking is not None:
        raise AccessDenied(lacking)
