"""The instruments of the benchmarks: a wrong one would make every figure wrong."""

import sys

import numpy as np
import pytest

import enricher
from benchmarks.kernels import paths_of, walk
from benchmarks.measure import Comparison, Figure, run
from benchmarks.models import resized


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0, 1.3, 2.0, 4.5])
def test_a_resized_model_is_a_model(model: enricher.Enricher, share: float) -> None:
    """Cut or split, its probabilities sum to one, and the words that stay keep their vectors."""
    size = int(len(model.words) * share)
    other = resized(model.model, size)
    other.check()
    assert len(other.words) == size and len(set(other.words)) == size
    common = min(size, len(model.words))
    assert np.array_equal(other.vectors[:common], model.model.vectors[:common])
    probabilities = np.exp(other.log_probabilities_of_rows(np.arange(3, dtype=np.int32)).astype(np.float64))
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-6)


def test_the_published_loop_is_the_sum_of_log_probabilities(model: enricher.Enricher) -> None:
    """What the kernels are compared with gives the same number."""
    targets = np.arange(0, len(model.words), 3)
    expected = model.log_probabilities(model.words[1])[targets].sum()
    assert walk(model.model, 1, paths_of(model.model, targets)) == pytest.approx(expected, rel=1e-5)


def test_a_comparison_is_the_ratio_of_the_medians() -> None:
    """A goal of ten times as fast is a ratio of a tenth."""
    found = Comparison("work", "other", 0.1, ours=[1.0, 2.0, 9.0], theirs=[20.0, 20.0, 50.0])
    assert found.ratio == pytest.approx(0.1) and found.met
    assert "10× as fast" in found.row()[4] and found.row()[6] == "yes"
    assert not Comparison("work", "other", 0.1, [3.0], [20.0]).met
    assert not Figure("memory", 3.0, 2.0, "GiB").met


def test_memory_is_that_of_the_process_and_its_children() -> None:
    """A child that holds 200 MB counts."""
    hold = "import time; block = bytearray(200_000_000); time.sleep(0.6)"
    done = run(
        sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    )
    assert 200e6 < done.anonymous < 400e6 and done.resident >= done.anonymous and done.seconds >= 0.6
