"""Prepare the standard streams: open them, and replace characters that their encoding lacks."""

import codecs
import os
import sys
from typing import TextIO

ERRORS = "enricher.legible"
"""The name of the codec error handler that replaces such characters."""

STAND_INS = {
    "«": "<<", "»": ">>", "‹": "<", "›": ">", "“": '"', "”": '"', "‘": "'", "’": "'",
    "…": "...", "−": "-", "–": "-", "—": "-", "·": ".", "•": "*", "×": "x", "→": "->", "≈": "~",
    **dict.fromkeys("▏▎▍▌▋▊▉█", "#"),
}  # fmt: skip
"""Replacements of the signs that this program prints. Any other missing character becomes a question mark."""


def prepare_streams() -> None:
    """Open standard streams that the caller has closed, and replace missing characters in the output.

    A closed stream is opened on the null device. Otherwise the next file that the program opens, an index for
    example, would get its file descriptor, and libraries would print messages into it.
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
    """Open the null device, as the file descriptor of a standard stream if that is free."""
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
    """The codec error handler: replacements for characters that cannot be encoded."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = "".join(STAND_INS.get(letter, "?") for letter in error.object[error.start : error.end])
    return found, error.end


def carries(stream: TextIO, text: str) -> bool:
    """Whether the encoding of a stream can encode a text."""
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeError:
        return False
    return True


def legible(stream: TextIO, text: str) -> str:
    """The text with replacements for characters that the encoding of a stream lacks."""
    encoding = stream.encoding or "utf-8"
    return text if carries(stream, text) else text.encode(encoding, ERRORS).decode(encoding)


def flushed(stream: TextIO) -> OSError | None:
    """Flush a stream. Returns the error if that fails, and discards the rest of the output.

    Otherwise the interpreter would fail again at exit, with its own message.
    """
    try:
        stream.flush()
    except OSError as error:
        discard(stream)
        return error
    return None


def discard(stream: TextIO) -> None:
    """Redirect a stream, with all buffered output, to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, stream.fileno())
        stream.flush()
    except (OSError, ValueError):
        return
    finally:
        os.close(null)
