"""The image: every instruction of the Dockerfile is carried out in a clean folder, and the result is run."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.corpora import write_jsonl
from tests.docker.dockerfile import Image

PATIENCE = 60.0
ANYBODY = 65534
READ_ONLY = 'mount --bind "$1" "$1"; mount -o remount,bind,ro /; cd "$1"; shift; exec "$@"'
"""Runs a command in a file system of its own that is read-only but for one folder."""


def _python() -> Path:
    """An interpreter that every user can run, and that has pip."""
    for folder in (Path(sys.base_prefix) / "bin", Path("/usr/local/bin"), Path("/usr/bin")):
        python = folder / "python3"
        code = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
        try:
            done = subprocess.run(
                [python, "-c", code], user=ANYBODY, cwd="/", capture_output=True, check=False
            )
        except OSError:
            continue
        if done.returncode == 0:
            return python
    pytest.skip("No Python with pip can be run by every user.")


def _needs_registry(python: Path, folder: Path) -> None:
    """Skip without a package registry, but not in continuous integration."""
    get = [str(python), "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "0", "--timeout", "10"]
    done = subprocess.run([*get, "--dest", str(folder), "mdurl"], capture_output=True, check=False)
    if done.returncode and "CI" not in os.environ:
        pytest.skip("The image is built from packages of a registry, which does not answer.")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The image without what only training needs."""
    if os.getuid() != 0:
        pytest.skip("Only root can start processes as the user of the image.")
    python = _python()
    _needs_registry(python, tmp_path_factory.mktemp("registry"))
    root = Path(tempfile.mkdtemp(prefix="image-"))  # pytest's own folders are closed to other users
    root.chmod(0o755)
    try:
        yield Image.build(root, python, CONTENTS="serve")
    finally:
        shutil.rmtree(root)


def _words(image: Image, *arguments: str) -> list[str]:
    """A command of the image, on a read-only file system if the machine can give it one."""
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    if tried.returncode:
        return [*image.entry, *arguments]
    user = ["setpriv", f"--reuid={image.user}", f"--regid={image.user}", "--clear-groups"]
    inside = [*user, *image.entry, *arguments]
    return ["unshare", "--mount", "sh", "-ec", READ_ONLY, "sh", str(image.folder), *inside]


def _run(image: Image, *arguments: str) -> subprocess.CompletedProcess[str]:
    words = _words(image, *arguments)
    given: dict[str, Any] = {} if words[0] == "unshare" else {"user": image.user, "group": image.user}
    return subprocess.run(
        words, cwd=image.folder, env=image.variables(), capture_output=True, text=True, check=False,
        timeout=300, **given,
    )  # fmt: skip


def _check_health(image: Image, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*image.health, url], env=image.variables(), user=image.user, cwd=image.folder,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def _free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


def _give(image: Image, source: Path) -> None:
    """Copy a file or folder into the volume; it belongs to the user of the image."""
    target = image.folder / source.name
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)
    subprocess.run(["chown", "-R", f"{image.user}:{image.user}", str(target)], check=True)


def test_it_serves_as_another_user_and_writes_only_into_its_volume(
    image: Image, models: Path, tmp_path: Path
) -> None:
    """It indexes, answers, is healthy as long as it runs, and ends in order."""
    assert image.user != 0
    shutil.copytree(models, tmp_path / "models")
    _give(image, tmp_path / "models")
    _give(image, write_jsonl(tmp_path / "docs.jsonl", 60))
    indexed = _run(image, "index", "docs.jsonl", "--to", "docs", "--workers", "1")
    assert indexed.returncode == 0, indexed.stderr
    listen = _free_address()
    url = f"http://{listen}/_enricher"
    words = _words(image)
    given: dict[str, Any] = {} if words[0] == "unshare" else {"user": image.user, "group": image.user}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            words,
            cwd=image.folder,
            env=image.variables(LISTEN=listen, ADMIN="127.0.0.1:0"),
            stderr=log,
            **given,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        for endpoint in ("livez", "readyz"):
            while _check_health(image, f"{url}/{endpoint}").returncode:
                assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.2)

        def ask(path: str, body: bytes | None = None, **parameters: str) -> Any:
            query = urllib.parse.urlencode(parameters)
            with urllib.request.urlopen(f"{url}/{path}?{query}", body, timeout=PATIENCE) as answer:
                return json.load(answer)

        assert ask("livez") == {"status": "alive"}
        assert ask("readyz")["ready"] is True
        assert ask("search", query="事务 ocean", **{"in": "docs"})["total"] > 0
        assert ask("neighbors", word="ocean")["neighbors"]
        assert ask("enrich", b'{"id": "1", "text": "ocean tide"}')["enrichment"]["keywords"]
        assert ask("explain", query="事务", **{"in": "docs"})["words"][0]["known"]
        owners = {path.stat().st_uid for path in image.place("/opt").rglob("*")}
        assert owners == {0}, "the program belongs to root"
        assert f"Uid:\t{image.user}\t{image.user}" in Path(f"/proc/{process.pid}/status").read_text()
    finally:
        process.terminate()
        code = process.wait(timeout=PATIENCE)
    assert code == 0, (tmp_path / "log").read_text()
    assert {path.name for path in image.folder.iterdir()} == {"models", "docs.jsonl", "index", "cache"}
    gone = _check_health(image, f"{url}/livez")
    assert gone.returncode == 1 and gone.stderr.startswith("No answer from") and gone.stderr.count("\n") == 1


def test_training_needs_the_complete_contents(image: Image, tmp_path: Path) -> None:
    """A command whose package is missing says which; the complete contents have it, and fit together."""
    _give(image, write_jsonl(tmp_path / "more.jsonl", 60))
    train = ("train", "more.jsonl", "--epochs", "2", "--dimensions", "8", "--workers", "1")
    refused = _run(image, *train)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == (
        "This command needs the Python package 'gensim', which is not installed here."
    )
    prefix = image.place("/opt/enricher")
    script = str(ROOT / "docker" / "dependencies.sh")
    builder = image.variables(PATH=f"{image.path}{os.pathsep}{os.environ['PATH']}")
    subprocess.run([script, str(prefix), "complete"], env=builder, check=True, capture_output=True)
    check = ["python3", "-m", "pip", "--python", str(prefix / "bin" / "python"), "check"]
    subprocess.run(check, env=builder, check=True, capture_output=True)
    trained = _run(image, *train)
    assert trained.returncode == 0, trained.stderr
    sizes = subprocess.run(
        [sys.executable, str(ROOT / "docker" / "sizes.py"), str(prefix)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "| scipy |" in sizes and "| no |" in sizes
    total, served = (float(cell) for cell in sizes.splitlines()[-1].split("|")[2:4])
    assert served < total


def test_unknown_contents_are_refused(tmp_path: Path) -> None:
    """Before anything is installed."""
    script = str(ROOT / "docker" / "dependencies.sh")
    done = subprocess.run([script, str(tmp_path / "p"), "all"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr == "CONTENTS must be complete or serve, not 'all'.\n"
    assert not (tmp_path / "p").exists()
