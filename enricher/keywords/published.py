"""The published score: keywords are the words that best predict the text.

    score(w) = ln p(s|w) = Σ_k ln p(w_k|w)        over the words w_k of the text s

The Huffman paths of all words of the text are counted once: for every inner node n of the tree, c_n paths
pass it, and e_n of them turn to side 1. Then for every candidate w, with S_n = v_w·θ_n,

    score = − Σ_n [ c_n · ln(1 + e^−S_n) + e_n · S_n ]

At a node, every candidate loses at least c_n times the entropy of e_n/c_n. In a long text, this bound shows
after a few nodes near the root which candidates cannot be among the best.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from enricher.model.arrays import DoubleArray, FloatArray, IntArray
from enricher.model.huffman import PathCounts, path_counts
from enricher.model.word2vec import Word2Vec
from enricher.records import Keyword

Scored = tuple[IntArray, DoubleArray]

LONG_TEXT_WORDS = 4096
"""In texts with more words, candidates that cannot win are dropped early."""
BLOCK_CANDIDATES = 256
"""Candidates scored at a time: their vectors fit in the cache of a core."""
FIRST_ROUND_NODES = 1024
"""Nodes before candidates are dropped for the first time; every further round has four times as many."""
ROUNDING = 1e-3
"""Tolerance in nats per node: a candidate within it of the best is not dropped."""


def text_log_probabilities(word2vec: Word2Vec, text: IntArray, candidates: IntArray) -> FloatArray:
    """Ln p(s|w) of a text for each candidate word w: float32 (C,).

    text: int32 (N,), rows of the words in the text, with repetitions. candidates: int32 (C,). With a model
    trained with negative sampling, returns Σ_k v_w·c_{w_k}, which differs from ln p(s|w) by roughly a
    constant of the text.
    """
    if word2vec.tree is None or word2vec.nodes is None:
        return _inner_products(word2vec, text, candidates)
    counts = path_counts(word2vec.tree, text)
    return _node_sums(word2vec, candidates, counts, 0, len(counts.nodes)).astype(np.float32)


def most_probable(
    word2vec: Word2Vec, text: IntArray, candidates: IntArray, top: int
) -> tuple[FloatArray, IntArray]:
    """The `top` candidates with the largest ln p(s|w), best first; equal scores keep the given order.

    Returns the scores, float32 (k,), and the indexes of the candidates, int32 (k,).
    """
    left = np.arange(len(candidates), dtype=np.int32)
    if word2vec.tree is None or word2vec.nodes is None:
        sums = _inner_products(word2vec, text, candidates).astype(np.float64)
    else:
        counts = path_counts(word2vec.tree, text)
        sums, done, end, total = np.zeros(len(candidates)), 0, FIRST_ROUND_NODES, len(counts.nodes)
        min_losses = _min_losses(counts) if total > FIRST_ROUND_NODES else sums
        while done < total:
            end = end if end < total and len(left) > top else total
            sums[left] += _node_sums(word2vec, candidates[left], counts, done, end)
            done, end = end, end * 4
            if done < total:
                best = left[np.argpartition(-sums[left], top - 1)[:top]]
                limit = sums[best] + _node_sums(word2vec, candidates[best], counts, done, total)
                left = left[sums[left] - min_losses[done] >= limit.min() - ROUNDING * total]
    best = left[np.argsort(-sums[left], kind="stable")[:top]]
    return sums[best].astype(np.float32), best


def _min_losses(counts: PathCounts) -> DoubleArray:
    """The minimum loss of any candidate from each node to the last one: Σ c·H(e/c), float64 (n,)."""
    share = np.clip(counts.turned / counts.passages, 1e-12, 1 - 1e-12)
    entropy = -share * np.log(share) - (1 - share) * np.log1p(-share)
    return np.asarray(np.cumsum((counts.passages * entropy)[::-1])[::-1])


def _node_sums(
    word2vec: Word2Vec, candidates: IntArray, counts: PathCounts, start: int, end: int
) -> DoubleArray:
    """The sum of the score over the nodes `start` to `end` of the counts, float64 (C,)."""
    from enricher.model import kernels

    part = slice(start, end)
    sums = np.zeros(len(candidates) + 3)
    for first in range(0, len(candidates), BLOCK_CANDIDATES):
        rows = candidates[first : first + BLOCK_CANDIDATES]
        vectors = np.zeros((-(-len(rows) // 4) * 4, word2vec.vectors.shape[1]), np.float32)
        vectors[: len(rows)] = word2vec.vectors[rows]
        kernels.node_sums(
            vectors,
            word2vec.nodes,
            counts.nodes[part],
            counts.passages[part],
            counts.turned[part],
            sums[first : first + len(vectors)],
        )
    return sums[: len(candidates)]


def _inner_products(word2vec: Word2Vec, text: IntArray, candidates: IntArray) -> FloatArray:
    assert word2vec.outputs is not None
    whole = np.asarray(word2vec.outputs[text], np.float32).sum(axis=0)
    return np.asarray(word2vec.vectors[candidates] @ whole, np.float32)


def score_texts(word2vec: Word2Vec, texts: Sequence[IntArray], threads: int = 1) -> list[Scored]:
    """The distinct words w of every text, in order of appearance, and ln p(s|w) of each.

    texts: int32 (N,) each, rows of words; at most a few thousand words. The model must have a Huffman tree.
    Returns int32 (C,) and float64 (C,) for each text.
    """
    from enricher.model import kernels

    assert word2vec.tree is not None
    words = np.concatenate([*texts, np.empty(0, np.int32)])
    starts = np.cumsum([0, *map(len, texts)])
    arrays = (word2vec.vectors, word2vec.nodes, *word2vec.tree.above, word2vec.tree.depth)
    candidates, scores = np.empty(len(words), np.int32), np.empty(len(words))
    numbers = np.empty(len(texts), np.int64)

    def score(part: range) -> None:
        kernels.score_texts(words, starts, part.start, part.stop, arrays, candidates, numbers, scores)

    share = max(1, -(-len(texts) // (threads * 4)) if threads > 1 else len(texts))
    parts = [range(start, min(start + share, len(texts))) for start in range(0, len(texts), share)]
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(score, parts))
    elif parts:
        score(parts[0])
    ends = starts[:-1] + numbers
    return [(candidates[a:b], scores[a:b]) for a, b in zip(starts[:-1], ends, strict=True)]


def published_keywords(word2vec: Word2Vec, texts: Sequence[Sequence[str]], top: int) -> list[list[Keyword]]:
    """The `top` words w of every text with the largest ln p(s|w), best first.

    texts: the content words of each text, with repetitions. Words that the model does not know are ignored,
    and so are words that were added to it: they have no path in its tree.
    """
    rows = [word2vec.rows(words) for words in texts]
    if word2vec.added:
        rows = [text[text < word2vec.trained] for text in rows]
    if word2vec.tree is None:
        return [_most_probable_keywords(word2vec, text, top) for text in rows]
    long = [len(text) > LONG_TEXT_WORDS for text in rows]
    scored = iter(
        score_texts(word2vec, [text for text, is_long in zip(rows, long, strict=True) if not is_long])
    )
    return [
        _most_probable_keywords(word2vec, text, top) if is_long else _best(word2vec, *next(scored), top)
        for text, is_long in zip(rows, long, strict=True)
    ]


def _most_probable_keywords(word2vec: Word2Vec, text: IntArray, top: int) -> list[Keyword]:
    candidates = np.array(list(dict.fromkeys(text.tolist())), np.int32)
    scores, places = most_probable(word2vec, text, candidates, top)
    return _best(word2vec, candidates[places], scores, top)


def _best(
    word2vec: Word2Vec, candidates: IntArray, scores: FloatArray | DoubleArray, top: int
) -> list[Keyword]:
    """The `top` candidates with the largest scores, best first; equal scores keep the given order."""
    order = np.argsort(-scores, kind="stable")[:top]
    return [
        Keyword(word2vec.words[row], score)
        for row, score in zip(candidates[order].tolist(), scores[order].tolist(), strict=True)
    ]
