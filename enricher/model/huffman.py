"""The Huffman tree of a hierarchical softmax, and log p(y|x) over it.

V words are the leaves; V − 1 inner nodes each hold a vector θ. At an inner node the word x turns
to side d ∈ {0, 1} with probability σ((−1)^d v_x·θ), so that

    log p(y|x) = − Σ_k log(1 + exp(−(−1)^{d_k} v_x·θ_{n_k}))        over the path n_k of y

Inner nodes are numbered level by level, the root first: a child's number is larger than its
parent's, and log-probabilities flow down one level at a time.
Source: F. Morin, Y. Bengio, "Hierarchical probabilistic neural network language model" (2005);
T. Mikolov et al., "Distributed representations of words and phrases" (2013).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enricher.errors import BundleInvalid

IntArray = NDArray[np.int32]
SideArray = NDArray[np.int8]
FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HuffmanTree:
    """Where every leaf and inner node hangs.

    leaf_parents: int32 (V,), the inner node above each word; leaf_sides: int8 (V,), its bit d.
    node_parents: int32 (V−1,), the inner node above each inner node (the root: 0);
    node_sides: int8 (V−1,). levels: int32 (L+1,), inner nodes of level l are levels[l] to
    levels[l+1].
    """

    leaf_parents: IntArray
    leaf_sides: SideArray
    node_parents: IntArray
    node_sides: SideArray
    levels: IntArray

    @property
    def leaves(self) -> int:
        return len(self.leaf_parents)

    @property
    def inner_nodes(self) -> int:
        return len(self.node_parents)

    @classmethod
    def from_paths(
        cls, points: Sequence[NDArray[np.integer]], codes: Sequence[NDArray[np.integer]]
    ) -> tuple["HuffmanTree", IntArray]:
        """Build the tree from the path of every word.

        points[w] are the inner nodes from the root to the leaf w, in any numbering from 0 to
        V−2; codes[w] the bits. Returns the tree and `order`, int32 (V−1,): order[n] is the
        given number of the inner node that the tree calls n (reorder θ by it).
        Raises BundleInvalid when the paths do not form one binary tree.
        """
        vocabulary = len(points)
        if vocabulary == 1:
            return cls._single_leaf(), np.empty(0, np.int32)
        lengths = np.fromiter((len(path) for path in points), np.int64, vocabulary)
        if not lengths.all() or any(len(p) != len(c) for p, c in zip(points, codes, strict=True)):
            raise BundleInvalid("The Huffman paths of this model are incomplete.")
        flat_points = np.concatenate([np.asarray(p, np.int64) for p in points])
        flat_codes = np.concatenate([np.asarray(c, np.int8) for c in codes])
        ends = np.cumsum(lengths)
        inner = vocabulary - 1
        if flat_points.min() < 0 or flat_points.max() >= inner:
            raise BundleInvalid("The Huffman paths of this model name nodes that do not exist.")
        depths = np.arange(len(flat_points)) - np.repeat(ends - lengths, lengths)
        parents = np.zeros(inner, np.int64)
        sides = np.zeros(inner, np.int8)
        below = np.flatnonzero(depths > 0)
        parents[flat_points[below]] = flat_points[below - 1]
        sides[flat_points[below]] = flat_codes[below - 1]
        node_depths = np.zeros(inner, np.int64)
        node_depths[flat_points] = depths
        order = np.argsort(node_depths, kind="stable").astype(np.int32)
        place = np.empty(inner, np.int32)
        place[order] = np.arange(inner, dtype=np.int32)
        tree = cls(
            leaf_parents=place[flat_points[ends - 1]],
            leaf_sides=flat_codes[ends - 1],
            node_parents=place[parents[order]],
            node_sides=sides[order],
            levels=np.searchsorted(node_depths[order], np.arange(node_depths.max() + 2)).astype(np.int32),
        )
        tree.check()
        return tree, order

    @classmethod
    def _single_leaf(cls) -> "HuffmanTree":
        """The tree of a vocabulary of one word: a leaf and no inner node."""
        none, bits = np.empty(0, np.int32), np.empty(0, np.int8)
        return cls(np.zeros(1, np.int32), np.zeros(1, np.int8), none, bits, np.zeros(1, np.int32))

    def check(self) -> None:
        """Raise BundleInvalid unless every inner node has exactly two children, one a side."""
        inner = self.inner_nodes
        if inner == 0:
            return
        parents = np.concatenate([self.leaf_parents, self.node_parents[1:]]).astype(np.int64)
        sides = np.concatenate([self.leaf_sides, self.node_sides[1:]]).astype(np.int64)
        children = np.bincount(parents * 2 + sides, minlength=2 * inner)
        if len(children) != 2 * inner or not (children == 1).all():
            raise BundleInvalid("The Huffman paths of this model do not form a binary tree.")
        if (self.node_parents[1:] >= np.arange(1, inner)).any():
            raise BundleInvalid("The inner nodes of the Huffman tree are not in level order.")

    def path(self, leaf: int) -> list[tuple[int, int]]:
        """The path to a word as (inner node, bit) from the root down."""
        if self.inner_nodes == 0:
            return []
        node, side = int(self.leaf_parents[leaf]), int(self.leaf_sides[leaf])
        steps = [(node, side)]
        while node:
            node, side = int(self.node_parents[node]), int(self.node_sides[node])
            steps.append((node, side))
        return steps[::-1]


def log_sigmoid(x: DoubleArray) -> DoubleArray:
    """Log σ(x) = −log(1 + exp(−x)), without overflow; any shape."""
    return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))


def log_probabilities(tree: HuffmanTree, nodes: FloatArray, vectors: FloatArray) -> FloatArray:
    """Log p(y|x) for every word y and each of n words x.

    nodes: float32 (V−1, d), θ in the tree's numbering. vectors: float32 (n, d), input vectors.
    Returns float32 (n, V), natural logarithm. O(n·V·d) multiplications, then O(n·V) additions:
    the product gives all activations at once and they flow down the tree level by level.
    """
    n = len(vectors)
    if tree.inner_nodes == 0:
        return np.zeros((n, tree.leaves), np.float32)
    activations = (nodes @ vectors.T).astype(np.float64)
    left, right = log_sigmoid(activations), log_sigmoid(-activations)
    flow = np.zeros_like(activations)
    for low, high in zip(tree.levels[1:-1], tree.levels[2:], strict=True):
        above = tree.node_parents[low:high]
        turned = tree.node_sides[low:high, None] == 1
        flow[low:high] = flow[above] + np.where(turned, right[above], left[above])
    above = tree.leaf_parents
    turned = tree.leaf_sides[:, None] == 1
    flowed: FloatArray = (flow[above] + np.where(turned, right[above], left[above])).T.astype(np.float32)
    return flowed


def path_counts(tree: HuffmanTree, leaves: IntArray) -> tuple[DoubleArray, DoubleArray]:
    """How often the paths of the given words (with repetitions) pass every inner node.

    Returns c, float64 (V−1,): passages, and e, float64 (V−1,): passages that turn to side 1.
    The counts flow up the tree: O(V), or less for few words.
    """
    passages = np.zeros(tree.inner_nodes)
    turned = np.zeros(tree.inner_nodes)
    if tree.inner_nodes == 0:
        return passages, turned
    np.add.at(passages, tree.leaf_parents[leaves], 1.0)
    np.add.at(turned, tree.leaf_parents[leaves], tree.leaf_sides[leaves].astype(np.float64))
    frontier = np.unique(tree.leaf_parents[leaves])
    for low in tree.levels[1:-1][::-1]:
        deep = frontier[frontier >= low]
        np.add.at(passages, tree.node_parents[deep], passages[deep])
        np.add.at(turned, tree.node_parents[deep], passages[deep] * tree.node_sides[deep])
        frontier = np.union1d(frontier[frontier < low], tree.node_parents[deep])
    return passages, turned
