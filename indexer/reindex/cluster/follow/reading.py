"""Enriches the documents of one shard that others have written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from enricher.errors import PluginError
from enricher.records import fingerprint
from indexer.engines.cluster.jobs.shards import Query
from indexer.engines.cluster.jobs.versioned import Copied, Line, Refused, VersionedDocument
from indexer.engines.cluster.requests import words_of
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.enriched_lines import BATCH_DOCUMENTS, lines_in_batches, lines_of
from indexer.reindex.cluster.follow.claims import ShardClaim
from indexer.reindex.cluster.follow.followed import Followed
from indexer.reindex.cluster.follow.ranges import Range
from indexer.reindex.cluster.follow.state import rejects_of
from indexer.reindex.failpoints import reached
from indexer.reindex.pace import Pace


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a shard that was read, and what became of its documents.

    at: the sequence number up to which the shard is read now. read: documents. enriched: what was written;
    `passed_over` are documents that others have changed meanwhile, which the next round reads again. rest:
    seconds to wait before the next page.
    """

    at: int
    read: int
    enriched: Copied
    rest: float


def enriched_pages(cluster: Cluster, followed: Followed, claim: ShardClaim, pace: Pace) -> Iterator[Page]:
    """Read the operations of a claim in pages, and yield each once its documents are enriched.

    Raises FencedOut if the index may not be written to any more.
    """
    at, where = claim.after, _not_in(claim.own)
    while at < claim.upto:
        pace.begin()
        size = cluster.shards.page_size(pace.page)
        page = cluster.shards.read(
            followed.index, claim.shard, at, claim.upto, size, stamps=words_of(followed.layout), where=where
        )
        reached("page-read")
        outdated = [one for one in page if is_outdated(followed, one)]
        copied = _enrich(cluster, followed, outdated)
        if copied.refused:
            cluster.rejects.keep(rejects_of(followed.index), claim.shard, copied.refused)
            reached("refused-kept")
        reached("page-written")
        at = page[-1].sequence if len(page) == size else claim.upto
        rest = pace.rest(len(page), copied.retried, copied.size, copied.seconds)
        yield Page(at, len(page), copied, rest)


def is_outdated(followed: Followed, document: VersionedDocument) -> bool:
    """Whether a document has no enrichment, or one of another model or of another text."""
    model, found = document.stamp
    if found is None or model != followed.layout.model_version:
        return True
    return found != fingerprint(document.as_document(), followed.layout.fields)


def _enrich(cluster: Cluster, followed: Followed, documents: Sequence[VersionedDocument]) -> Copied:
    """Enrich documents, and write each on the condition that nobody has changed it since it was read."""
    copied = Copied()
    seen = {one.key: one.present for one in documents}
    for lines, refused in _lines(followed, documents):
        copied += Copied(refused=refused)
        if lines:
            copied += cluster.copies.write_if_unchanged(followed.alias, lines, seen)
    return copied


def _lines(
    followed: Followed, documents: Sequence[VersionedDocument]
) -> Iterator[tuple[list[Line], list[Refused]]]:
    """Yield the lines of at most BATCH_DOCUMENTS documents at a time, and the refused ones among them.

    If a plug-in fails in a batch, only the documents at which it fails are refused. Raises PluginError if it
    fails at each of several documents.
    """
    while documents:
        batches = lines_in_batches(followed.enricher, documents, with_codes=followed.with_codes)
        try:
            for batch in batches:
                yield batch
                documents = documents[BATCH_DOCUMENTS:]
            return
        except PluginError as error:
            yield _lines_one_by_one(followed, documents[:BATCH_DOCUMENTS], error)
            documents = documents[BATCH_DOCUMENTS:]


def _lines_one_by_one(
    followed: Followed, documents: Sequence[VersionedDocument], failure: PluginError
) -> tuple[list[Line], list[Refused]]:
    """The lines of documents at some of which a plug-in fails, and these documents as refused.

    failure: is raised if a plug-in fails at each of several documents.
    """
    lines: list[Line] = []
    refused: list[Refused] = []
    for one in documents:
        try:
            more, failed = lines_of(followed.enricher, [one], with_codes=followed.with_codes)
        except PluginError as error:
            more, failed = [], [Refused(one, str(error))]
        lines += more
        refused += failed
    if not lines and len(documents) > 1:
        raise failure
    return lines, refused


def _not_in(ranges: Sequence[Range]) -> list[Query]:
    """A query for the documents whose last operation is in none of the ranges."""
    inside = [{"range": {"_seq_no": {"gte": first, "lte": last}}} for first, last in ranges]
    return [{"bool": {"must_not": inside}}] if inside else []
