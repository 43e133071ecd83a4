"""An enricher that works in several processes."""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from enricher.enrichment import DocumentEnricher, EnricherRecipe, in_processes
from enricher.errors import WorkerLost
from enricher.loaded_model import Model
from enricher.records import Document
from enricher.settings import IndexConfiguration
from tests.corpora import documents

FIELDS = ("title", "text")


@pytest.fixture
def chain(models: Path, model: Model) -> DocumentEnricher:
    """The default enrichments by the small model."""
    return EnricherRecipe(models, model.version, FIELDS, IndexConfiguration()).open()


def process_of(enricher: DocumentEnricher, documents: Sequence[Document]) -> tuple[int, int]:
    """A step: the number of documents, and the process that it runs in."""
    return len(documents), os.getpid()


@pytest.mark.usefixtures("eager_workers")
def test_the_enrichment_is_that_of_one_process(chain: DocumentEnricher) -> None:
    """Byte for byte and in order, for any number of documents; the processes are kept between calls."""
    stream = list(documents(150))
    expected = chain.enrich(stream)
    with in_processes(chain, 2) as pooled:
        for number in (0, 1, 17, 150):
            assert repr(pooled.enrich(stream[:number])) == repr(expected[:number])
        before = {process.pid for process in multiprocessing.active_children()}
        steps = list(pooled.apply(process_of, [stream[:40], [], stream[40:50]]))
        assert [batch for batch, _ in steps] == [stream[:40], [], stream[40:50]]
        assert [number for _, (number, _) in steps] == [40, 0, 10]
        assert {process for _, (_, process) in steps} <= before and len(before) == 2
        assert pooled.layout() == chain.layout()
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("eager_workers")
def test_a_killed_process_is_an_error_and_the_next_call_starts_new_ones(chain: DocumentEnricher) -> None:
    """The caller decides whether to try again."""
    stream = list(documents(100))
    with in_processes(chain, 2) as pooled:
        pooled.enrich(stream)
        for process in multiprocessing.active_children():
            os.kill(process.pid or 0, signal.SIGKILL)
        with pytest.raises(WorkerLost, match="killed by signal 9"):
            pooled.enrich(stream)
        assert multiprocessing.active_children() == []
        assert repr(pooled.enrich(stream)) == repr(chain.enrich(stream))


@pytest.mark.usefixtures("eager_workers")
def test_steps_that_are_not_taken_leave_no_answers_behind(chain: DocumentEnricher) -> None:
    """A caller that stops early gets the right answers the next time."""
    stream = list(documents(100))
    with in_processes(chain, 2) as pooled:
        steps = pooled.apply(process_of, ([one] for one in stream))
        assert next(iter(steps))[1][0] == 1
        del steps
        assert repr(pooled.enrich(stream)) == repr(chain.enrich(stream))


def test_one_process_or_no_recipe_needs_no_others(chain: DocumentEnricher) -> None:
    """The enricher itself is used; one that was made by hand cannot be copied."""
    by_hand = DocumentEnricher(chain.analyzer, FIELDS, chain.enrichments, chain.model_version)
    with in_processes(chain, 1) as one, in_processes(by_hand, 2) as other:
        assert one is chain and other is by_hand
