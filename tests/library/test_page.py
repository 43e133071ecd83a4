"""The commands of docs/library.md, one after the other."""

import re
import shlex
import subprocess
from pathlib import Path

from tests.conftest import ROOT, RunCommand
from tests.corpora import documents, write_jsonl

BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)


def test_every_command_of_the_page_runs(run: RunCommand, tmp_path: Path) -> None:
    """With documents of a small corpus as items, and those that the page names."""
    ids = [document.id for document in documents(400)]
    sessions = [f'["atlas", "{ids[n]}", "{ids[n + 10]}", "{ids[n + 20]}"]\n' for n in range(0, 370, 3)]
    (tmp_path / "loans.jsonl").write_text("".join(sessions))
    names = ["atlas", *ids]
    places = [f"p{n},{n % 20},{1 + n // 20}\n" for n in range(len(names))]
    (tmp_path / "places.csv").write_text("place,x,y\n" + "".join(places))
    (tmp_path / "subjects.csv").write_text("item,category\n" + "".join(f"{one},a\n" for one in ids[:50]))
    source = write_jsonl(tmp_path / "docs.jsonl", 400)
    assert run("train", source).returncode == 0
    assert run("index", source, "--to", "articles").returncode == 0
    text = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    commands = [line for block in BLOCK.findall(text) for line in block.splitlines() if line]
    assert len(commands) == 10
    for line in commands:
        if line.startswith("printf"):
            subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True)
            continue
        program, *words = shlex.split(line)
        assert program == "enricher"
        done = run(*words)
        assert done.returncode == 0, (line, done.stderr)
    assert (tmp_path / "map.png").exists() and (tmp_path / "plan.svg").exists()
