"""How fast a worker goes, without a server."""

import pytest

from indexer.reindex import pace
from indexer.reindex.pace import MAX_PAGE_DOCUMENTS, MAX_REST_SECONDS, MIN_PAGE_DOCUMENTS, Pace

BYTES = 100_000
"""A write that is long enough to be compared."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that a Pace sees; a test sets its only item."""
    now = [0.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    return now


def test_a_server_that_takes_all_gets_the_largest_pages_without_rests() -> None:
    """A write as quick as the one before changes nothing."""
    even = Pace()
    assert [even.rest(500, 0, BYTES, 1.0) for _ in range(3)] == [0.0] * 3
    assert even.page == MAX_PAGE_DOCUMENTS


def test_refused_items_halve_the_page_and_cost_a_rest_as_long_as_the_write() -> None:
    """The smallest page stays, however often the server refuses items; a rest has a maximum."""
    busy = Pace()
    assert busy.rest(500, 3, BYTES, 2.5) == 2.5 and busy.page == MAX_PAGE_DOCUMENTS // 2
    assert busy.rest(250, 1, BYTES, 60.0) == MAX_REST_SECONDS
    for _ in range(10):
        busy.rest(50, 1, BYTES, 1.0)
    assert busy.page == MIN_PAGE_DOCUMENTS


def test_pages_grow_again_by_steps() -> None:
    """A page that is written without refusals makes the next one larger, up to the maximum."""
    freed = Pace()
    freed.rest(500, 1, BYTES, 1.0)
    sizes = []
    for _ in range(6):
        freed.rest(freed.page, 0, BYTES, 1.0)
        sizes.append(freed.page)
    assert sizes == [300, 350, 400, 450, 500, 500]


@pytest.mark.parametrize(("seconds", "page"), [(3.9, 500), (4.3, 250)])
def test_a_write_that_takes_four_times_as_long_for_a_byte_halves_the_page(seconds: float, page: int) -> None:
    """The quickest write is the measure."""
    slowed = Pace()
    slowed.rest(500, 0, BYTES, 1.0)
    slowed.rest(500, 0, BYTES, seconds)
    assert slowed.page == page


@pytest.mark.parametrize(("seconds", "page"), [(4.1, 500), (4.3, 250)])
def test_the_quickest_write_is_forgotten_by_and_by(seconds: float, page: int) -> None:
    """Each later write adds 5 % to its time, so that one lucky write does not slow a job for good."""
    slowed = Pace()
    slowed.rest(500, 0, BYTES, 1.0)
    slowed.rest(500, 0, BYTES, 2.0)
    slowed.rest(500, 0, BYTES, seconds)
    assert slowed.page == page


def test_a_short_write_is_not_compared() -> None:
    """A few bytes take long each, and that says nothing of the server."""
    short = Pace()
    short.rest(500, 0, BYTES, 1.0)
    assert short.rest(1, 0, 100, 5.0) == 0.0 and short.page == MAX_PAGE_DOCUMENTS


def test_a_rate_rests_for_what_is_left_of_the_time_of_a_page(clock: list[float]) -> None:
    """The time that the page itself took counts; a page that was slower than the rate has no rest."""
    limited = Pace(rate=100.0)
    clock[0] = 50.0
    limited.begin()
    clock[0] = 52.0
    assert limited.rest(500, 0, BYTES, 1.0) == pytest.approx(3.0)
    clock[0] = 60.0
    assert limited.rest(500, 0, BYTES, 1.0) == 0.0


def test_the_longer_of_two_rests_counts(clock: list[float]) -> None:
    """Refused items ask for a rest of the length of the write, the rate for what is left of the page."""
    assert Pace(rate=100.0).rest(500, 1, BYTES, 1.0) == 5.0
    assert Pace(rate=100.0).rest(500, 1, BYTES, 8.0) == 8.0
