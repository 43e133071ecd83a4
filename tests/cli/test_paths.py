"""Paths on the command line."""

from pathlib import Path

import pytest

from enricher.files import user_path
from tests.conftest import RunCommand


def test_a_tilde_is_the_home_folder_in_every_option(run: RunCommand, tmp_path: Path) -> None:
    """Also where no shell replaces it: behind a colon, an equals sign, in a variable."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "docs.jsonl").write_text('{"id": "1", "text": "neural network"}\nbad\n')
    (home / "c.toml").write_text('[index."docs"]\nenrichments = ["tokens"]\nrewriters = []\n')
    done = run(
        *("--engine", "tantivy:~/idx", "index", "~/docs.jsonl", "--to", "docs"),
        *("--no-enrichment", "--rejects=~/bad.jsonl"),
        HOME=str(home),
        ENRICHER_MODELS="~/models",
        ENRICHER_CONFIG="~/c.toml",
    )
    assert done.returncode == 1 and done.stdout.startswith("1 document written")
    assert (home / "idx" / "docs" / "layout.json").is_file()
    assert (home / "bad.jsonl").is_file()
    assert not (tmp_path / "~").exists()


def test_a_tilde_before_no_name_of_a_user_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one inside a name mean anything."""
    monkeypatch.setenv("HOME", "/home/me")
    assert user_path("~/a") == Path("/home/me/a")
    assert user_path("~no-such-user/a") == Path("~no-such-user/a")
    assert user_path("a~/~b") == Path("a~/~b")
    assert user_path(Path("~")) == Path("/home/me")
