"""`enricher reindex` as tests run it: to its end, or in the background until it is ended."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.command_forks import command_environment
from tests.conftest import RunCommand


class Command:
    """`enricher reindex` on the source."""

    def __init__(self, run: RunCommand, models: Path, server_url: str) -> None:
        self._run = run
        self.words = ["--models", str(models), "--engine", server_url, "reindex"]

    def __call__(self, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        return self._run(*self.words, *map(str, words), **variables)


class Followed:
    """`enricher reindex resume` of a job that goes on until it is ended."""

    def __init__(self, command: Command, folder: Path, options: Sequence[str]) -> None:
        self._command = command
        self._process = subprocess.Popen(
            [sys.executable, "-m", "indexer", *command.words, "resume", "--json", *options],
            env=command_environment(),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_followed(self) -> None:
        """Wait until the job has caught up and goes on."""
        deadline = time.monotonic() + 1_200
        while True:
            found = [json.loads(line) for line in self._command("status", "--json").stdout.splitlines()]
            if any(one["phase"] == "following" for one in found):
                return
            assert self._process.poll() is None and time.monotonic() < deadline, found
            time.sleep(0.3)

    def end(self) -> dict[str, Any]:
        """End the job as `kill` does, and answer its report."""
        self._process.send_signal(signal.SIGTERM)
        out, err = self._process.communicate(timeout=300)
        assert self._process.returncode == 0, err
        report: dict[str, Any] = json.loads(out)
        return report
