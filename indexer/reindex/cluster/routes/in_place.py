"""The route of documents that are enriched in the index that holds them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from enricher.enrichment import DocumentEnricher
from enricher.recipe.differences import difference
from enricher.records import ENRICHMENT, FINGERPRINT, MODEL, IndexLayout, fingerprint
from enricher.vocabulary.affected import AffectedDocuments
from indexer.engines.cluster.jobs.shards import Query
from indexer.engines.cluster.jobs.versioned import Copied, VersionedDocument
from indexer.engines.cluster.requests import all_of, containing_of, unenriched_of, words_of
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.enriched_lines import lines_of
from indexer.reindex.cluster.id_snapshot import IdSnapshot
from indexer.reindex.cluster.reconciliation import Differences
from indexer.reindex.job import ONLY, Job

MAX_TRIES = 5
"""How often a document is read again that a client changed while it was being written."""


class InPlaceRoute:
    """Each document is written on the condition that nobody has changed it since it was read.

    affected: decides which documents another model version of the same family enriches differently; None if
    the job is not restricted to these.
    """

    def __init__(
        self, cluster: Cluster, enricher: DocumentEnricher, affected: AffectedDocuments | None = None
    ) -> None:
        self._cluster, self._enricher, self._layout = cluster, enricher, enricher.layout()
        self._affected = affected
        self._has_vector_codes = cache(cluster.has_vector_codes)

    def prepare(self, job: Job) -> None:
        self._cluster.targets.add_mapping(job.source, self._layout_meanwhile(job))
        self._cluster.aliases.close_fencing_alias(
            job.source
        )  # followers read the new layout before they write

    def _layout_meanwhile(self, job: Job) -> IndexLayout:
        """The layout of the index while it also holds documents of earlier model versions."""
        layout = self._layout
        present = self._cluster.layout(job.source)
        if present is None:
            return layout
        mixed = present.mixed or difference(present, layout) is not None
        if present.model_version == layout.model_version:
            return replace(layout, compatible=present.compatible, mixed=mixed)
        others = dict.fromkeys(one for one in (present.model_version, *present.compatible) if one is not None)
        return replace(layout, compatible=tuple(others), mixed=mixed)

    def open(self, job: Job, token: str) -> None:
        """Do nothing: the condition of every write keeps stale workers out."""

    def read(self, job: Job, shard: int, after: int, upto: int, size: int) -> list[VersionedDocument]:
        layout = self._layout
        where = selection(job, layout)
        if self._affected is not None:
            containing = containing_of(layout, self._affected.subwords())
            where += [] if containing is None else [containing]
        if job.passes > 1:
            where.append(not_enriched_by(job.model_version, layout))
        words = words_of(layout)
        return self._cluster.shards.read(job.source, shard, after, upto, size, stamps=words, where=where)

    def write(self, job: Job, shard: int, page: Sequence[VersionedDocument], token: str) -> Copied:
        left = [one for one in page if self._is_selected(job, one)]
        copied, with_codes = Copied(), self._has_vector_codes(job.source)
        for _ in range(MAX_TRIES):
            lines, refused = lines_of(self._enricher, left, with_codes=with_codes)
            seen = {one.key: one.present for one in left}
            written = self._cluster.copies.write_if_unchanged(job.source, lines, seen)
            copied += replace(written, passed_over=()) + Copied(refused=refused)
            changed = written.passed_over
            if not changed:
                break
            left = [one for one in self._cluster.documents.fetch(job.source, changed) if one is not None]
        settled = copied.written + len(copied.refused)
        return replace(copied, passed_over=page[: len(page) - settled])

    def _is_selected(self, job: Job, document: VersionedDocument) -> bool:
        """Whether the job enriches a document that its queries have found."""
        if self._affected is not None and not self._affected(document.as_document()):
            return False
        if job.passes == 1 and not job.options.only:
            return True
        only = job.options.only or ONLY
        model, found = document.stamp
        if found is None:
            return "missing" in only
        stale = model != job.model_version or found != fingerprint(document.as_document(), job.fields)
        return stale and "stale" in only

    def differences(self, job: Job, snapshot: IdSnapshot | None = None) -> Iterator[Differences]:
        return iter(())

    def finish(self, job: Job) -> None:
        if job.complete and job.model_version is not None:
            self._cluster.engine.stamp(job.source, job.model_version)
        if not self._cluster.aliases.behind(job.alias):
            self._cluster.aliases.add(job.alias, job.source)


def selection(job: Job, layout: IndexLayout) -> list[Query]:
    """Queries that together match all documents that a job in place selects, and possibly more."""
    found: list[Query] = []
    options = job.options
    if options.query is not None:
        found.append(options.query)
    if options.ids:
        found.append({"ids": {"values": list(options.ids)}})
    if options.only == ("missing",):
        found.append(unenriched_of(layout))
    elif options.only == ("stale",):
        found.append({"exists": {"field": f"{ENRICHMENT}.{FINGERPRINT}"}})
    return found


def not_enriched_by(model_version: str | None, layout: IndexLayout) -> Query:
    """A query for the documents that a model has not enriched; None for enrichment without a model."""
    if model_version is None:
        return unenriched_of(layout)
    enriched = {"term": {f"{ENRICHMENT}.{MODEL}": model_version}}
    return {"bool": {"must_not": all_of([enriched, *words_of(layout)])}}
