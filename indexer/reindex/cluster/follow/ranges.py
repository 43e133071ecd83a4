"""Sets of sequence numbers, as sorted ranges with both ends included."""

from collections.abc import Iterable, Sequence

Range = tuple[int, int]
MAX_RANGES = 200
"""Ranges that are kept of a shard. The shortest are dropped: their documents are read once more."""


def merged(ranges: Sequence[Range], numbers: Iterable[int], after: int) -> list[Range]:
    """The ranges and the numbers together, as far as they are above `after`; at most MAX_RANGES."""
    parts = sorted([*ranges, *((number, number) for number in numbers)])
    found: list[Range] = []
    for first, last in parts:
        if last <= after:
            continue
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((max(first, after + 1), last))
    longest = sorted(found, key=lambda one: one[0] - one[1])[:MAX_RANGES]
    return sorted(longest)


def advanced(after: int, ranges: Sequence[Range]) -> int:
    """The number up to which everything is known, if all is known up to `after` and all ranges are."""
    for first, last in ranges:
        if first > after + 1:
            break
        after = max(after, last)
    return after


def left(after: int, upto: int, ranges: Sequence[Range]) -> int:
    """How many numbers above `after`, up to and including `upto`, are in no range."""
    inside = sum(max(0, min(last, upto) - max(first, after + 1) + 1) for first, last in ranges)
    return max(0, upto - after - inside)
