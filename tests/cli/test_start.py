"""What a command imports before it works: only what it uses."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, RunCommand
from tests.corpora import write_jsonl

ALWAYS_LATER = ("gensim", "scipy", "numba", "matplotlib", "ir_measures", "elasticsearch")
FOR_RESULTS = ("numpy", "rich.console", "tantivy", "faiss", "regex", "jieba", "rjieba")


def imported(*arguments: str, folder: Path) -> set[str]:
    """The heavy libraries that a command has imported when it ends."""
    program = (
        "import sys\n"
        f"sys.argv = {['enricher', *arguments]!r}\n"
        "from indexer.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as error:\n"
        "    assert not error.code, error.code\n"
        f"print(*(name for name in {ALWAYS_LATER + FOR_RESULTS!r} if name in sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split()) if done.stderr.strip() else set()


@pytest.mark.parametrize("command", [(), ("search",), ("train",), ("reindex", "start"), ("evaluate",)])
def test_help_imports_no_heavy_library(command: tuple[str, ...], tmp_path: Path) -> None:
    """Neither for the list of commands nor for one of them."""
    assert imported(*command, "--help", folder=tmp_path) == set()


def test_a_search_imports_no_compiler_and_no_other_engine(
    run: RunCommand, models: Path, tmp_path: Path
) -> None:
    """Where the words of the query find enough; the compiler is needed where related words are added."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 400)
    assert run("--models", models, "index", docs, "--to", "docs").returncode == 0
    found = imported("--models", str(models), "search", "事务", "--in", "docs", folder=tmp_path)
    assert "numpy" in found and not found.intersection(ALWAYS_LATER)
