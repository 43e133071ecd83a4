"""The built wheel, installed elsewhere."""

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

from tests.conftest import ROOT
from tests.corpora import write_jsonl


def test_the_wheel_is_complete_and_runs_elsewhere(tmp_path: Path) -> None:
    """Built from a copy, installed into another environment, used far from the sources."""
    sources = tmp_path / "sources"
    sources.mkdir()
    for name in ("enricher", "indexer"):
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources / name)
    pip = [sys.executable, "-m", "pip", "--quiet"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(sources)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"enricher/py.typed", "indexer/py.typed"} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"enricher", "indexer", "search_enricher"}

    venv.create(tmp_path / "venv", with_pip=False)
    home = tmp_path / "venv" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    install = [*pip, "install", "--no-deps", "--no-index", "--target", str(home), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    (home / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    script = [str(tmp_path / "venv" / "bin" / "python"), "-m", "indexer"]

    def run(*arguments: str) -> str:
        return subprocess.run(
            [*script, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    where = [script[0], "-c", "import enricher; print(enricher.__file__)"]
    assert str(home) in subprocess.run(where, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    write_jsonl(tmp_path / "docs.jsonl", 60)
    run("train", "docs.jsonl", "--epochs", "2", "--dimensions", "8")
    run("index", "docs.jsonl", "--to", "docs")
    assert json.loads(run("search", "事务", "--in", "docs", "--json"))["total"] > 0
