"""The route of every kind of job."""

from enricher.enrichment import DocumentEnricher
from enricher.vocabulary.affected import AffectedDocuments
from indexer.reindex.cluster.cluster import ClusterPair
from indexer.reindex.cluster.routes.copy import CopyRoute
from indexer.reindex.cluster.routes.in_place import InPlaceRoute
from indexer.reindex.cluster.routes.rollback import RollbackRoute
from indexer.reindex.cluster.routes.route import Route
from indexer.reindex.job import Job, JobKind


def route_of(
    kind: JobKind,
    clusters: ClusterPair,
    enricher: DocumentEnricher | None,
    undone: Job | None,
    affected: AffectedDocuments | None = None,
) -> Route:
    """The route of a job.

    enricher: None only for a rollback to an index that was never enriched. undone: the job that a rollback
    undoes. affected: for a job in place, as for `InPlaceRoute`.
    """
    match kind:
        case JobKind.COPY | JobKind.MIGRATION:
            assert enricher is not None
            return CopyRoute(clusters, enricher)
        case JobKind.ROLLBACK:
            assert undone is not None
            return RollbackRoute(clusters, enricher, undone)
        case JobKind.IN_PLACE:
            assert enricher is not None
            return InPlaceRoute(clusters.target, enricher, affected)
