"""The commands of docs/vocabulary.md, one after the other."""

import json
import random
import re
import shlex
from pathlib import Path

from tests.conftest import ROOT, RunCommand
from tests.vocabulary.test_lexicon import verses
from tests.vocabulary.test_mining import FRAMES, GENERAL, texts_of, write_texts

TERMS = ("慢查询", "列存副本", "量子芯片")
BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)


def test_every_command_of_the_tutorial_runs(run: RunCommand, tmp_path: Path) -> None:
    """On a small corpus; a term is then found as one word."""
    texts = texts_of(random.Random(7), 200, FRAMES, TERMS, GENERAL)
    write_texts(tmp_path / "docs.jsonl", [*texts, *verses(200)])
    write_texts(tmp_path / "news.jsonl", ["".join(GENERAL)] * 20)
    (tmp_path / "seeds.txt").write_text("量子芯片\n", encoding="utf-8")
    text = (ROOT / "docs/vocabulary.md").read_text(encoding="utf-8")
    commands = [line for block in BLOCK.findall(text) for line in block.splitlines() if line]
    assert len(commands) == 12
    for line in commands:
        program, *words = shlex.split(line)
        assert program == "enricher"
        done = run(*words, stdin="a\n" * 9 if "review" in words else "")
        assert done.returncode == 0, (line, done.stderr)
        if words[:2] == ["vocabulary", "apply"]:
            found = json.loads(run("keywords", "--text", "今天处理慢查询。", "--json").stdout)
            assert "慢查询" in [keyword["text"] for keyword in found["keywords"]]
