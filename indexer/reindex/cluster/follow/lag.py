"""How long documents wait: an upper bound, because documents carry no time of their last write."""

from collections import deque


class ShardLag:
    """Remembers when a shard had come how far.

    An operation is at most as old as the last look at which the shard had not come that far.
    """

    def __init__(self, started: float) -> None:
        self._started = started
        self._looks: deque[tuple[int, float]] = deque()

    def seen(self, checkpoint: int, now: float) -> None:
        """Note how far the shard has come at a time (monotonic, in seconds)."""
        if self._looks and self._looks[-1][0] >= checkpoint:
            self._looks[-1] = self._looks[-1][0], now
        else:
            self._looks.append((checkpoint, now))

    def since(self, at: int) -> float:
        """The earliest time at which the operation after `at` may have been written.

        That is the start of this instance if it was written before.
        """
        while len(self._looks) > 1 and self._looks[1][0] <= at:
            self._looks.popleft()
        if not self._looks or self._looks[0][0] > at:
            return self._started
        return self._looks[0][1]
