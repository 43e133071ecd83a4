"""A second attempt at refused documents, after the mapping or the documents were corrected."""

from enricher.enrichment import DocumentEnricher
from indexer.engines.cluster.jobs.versioned import Key, Present
from indexer.reindex.cluster.cluster import ClusterPair
from indexer.reindex.cluster.enriched_lines import lines_of
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Job, JobKind
from indexer.reindex.jobs import Replayed
from indexer.reindex.ledger import Ledger

BATCH_DOCUMENTS = 1_000
"""Rejects that are tried together."""


def replay(ledger: Ledger, clusters: ClusterPair, enricher: DocumentEnricher | None, job: Job) -> Replayed:
    """Copy the rejects of an ended job from its source, as they are now, if the target lacks them.

    Those of a job in place are written where they are, unless they have changed since they were read.
    """
    source, target = clusters.source, clusters.target
    with_codes = target.has_vector_codes(job.target)
    rejects, written, settled, refused = source.rejects.load(job.rejects), 0, 0, 0
    for start in range(0, len(rejects), BATCH_DOCUMENTS):
        part = rejects[start : start + BATCH_DOCUMENTS]
        seen = {(one.id, one.routing): one for one in part}
        found = [one for one in source.documents.fetch(job.source, part) if one is not None]
        seen_there: dict[Key, Present | None]
        if job.kind is JobKind.IN_PLACE:
            seen_there = {one.key: one.present for one in found}
        else:
            there = target.documents.current(job.target, found)
            seen_there = {one.key: None for one, present in zip(found, there, strict=True) if present is None}
        lines, again = lines_of(
            enricher, [one for one in found if one.key in seen_there], with_codes=with_codes
        )
        copied = target.copies.write_if_unchanged(job.target, lines, seen_there)
        reached("replay-written")
        failed = [*again, *copied.refused]
        left = {document.key for document, _ in failed}
        source.rejects.forget(job.rejects, [one for key, one in seen.items() if key not in left])
        for shard in {seen[document.key].shard for document, _ in failed}:
            of_shard = [one for one in failed if seen[one.document.key].shard == shard]
            source.rejects.keep(job.rejects, shard, of_shard)
        written += copied.written
        refused += len(failed)
        settled += len(part) - copied.written - len(failed)

    def noted(job: Job) -> None:
        job.rejected = refused

    ledger.update(job.id, noted)
    return Replayed(written, settled, refused)
