"""The Huffman tree of a hierarchical softmax, and log p(y|x) over it.

The V words are the leaves; each of the V − 1 inner nodes has a vector θ. At an inner node, the path from the
word x turns to side d ∈ {0, 1} with probability σ((−1)^d v_x·θ). Therefore

    log p(y|x) = − Σ_k log(1 + exp(−(−1)^{d_k} v_x·θ_{n_k}))        over the path n_k of y

Inner nodes are numbered in pre-order, the root first: a child comes after its parent, and the nodes of a
subtree are contiguous.
Source: F. Morin, Y. Bengio, "Hierarchical probabilistic neural network language model" (2005);
T. Mikolov et al., "Distributed representations of words and phrases" (2013).
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from enricher.errors import BundleInvalid
from enricher.model.arrays import DoubleArray, FloatArray, IntArray

BLOCK_ACTIVATIONS = 16_000_000
"""Maximum activations in memory at a time (64 MB)."""


@dataclass(frozen=True)
class HuffmanTree:
    """The structure of a Huffman tree.

    children: int32 (V−1, 2), the children of each inner node on sides 0 and 1: an inner node, or ~w for the
    leaf of word w. parents: int32 (V−1,), the parent of each inner node (−1 for the root). leaf_parents:
    int32 (V,), the parent of each word (−1 if there is only one word).
    """

    children: IntArray
    parents: IntArray
    leaf_parents: IntArray

    @property
    def leaves(self) -> int:
        return len(self.leaf_parents)

    @property
    def inner_nodes(self) -> int:
        return len(self.parents)

    @cached_property
    def sides(self) -> NDArray[np.int8]:
        """The side of each inner node below its parent, int8 (V−1,); 0 for the root."""
        hang_right = self.children[self.parents, 1] == np.arange(self.inner_nodes)
        return np.asarray(hang_right, np.int8)

    @cached_property
    def leaf_sides(self) -> NDArray[np.int8]:
        """The side of each word below its parent, int8 (V,)."""
        if self.inner_nodes == 0:
            return np.zeros(self.leaves, np.int8)
        hang_right = self.children[self.leaf_parents, 1] == ~np.arange(self.leaves)
        return np.asarray(hang_right, np.int8)

    @cached_property
    def above(self) -> tuple[IntArray, NDArray[np.int8], IntArray, NDArray[np.int8]]:
        """The arrays with which kernels climb the tree: parents and sides of inner nodes, and of words."""
        return np.asarray(self.parents), self.sides, np.asarray(self.leaf_parents), self.leaf_sides

    @cached_property
    def depth(self) -> int:
        """The number of inner nodes on the longest path from the root."""
        depth, below = 0, np.zeros(min(1, self.inner_nodes), np.int32)
        while len(below):
            depth += 1
            below = self.children[below].ravel()
            below = below[below >= 0]
        return depth

    @classmethod
    def from_paths(
        cls, points: Sequence[NDArray[np.integer]], codes: Sequence[NDArray[np.integer]]
    ) -> tuple["HuffmanTree", IntArray]:
        """Build the tree from the paths of all words.

        points[w]: the inner nodes from the root to the leaf w, in any numbering from 0 to V−2. codes[w]: the
        sides. Returns the tree and `order`, int32 (V−1,): order[n] is the given number of the inner node that
        the tree numbers n. Use it to reorder θ. Raises BundleInvalid if the paths do not form a binary tree.
        """
        vocabulary = len(points)
        if vocabulary == 1:
            none = np.empty(0, np.int32)
            return cls(none.reshape(0, 2), none, np.full(1, -1, np.int32)), none
        lengths = np.fromiter((len(path) for path in points), np.int64, vocabulary)
        if not lengths.all() or any(len(p) != len(c) for p, c in zip(points, codes, strict=True)):
            raise BundleInvalid("The Huffman paths of this model are incomplete.")
        nodes = np.concatenate([np.asarray(path, np.int64) for path in points])
        bits = np.concatenate([np.asarray(code, np.int64) for code in codes])
        if nodes.min() < 0 or nodes.max() >= vocabulary - 1:
            raise BundleInvalid("The Huffman paths of this model name nodes that do not exist.")
        return cls.from_children(_children(nodes, bits, np.cumsum(lengths) - 1), int(nodes[0]))

    @classmethod
    def from_children(cls, children: NDArray[np.int64], root: int) -> tuple["HuffmanTree", IntArray]:
        """Build the tree from a table of children in any numbering, int64 (V−1, 2).

        Returns the tree and `order`, as `from_paths` does.
        """
        order = _pre_order(children, root)
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        moved = children[order]
        moved = np.where(moved >= 0, place[np.maximum(moved, 0)], moved).astype(np.int32)
        parents, leaf_parents = np.full(len(order), -1, np.int32), np.full(len(order) + 1, -1, np.int32)
        for side in range(2):
            inner = np.flatnonzero(moved[:, side] >= 0)
            leaf = np.flatnonzero(moved[:, side] < 0)
            parents[moved[inner, side]] = inner
            leaf_parents[~moved[leaf, side]] = leaf
        return cls(np.ascontiguousarray(moved), parents, leaf_parents), order

    def path(self, leaf: int) -> list[tuple[int, int]]:
        """The path from the root to a word, as pairs (inner node, side)."""
        steps = []
        node, child = int(self.leaf_parents[leaf]), ~leaf
        while node >= 0:
            steps.append((node, int(self.children[node, 1] == child)))
            node, child = int(self.parents[node]), node
        return steps[::-1]


def _children(
    nodes: NDArray[np.int64], bits: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The children of every inner node, from all paths concatenated. ends: the index of each path's end."""
    below = np.empty(len(nodes), np.int64)
    below[:-1] = nodes[1:]
    below[ends] = ~np.arange(len(ends))
    children = np.full((len(ends) - 1, 2), -len(ends) - 1)
    children[nodes, bits] = below
    first = np.concatenate([[0], ends[:-1] + 1])
    consistent = (children[nodes, bits] == below).all() and (nodes[first] == nodes[0]).all()
    # Every leaf is a child. If every inner node except the root is one too, no entry is empty.
    named = np.sort(np.append(children[children >= 0], nodes[0]))
    if not consistent or not np.array_equal(named, np.arange(len(children))):
        raise BundleInvalid("The Huffman paths of this model do not form a binary tree.")
    return children


