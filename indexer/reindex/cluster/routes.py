"""The three ways of documents: into a new index, back into the old one, and to where they are."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from enricher.records import ENRICHMENT, IndexLayout, fingerprint
from indexer.engines.elasticsearch.copies import Copied, Query, VersionedDocument
from indexer.engines.elasticsearch.targets import entrance
from indexer.pipeline import DocumentEnricher, difference
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.id_snapshot import Census
from indexer.reindex.cluster.lines import lines_of
from indexer.reindex.cluster.reconciliation import Differences, Refused, Rules, compare
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Job, JobKind, Phase

PART = 100
"""Documents that are sent while the next ones are enriched."""
TRIES = 5
"""How often a document is read again that was changed while it was written."""


class Route(Protocol):
    """What sets the kinds of jobs apart. All of it may be done twice, and by two at once."""

    def prepare(self, job: Job) -> None:
        """Make the target ready to be written to."""

    def open(self, job: Job, number: str) -> None:
        """Let those alone write who know the number."""

    def read(self, job: Job, shard: int, after: int, upto: int, size: int) -> list[VersionedDocument]:
        """The next documents of a shard of the source."""

    def write(self, job: Job, shard: int, page: Sequence[VersionedDocument], number: str) -> Copied:
        """Write the documents of a page to the target."""

    def differences(self, job: Job, census: Census | None = None) -> Iterator[Differences]:
        """What sets both indexes apart, now, part by part; both are refreshed. census: notes the source."""

    def finish(self, job: Job) -> None:
        """The last thing of all."""


def route_of(kind: JobKind, cluster: Cluster, enricher: DocumentEnricher | None, undone: Job | None) -> Route:
    """The route of a kind of jobs. undone: the job that a rollback takes back."""
    match kind:
        case JobKind.COPY:
            assert enricher is not None
            return Forward(cluster, enricher)
        case JobKind.ROLLBACK:
            assert undone is not None
            return Back(cluster, enricher, undone)
        case JobKind.IN_PLACE:
            assert enricher is not None
            return InPlace(cluster, enricher)


class _Between:
    """What the ways from one index to another have in common."""

    def __init__(self, cluster: Cluster, enricher: DocumentEnricher | None) -> None:
        self._targets, self._copies, self._rejects = cluster.targets, cluster.copies, cluster.rejects
        self._enricher = enricher

    def open(self, job: Job, number: str) -> None:
        self._targets.open_entrance(job.target, number)

    def finish(self, job: Job) -> None:
        self._targets.close_entrance(job.target)
        self._targets.forget_deletes(job.source, job.target)

    def _late(self, job: Job, shard: int, page: Sequence[VersionedDocument]) -> Copied:
        """Write what came late: after the swap clients write to the target too."""
        lines, refused = lines_of(self._enricher, page)
        copied = self._copies.write_late(job.target, lines, job.swapped_at[shard])
        return copied + Copied(refused=refused)

    def _refused(self, rejects: str) -> Refused:
        return {(one.id, one.routing): one.sequence for one in self._rejects.load(rejects)}


class Forward(_Between):
    """From an index into a new one, with the versions of the source."""

    def __init__(self, cluster: Cluster, enricher: DocumentEnricher) -> None:
        super().__init__(cluster, enricher)
        self._layout = enricher.layout()

    def prepare(self, job: Job) -> None:
        self._targets.create_like(job.source, job.target, self._layout, job.id)

    def read(self, job: Job, shard: int, after: int, upto: int, size: int) -> list[VersionedDocument]:
        return self._copies.read(job.source, shard, after, upto, size)

    def write(self, job: Job, shard: int, page: Sequence[VersionedDocument], number: str) -> Copied:
        if job.phase is Phase.TRAILING:
            return self._late(job, shard, page)
        name, copied, sent = entrance(job.target, number), Copied(), Future[Copied]()
        sent.set_result(copied)
        with ThreadPoolExecutor(1) as sender:
            for start in range(0, len(page), PART):
                lines, refused = lines_of(self._enricher, page[start : start + PART])
                copied += sent.result() + Copied(refused=refused)
                sent = sender.submit(self._copies.write, name, lines)
            return copied + sent.result()

    def differences(self, job: Job, census: Census | None = None) -> Iterator[Differences]:
        refused = self._refused(job.rejects)
        rules = Rules(refused, lambda document, copy: copy.version >= document.copied_version)
        return compare(self._copies, job.source, job.target, job.cursors, rules, census)


class Back(_Between):
    """From the new index into the old one, whose versions do not compare with its own.

    A copy is written where the target is as it was before its source was read, so that what is written is
    never older than what it replaces.
    """

    def __init__(self, cluster: Cluster, enricher: DocumentEnricher | None, undone: Job) -> None:
        super().__init__(cluster, enricher)
        self._undone = undone

    def prepare(self, job: Job) -> None:
        self._targets.reopen(job.target)

    def read(self, job: Job, shard: int, after: int, upto: int, size: int) -> list[VersionedDocument]:
        return self._copies.read(job.source, shard, after, upto, size, source=job.phase is Phase.TRAILING)

    def write(self, job: Job, shard: int, page: Sequence[VersionedDocument], number: str) -> Copied:
        if job.phase is Phase.TRAILING:
            return self._late(job, shard, page)
        copied, left = Copied(), list(page)
        for _ in range(TRIES):
            there = self._copies.current(job.target, left)
            seen = {one.key: present for one, present in zip(left, there, strict=True)}
            reached("target-seen")
            found = [one for one in self._copies.fetch(job.source, left) if one is not None]
            lines, refused = lines_of(self._enricher, found)
            written = self._copies.write_on(entrance(job.target, number), lines, seen)
            left = list(written.passed_over)
            copied += replace(written, passed_over=()) + Copied(refused=refused)
            if not left:
                break
        return replace(copied, passed_over=left)

    def differences(self, job: Job, census: Census | None = None) -> Iterator[Differences]:
        refused = self._refused(job.rejects)

        def is_current(document: VersionedDocument, copy: VersionedDocument) -> bool:
            return refused.get(document.key) != document.sequence

        rules = Rules(refused, is_current, self._never_copied(job))
        return compare(self._copies, job.source, job.target, job.cursors, rules, census)

    def _never_copied(self, job: Job) -> "NeverCopied":
        return NeverCopied(self._refused(self._undone.rejects), self._undone.cursors, job.stood)


class NeverCopied:
    """Documents of the old index that the new one never had: they were refused, or written past the alias."""

    def __init__(self, refused: Refused, cursors: Mapping[int, int], stood: Mapping[int, int]) -> None:
        self._refused, self._cursors, self._stood = refused, cursors, stood

    def __call__(self, shard: int, document: VersionedDocument) -> bool:
        if self._refused.get(document.key) == document.sequence:
            return True
        return self._cursors.get(shard, -1) < document.sequence <= self._stood.get(shard, -1)


class InPlace:
    """To the documents where they are, each on the condition that nobody has changed it since it was read."""

    def __init__(self, cluster: Cluster, enricher: DocumentEnricher) -> None:
        self._cluster, self._copies, self._targets = cluster, cluster.copies, cluster.targets
        self._enricher = enricher

    def prepare(self, job: Job) -> None:
        self._targets.add_mapping(job.source, self._layout(job))

    def _layout(self, job: Job) -> IndexLayout:
        """The layout of the index while it holds documents of its old model too."""
        layout = self._enricher.layout()
        present = self._cluster.layout(job.source)
        if present is None:
            return layout
        mixed = present.mixed or difference(present, layout) is not None
        if present.model_version == layout.model_version:
            return replace(layout, compatible=present.compatible, mixed=mixed)
        others = dict.fromkeys(one for one in (present.model_version, *present.compatible) if one is not None)
        return replace(layout, compatible=tuple(others), mixed=mixed)

    def open(self, job: Job, number: str) -> None:
        pass

    def read(self, job: Job, shard: int, after: int, upto: int, size: int) -> list[VersionedDocument]:
        where = selection(job)
        if job.passes > 1:
            where.append(unmade_by(job.model))
        return self._copies.read(job.source, shard, after, upto, size, stamps=True, where=where)

    def write(self, job: Job, shard: int, page: Sequence[VersionedDocument], number: str) -> Copied:
        left = [one for one in page if self._wants(job, one)]
        copied = Copied()
        for _ in range(TRIES):
            lines, refused = lines_of(self._enricher, left)
            seen = {one.key: one.present for one in left}
            written = self._copies.write_on(job.source, lines, seen)
            copied += replace(written, passed_over=()) + Copied(refused=refused)
            changed = written.passed_over
            if not changed:
                break
            left = [one for one in self._copies.fetch(job.source, changed) if one is not None]
        wanted = copied.written + len(copied.refused)
        return replace(copied, passed_over=page[: len(page) - wanted])

    def _wants(self, job: Job, document: VersionedDocument) -> bool:
        """Whether a document is one that the job is about."""
        if job.passes == 1 and not job.options.only:
            return True
        only = job.options.only or ("missing", "stale")
        model, found = document.stamp
        if found is None:
            return "missing" in only
        stale = model != job.model or found != fingerprint(document.as_document(), job.fields)
        return stale and "stale" in only

    def differences(self, job: Job, census: Census | None = None) -> Iterator[Differences]:
        return iter(())

    def finish(self, job: Job) -> None:
        if job.complete and job.model is not None:
            self._cluster.engine.stamp(job.source, job.model)
        if not self._targets.behind(job.alias):
            self._targets.add_alias(job.alias, job.source)


def selection(job: Job) -> list[Query]:
    """What finds the documents that a job in place is about, or more."""
    found: list[Query] = []
    options = job.options
    if options.query is not None:
        found.append(options.query)
    if options.ids:
        found.append({"ids": {"values": list(options.ids)}})
    if options.only == ("missing",):
        found.append(UNENRICHED)
    elif options.only == ("stale",):
        found.append({"exists": {"field": STAMP}})
    return found


def unmade_by(model: str | None) -> Query:
    """What finds the documents that a model has not enriched."""
    if model is None:
        return UNENRICHED
    return {"bool": {"must_not": {"term": {f"{ENRICHMENT}.model": model}}}}


STAMP = f"{ENRICHMENT}.fingerprint"
UNENRICHED: Query = {"bool": {"must_not": {"exists": {"field": STAMP}}}}
