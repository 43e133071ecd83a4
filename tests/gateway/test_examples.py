"""The examples of docs/http.md, run as they stand there, but for the address."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.gateway.conftest import Served, fill

PAGE = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
ADDRESS, ADMIN = "http://127.0.0.1:9280", "http://127.0.0.1:9281"
RUNNERS = {
    "bash": ["bash", "-euo", "pipefail", "-c"],
    "python": [sys.executable, "-c"],
    "javascript": ["node", "--input-type=module", "-e"],
    "java": ["java", "-Dfile.encoding=UTF-8"],
}
EXAMPLES = [
    (name, code) for name, code in re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.M | re.S) if name in RUNNERS
]


@pytest.fixture(scope="module")
def service(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service whose index, and whose file to review, the examples may change."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "words.tsv").write_text("word\tstate\n慢查询\t\n", encoding="utf-8")
    (folder / "enricher.toml").write_text('[serve]\nreview = ["words.tsv"]\n', encoding="utf-8")
    fill(f"tantivy:{folder / 'index'}", models)
    served = Served.start(models, f"tantivy:{folder / 'index'}", folder)
    yield served
    served.stop()


def test_there_are_examples_in_every_language() -> None:
    """So that the next test is not empty."""
    assert {name for name, _ in EXAMPLES} == set(RUNNERS)


@pytest.mark.parametrize(("language", "code"), EXAMPLES)
def test_an_example_works(service: Served, tmp_path: Path, language: str, code: str) -> None:
    """It ends well, prints something, and no error of the service."""
    command = RUNNERS[language]
    if shutil.which(command[0]) is None or (language == "bash" and shutil.which("curl") is None):
        pytest.skip(f"{command[0]} or curl is not installed.")
    assert ADDRESS in code or ADMIN in code
    text = code.replace(ADDRESS, service.url).replace(ADMIN, service.admin)
    if language == "java":
        (tmp_path / "Search.java").write_text(text, encoding="utf-8")
        text = "Search.java"
    done = subprocess.run([*command, text], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() and '"error"' not in done.stdout
