"""A loaded library: items that are read together, and items that are alike."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enricher.bundle.bundle import Bundle
from enricher.bundle.store import BundleStore
from enricher.errors import BundleInvalid, ModelNotFound, UnknownItem, UsageError
from enricher.library.pair_files import PAIRED_USES, SHARES, open_pairs
from enricher.library.pairs import Pairs
from enricher.model.arrays import DoubleArray, FloatArray, IntArray
from enricher.model.relatedness import best_rows, cosines
from enricher.model.word2vec import Word2Vec
from enricher.records import Neighbor, RelatedWord

FOLDER = "library"
"""The folder of the libraries, below that of the models."""
PRIOR_USES = 10.0
"""How many uses the model counts for beside the records, where both say what is used together."""
DEFAULT_ALPHA = 0.9


def library_store(models: Path) -> BundleStore:
    """The store of the libraries of a models folder."""
    return BundleStore(models / FOLDER)


def load_library(models: Path, version: str | None = None) -> "Library":
    """Open the active library of a models folder, or a given version.

    Raises ModelNotFound; BundleInvalid if it is damaged or no library.
    """
    store = library_store(models)
    if version is None and store.active_version() is None:
        raise ModelNotFound(
            f"No library is active in {str(store.folder)!r}: train one with `enricher library train RECORDS`."
        )
    bundle = store.open(version)
    if SHARES not in bundle.manifest.files:
        raise BundleInvalid(f"The model {bundle.version} in {str(store.folder)!r} is not a library.")
    return Library(bundle)


class Library:
    """An opened library.

    Two numbers say how two items x and y belong together. *Read together*: mutual information,

        r(x → y) = ln p(y|x) − α ln p(y),     p(y|x) = (n_xy + μ q(y|x)) / (n_x + μ)

    n_xy and n_x are counted in the records, q(y|x) is the probability of the model, and μ is PRIOR_USES:
    where there are many records they decide, where there are few the model does (smoothing with a Dirichlet
    prior, C. Zhai and J. Lafferty, 2004). *Alike*: the cosine of the vectors; alike items are used together
    with the same others, and may never be used together themselves.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @property
    def version(self) -> str:
        """The version of the bundle."""
        return self.bundle.version

    @property
    def word2vec(self) -> Word2Vec:
        """The model. Its words are the items, the most used first."""
        return self.bundle.word2vec

    @property
    def items(self) -> Sequence[str]:
        """The items, in the order of the rows of the model."""
        return self.word2vec.words

    @cached_property
    def pairs(self) -> Pairs:
        """How often two items are used together, by the rows of the model."""
        return open_pairs(self.bundle.path, len(self.items))

    def row(self, item: str) -> int:
        """The row of an item. Raises UnknownItem with the closest names."""
        row = self.word2vec.find(item.strip())
        if row is None:
            raise UnknownItem(item, self.word2vec.closest(item))
        return row

    def read_together(self, item: str, top: int = 10, alpha: float = DEFAULT_ALPHA) -> list[RelatedWord]:
        """The items that are read together with an item: largest r, best first.

        Raises UnknownItem, UsageError.
        """
        _check(top)
        if not 0 <= alpha <= 1:
            raise UsageError(f"Alpha must be from 0 to 1, not {alpha:g}.")
        row = self.row(item)
        values = np.log(self._conditionals(np.array([row], np.int32))[0])
        priors = self.word2vec.log_priors
        scores = (values - alpha * priors).astype(np.float32)
        return [
            RelatedWord(self.items[y], float(scores[y]), float(values[y]), float(priors[y]))
            for y in best_rows(scores, top, leave_out=[row])
        ]

    def alike(self, item: str, top: int = 10) -> list[Neighbor]:
        """The items that are alike: the nearest by cosine, best first. Raises UnknownItem, UsageError."""
        _check(top)
        from enricher.model import neighbors as cosine  # imports faiss, which is slow and only needed here

        row = self.row(item)
        return cosine.neighbors(self.bundle.neighbor_index, self.items, self.word2vec.vectors, row, top)

    def next_scores(self, rows: IntArray) -> DoubleArray:
        """Ln of the weighted mean of p(y|x) over n items x, for every y: float64 (items,).

        It ranks what somebody may take next who has taken the items in `rows`, int32 (n,). The weight of x is
        √(n_x + μ): what is used often says more surely what goes with it.
        """
        weights = np.sqrt(self.uses[rows] + PRIOR_USES)
        return np.asarray(np.log(weights / weights.sum() @ self._conditionals(rows)))

    def mutual_information(self, rows: IntArray, targets: IntArray) -> DoubleArray:
        """Ln p(y|x) − ln p(y) of n items x and m items y, float64 (n, m)."""
        values = np.log(self._conditionals(rows, targets))
        return np.asarray(values - self.word2vec.log_priors_of(targets))

    def cosines(self, rows: IntArray, targets: IntArray) -> FloatArray:
        """The cosine of the vectors of n items and m items, float32 (n, m)."""
        return cosines(self.word2vec, rows, targets)

    def _conditionals(self, rows: IntArray, targets: IntArray | None = None) -> DoubleArray:
        """P(y|x) of n items x, float64 (n, items); with m target rows y, float64 (n, m)."""
        prior = np.exp(self.word2vec.log_probabilities_of_rows(rows, targets).astype(np.float64))
        counted, uses = self._counted(rows), self.uses[rows][:, np.newaxis]
        if targets is not None:
            counted = counted[:, targets]
        return np.asarray((counted + PRIOR_USES * prior) / (uses + PRIOR_USES))

    @property
    def weights(self) -> DoubleArray:
        """How often each item is used, in all records: float64 (items,)."""
        return np.asarray(self.word2vec.counts, np.float64)

    @cached_property
    def uses(self) -> DoubleArray:
        """How often each item is used in records of two items and more, float64 (items,)."""
        return self.pairs.item_shares * self._total

    @property
    def _total(self) -> float:
        """The uses of all items in records of two items and more."""
        return float(self.bundle.manifest.training[PAIRED_USES])

    def _counted(self, rows: IntArray) -> DoubleArray:
        """How often n items x are used together with each item y, float64 (n, items)."""
        found = np.zeros((len(rows), len(self.items)))
        pairs, by_second = self.pairs, self._by_second
        for place, row in enumerate(rows.tolist()):
            begin, end = np.searchsorted(pairs.first, [row, row + 1])
            found[place, pairs.second[begin:end]] = pairs.shares[begin:end]
            begin, end = np.searchsorted(pairs.second, [row, row + 1], sorter=by_second)
            others = by_second[begin:end]
            found[place, pairs.first[others]] = pairs.shares[others]
        return found * (self._total / 2)

    @cached_property
    def _by_second(self) -> NDArray[np.int64]:
        """The order of the pairs by their second item, int64 (P,)."""
        return np.argsort(self.pairs.second, kind="stable")


def _check(top: int) -> None:
    if top < 1:
        raise UsageError(f"The number of items must be 1 or more, not {top}.")
