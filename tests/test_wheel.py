"""The built packages: complete, fit for publication, and installed elsewhere."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

from tests.conftest import ROOT
from tests.corpora import write_jsonl


def test_the_packages_are_complete_and_run_elsewhere(tmp_path: Path) -> None:
    """Built by `make dist` in a copy, installed into another environment, used far from the sources."""
    sources = tmp_path / "sources"
    sources.mkdir()
    for name in ("enricher", "indexer"):
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "Makefile"):
        shutil.copy(ROOT / name, sources / name)
    tools = f"BIN={Path(sys.executable).parent}"
    clean = {name: os.environ[name] for name in os.environ.keys() - {"MAKEFLAGS", "MAKELEVEL", "PYTHONPATH"}}
    make = ["make", "--old-file=.venv/.dev", "dist", tools]
    done = subprocess.run(make, cwd=sources, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (sources / "dist").glob("*.whl")
    (source,) = (sources / "dist").glob("*.tar.gz")
    with tarfile.open(source) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "enricher/py.typed", "indexer/cli/main.py"} <= packed
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"enricher/py.typed", "indexer/py.typed"} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"enricher", "indexer", "search_enricher"}

    venv.create(tmp_path / "venv", with_pip=False)
    programs = tmp_path / "venv" / "bin"
    python = str(programs / "python")
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", python]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True)
    (home,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    (home / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def run(*arguments: str, program: str = "enricher") -> str:
        command = [str(programs / program), *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=clean, check=True, capture_output=True, text=True
        ).stdout

    for program in ("enricher", "search-enricher"):
        assert run("--version", program=program).strip() == wheel.name.split("-")[1]
        assert f"Usage: {program} " in run("--help", program=program)
    where = [python, "-c", "import enricher; print(enricher.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, env=clean, check=True, capture_output=True, text=True).stdout
    assert str(home) in found
    write_jsonl(tmp_path / "docs.jsonl", 60)
    run("train", "docs.jsonl", "--epochs", "2", "--dimensions", "8")
    run("index", "docs.jsonl", "--to", "docs")
    assert json.loads(run("search", "事务", "--in", "docs", "--json"))["total"] > 0
