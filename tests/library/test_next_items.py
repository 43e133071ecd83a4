"""Which item comes next: a library against simpler systems, on simulated readers."""

from statistics import fmean

from benchmarks.co_reading import folds, found_again, systems
from benchmarks.simulated_readers import simulate


def test_a_library_finds_the_next_item_more_often_than_simpler_systems() -> None:
    """More often than popularity by far, than alike items and than the cosine of counts."""
    found = simulate(1_000, 6_000, seed=3).records
    bounds = zip(found.starts[:-1], found.starts[1:], strict=True)
    lists = [[found.items[n] for n in found.members[a:b]] for a, b in bounds]
    records, held = next(iter(folds(lists)))
    hits = {name: fmean(found_again(scores, held)) for name, scores in systems(records)}
    ours = hits.pop("**ours, read together**")
    assert ours > 2 * hits["popularity"] and ours > hits["ours, alike (cosine)"]
    assert ours > hits["cosine of co-counts"], hits
