"""The README: what it shows can be typed."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(
    r"(?P<mark><!-- not run: [^>]+ -->\n)?^```(?P<language>bash|python)\n(?P<text>.*?)^```$", re.M | re.S
)


def blocks(page: Path) -> list[tuple[str, str, bool]]:
    """Language, text, and whether it is to be run, of every block in order."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [(match["language"], match["text"], match["mark"] is None) for match in found]


def test_every_block_runs_in_order(tmp_path: Path) -> None:
    """In one folder, with the installed command, as a new user would."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ENRICHER_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    runnable = [(language, text) for language, text, run in blocks(ROOT / "README.md") if run]
    assert {language for language, _ in runnable} == {"bash", "python"}
    for language, text in runnable:
        command = (
            ["bash", "-euo", "pipefail", "-c", text] if language == "bash" else [sys.executable, "-c", text]
        )
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=clean | {"PATH": path, "PYTHONUTF8": "1"},
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr


def test_both_languages_show_the_same_blocks() -> None:
    """But for comments, so that one run holds for both."""

    def without_comments(page: Path) -> list[tuple[str, str, bool]]:
        return [(language, re.sub(r" +# .*", "", text), run) for language, text, run in blocks(page)]

    assert without_comments(ROOT / "README.md") == without_comments(ROOT / "docs" / "README.zh.md")
