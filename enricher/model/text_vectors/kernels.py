"""Compiled loop: compute text vectors."""

import numpy as np

from enricher.model.bm25 import K1, B
from enricher.model.kernels import compiled


@compiled
def encode_bags(starts, words, counts, feature_starts, features, weights, codes, mean_length):
    """The unit vectors of n bags of words, float32 (n, d); zero if no feature is known.

    Bag i has words[starts[i]:starts[i+1]], with `counts`. Word w has the features
    features[feature_starts[w]:feature_starts[w+1]], which are rows of `weights`, float32 (F,), and `codes`,
    int8 (F, d). Repeated features saturate as in BM25.
    """
    k1, b = np.float32(K1), np.float32(B)
    n, width = len(starts) - 1, codes.shape[1]
    out = np.zeros((n, width), np.float32)
    tf = np.zeros(len(weights), np.float32)
    for i in range(n):
        length = np.float32(0)
        for j in range(starts[i], starts[i + 1]):
            w = words[j]
            for f in range(feature_starts[w], feature_starts[w + 1]):
                tf[features[f]] += counts[j]
            length += counts[j] * (feature_starts[w + 1] - feature_starts[w])
        norm = k1 * (1 - b + b * length / mean_length)
        row = out[i]
        for j in range(starts[i], starts[i + 1]):
            w = words[j]
            for f in range(feature_starts[w], feature_starts[w + 1]):
                feature = features[f]
                times = tf[feature]
                if times == 0:
                    continue
                tf[feature] = 0
                share = weights[feature] * times / (times + norm)
                code = codes[feature]
                for k in range(width):
                    row[k] += share * np.float32(code[k])
        total = np.float32(0)
        for k in range(width):
            total += row[k] * row[k]
        if total > 0:
            total = np.float32(1) / np.sqrt(total)
            for k in range(width):
                row[k] *= total
    return out
