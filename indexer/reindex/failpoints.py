"""Named places at which a test can kill the process: one for every state that a crash can leave behind."""

import os
import signal

from enricher.errors import UsageError

POINTS = (
    "job-written",
    "target-ready",
    "pass-planned",
    "interval-claimed",
    "page-read",
    "page-written",
    "page-noted",
    "interval-done",
    "pass-done",
    "refused-kept",
    "deletes-found",
    "deletes-sent",
    "deletes-noted",
    "replicas-set",
    "block-set",
    "block-noted",
    "last-pass-done",
    "compared",
    "before-restore",
    "restored",
    "swap-unsent",
    "swap-sent",
    "swap-noted",
    "late-pass-done",
    "before-end",
    "target-seen",
    "measured",
    "replay-written",
    "model-derived",
    "model-activated",
    "words-cut",
)

_armed: str | None = None


def arm(point: str | None) -> None:
    """Kill this process when it reaches a point; None disarms. Raises UsageError for an unknown name."""
    global _armed
    if point is not None and point not in POINTS:
        raise UsageError(f"There is no failpoint {point!r}. The names are: {', '.join(POINTS)}.")
    _armed = point


def reached(point: str) -> None:
    """Kill this process here if the point is armed."""
    if point == _armed:
        os.kill(os.getpid(), signal.SIGKILL)
