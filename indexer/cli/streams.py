"""The standard streams as the command needs them: open, and unable to fail for want of a character."""

import codecs
import os
import sys
from typing import TextIO

ERRORS = "enricher.legible"
"""The name of the error handler that replaces what a stream cannot carry."""

STAND_INS = {
    "«": "<<", "»": ">>", "‹": "<", "›": ">", "“": '"', "”": '"', "‘": "'", "’": "'",
    "…": "...", "−": "-", "–": "-", "—": "-", "·": ".", "•": "*", "×": "x", "→": "->", "≈": "~",
    **dict.fromkeys("▏▎▍▌▋▊▉█", "#"),
}  # fmt: skip
"""What is written for signs of ours; any other character that a stream cannot carry is a question mark."""


def prepare_streams() -> None:
    """Open what the caller has closed, and let the output replace what its encoding does not have.

    A closed stream becomes the null device. Otherwise the next file that the program opens, an index for
    example, would get its number, and libraries would write their messages into that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, _null(number))
    codecs.register_error(ERRORS, _replaced)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=ERRORS)


def _null(number: int) -> TextIO:
    """The null device, under the number of a standard stream where nothing else has it."""
    opened = os.open(os.devnull, os.O_RDWR)
    if opened != number and not _is_open(number):
        os.dup2(opened, number)
        os.close(opened)
        opened = number
    os.set_inheritable(opened, True)
    return os.fdopen(opened, "r" if number == 0 else "w", encoding="utf-8", closefd=False)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """What stands in for the characters that cannot be encoded, as a handler of `codecs` answers it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = "".join(STAND_INS.get(letter, "?") for letter in error.object[error.start : error.end])
    return found, error.end


def carries(stream: TextIO, text: str) -> bool:
    """Whether the encoding of a stream has every character of a text."""
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeError:
        return False
    return True


def legible(stream: TextIO, text: str) -> str:
    """The text as a stream will show it: what it cannot carry is replaced."""
    encoding = stream.encoding or "utf-8"
    return text if carries(stream, text) else text.encode(encoding, ERRORS).decode(encoding)


def flushed(stream: TextIO) -> OSError | None:
    """Write all that waits in a stream; the error where that fails, and the rest is then thrown away.

    Without the latter, the interpreter would fail again at its end, with a message of its own.
    """
    try:
        stream.flush()
    except OSError as error:
        discard(stream)
        return error
    return None


def discard(stream: TextIO) -> None:
    """Let all that waits in a stream, and all that is still written to it, go to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, stream.fileno())
        stream.flush()
    except (OSError, ValueError):
        return
    finally:
        os.close(null)
