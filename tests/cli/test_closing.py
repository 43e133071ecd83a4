"""An engine that a command has opened is closed when the command ends."""

from contextlib import suppress
from pathlib import Path

import pytest

import indexer.engines
from enricher.errors import EnricherError
from indexer.cli import commands as _commands  # noqa: F401  (registers them)
from indexer.cli.app import app
from indexer.engines.connection import Connection
from indexer.engines.tantivy.engine import TantivyEngine


@pytest.mark.parametrize(
    "command",
    [
        ["search", "x", "--in", "missing"],
        ["search", "x", "--in", "docs", "--filter", "nowhere=1", "--no-expansion"],
        ["search", "word", "--in", "docs", "--no-expansion"],
        ["index", "missing.jsonl", "--to", "other", "--no-enrichment"],
        ["index", "index:missing", "--to", "other", "--no-enrichment"],
        ["index", "index:docs", "--to", "docs"],
        ["index", "docs.jsonl", "--to", "docs", "--no-enrichment"],
        ["index", "broken.jsonl", "--to", "docs", "--no-enrichment"],
        ["keywords", "index:missing"],
        ["models", "prune"],
        ["reindex", "start", "missing", "--to", "alias"],
        ["reindex", "status"],
        ["reindex", "resume", "nobody"],
        ["doctor"],
    ],
)
def test_every_command_closes_its_engine(
    command: list[str], models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it ends well or by an error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs.jsonl").write_text('{"id": "1", "text": "a word"}\n')
    (tmp_path / "broken.jsonl").write_text('{"id": "2", "text": "a word"}\n{"id"\n')
    arguments = ["--models", str(models), "--engine", f"tantivy:{tmp_path / 'index'}"]
    run_app([*arguments, "index", "docs.jsonl", "--to", "docs", "--no-enrichment"])
    opened: list[TantivyEngine] = []
    closed: list[TantivyEngine] = []

    class Watched(TantivyEngine):
        def __init__(self, root: str) -> None:
            super().__init__(root)
            opened.append(self)

        def close(self) -> None:
            super().close()
            closed.append(self)

    def open_watched(connection: Connection) -> TantivyEngine:
        return Watched(connection.url.removeprefix("tantivy:"))

    monkeypatch.setattr(indexer.engines, "open_engine", open_watched)
    run_app([*arguments, *command])
    assert opened and set(opened) <= set(closed)


def run_app(arguments: list[str]) -> None:
    """Run a command in this process; its errors are not what is looked at."""
    with suppress(EnricherError, SystemExit):
        app(arguments)
