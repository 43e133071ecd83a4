"""Runs `enricher` in forks of one process that has imported it, so that a test does not wait for imports.

Every command is a process of its own, with its own folder, environment, streams and exit code, as a user's
is. What a test says of the start itself, of signals or of encodings needs a fresh interpreter.
"""

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

import enricher
import indexer
from indexer import cli

ROOT = Path(__file__).parent.parent
REQUEST_BYTES = 1 << 20
TIMEOUT_SECONDS = 300


def command_environment(**variables: str) -> dict[str, str]:
    """The environment of a command: that of the tests without variables of ours, and this checkout's code."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ENRICHER_")}
    return clean | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"} | variables


class CommandForks:
    """The process that forks. Commands run one at a time."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.command_forks", str(theirs.fileno())],
                cwd=ROOT,
                env=command_environment(),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], stdin: bytes | None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run one command to its end. Raises subprocess.TimeoutExpired."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, _opened(stdin) as given:
            request = json.dumps([list(arguments), str(folder), dict(environment)]).encode()
            socket.send_fds(self._ours, [request], [given.fileno(), out.fileno(), err.fileno()])
            self._ours.settimeout(TIMEOUT_SECONDS)
            child = int(self._ours.recv(100))  # the first command waits for the imports
            try:
                code = int(self._ours.recv(100))
            except TimeoutError:
                os.kill(child, signal.SIGKILL)
                self._ours.recv(100)
                raise subprocess.TimeoutExpired([*arguments], TIMEOUT_SECONDS) from None
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess([*arguments], code, out.read(), err.read())

    def close(self) -> None:
        self._ours.close()
        self._process.wait(timeout=30)


def _opened(stdin: bytes | None) -> IO[bytes]:
    """A file that holds the input of a command; the null device where it gets none."""
    if stdin is None:
        return Path(os.devnull).open("rb")
    file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    file.write(stdin)
    file.seek(0)
    return file


def _serve(requests: socket.socket) -> None:
    """Fork a process for every request, until the other side is gone."""
    _import_everything()
    while True:
        request, files, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 3)
        if not request:
            return
        child = os.fork()
        if child == 0:
            requests.close()
            arguments, folder, environment = json.loads(request)
            _become(arguments, folder, environment, files)
            _end(cli.main)
        requests.send(str(child).encode())
        for file in files:
            os.close(file)
        _, status = os.waitpid(child, 0)
        requests.send(str(os.waitstatus_to_exitcode(status)).encode())


def _import_everything() -> None:
    """Import all that any command may need, and let typer import what it needs to parse arguments."""
    for package in (enricher, indexer):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        cli.app.app(["models", "prune", "--help"])
    gc.freeze()  # what the forks share is never collected, and so never copied


def _become(arguments: list[str], folder: str, environment: dict[str, str], files: list[int]) -> None:
    """Give this process what a fresh one would have."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.argv = ["enricher", *arguments]
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115


def _end(main: Callable[[], None]) -> NoReturn:
    """Run the command and end the process without taking down what it shares with the others."""
    try:
        main()
    except SystemExit as error:
        atexit._run_exitfuncs()
        os._exit(error.code if isinstance(error.code, int) else 1)
    os._exit(99)  # main ends by SystemExit, always


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
