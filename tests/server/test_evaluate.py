"""`enricher evaluate` on a real server: the figures of the embedded engine, and nothing left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from enricher.errors import SourceError
from enricher.evaluation.report import Report
from enricher.settings import Configuration
from indexer.engines import Connection
from indexer.evaluation import Evaluation, evaluate
from indexer.evaluation import run as evaluation_run
from indexer.evaluation.scratch import SCRATCH
from tests.evaluation.judged import write_collection
from tests.server.engines import ServerEngine


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Path]:
    """A judged collection of 400 documents."""
    yield write_collection(tmp_path / "judged", 400)


def measure(collection: Path, models: Path, url: str) -> Report:
    """An evaluation on an engine."""
    job = Evaluation(collection, None, models, Connection(url), Configuration())
    return evaluate(job, lambda rejection: pytest.fail(rejection.reason))


def test_both_engines_give_the_same_figures(
    collection: Path, models: Path, server_url: str, engine: ServerEngine, tmp_path: Path
) -> None:
    """Every system, every measure; and the scratch indexes are gone."""
    theirs = measure(collection, models, server_url)
    mine = measure(collection, models, f"tantivy:{tmp_path / 'index'}")
    assert [system.name for system in mine.systems] == [system.name for system in theirs.systems]
    for system in mine.systems:
        other = theirs.system(system.name)
        for figure in ("ndcg", "recall", "average_precision", "reciprocal_rank"):
            expected = getattr(other, figure)
            assert getattr(system, figure) == pytest.approx(expected, abs=1e-3), (system.name, figure)
    assert theirs.index_bytes.growth > 1
    assert not [name for name in engine.indexes() if name.startswith(SCRATCH)]


def test_scratch_indexes_are_dropped_after_a_failure(
    collection: Path,
    models: Path,
    server_url: str,
    engine: ServerEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And no other index is."""
    before = engine.indexes()
    held: list[list[str]] = []

    def fail(*arguments: object) -> None:
        held.append([name for name in engine.indexes() if name not in before])
        raise SourceError("Out of luck.")

    monkeypatch.setattr(evaluation_run, "score_ranking", fail)
    with pytest.raises(SourceError, match="luck"):
        measure(collection, models, server_url)
    assert len(held[0]) == 3 and all(name.startswith("enricher-evaluate-") for name in held[0])
    assert engine.indexes() == before
