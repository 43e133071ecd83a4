"""What all tests share: a small trained model, real text where it is there, the command line."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import enricher
from enricher import parallel
from enricher.bundle.store import BundleStore
from enricher.text import open_analyzer
from enricher.training.train import train_bundle
from enricher.training.word2vec import TrainingSettings
from tests.browsers import browser  # noqa: F401  (one browser for all tests of a module)
from tests.command_forks import CommandForks, command_environment
from tests.corpora import documents
from tests.server.fixtures import (  # noqa: F401  (one server for all tests of a process)
    authority,
    newer_opensearch_url,
    newer_url,
    opensearch_url,
    opensearch_without_knn_url,
    secured_node,
    server_folder,
    server_home,
    server_url,
    url_of,
)

ROOT = Path(__file__).parent.parent
REAL_TEXT = ROOT.parent / "shared" / "data"
SMALL = TrainingSettings(dimensions=24, window=5, min_count=2, epochs=8, workers=1, seed=3)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as for what a shell runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

RunCommand = Callable[..., subprocess.CompletedProcess[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The test that takes longest comes first, so that no process waits for it at the end."""
    items.sort(key=lambda item: "test_nodes.py" not in item.nodeid)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one active model, trained on 400 small documents."""
    store = BundleStore(tmp_path_factory.mktemp("models"))
    version = train_bundle(store, documents(400), ("title", "text"), open_analyzer(), SMALL)
    store.activate(version)
    return store.folder


@pytest.fixture(scope="session")
def model(models: Path) -> enricher.Model:
    """The active model of `models`."""
    return enricher.load(models)


@pytest.fixture
def eager_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where several workers are asked for, they get all batches, the first ones too."""
    listen = parallel._listen

    def listen_to_all(team: Sequence[parallel._Worker], seconds: float | None) -> None:
        while not all(worker.ready for worker in team):
            listen(team, None)
        listen(team, seconds)

    monkeypatch.setattr(parallel, "PARENT_SECONDS", 0.0)
    monkeypatch.setattr(parallel, "_listen", listen_to_all)


@pytest.fixture
def real_text() -> Path:
    """The folder of real text; skips where it is missing."""
    if not REAL_TEXT.is_dir():
        pytest.skip("The real text of ../shared/data is not here.")
    return REAL_TEXT


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 20 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(place)]
    if os.getuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("A small disk can only be made by root, where mounting is allowed.")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture(scope="session")
def command_forks() -> Iterator[CommandForks]:
    """The process from which the commands of tests are forked."""
    forks = CommandForks()
    yield forks
    forks.close()


@pytest.fixture
def run(tmp_path: Path, command_forks: CommandForks) -> RunCommand:
    """Runs `enricher` as a user would, in a temporary folder, without variables of ours."""

    def call(
        *arguments: str | Path, stdin: str | bytes | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        environment = command_environment(**variables)
        given = stdin.encode() if isinstance(stdin, str) else stdin
        done = command_forks.run([str(argument) for argument in arguments], tmp_path, environment, given)
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    return call
