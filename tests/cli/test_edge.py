"""The edge of the process: standard streams, encodings, signals, and failures that nobody foresaw."""

import codecs
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from enricher.errors import SourceError
from indexer.cli import output, running
from indexer.cli.signals import StopSignals
from indexer.cli.streams import ERRORS, STAND_INS, legible, prepare_streams
from indexer.engines.addresses import keep_secret
from tests.command_forks import command_environment
from tests.conftest import ROOT, RunCommand
from tests.corpora import write_jsonl

START = f"{sys.executable} -m indexer"


def shell(command: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Runs a line of bash in which $ENRICHER is the command; its code is that of the first part of a pipe."""
    done = subprocess.run(
        ["bash", "-c", f"{command}; exit ${{PIPESTATUS[0]}}"],
        cwd=folder,
        env=command_environment(ENRICHER=START, **variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def indexed(run: RunCommand, models: Path, tmp_path: Path) -> Path:
    """A folder with the index `docs` of 60 documents."""
    assert (
        run("--models", models, "index", write_jsonl(tmp_path / "docs.jsonl", 60), "--to", "docs").returncode
        == 0
    )
    return tmp_path


# ------------------------------------------------------------------ streams


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_work_is_done_where_streams_are_closed(models: Path, tmp_path: Path, closed: str) -> None:
    """A file that is opened later does not get the number of a closed stream."""
    write_jsonl(tmp_path / "docs.jsonl", 60)
    done = shell(f"$ENRICHER --models {models} index docs.jsonl --to docs {closed}", tmp_path)
    assert done.returncode == 0
    found = shell(f"$ENRICHER --models {models} search 事务 --in docs --json", tmp_path)
    assert json.loads(found.stdout)["total"] > 0


def test_a_closed_input_holds_no_document(models: Path, tmp_path: Path) -> None:
    """It is read as an empty one."""
    done = shell(f"$ENRICHER --models {models} index - --to docs <&-", tmp_path)
    assert done.returncode == 1 and "contains no documents" in done.stderr


@pytest.mark.parametrize(("command", "unbuffered"), [("models list", ""), ("--help", "1")])
def test_results_that_a_full_disk_loses_are_a_failure(
    models: Path, tmp_path: Path, command: str, unbuffered: str
) -> None:
    """One sentence, exit code 1, whenever the write fails."""
    line = f"$ENRICHER --models {models} {command} > /dev/full"
    done = shell(line, tmp_path, PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1
    assert "could not be written: no space left on device" in done.stderr and done.stderr.count("\n") == 1


def test_messages_that_nobody_can_read_do_not_stop_the_work(models: Path, tmp_path: Path) -> None:
    """A full disk behind stderr."""
    write_jsonl(tmp_path / "docs.jsonl", 60)
    done = shell(f"$ENRICHER --models {models} index docs.jsonl --to docs 2> /dev/full", tmp_path)
    assert done.returncode == 0 and "60 documents written" in done.stdout


@pytest.mark.parametrize("workers", [1, 2])
def test_a_reader_that_goes_away_ends_the_command_quietly(models: Path, tmp_path: Path, workers: int) -> None:
    """By the code that a shell gives to SIGPIPE."""
    write_jsonl(tmp_path / "docs.jsonl", 3000)
    line = f"$ENRICHER --models {models} keywords docs.jsonl --workers {workers} | head -1"
    done = shell(line, tmp_path)
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stdout.count("\n") == 1 and done.stderr == ""


@pytest.mark.parametrize("encoding", ["ascii", "gbk"])
def test_an_output_that_is_not_utf_8_shows_what_it_can(indexed: Path, models: Path, encoding: str) -> None:
    """Tables, marks and help are written in its characters, and JSON is escaped where it must be."""

    def call(command: str) -> str:
        line = [sys.executable, "-m", "indexer", "--models", str(models), *command.split()]
        done = subprocess.run(
            line, cwd=indexed, capture_output=True, check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.decode(encoding)

    assert "[" in call("search 事务 --in docs --explain")
    found = json.loads(call("search 事务 --in docs --json"))
    assert found["expansion"][0]["term"] == "事务"
    assert "PMI" in call("related --help") or "log p" in call("related --help")


def test_signs_have_stand_ins_and_other_characters_a_question_mark() -> None:
    """Every stand-in is ASCII, and a stream that carries all shows the text as it is."""
    prepare_streams()
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors=ERRORS)
    assert legible(narrow, "«事务» ‹log› … █▌") == "<<??>> <log> ... ##"
    assert all(text.isascii() for text in STAND_INS.values())
    wide = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=ERRORS)
    assert legible(wide, "«事务»") == "«事务»"
    assert codecs.lookup_error(ERRORS)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "gbk", "utf-8"])
def test_json_is_the_same_value_in_every_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the stream cannot carry is escaped, not replaced."""
    value = {"text": "事务 naïve 😀 «»", "more": ["\x00", "\\"]}
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    output.print_json(value)
    assert json.loads(stream.buffer.getvalue().decode(encoding)) == value  # type: ignore[attr-defined]


# ------------------------------------------------------------------ signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_the_imports_is_one_word(tmp_path: Path, number: signal.Signals) -> None:
    """And the code of the signal, without a traceback."""
    code = (
        "import os, sys, importlib.abc\n"
        "class Sends(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'typer':\n"
        f"            os.kill(os.getpid(), {number})\n"
        "sys.meta_path.insert(0, Sends())\n"
        "from indexer.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr, done.stdout) == (128 + number, "Interrupted.\n", "")


def test_sigterm_keeps_what_was_indexed(models: Path, tmp_path: Path) -> None:
    """As Ctrl-C does: what was written can be found, and the sentence says how much that is."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 20_000)
    command = [sys.executable, "-m", "indexer", "--models", str(models), "index", str(docs), "--to", "docs"]
    variables = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=variables, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(1.5)
        os.killpg(process.pid, signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "documents written to docs" in err and err.endswith("Interrupted.\n") and "Traceback" not in err


def test_a_signal_that_the_caller_ignores_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        signals = StopSignals()
        signals.interrupt()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


# ------------------------------------------------------------------ failures


class NoSignals(StopSignals):
    """Signals of a test, which stay as they are."""

    def _set(self, handler: object) -> None:
        pass


Ends = Callable[[BaseException], tuple[int, str]]


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ends:
    """Runs a command that raises, in this process: the exit code and what is on stderr."""

    def call(error: BaseException) -> tuple[int, str]:
        def fail(**options: object) -> None:
            raise error

        monkeypatch.setattr(running, "app", fail)
        code = running.run(NoSignals())
        return code, capsys.readouterr().err

    return call


class Panic(BaseException):
    """As a library in Rust raises it."""


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SourceError("Out of luck."), 1, "Out of luck."),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (MemoryError(), 1, "There is not enough memory for this."),
        (PermissionError(13, "Permission denied", "x"), 1, "The system refused: [Errno 13] Permission"),
        (OSError(28, "No space left on device"), 1, "The output, or a file, could not be written: no space"),
        (typer.BadParameter("nonsense"), 2, "Error: Invalid value: nonsense"),
    ],
)  # fmt: skip
def test_known_failures_are_one_sentence(ends: Ends, error: BaseException, code: int, said: str) -> None:
    """Without a file."""
    found, err = ends(error)
    assert found == code and err.startswith(said) and err.count("\n") == 1
    assert "Traceback" not in err and "enricher-error" not in err


@pytest.mark.parametrize(
    "error",
    [KeyError("hits"), RecursionError("too deep"), Panic("rust"), ValueError("two\nlines"), AssertionError()],
)
def test_a_failure_that_nobody_foresaw_names_the_file_of_its_traceback(
    ends: Ends, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which only its user can read."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, err = ends(error)
    assert code == 1 and err.count("\n") == 1 and type(error).__name__ in err
    found = re.search(r"is in (\S+)\.$", err.strip())
    assert found is not None
    file = Path(found[1])
    assert file.parent == tmp_path and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "Traceback" in file.read_text() and type(error).__name__ in file.read_text()


def test_no_password_is_in_the_sentence_or_the_file(
    ends: Ends, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither as it was typed nor decoded, nor as the client sends it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    keep_secret("https://elastic:p%40ss/w@rd@h1:9200,h2")
    shown = "https://elastic:p%40ss/w@rd@h1 p%40ss/w@rd p@ss/w@rd ZWxhc3RpYzpwQHNzL3dAcmQ="
    code, err = ends(RuntimeError(shown))
    (file,) = tmp_path.iterdir()
    for text in (err, file.read_text()):
        assert code == 1 and "h1" in text
        assert not any(part in text for part in ("w@rd", "ss/w", "elastic:", "ZWxh")), text


def test_a_wrong_argument_shows_no_password(capsys: pytest.CaptureFixture[str], ends: Ends) -> None:
    """As where a URL stands in the place of another argument."""
    _, err = ends(typer.BadParameter("Got unexpected argument (http://bob:sec/ret@h:9200)"))
    assert "bob" not in err and "sec" not in err and "h:9200" in err


@pytest.mark.parametrize("name", ["a/b", "", "../x", "a b", "-x", "*"])
@pytest.mark.parametrize(
    "command",
    [
        ["index", "absent.jsonl", "--to"],
        ["search", "x", "--in"],
        ["expand", "x", "--in"],
        ["reindex", "start", "docs", "--to"],
        ["reindex", "start", "--to", "docs", "--"],
    ],
)
def test_the_name_of_an_index_is_looked_at_before_anything_else(
    command: list[str], name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No file, model or engine is."""
    monkeypatch.setattr(sys, "argv", ["enricher", "--models", "absent", *command, name])
    assert running.run(NoSignals()) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"The index name {name!r} ") and err.count("\n") == 1
