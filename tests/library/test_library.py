"""Libraries: training, what is read together, what is alike."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from enricher.bundle.store import BundleStore
from enricher.errors import BundleInvalid, ModelNotFound, TrainingFailed, UnknownItem, UsageError
from enricher.library.library import PRIOR_USES, Library, library_store, load_library
from enricher.library.records import Records, records_of
from enricher.library.training import LibrarySettings, draw_pairs, train_library, used_often

TOPICS = 6
IN_A_TOPIC = 8


def readers(number: int = 1500, seed: int = 4) -> list[list[str]]:
    """Records of readers who take items of one topic, and sometimes a bestseller."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        topic = generator.integers(TOPICS)
        taken = generator.choice(IN_A_TOPIC, generator.integers(2, 5), replace=False)
        found.append([f"t{topic}-{item}" for item in taken] + ["bestseller"] * bool(generator.random() < 0.4))
    return found


def trained(folder: Path, records: Records, **settings: object) -> Library:
    """An active library of records."""
    store = library_store(folder)
    store.activate(train_library(store, records, LibrarySettings(**settings)))  # type: ignore[arg-type]
    return load_library(folder)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The library of the readers."""
    return trained(tmp_path_factory.mktemp("models"), records_of(readers()))


def topic_of(items: Sequence[str]) -> list[str]:
    """The topics of items."""
    return [item.partition("-")[0] for item in items]


def test_items_of_a_topic_are_read_together_and_alike(library: Library) -> None:
    """The bestseller goes with everything, so it is related to nothing."""
    for topic in range(TOPICS):
        together = [one.word for one in library.read_together(f"t{topic}-0", 5)]
        alike = [one.word for one in library.alike(f"t{topic}-0", 5)]
        assert topic_of(together) == topic_of(alike) == [f"t{topic}"] * 5
    assert library.items[0] == "bestseller"


def test_probabilities_are_those_of_the_records_smoothed_by_the_model(library: Library) -> None:
    """P(y|x) sums to 1, and equals the formula with counts from a loop over the records."""
    together = library.read_together("t1-3", len(library.items) - 1, alpha=0.9)
    row = library.row("t1-3")
    own = np.exp(library.word2vec.log_probabilities("t1-3"))[row]
    counted: dict[str, float] = {}
    uses = 0.0
    for record in readers():
        if "t1-3" in record and len(record) > 1:
            uses += 1
            for other in record:
                if other != "t1-3":
                    counted[other] = counted.get(other, 0) + 1 / (len(record) - 1)
    total = sum(np.exp(one.log_probability) for one in together)
    assert total + PRIOR_USES * own / (uses + PRIOR_USES) == pytest.approx(1, abs=1e-4)
    model = np.exp(library.word2vec.log_probabilities("t1-3"))
    for one in together:
        expected = counted.get(one.word, 0) + PRIOR_USES * model[library.row(one.word)]
        assert np.exp(one.log_probability) == pytest.approx(expected / (uses + PRIOR_USES), rel=1e-4)
        assert one.score == pytest.approx(one.log_probability - 0.9 * one.log_prior, abs=1e-4)


def test_the_next_item_is_of_the_topics_of_the_given_ones(library: Library) -> None:
    """Several items vote."""
    rows = np.array([library.row("t2-0"), library.row("t2-1")], np.int32)
    scores = library.next_scores(rows)
    assert np.exp(scores).sum() == pytest.approx(1, abs=1e-4)
    order = [library.items[y] for y in np.argsort(-scores) if y not in rows]
    assert topic_of([item for item in order if item != "bestseller"][:6]) == ["t2"] * 6


def test_the_same_seed_gives_the_same_library(tmp_path: Path) -> None:
    """With one worker; every array is byte-identical."""
    records = records_of(readers(300))
    made = [trained(tmp_path / name, records, seed=seed) for name, seed in (("a", 5), ("b", 5), ("c", 6))]
    first, second, third = (one.bundle.manifest.files for one in made)
    assert first == second and first["vectors.npy"] != third["vectors.npy"]


def test_a_library_is_a_bundle(tmp_path: Path, library: Library) -> None:
    """It has versions and hashes, and stands apart from the models of words."""
    one = trained(tmp_path, records_of(readers(200)))
    one.bundle.verify()
    assert BundleStore(tmp_path).versions() == []
    pairs = one.bundle.path / "pair_shares.npy"
    pairs.write_bytes(pairs.read_bytes()[:-1] + b"\x01")
    with pytest.raises(BundleInvalid, match=r"pair_shares\.npy of the model .* has changed"):
        one.bundle.verify()
    with pytest.raises(ModelNotFound, match="train one with `enricher library train RECORDS`"):
        load_library(tmp_path / "none")


def test_what_is_asked_wrongly(library: Library) -> None:
    """A sentence, with close names."""
    with pytest.raises(UnknownItem, match=r"does not know the item 't1-33'\. Closest names: t1-3"):
        library.read_together("t1-33")
    with pytest.raises(UnknownItem, match="No record has it"):
        library.alike("没有")
    with pytest.raises(UsageError, match="1 or more"):
        library.alike("t1-3", 0)
    for wrong in ({"dimensions": 0}, {"epochs": 0}, {"min_uses": -1.0}, {"subsampling": float("nan")}):
        with pytest.raises(UsageError, match=f"--{next(iter(wrong)).replace('_', '-')}"):
            LibrarySettings(**wrong).of_word2vec(1)  # type: ignore[arg-type]


def test_records_from_which_nothing_can_be_learned(tmp_path: Path) -> None:
    """Records of one item, also after rare items are left out."""
    with pytest.raises(TrainingFailed, match="No record has two items: nothing is used together"):
        train_library(library_store(tmp_path), records_of([["a"], ["b"]]), LibrarySettings())
    with pytest.raises(TrainingFailed, match="that are used 2 times or more"):
        train_library(library_store(tmp_path), records_of([["a", "b"]]), LibrarySettings(min_uses=2))
    assert library_store(tmp_path).versions() == []


def test_rare_items_are_left_out() -> None:
    """Records without any other item are dropped."""
    kept = used_often(records_of([["a", "b"], ["rare"], ["a", "once", "b"]]), 2)
    assert list(kept.items) == ["a", "b"] and kept.members.tolist() == [0, 1, 0, 1]
    assert kept.starts.tolist() == [0, 2, 4]


def test_every_use_draws_as_many_partners() -> None:
    """In a long record as in a short one, in proportion to weights; partners are others of the record."""
    lists = [["a", "b"], [f"l{n}" for n in range(10)], ["c", "d"], ["alone"]]
    records = records_of(lists * 2000, [1, 1, 3, 1] * 2000)
    firsts, seconds = (np.concatenate(part) for part in zip(*draw_pairs(records, 1), strict=True))
    assert (firsts != seconds).all()
    names = np.array(records.items)
    drawn = {name: int((names[firsts] == name).sum()) for name in ("a", "l0", "c", "alone")}
    assert drawn["l0"] == pytest.approx(drawn["a"], rel=0.05) and drawn["alone"] == 0
    assert drawn["c"] == pytest.approx(3 * drawn["a"], rel=0.05)
    assert {tuple(sorted(pair)) for pair in zip(names[firsts], names[seconds], strict=True)} >= {
        ("a", "b"),
        ("c", "d"),
    }
    together = {frozenset(record) for record in lists}
    pairs = set(zip(names[firsts].tolist(), names[seconds].tolist(), strict=True))
    assert all(any({a, b} <= one for one in together) for a, b in pairs)


def test_fractional_weights_are_no_lost_counts(tmp_path: Path) -> None:
    """P(y) follows the weights also where they are below 1."""
    one = trained(tmp_path, records_of([["a", "b"], ["a", "c"]] * 20, [0.001, 0.003] * 20))
    counts = dict(zip(one.items, np.asarray(one.word2vec.counts).tolist(), strict=True))
    assert counts["c"] == 3 * counts["b"] and counts["a"] == counts["b"] + counts["c"]
