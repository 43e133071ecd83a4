"""The relatedness table against computing everything."""

import itertools
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import enricher
from enricher.bundle.store import BundleStore
from enricher.errors import BundleInvalid, ModelError
from enricher.model import related_table
from enricher.model.related_table import RelatedTable, build_table, related
from enricher.model.relatedness import DISAGREEMENT_NATS, Relatedness, disagreement, relatedness
from enricher.model.word2vec import Word2Vec
from enricher.text import open_analyzer
from enricher.training.train import train_bundle
from tests.conftest import ROOT, SMALL
from tests.corpora import documents, write_jsonl
from tests.model.test_huffman import huffman_paths

FORMULA = Relatedness()


def random_model(size: int, seed: int = 0) -> Word2Vec:
    """A model of random weights on a Huffman tree of Zipf's counts."""
    from enricher.model.huffman import HuffmanTree

    generator = np.random.default_rng(seed)
    counts = [int(5_000 / rank) + 1 for rank in range(1, size + 1)]
    tree, order = HuffmanTree.from_paths(*huffman_paths(counts))
    nodes = generator.normal(size=(size - 1, 8)).astype(np.float32)[order]
    vectors = generator.normal(size=(size, 8)).astype(np.float32)
    return Word2Vec([f"w{n}" for n in range(size)], np.array(counts), vectors, tree, nodes)


def opened(folder: Path, word2vec: Word2Vec, formula: Relatedness = FORMULA) -> RelatedTable:
    """The table of a model, built and opened."""
    build_table(folder, word2vec, formula)
    return RelatedTable.open(folder, formula, len(word2vec.words))


def test_every_row_holds_the_best_of_the_vocabulary(tmp_path: Path) -> None:
    """In order, with their log-probabilities."""
    model = random_model(700)
    table = opened(tmp_path, model)
    rows = np.arange(700, dtype=np.int32)
    scores = relatedness(model, rows, FORMULA)
    np.fill_diagonal(scores, -np.inf)
    best = np.sort(scores, axis=1)[:, ::-1][:, : related_table.TABLE_COLUMNS]
    assert np.take_along_axis(scores, np.asarray(table.words), 1) == pytest.approx(best, abs=1e-4)
    exact = np.take_along_axis(model.log_probabilities_of_rows(rows), np.asarray(table.words), 1)
    assert np.asarray(table.log_probabilities) == pytest.approx(exact, abs=1e-4)


def test_another_formula_is_answered_only_where_it_is_proved(tmp_path: Path) -> None:
    """What the table answers equals computing everything; what it cannot prove it leaves."""
    model = random_model(700)
    table = opened(tmp_path, model)
    answered = 0
    for alpha, shrinkage, row in itertools.product(
        (0.0, 0.8, 0.88, 0.92, 1.0), (0.0, 2.0), range(0, 700, 23)
    ):
        formula = Relatedness(alpha, shrinkage)
        scores = relatedness(model, np.array([row], np.int32), formula)[0]
        scores[row] = -np.inf
        expected = np.sort(scores)[::-1][:10]
        answer = table.look_up(model, row, 10, formula)
        if answer is not None:
            answered += 1
            assert answer[0] == pytest.approx(expected, abs=1e-4)
        if not shrinkage:
            found = related(model, table, model.words[row], 10, formula)
            assert [item.score for item in found] == pytest.approx(expected.tolist(), abs=1e-4)
    assert 30 < answered < 310


def test_a_small_vocabulary_is_answered_by_any_formula(tmp_path: Path) -> None:
    """The table then holds every word."""
    model = random_model(30)
    table = opened(tmp_path, model)
    for alpha in (-1.0, 0.3, 2.0):
        answer = table.look_up(model, 4, 100, Relatedness(alpha, 0.0))
        assert answer is not None and len(answer[0]) == 29


def test_more_words_than_the_table_has_are_searched(tmp_path: Path) -> None:
    """Exact all the same."""
    model = random_model(300)
    table = opened(tmp_path, model)
    assert table.look_up(model, 7, 80, FORMULA) is None
    found = related(model, table, "w7", 80, FORMULA)
    scores = relatedness(model, np.array([7], np.int32), FORMULA)[0]
    scores[7] = -np.inf
    best = np.argsort(-scores)[:80].astype(np.int32)
    lowered = np.sort(scores[best] - disagreement(model, 7, best))[::-1]
    assert [item.score for item in found] == pytest.approx(lowered.tolist(), abs=1e-4)


