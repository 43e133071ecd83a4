"""Signals that end a command: SIGINT (Ctrl-C), SIGTERM and SIGHUP."""

import contextlib
import os
import signal
from types import FrameType


class StopSignals:
    """Handlers of SIGINT, SIGTERM and SIGHUP. Each ends the command with a sentence and exit code 128 +
    number.

    A signal that the caller has set to be ignored (`nohup`) stays ignored. received: the signal that has
    interrupted the command, None before.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._handled = [
            number
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL)
        ]

    def end_at_once(self) -> None:
        """Let signals end the process immediately: there is nothing to clean up."""
        self._set(_end)

    def interrupt(self) -> None:
        """Let signals raise KeyboardInterrupt, so that the command cleans up."""
        self._set(self._raise)

    @property
    def exit_code(self) -> int:
        """The exit code of an interrupted command."""
        return 128 + (self.received or signal.SIGINT)

    def _set(self, handler: "signal._HANDLER") -> None:
        with contextlib.suppress(ValueError):  # only the main thread may set handlers
            for number in self._handled:
                signal.signal(number, handler)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        raise KeyboardInterrupt


def _end(number: int, frame: FrameType | None) -> None:
    with contextlib.suppress(OSError):
        os.write(2, b"Interrupted.\n")
    os._exit(128 + number)
