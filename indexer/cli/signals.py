"""What ends a command from outside: Ctrl-C, SIGTERM and SIGHUP."""

import contextlib
import os
import signal
from types import FrameType


class StopSignals:
    """Ctrl-C, SIGTERM and SIGHUP: each ends the command with one sentence and the code 128 + its number.

    A signal that the caller lets the program ignore (`nohup`) stays ignored. received: the last one that
    ended the block of work, None before.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._handled = [
            number
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL)
        ]

    def end_at_once(self) -> None:
        """From now on they end the process where it stands: there is nothing to put in order."""
        self._set(_end)

    def interrupt(self) -> None:
        """From now on they raise KeyboardInterrupt, so that what was begun is put in order."""
        self._set(self._raise)

    @property
    def exit_code(self) -> int:
        """The code of a command that was interrupted."""
        return 128 + (self.received or signal.SIGINT)

    def _set(self, handler: "signal._HANDLER") -> None:
        with contextlib.suppress(ValueError):  # only the main thread may
            for number in self._handled:
                signal.signal(number, handler)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        raise KeyboardInterrupt


def _end(number: int, frame: FrameType | None) -> None:
    with contextlib.suppress(OSError):
        os.write(2, b"Interrupted.\n")
    os._exit(128 + number)
