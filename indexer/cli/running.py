"""Run a command, and turn every way it can end into an exit code, and every failure into one sentence."""

import errno
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path

import typer

from enricher.errors import EnricherError
from indexer.cli import commands as _commands  # noqa: F401  (registers them)
from indexer.cli.app import app
from indexer.cli.output import say
from indexer.cli.signals import StopSignals
from indexer.cli.streams import discard, flushed
from indexer.engines.addresses import masked

INTERRUPTED = 128 + signal.SIGINT
BROKEN_PIPE = 128 + signal.SIGPIPE
"""The exit code of a command whose output pipe was closed, as shells report it."""

FULL_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The errors of a full disk."""

MAX_ERROR_CHARACTERS = 300
"""Maximum length of an unforeseen error in the message. The traceback file has all of it."""


def run(signals: StopSignals) -> int:
    """Run the command of the arguments. Returns the exit code."""
    try:
        signals.interrupt()
        code = _command()
        signals.end_at_once()
    except BaseException as error:  # noqa: BLE001  also a panic of Rust
        signals.end_at_once()
        code = _failed(error, signals)
    return _closed(code)


def _command() -> int:
    code = app(standalone_mode=False)
    if code == INTERRUPTED:  # typer's answer to KeyboardInterrupt
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _failed(error: BaseException, signals: StopSignals) -> int:
    """Print why the command failed. Returns the exit code."""
    if signals.received is not None or isinstance(error, KeyboardInterrupt):
        say("Interrupted.")
        return signals.exit_code
    sys.stdout = sys.__stdout__ or sys.stdout  # typer covers it when it fails
    if _is_broken_pipe(error):
        discard(sys.stdout)
        return BROKEN_PIPE
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, EnricherError):
        say(f"{error}{_kept(error) if getattr(error, '__notes__', None) else ''}")
        return error.exit_code
    if isinstance(error, typer.TyperException):
        return _misused(error)
    if isinstance(error, OSError):
        say(_refused(error))
    elif isinstance(error, ModuleNotFoundError) and not _is_own(error.name):
        say(f"This command needs the Python package {error.name!r}, which is not installed here.")
    elif isinstance(error, MemoryError):
        say("There is not enough memory for this.")
    else:
        name, what = type(error).__name__, " ".join(str(error).split())[:MAX_ERROR_CHARACTERS]
        said = f"{name}: {what}" if what else name
        say(f"The command failed unexpectedly ({said}).{_kept(error)}")
    return 1


def _is_own(module: str | None) -> bool:
    """Whether a missing module is one of this program, so that its absence is a fault of it."""
    return module is None or module.partition(".")[0] in ("enricher", "indexer")


def _is_broken_pipe(error: BaseException) -> bool:
    """Whether the output pipe was closed. typer and rich then raise SystemExit themselves."""
    causes = (error, error.__context__) if isinstance(error, SystemExit) else (error,)
    return any(isinstance(cause, BrokenPipeError) for cause in causes)


def _refused(error: OSError) -> str:
    """The sentence for an OSError: of the output, of a full disk, or of a file."""
    failure = flushed(sys.stdout)
    if failure is not None:
        return _unwritten(failure)
    if error.errno in FULL_DISK_ERRORS and error.filename is None:
        return f"The output, or a file, could not be written: {_reason(error)}."
    return f"The system refused: {error}."


def _misused(error: typer.TyperException) -> int:
    """Print the error of the argument parser. Returns the exit code."""
    message = getattr(error, "message", None)
    if isinstance(message, str):
        error.__dict__["message"] = masked(message)
    show = getattr(error, "show", None)
    if show is None:
        say(str(error))
    else:
        show(file=sys.stderr)
    return int(getattr(error, "exit_code", 1))


def _kept(error: BaseException) -> str:
    """Write the traceback to a file that only this user can read. Returns a sentence with its name."""
    from importlib.metadata import version

    head = f"enricher {version('search-enricher')}, Python {sys.version.split()[0]}, {sys.platform}\n\n"
    try:
        text = masked("".join(traceback.format_exception(error)))
        handle, name = tempfile.mkstemp(prefix="enricher-error-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(head + text)
    except (OSError, MemoryError, RecursionError):
        return ""
    return f" Where it happened is in {Path(name)}."


def _closed(code: int) -> int:
    """Flush the streams. Returns the exit code: 1 if results were lost."""
    failure = flushed(sys.stdout)
    if isinstance(failure, BrokenPipeError):
        code = code or BROKEN_PIPE
    elif failure is not None:
        say(_unwritten(failure))
        code = code or 1
    flushed(sys.stderr)
    return code


def _unwritten(error: OSError) -> str:
    return f"The output could not be written: {_reason(error)}."


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