def test_words_agree_by_the_cosine_of_their_vectors(tmp_path: Path) -> None:
    """A word agrees fully with itself; what is lowered by it is what the score of a related word lacks."""
    model = random_model(300)
    rows = np.arange(300, dtype=np.int32)
    lowered = disagreement(model, 7, rows)
    assert lowered[7] == pytest.approx(0.0, abs=1e-5) and (lowered >= 0).all()
    one, other = model.vectors[7].astype(np.float64), model.vectors[11].astype(np.float64)
    cosine = one @ other / math.sqrt((one @ one) * (other @ other))
    assert lowered[11] == pytest.approx(DISAGREEMENT_NATS * (1 - cosine), abs=1e-4)
    for item in related(model, opened(tmp_path, model), "w7", 20, FORMULA):
        y = model.row(item.word)
        wanted = item.log_probability + float(FORMULA.offsets(model)[y]) - lowered[y]
        assert item.score == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("rows", [0, 1, 127, 128, 300, 699])
def test_an_interrupted_table_is_completed_to_the_same_bytes(tmp_path: Path, rows: int) -> None:
    """Whatever was written: whole rows, part of one, more in one file than in the other."""
    model = random_model(700)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
        build_table(folder, model, FORMULA)
    names = (related_table.WORDS_FILE, related_table.LOG_PROBABILITIES_FILE)
    for extra, name in zip((3, 5000), names, strict=True):
        with (broken / name).open("rb+") as file:
            file.truncate(min(128 + rows * 200 + extra, (whole / name).stat().st_size) if rows else 60)
    steps: list[int] = []
    build_table(broken, model, FORMULA, lambda done, total: steps.append(done))
    for name in names:
        assert (broken / name).read_bytes() == (whole / name).read_bytes()
    assert steps[0] > rows // 128 * 128 and steps[-1] == 700


def test_a_table_of_another_model_is_refused(tmp_path: Path) -> None:
    """By the number of its words; by its hash in any case."""
    build_table(tmp_path, random_model(60), FORMULA)
    with pytest.raises(BundleInvalid, match="another model"):
        RelatedTable.open(tmp_path, FORMULA, 61)
    (tmp_path / related_table.WORDS_FILE).write_bytes(b"no array")
    with pytest.raises(BundleInvalid, match="cannot be read"):
        RelatedTable.open(tmp_path, FORMULA, 60)


def test_a_full_disk_leaves_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence, no version, nothing half-made."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("enricher.training.stages.build_table", full)
    store = BundleStore(tmp_path)
    with pytest.raises(ModelError, match="No space left"):
        train_bundle(store, documents(60), ("text",), open_analyzer(), SMALL)
    assert store.versions() == [] and not list(tmp_path.glob(".building-*"))


@pytest.mark.parametrize(
    ("maker", "file"), [("build_table", "related_words.npy"), ("build_near_words", "near_cosines.npy")]
)
def test_a_training_killed_while_making_tables_is_taken_up(tmp_path: Path, maker: str, file: str) -> None:
    """kill -9, the same command again: no second training, and the bytes of an undisturbed one."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 300)
    slow = (
        "import os, signal, sys\n"
        "from enricher.training import stages\n"
        "def half(folder, *_):\n"
        f"    (folder / {file!r}).write_bytes(b'begun')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"stages.{maker} = half\n"
        "from indexer.cli import main\n"
        "main()\n"
    )
    train = ["train", str(docs), "--epochs", "3", "--workers", "1", "--dimensions", "16"]

    def run(models: str, *start: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *start, "--models", str(tmp_path / models), *train],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert run("killed", "-c", slow).returncode == -signal.SIGKILL
    assert BundleStore(tmp_path / "killed").versions() == []
    resumed = run("killed", "-m", "indexer")
    assert resumed.returncode == 0 and "training" not in resumed.stderr, resumed.stderr
    assert run("whole", "-m", "indexer").returncode == 0
    files = [enricher.load(tmp_path / name).bundle.manifest.files for name in ("killed", "whole")]
    assert files[0] == files[1]
    assert not list((tmp_path / "killed").glob(".building-*")) + list(
        (tmp_path / "killed").glob(".scratch-*")
    )


def test_related_words_are_looked_up_without_the_compiler(models: Path) -> None:
    """The answer comes from the mapped files: numba is not even imported."""
    code = (
        "import sys, enricher\n"
        f"assert enricher.load({str(models)!r}).related('tide')\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
