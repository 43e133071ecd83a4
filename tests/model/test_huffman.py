"""The tree and log p(y|x) against slow, obvious twins."""

import heapq
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import enricher
from enricher.errors import BundleInvalid
from enricher.model.huffman import HuffmanTree, log_probabilities, log_probabilities_of, path_counts
from enricher.model.relatedness import Relatedness, most_related, relatedness
from enricher.model.word2vec import Word2Vec

Paths = tuple[list[np.ndarray], list[np.ndarray]]


def huffman_paths(counts: list[int]) -> Paths:
    """The paths of a Huffman tree by the textbook: merge the two lightest, again and again."""
    size = len(counts)
    heap = [(count, leaf) for leaf, count in enumerate(counts)]
    heapq.heapify(heap)
    above: dict[int, tuple[int, int]] = {}
    for node in range(size, 2 * size - 1):
        (left_weight, left), (right_weight, right) = heapq.heappop(heap), heapq.heappop(heap)
        above[left], above[right] = (node, 0), (node, 1)
        heapq.heappush(heap, (left_weight + right_weight, node))
    points, codes = [], []
    for leaf in range(size):
        steps = []
        node = leaf
        while node in above:
            node, bit = above[node]
            steps.append((node - size, bit))
        points.append(np.array([node for node, _ in reversed(steps)], np.uint32))
        codes.append(np.array([bit for _, bit in reversed(steps)], np.uint8))
    return points, codes


def slow_log_probability(steps: list[tuple[int, int]], nodes: np.ndarray, vector: np.ndarray) -> float:
    """− Σ log(1 + exp(−(−1)^d v·θ)) along a path, one step at a time."""
    total = 0.0
    for node, bit in steps:
        activation = float(np.dot(vector.astype(np.float64), nodes[node].astype(np.float64)))
        total -= math.log1p(math.exp(-((-1) ** bit) * activation))
    return total


counts_of_words = st.lists(st.integers(1, 10_000), min_size=1, max_size=40)


