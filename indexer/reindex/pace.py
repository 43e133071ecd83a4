"""How fast a worker goes: less at once, and with rests, while the server has no time."""

import time

PAGE = 500
"""Documents that are read, enriched and written together, at most."""
LEAST = 50
LONGEST_REST = 10.0
SLOW = 4.0
"""A write that takes so many times what the quickest took for a byte means: too much at once."""
TELLING = 50_000
"""Bytes of a write from which on its time says something."""


class Pace:
    """Halves the pages when the server refuses or slows down, rests as long as it was busy with the last, and
    comes back by steps.

    rate: documents a second at most, None for no limit.
    """

    def __init__(self, rate: float | None = None) -> None:
        self.page = PAGE
        self._rate = rate
        self._quickest = float("inf")
        self._began = time.monotonic()

    def begin(self) -> None:
        """A page is begun."""
        self._began = time.monotonic()

    def rest(self, read: int, retried: int, size: int, seconds: float) -> float:
        """The rest after a page of `read` documents, in seconds: so many bytes took `seconds` to be written,
        with so many items sent again.
        """
        slow = False
        if size >= TELLING:
            slow = seconds / size > SLOW * self._quickest
            self._quickest = min(self._quickest * 1.05, seconds / size)
        due = read / self._rate - (time.monotonic() - self._began) if self._rate else 0.0
        if retried or slow:
            self.page = max(LEAST, self.page // 2)
            return max(due, min(LONGEST_REST, seconds))
        self.page = min(PAGE, self.page + LEAST)
        return max(due, 0.0)
