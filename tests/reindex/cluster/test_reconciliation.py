"""How two indexes differ, compared without a server."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.engines.cluster.jobs.shards import ShardPoint
from indexer.engines.cluster.jobs.versioned import Key, VersionedDocument
from indexer.reindex.cluster.id_snapshot import IdSnapshot
from indexer.reindex.cluster.reconciliation import Differences, Rules, compare
from indexer.reindex.cluster.routes.rollback import NeverCopied


class Indexes:
    """Shards in memory, read as those of a cluster; `on_read` is called when an index is read."""

    def __init__(self, **indexes: list[VersionedDocument]) -> None:
        self._indexes = indexes

    def refresh(self, index: str) -> None:
        """Do nothing: all documents are visible."""

    def points(self, index: str) -> dict[int, ShardPoint]:
        last = max((one.sequence for one in self._indexes[index]), default=-1)
        return {0: ShardPoint(1, last, last)}

    def count(self, index: str) -> int:
        return len(self._indexes[index])

    def identities(self, index: str, shard: int, upto: int = 2**62) -> Iterator[VersionedDocument]:
        found = [one for one in self._indexes[index] if one.sequence <= upto]
        yield from sorted(found, key=lambda one: one.sequence)


def document(name: str, sequence: int, routing: str | None = None) -> VersionedDocument:
    """A document of the source; its version is 1."""
    return VersionedDocument(name, routing, sequence, 1, 1)


def copy_of(document: VersionedDocument, sequence: int = 0) -> VersionedDocument:
    """Its copy in the target."""
    return replace(document, sequence=sequence, version=document.copied_version)


def rules(refused: dict[Key, int] | None = None) -> Rules:
    """Those of a copy into a new index."""
    return Rules(refused or {}, lambda document, copy: copy.version >= document.copied_version)


def differences(
    source: list[VersionedDocument],
    target: list[VersionedDocument],
    rules: Rules,
    cursor: int = 100,
    **more: int,
) -> Differences:
    """All differences of one shard together."""
    found, both = Differences(0), Indexes(old=source, new=target)
    for part in compare(both, both, "old", "new", {0: cursor}, rules, **more):  # type: ignore[arg-type]
        found.gone += part.gone
        found.kept += part.kept
        missing = [one for one in (found.missing, part.missing) if one is not None]
        found.missing = min(missing, default=None)
    return found


def names(documents: Iterable[VersionedDocument]) -> set[str]:
    return {one.id for one in documents}


def test_equal_indexes_do_not_differ() -> None:
    """One id under two routings is two documents."""
    source = [document("a", 1), document("b", 2, "x"), document("b", 3, "y")]
    assert differences(source, [copy_of(one) for one in source], rules()) == Differences(0)


@pytest.mark.parametrize("part", [1, 2, 1_000])
def test_copies_of_deleted_documents_are_gone_in_any_number_of_parts(part: int) -> None:
    """Only those of the deleted documents, whichever file their ids go to."""
    source = [document(f"d{n}", n) for n in range(20)]
    target = [copy_of(one) for one in source]
    found = differences(source[::2], target, rules(), max_part_documents=part)
    assert names(found.gone) == names(source[1::2]) and found.missing is None


def test_the_copy_of_another_routing_is_gone() -> None:
    """A document that was deleted and created under another routing has two copies."""
    old, new = document("a", 1, "x"), document("a", 2, "y")
    found = differences([new], [copy_of(old), copy_of(new)], rules())
    assert [one.routing for one in found.gone] == ["x"]


def test_the_lowest_document_that_was_not_copied_is_missing() -> None:
    """Also one whose copy is older than it is."""
    source = [document("a", 5), document("b", 7), document("c", 9)]
    assert differences(source, [copy_of(source[0])], rules()).missing == 7
    stale = copy_of(replace(source[0], sequence=2))
    assert differences(source, [stale], rules()).missing == 5


def test_documents_after_the_cursor_are_left_to_the_next_pass() -> None:
    """They are neither missing, nor are their older copies gone."""
    source = [document("a", 5), document("b", 50)]
    target = [copy_of(source[0]), copy_of(replace(source[1], sequence=3))]
    assert differences(source, target, rules(), cursor=10) == Differences(0)


def test_a_refused_document_is_not_missing_and_its_older_copy_is_gone() -> None:
    """Once it has changed since it was refused, it is missing again."""
    changed = document("a", 5)
    older = copy_of(replace(changed, sequence=2))
    found = differences([changed], [older], rules({("a", None): 5}))
    assert (names(found.gone), found.missing) == ({"a"}, None)
    assert differences([changed], [], rules({("a", None): 5})) == Differences(0)
    assert differences([changed], [], rules({("a", None): 4})).missing == 5


def test_documents_that_are_no_copies_are_kept_and_counted() -> None:
    """Of a rollback: what the new index refused, and what was written to the old one after the swap."""
    target = [document("refused", 3), document("late", 20), document("copied", 10), document("later", 21)]
    own = NeverCopied({("refused", None): 3}, {0: 10}, {0: 20})
    found = differences([], target, Rules({}, lambda document, copy: True, own))
    assert (names(found.gone), found.kept) == ({"copied", "later"}, 2)


def test_a_comparison_can_record_the_ids_of_the_source(tmp_path: Path) -> None:
    """From which a snapshot finds what was deleted afterwards."""
    source = [document(f"d{n}", n) for n in range(25)]
    indexes, snapshot = Indexes(old=source, new=[]), IdSnapshot(tmp_path)
    list(compare(indexes, indexes, "old", "new", {0: -1}, rules(), snapshot))  # type: ignore[arg-type]
    left = RemainingShard([one for one in source if one.id not in {"d3", "d17"}])
    deleted = [key for keys in snapshot.deleted(left, left, "old") for key in keys]  # type: ignore[arg-type]
    snapshot.close()
    assert deleted == [("d3", None), ("d17", None)]
    assert left.read == 18, "the third bucket lacks nothing and is not read"


class RemainingShard:
    """A shard in memory that counts the documents whose ids are read."""

    def __init__(self, documents: list[VersionedDocument]) -> None:
        self._documents, self.read = documents, 0

    def counts(self, index: str, shard: int, buckets: list[tuple[int, int, int]]) -> list[int]:
        return [sum(first <= one.sequence <= last for one in self._documents) for first, last, _ in buckets]

    def keys_of(self, index: str, shard: int, buckets: list[tuple[int, int, int]]) -> set[Key]:
        found = {
            one.key for one in self._documents for first, last, _ in buckets if first <= one.sequence <= last
        }
        self.read += len(found)
        return found

    def found(self, index: str, keys: list[Key]) -> list[VersionedDocument]:
        return [one for one in self._documents if one.key in keys]
