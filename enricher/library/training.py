"""Train a library: a word2vec model whose words are items, and the counted pairs of items.

Skip-gram learns p(y|x): which item is used together with x. A record is no text: it has no order and no
window. So each use of an item draws its partners at random from the rest of its record, as many in a long
record as in a short one, and in proportion to the weight of the record.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from enricher.bundle.bundle import ITEMS, Origin
from enricher.bundle.store import BundleStore
from enricher.errors import TrainingFailed, UsageError
from enricher.library.pair_files import PAIRED_USES, write_pairs
from enricher.library.pairs import count_pairs
from enricher.library.records import Records
from enricher.model.word2vec import Word2Vec
from enricher.training.stages import Draft, Progress, Stage, related_words_stage, word2vec_stage
from enricher.training.train import bundle_key, make_bundle
from enricher.training.word2vec import TrainingLines, TrainingSettings, train_lines

PARTNERS = 4
"""Partners that each use of an item draws on average."""
TARGET_PAIRS = 2_000_000
"""Target number of pairs read in training. Few records get more epochs (5 to 50)."""
MAX_PAIRS = 40_000_000
"""Maximum of drawn pairs. With more uses of items, each draws fewer partners."""
PAIRS_AT_ONCE = 1_000_000
ANALYSIS = {"segmenter.name": ITEMS}
"""What the manifest of a library has in place of a segmenter."""


@dataclass(frozen=True, slots=True)
class LibrarySettings:
    """The settings of a training. `epochs` of None depends on the number of records.

    min_uses: items that are used less often are left out. subsampling: the share of the uses from which on
    some uses of a popular item are left out; 0 for none. Raises UsageError for an invalid value.
    """

    dimensions: int = 50
    min_uses: float = 0.0
    epochs: int | None = None
    subsampling: float = 0.0
    seed: int = 1
    workers: int = 1

    def __post_init__(self) -> None:
        for name, least in (("min_uses", 0), ("subsampling", 0)):
            if not getattr(self, name) >= least:
                option = name.replace("_", "-")
                raise UsageError(f"--{option} must be {least} or more, not {getattr(self, name)}.")

    def of_word2vec(self, pairs: int) -> TrainingSettings:
        """The settings of word2vec for a number of drawn pairs. Raises UsageError."""
        epochs = int(np.clip(TARGET_PAIRS // max(pairs, 1), 5, 50)) if self.epochs is None else self.epochs
        return TrainingSettings(
            dimensions=self.dimensions,
            window=1,
            min_count=1,
            epochs=epochs,
            seed=self.seed,
            workers=self.workers,
            tuning=False,
        )


def train_library(
    store: BundleStore,
    records: Records,
    settings: LibrarySettings,
    progress: Progress = lambda step, done, total: None,
) -> str:
    """Train a library, and add its bundle to the store. Returns the version.

    Raises TrainingFailed if no two items are used together, UsageError for an invalid setting.
    """
    kept = used_often(records, settings.min_uses)
    if not (kept.lengths > 1).any():
        raise TrainingFailed(
            "No record has two items"
            + (f" that are used {settings.min_uses:g} times or more" if settings.min_uses else "")
            + ": nothing is used together."
        )
    settings.of_word2vec(1)  # a wrong setting is refused before anything is counted
    progress("counting pairs", 0, 0)
    pairs, fingerprint = count_pairs(kept), _fingerprint(kept)
    with store.workspace() as scratch:

        def made() -> Word2Vec:
            return _train(kept, settings, scratch / "pairs.txt", progress)

        def write(draft: Draft) -> None:
            write_pairs(draft.files, draft.word2vec().words, kept.items, pairs)

        stages = [word2vec_stage(made), related_words_stage(), Stage("pairs", ("word2vec",), write)]
        origin = Origin(ITEMS, ANALYSIS, fingerprint)
        return make_bundle(store, bundle_key(origin, asdict(settings)), stages, origin, progress)


def used_often(records: Records, min_uses: float) -> Records:
    """The records without the items that are used too rarely; those that have no item left are dropped."""
    often = records.item_weights >= min_uses
    if often.all():
        return records
    numbers = np.cumsum(often) - 1
    stays = often[records.members]
    lengths = np.add.reduceat(stays, records.starts[:-1], dtype=np.int64)
    has_items = lengths > 0
    return Records(
        [item for item, is_often in zip(records.items, often.tolist(), strict=True) if is_often],
        np.concatenate([[0], np.cumsum(lengths[has_items])]).astype(np.int64),
        numbers[records.members[stays]].astype(np.int32),
        records.weights[has_items],
    )


def _fingerprint(records: Records) -> str:
    """A hash of the records."""
    found = hashlib.sha256(orjson.dumps(list(records.items)))
    for part in (records.starts, records.members, records.weights):
        found.update(np.ascontiguousarray(part).tobytes())
    return found.hexdigest()


def _train(records: Records, settings: LibrarySettings, path: Path, progress: Progress) -> Word2Vec:
    """Draw pairs into a file, and train word2vec on it. The words are the names of the items."""
    progress("drawing pairs", 0, 0)
    number = 0
    with path.open("w", encoding="ascii") as file:
        for first, second in draw_pairs(records, settings.seed):
            file.writelines(f"{a} {b}\n" for a, b in zip(first.tolist(), second.tolist(), strict=True))
            number += len(first)
    weights = records.item_weights
    # Small weights are scaled up: a count below 1 would be no count.
    scale = max(1.0, 1.0 / float(weights.min()))
    counts = np.maximum(1, np.rint(weights * scale)).astype(np.int64)
    lines = TrainingLines(
        path, {str(n): count for n, count in enumerate(counts.tolist())}, number, 2 * number
    )
    chosen = settings.of_word2vec(number)
    model = train_lines(
        lines, chosen, settings.subsampling, lambda done, total: progress("training", done, total)
    )
    rows = [int(word) for word in model.words]
    used = np.bincount(records.members, minlength=len(records.items))
    return replace(
        model,
        words=[records.items[row] for row in rows],
        document_frequencies=used[rows].astype(np.int64),
        documents=len(records),
        training=asdict(settings)
        | {"epochs": chosen.epochs, "drawn_pairs": number, PAIRED_USES: _paired_uses(records)},
    )


def _paired_uses(records: Records) -> float:
    """The uses of all items in records of two and more, by their weights."""
    several = records.lengths > 1
    return float((records.weights * records.lengths)[several].sum())


def draw_pairs(records: Records, seed: int) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Draw the pairs to learn from, shuffled, PAIRS_AT_ONCE or fewer at a time.

    Each use of an item in a record of two or more draws PARTNERS · weight partners from the rest of the
    record; the fraction of a partner is drawn by chance. Weights are relative to their mean.
    """
    generator = np.random.default_rng(seed)
    several = records.lengths > 1
    uses = np.flatnonzero(np.repeat(several, records.lengths))
    starts, lengths = (np.repeat(part, records.lengths) for part in (records.starts[:-1], records.lengths))
    each = np.repeat(records.weights, records.lengths)[uses]
    draws = each * min(PARTNERS, MAX_PAIRS / len(uses)) / each.mean()
    whole = np.floor(draws + generator.random(len(draws))).astype(np.int64)
    centers = np.repeat(uses, whole)
    generator.shuffle(centers)
    for start in range(0, len(centers), PAIRS_AT_ONCE):
        some = centers[start : start + PAIRS_AT_ONCE]
        begin, length = starts[some], lengths[some]
        partner = begin + (some - begin + generator.integers(1, length)) % length
        yield records.members[some], records.members[partner]