def _pre_order(children: NDArray[np.int64], root: int) -> IntArray:
    """The inner nodes in pre-order, side 0 first: int32 (V−1,)."""
    levels = [np.array([root])]
    while len(levels[-1]):
        below = children[levels[-1]].ravel()
        levels.append(below[below >= 0])
    sizes = np.ones(len(children) + 1, np.int64)
    sizes[-1] = 0  # leaves, which have negative indexes, are read here
    for level in levels[::-1]:
        sizes[level] = 1 + sizes[np.maximum(children[level], -1)].sum(axis=1)
    place = np.zeros(len(children), np.int64)
    for level in levels:
        left, right = children[level].T
        place[left[left >= 0]] = place[level][left >= 0] + 1
        after = place[level] + 1 + sizes[np.maximum(left, -1)]
        place[right[right >= 0]] = after[right >= 0]
    order = np.empty(len(children), np.int32)
    order[place] = np.arange(len(children), dtype=np.int32)
    return order


def log_probabilities(tree: HuffmanTree, nodes: FloatArray, vectors: FloatArray) -> FloatArray:
    """Ln p(y|x) for every word y and each of n words x: float32 (n, V). Exact, summed in double precision.

    nodes: float32 (V−1, d), θ in the numbering of the tree. vectors: float32 (n, d), input vectors. Takes
    O(n·V·d) multiplications for all activations, then O(n·V) additions from parents to children.
    """
    if tree.inner_nodes == 0:
        return np.zeros((len(vectors), tree.leaves), np.float32)
    result = np.empty((len(vectors), tree.leaves), np.float32)
    if len(vectors) == 1:
        scratch = _OF_THREAD.scratch(tree.inner_nodes)
        np.matmul(vectors, nodes.T, out=scratch.activations)
        scratch.flow(tree, scratch.activations, result)
        return result
    block = max(1, BLOCK_ACTIVATIONS // tree.inner_nodes)
    for start in range(0, len(vectors), block):
        activations = vectors[start : start + block] @ nodes.T
        _in_threads(partial(_flow_rows, tree, activations, result[start : start + block]), len(activations))
    return result


class _Scratch:
    """Reusable buffers for `kernels.flow`."""

    def __init__(self, inner_nodes: int) -> None:
        self.activations = np.empty((1, inner_nodes), np.float32)
        self._lost, self._down = np.empty(inner_nodes), np.empty(2 * inner_nodes)

    def flow(self, tree: HuffmanTree, activations: FloatArray, result: FloatArray) -> None:
        from enricher.model import kernels  # compiled code is loaded only where it is needed

        kernels.flow(activations, *tree.above, self._lost, self._down, result)


class _OfThread(threading.local):
    """The buffers of each thread. They are kept, because new memory pages take longer than the work."""

    kept: _Scratch | None = None

    def scratch(self, inner_nodes: int) -> _Scratch:
        if self.kept is None or self.kept.activations.shape[1] != inner_nodes:
            self.kept = _Scratch(inner_nodes)
        return self.kept


_OF_THREAD = _OfThread()


def _flow_rows(tree: HuffmanTree, activations: FloatArray, result: FloatArray, rows: slice) -> None:
    _Scratch(tree.inner_nodes).flow(tree, activations[rows], result[rows])


def log_probabilities_of(
    tree: HuffmanTree, nodes: FloatArray, vectors: FloatArray, targets: IntArray
) -> FloatArray:
    """Ln p(y|x) for m target words y and each of n words x: float32 (n, m), in O(n·m·depth·d).

    nodes: float32 (V−1, d). vectors: float32 (n, d), input vectors. targets: int32 (m,), rows of words.
    """
    from enricher.model import kernels

    result = np.zeros((len(vectors), len(targets)), np.float32)
    if tree.inner_nodes and len(vectors):
        kernels.walk_paths(vectors, targets, nodes, *tree.above, tree.depth, result)
    return result


def _in_threads(work: Callable[[slice], None], number: int) -> None:
    """Split `number` independent rows among all cores."""
    threads = min(number, os.cpu_count() or 1)
    if threads == 1:
        work(slice(0, number))
        return
    share = -(-number // threads)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, (slice(start, start + share) for start in range(0, number, share))))


@dataclass(frozen=True, slots=True)
class PathCounts:
    """How often the paths of the words in a text pass each inner node, in falling order of passages.

    nodes: int32 (n,), the nodes that are passed. passages: float64 (n,). turned: float64 (n,), the passages
    that turn to side 1.
    """

    nodes: IntArray
    passages: DoubleArray
    turned: DoubleArray


def path_counts(tree: HuffmanTree, leaves: IntArray) -> PathCounts:
    """Count the passages of the paths of N words. leaves: int32 (N,), with repetitions. O(N · depth)."""
    from enricher.model import kernels

    words, times = np.unique(leaves, return_counts=True)
    nodes, passages, turned = kernels.count_paths(words, times.astype(np.float64), *tree.above, tree.depth)
    order = np.argsort(-passages, kind="stable")
    return PathCounts(nodes[order], passages[order], turned[order])
