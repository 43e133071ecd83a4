"""How fast a worker goes: smaller pages, and rests between them, while the server is busy."""

import time

MAX_PAGE_DOCUMENTS = 500
"""Documents that are read, enriched and written together."""
MIN_PAGE_DOCUMENTS = 50
"""The smallest page, and the step by which pages grow again."""
MAX_REST_SECONDS = 10.0
"""The longest rest after a write that the server was too busy for."""
MAX_SLOWDOWN = 4.0
"""A write is slow if a byte takes so many times as long as in the quickest write."""
MIN_TIMED_BYTES = 50_000
"""Writes of fewer bytes are too short to be compared."""


class Pace:
    """Halves the pages, and rests, when the server refuses items or becomes slow; then pages grow by steps.

    page: the number of documents of the next page. rate: maximum documents per second; None for no limit.
    """

    def __init__(self, rate: float | None = None) -> None:
        self.page = MAX_PAGE_DOCUMENTS
        self._rate = rate
        self._quickest = float("inf")
        self._began = time.monotonic()

    def begin(self) -> None:
        """Note that a page begins: `rate` counts from here."""
        self._began = time.monotonic()

    def rest(self, read: int, retried: int, size: int, seconds: float) -> float:
        """Adapt the pages to how a page was written, and return the seconds to rest before the next one.

        read: documents of the page. retried: items that the server refused for lack of time (429). size:
        bytes written. seconds: how long the write took.
        """
        slow = False
        if size >= MIN_TIMED_BYTES:
            slow = seconds / size > MAX_SLOWDOWN * self._quickest
            self._quickest = min(self._quickest * 1.05, seconds / size)
        due = read / self._rate - (time.monotonic() - self._began) if self._rate else 0.0
        if retried or slow:
            self.page = max(MIN_PAGE_DOCUMENTS, self.page // 2)
            return max(due, min(MAX_REST_SECONDS, seconds))
        self.page = min(MAX_PAGE_DOCUMENTS, self.page + MIN_PAGE_DOCUMENTS)
        return max(due, 0.0)