@given(counts_of_words, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_log_probabilities_equal_a_walk_along_every_path(counts: list[int], seed: int) -> None:
    """The flow down the tree gives what a plain double loop over words and steps gives."""
    generator = np.random.default_rng(seed)
    points, codes = huffman_paths(counts)
    tree, order = HuffmanTree.from_paths(points, codes)
    theta = generator.normal(size=(max(len(counts) - 1, 0), 5)).astype(np.float32)
    vectors = generator.normal(size=(3, 5)).astype(np.float32)
    fast = log_probabilities(tree, theta[order], vectors)
    assert fast.shape == (3, len(counts)) and fast.dtype == np.float32
    for row, vector in enumerate(vectors):
        for word in range(len(counts)):
            steps = list(zip(points[word].tolist(), codes[word].tolist(), strict=True))
            assert fast[row, word] == pytest.approx(slow_log_probability(steps, theta, vector), abs=1e-4)
    some = generator.integers(0, len(counts), 2 * len(counts)).astype(np.int32)
    assert log_probabilities_of(tree, theta[order], vectors, some) == pytest.approx(fast[:, some], abs=1e-5)
    assert np.exp(fast.astype(np.float64)).sum(axis=1) == pytest.approx(np.ones(3), abs=1e-6)


@given(
    counts_of_words,
    st.integers(1, 12),
    st.floats(-1.5, 2.0),
    st.sampled_from([0.0, 2.0]),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=80, deadline=None)
def test_the_pruned_search_finds_what_computing_everything_finds(
    counts: list[int], top: int, alpha: float, shrinkage: float, seed: int
) -> None:
    """The k best of every word by any formula, alpha also negative and above one, on random trees."""
    formula = Relatedness(alpha, shrinkage)
    generator = np.random.default_rng(seed)
    tree, order = HuffmanTree.from_paths(*huffman_paths(counts))
    size = len(counts)
    nodes = generator.normal(size=(max(size - 1, 0), 5)).astype(np.float32)[order]
    vectors = generator.normal(size=(size, 5), scale=2).astype(np.float32)
    model = Word2Vec([str(n) for n in range(size)], np.array(counts), vectors, tree, nodes)
    rows = np.arange(size, dtype=np.int32)
    scores, found = most_related(model, rows, top, formula)
    everything = relatedness(model, rows, formula)
    np.fill_diagonal(everything, -np.inf)
    for x in range(size):
        expected = np.sort(everything[x])[::-1][: min(top, size - 1)]
        kept = found[x] >= 0
        assert scores[x, kept] == pytest.approx(expected, abs=1e-4)
        assert everything[x, found[x, kept]] == pytest.approx(scores[x, kept], abs=1e-4)
        assert len(set(found[x, kept].tolist())) == len(expected)


@given(counts_of_words)
@settings(max_examples=60, deadline=None)
def test_the_tree_keeps_every_path(counts: list[int]) -> None:
    """Read back from the tree, each path visits the same nodes with the same bits."""
    points, codes = huffman_paths(counts)
    tree, order = HuffmanTree.from_paths(points, codes)
    for word in range(len(counts)):
        given_path = list(zip(points[word].tolist(), codes[word].tolist(), strict=True))
        assert [(int(order[node]), bit) for node, bit in tree.path(word)] == given_path


@given(counts_of_words, st.data())
@settings(max_examples=60, deadline=None)
def test_path_counts_equal_counting_every_path(counts: list[int], data: st.DataObject) -> None:
    """Passages and turns counted up the tree are those of all paths together."""
    tree, _ = HuffmanTree.from_paths(*huffman_paths(counts))
    leaves = data.draw(st.lists(st.integers(0, len(counts) - 1), max_size=30))
    counted = path_counts(tree, np.array(leaves, np.int32))
    expected = np.zeros((2, tree.inner_nodes))
    for leaf in leaves:
        for node, bit in tree.path(leaf):
            expected[0, node] += 1
            expected[1, node] += bit
    assert sorted(counted.nodes.tolist()) == np.flatnonzero(expected[0]).tolist()
    assert sorted(counted.passages, reverse=True) == counted.passages.tolist()
    assert counted.passages.tolist() == expected[0, counted.nodes].tolist()
    assert counted.turned.tolist() == expected[1, counted.nodes].tolist()


def test_a_deep_path_neither_overflows_nor_loses_probability() -> None:
    """A tree that is one long branch, with huge activations, still sums to one."""
    size = 60
    points, codes = huffman_paths([2**n for n in range(size)])
    tree, order = HuffmanTree.from_paths(points, codes)
    assert max(len(path) for path in points) == size - 1
    theta = np.full((size - 1, 2), 400.0, np.float32)
    result = log_probabilities(tree, theta[order], np.array([[1, 1], [-1, -1]], np.float32))
    assert np.isfinite(result).all()
    assert np.exp(result.astype(np.float64)).sum(axis=1) == pytest.approx([1, 1])


def test_paths_that_form_no_tree_are_refused() -> None:
    """Two words on the same side of one node are a damaged model."""
    root = np.array([0], np.uint32)
    with pytest.raises(BundleInvalid, match="binary tree"):
        HuffmanTree.from_paths([root, root], [np.array([0]), np.array([0])])
    with pytest.raises(BundleInvalid, match="incomplete"):
        HuffmanTree.from_paths([root, np.array([], np.uint32)], [np.array([0]), np.array([])])
    with pytest.raises(BundleInvalid, match="do not exist"):
        HuffmanTree.from_paths([root, np.array([7])], [np.array([0]), np.array([1])])


def test_a_trained_model_sums_to_one_and_equals_the_walk(model: enricher.Model) -> None:
    """For every word of a real training, Σ p(y|x) = 1 and log p is that of the path."""
    words = list(model.words)
    result = model.log_probabilities(words)
    assert np.exp(result.astype(np.float64)).sum(axis=1) == pytest.approx(np.ones(len(words)), abs=1e-5)
    word2vec = model.word2vec
    assert word2vec.tree is not None and word2vec.nodes is not None
    for x in range(0, len(words), 5):
        for y in range(len(words)):
            walked = slow_log_probability(word2vec.tree.path(y), word2vec.nodes, word2vec.vectors[x])
            assert result[x, y] == pytest.approx(walked, abs=1e-4)


def test_real_abstracts_sum_to_one_and_equal_the_walk(real_text: Path, tmp_path: Path) -> None:
    """The same on 1,000 real abstracts, for 200 words."""
    from enricher.bundle.store import BundleStore
    from enricher.records import Document
    from enricher.sources import SourceFormat, find_files, read_files
    from enricher.text import open_analyzer
    from enricher.training.train import train_bundle
    from enricher.training.word2vec import TrainingSettings

    form = SourceFormat()
    files = find_files([str(real_text / "zh" / "kw_csl")], form)
    stream = [item for item in read_files(files, form) if isinstance(item, Document)]
    store = BundleStore(tmp_path)
    settings_ = TrainingSettings(epochs=3, workers=2)
    store.activate(train_bundle(store, stream, form.fields, open_analyzer(), settings_))
    real = enricher.load(tmp_path)
    chosen = list(real.words)[:: max(1, len(real.words) // 200)][:200]
    result = real.log_probabilities(chosen)
    assert np.exp(result.astype(np.float64)).sum(axis=1) == pytest.approx(np.ones(len(chosen)), abs=1e-5)
    word2vec = real.word2vec
    assert word2vec.tree is not None and word2vec.nodes is not None
    for x in range(0, 200, 40):
        vector = word2vec.vectors[word2vec.row(chosen[x])]
        for y in range(0, len(real.words), 37):
            walked = slow_log_probability(word2vec.tree.path(y), word2vec.nodes, vector)
            assert result[x, y] == pytest.approx(walked, abs=1e-4)
