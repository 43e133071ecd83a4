"""The models that are measured: real ones, trained once and kept, and others made from them.

A smaller vocabulary is the real model cut to its most frequent words: the leaves of the others are
taken from the tree, and a node that is left with one child gives its place to it.

A larger one has words split in two, the rarest first. The leaf becomes a node over the word and a new
one. Vectors of new words and nodes are those of the word, and of the node above it, plus half the
difference of two others drawn at random: they stay in the cluster where they are, and the main
directions of the real vectors remain.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from enricher.model.huffman import HuffmanTree
from enricher.model.word2vec import Word2Vec

SIZES = {
    name: ("--min-count", least, "--epochs", "2", "--dimensions", "128")
    for name, least in (("large", "1"), ("medium", "20"))
}
"""How the models are trained that speed is measured on: with all corpora over 350,000 and 50,000 words."""


def corpora(data: Path) -> list[Path]:
    """All texts to learn from."""
    return sorted(data.glob("*/corpus_*/corpus.jsonl.gz"))


def trained(folder: Path, sources: Sequence[Path], *options: str) -> Path:
    """The models folder of a real model, trained on the sources when it is not there yet."""
    if (folder / "active").exists():
        return folder
    if not sources or not all(source.exists() for source in sources):
        sys.exit(f"There is no model in {folder}, and not all is there that it would be trained on.")
    print(f"Training a model, which is kept in {folder} …", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "indexer", "--models", str(folder), "train", *map(str, sources)]
    subprocess.run([*command, *options], check=True)
    return folder


def gensim_model(word2vec: Word2Vec, path: Path) -> Path:
    """The same model saved by gensim, made when it is not there yet."""
    if not path.exists():
        from gensim.models import Word2Vec as GensimWord2Vec

        other = GensimWord2Vec(vector_size=word2vec.vectors.shape[1], min_count=1, sg=1, hs=1, negative=0)
        counts = dict(zip(word2vec.words, map(int, word2vec.counts), strict=True))
        other.build_vocab_from_freq(counts, corpus_count=1)
        rows = np.array([word2vec.index[word] for word in other.wv.index_to_key])
        other.wv.vectors[:] = word2vec.vectors[rows]
        path.parent.mkdir(parents=True, exist_ok=True)
        other.save(str(path))
    return path


def resized(word2vec: Word2Vec, size: int) -> Word2Vec:
    """A model of so many words, as the module's docstring says."""
    while size > 2 * len(word2vec.words):
        word2vec = split(word2vec, 2 * len(word2vec.words))
    return cut(word2vec, size) if size <= len(word2vec.words) else split(word2vec, size)


def cut(word2vec: Word2Vec, size: int) -> Word2Vec:
    """The model of the `size` most frequent words."""
    assert word2vec.tree is not None and word2vec.nodes is not None
    gone = -len(word2vec.words) - 1
    stands = [gone] * len(
        word2vec.tree.children
    )  # what is left where a node was: a new node, a word, nothing
    kept: list[int] = []
    children: list[list[int]] = []
    for node, below in reversed(list(enumerate(word2vec.tree.children.tolist()))):
        left = [stands[child] if child >= 0 else child if ~child < size else gone for child in below]
        if gone in left:
            stands[node] = max(left)
        else:
            stands[node] = len(kept)
            kept.append(node)
            children.append(left)
    tree, order = HuffmanTree.from_children(np.array(children), stands[0])
    return replace(
        word2vec,
        words=word2vec.words[:size],
        counts=word2vec.counts[:size],
        vectors=np.ascontiguousarray(word2vec.vectors[:size]),
        tree=tree,
        nodes=np.ascontiguousarray(word2vec.nodes[np.array(kept)[order]]),
        document_frequencies=None,
    )


def split(word2vec: Word2Vec, size: int, seed: int = 0) -> Word2Vec:
    """The model with its rarest words split until there are `size`, at most twice as many."""
    assert word2vec.tree is not None and word2vec.nodes is not None
    generator = np.random.default_rng(seed)
    old, more = len(word2vec.words), size - len(word2vec.words)
    first = np.arange(old - more, old)
    children = np.concatenate([word2vec.tree.children, np.stack([~first, ~(old + np.arange(more))], axis=1)])
    parents = word2vec.tree.leaf_parents[first]
    children[parents, word2vec.tree.leaf_sides[first]] = old - 1 + np.arange(more)

    def beside(rows: np.ndarray, all_rows: np.ndarray) -> np.ndarray:
        one, other = generator.integers(len(all_rows), size=(2, len(rows)))
        return rows + (all_rows[one] - all_rows[other]) / 2

    nodes = np.concatenate([word2vec.nodes, beside(word2vec.nodes[parents], word2vec.nodes)])
    tree, order = HuffmanTree.from_children(children.astype(np.int64), 0)
    counts = np.asarray(word2vec.counts).copy()
    halves = np.maximum(counts[first] // 2, 1)
    counts[first] = np.maximum(counts[first] - halves, 1)
    return replace(
        word2vec,
        words=[*word2vec.words, *(f"word {row}" for row in range(old, size))],
        counts=np.concatenate([counts, halves]),
        vectors=np.concatenate([word2vec.vectors, beside(word2vec.vectors[first], word2vec.vectors)]),
        tree=tree,
        nodes=nodes[order],
        document_frequencies=None,
    )
