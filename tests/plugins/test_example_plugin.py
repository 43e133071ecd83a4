"""The example plug-in: what docs/plugins.md tells a reader to do."""

import json
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from enricher.plugins import PluginContext
from enricher.records import FieldKind, QueryTerm

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "plugins.md"
FILE_BLOCK = re.compile(r"^<!-- (?:file: )?(\S+) -->\n```\w+\n(.*?)^```$", re.M | re.S)


def shown() -> dict[str, str]:
    """The files that the page shows, by path."""
    return dict(FILE_BLOCK.findall(PAGE.read_text(encoding="utf-8")))


def test_the_page_shows_the_files_as_they_are() -> None:
    """Letter by letter."""
    files = shown()
    assert {"examples/plugin/enricher_example.py", "examples/plugin/pyproject.toml"} < set(files)
    for path, text in files.items():
        if "/" in path:
            assert text == (ROOT / path).read_text(encoding="utf-8"), path


def test_the_page_names_all_that_a_plugin_can_use() -> None:
    """Every kind of field, all of the context and of the package, and what an enrichment may have besides."""
    text = PAGE.read_text(encoding="utf-8")
    for kind in FieldKind:
        assert f"`FieldKind.{kind.name}`" in text
    for name in vars(PluginContext):
        if not name.startswith("_"):
            assert f"- `{name}`:" in text or f"- `{name}()`:" in text, name
    for name in ("document_settings", "dimensions", "typed_settings", "ValueError"):
        assert f"`{name}`" in text or f"`{name}(" in text, name
    for part in fields(QueryTerm):
        assert f"`{part.name}`" in text, part.name
    assert max(map(len, text.splitlines())) <= 120


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example package installed in it, without the network."""
    folder = tmp_path_factory.mktemp("plugin")
    copy = folder / "source"
    copy.mkdir()
    for name in ("enricher_example.py", "pyproject.toml"):
        (copy / name).write_text((ROOT / "examples" / "plugin" / name).read_text(encoding="utf-8"), "utf-8")
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", folder / "site"]
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *options, copy]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def test_its_enrichment_and_rewriter_run_where_enricher_toml_names_them(
    installed: Path, models: Path, tmp_path: Path
) -> None:
    """The language is a facet and a filter, a synonym finds documents in the other language."""
    documents = [
        {"id": "1", "title": "绿茶", "text": "茶叶要用八十度的水冲泡。"},
        {"id": "2", "title": "Green tea", "text": "Brew the tea with hot water."},
        {"id": "3", "title": "茶 tea", "text": "茶叶 leaves 冲泡 brew"},
    ]
    lines = [json.dumps(document, ensure_ascii=False) + "\n" for document in documents]
    (tmp_path / "docs.jsonl").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "enricher.toml").write_text(shown()["enricher.toml"], encoding="utf-8")

    def run(*arguments: str, code: int = 0) -> str:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ENRICHER_")}
        done = subprocess.run(
            [sys.executable, "-m", "indexer", "--models", models, *arguments],
            cwd=tmp_path,
            env=clean | {"PYTHONPATH": f"{installed}{os.pathsep}{ROOT}", "PYTHONUTF8": "1"},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    run("index", "docs.jsonl", "--to", "pages")
    field = "enrichment.language"
    answer = json.loads(run("search", "tea", "--in", "pages", "--facet", field, "--json"))
    assert {hit["id"] for hit in answer["hits"]} == {"1", "2", "3"}
    assert answer["facets"][field] == [
        {"value": "mixed", "count": 1},
        {"value": "other", "count": 1},
        {"value": "zh", "count": 1},
    ]
    (synonym,) = [term for term in answer["expansion"] if term["term"] == "茶叶"]
    assert (synonym["for"], synonym["origin"], synonym["weight"]) == ("tea", "synonyms", 0.7)
    answer = json.loads(run("search", "tea", "--in", "pages", "--filter", f"{field}=zh", "--json"))
    assert [hit["id"] for hit in answer["hits"]] == ["1"]
    assert "language, relatedness, subwords, synonyms" in run("doctor")
    wrong = shown()["enricher.toml"].replace("most = 0.7", "most = 2")
    (tmp_path / "enricher.toml").write_text(wrong, encoding="utf-8")
    said = "The settings of the plug-in 'language' are wrong: most must be from 0.5 to 1, not 2."
    assert said in run("index", "docs.jsonl", "--to", "pages", code=2)
    assert said in PAGE.read_text(encoding="utf-8")
