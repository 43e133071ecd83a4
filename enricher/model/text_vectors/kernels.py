"""The compiled loops of text vectors."""

import numpy as np

from enricher.model.kernels import compiled


@compiled
def encode_bags(starts, words, counts, feature_starts, features, weights, codes, mean_length, saturate):
    """Vectors of bags of words, float32 (n, d), of length 1; zero where no feature is known.

    Bag i holds words[starts[i]:starts[i+1]] so many times as `counts` say. A word's features are
    features[feature_starts[w]:feature_starts[w+1]], rows of `weights`, float32 (F,), and `codes`,
    int8 (F, d). With `saturate` a feature that occurs tf times counts as in BM25, else tf times.
    """
    k1, b = np.float32(1.2), np.float32(0.75)
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
                share = weights[feature] * (times / (times + norm) if saturate else times)
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


TITLE, REST, NOISE = 0, 1, 2
"""The kinds of pairs: a title and its text; a unit and the rest; two noisy copies of one text."""


@compiled
def draw_pairs(
    documents, words, unit_ends, document_units, titles, title_ends, is_content, real_titles, settings, seed
):
    """Two bags of words from each document: flat (pair, word) of both sides, and the kinds of the pairs.

    Units of document i are document_units[i]:document_units[i+1]; the words of unit u are
    words[unit_ends[u]:unit_ends[u+1]]; titles likewise. settings: (share of titles, share of the rest,
    words kept of a noisy unit, of its document where the unit has them, and elsewhere), see
    `enricher.model.text_vectors.tuning`. A document that gives no pair has the kind −1.
    """
    np.random.seed(seed)
    share_title, share_rest, keep_unit, keep_same, keep_other = settings
    n = len(documents)
    kinds = np.full(n, -1, np.int8)
    most = 0
    for i in range(n):
        d = documents[i]
        first, last = unit_ends[document_units[d]], unit_ends[document_units[d + 1]]
        most += last - first + title_ends[d + 1] - title_ends[d]
    query_pairs, query_words = np.empty(most, np.int32), np.empty(most, np.int32)
    text_pairs, text_words = np.empty(most, np.int32), np.empty(most, np.int32)
    q = t = 0
    drawn = np.zeros(len(is_content), np.int32)
    for i in range(n):
        d = documents[i]
        first, last = document_units[d], document_units[d + 1]
        if last == first:
            continue
        start, end = unit_ends[first], unit_ends[last]
        content = 0
        for j in range(title_ends[d], title_ends[d + 1]):
            content += is_content[titles[j]]
        if real_titles and content >= 2 and np.random.random() < share_title:
            for j in range(title_ends[d], title_ends[d + 1]):
                query_pairs[q], query_words[q] = i, titles[j]
                q += 1
            for j in range(start, end):
                text_pairs[t], text_words[t] = i, words[j]
                t += 1
            kinds[i] = TITLE
            continue
        unit = first
        for _ in range(4):  # one with content words, if that is found soon
            unit = first + np.random.randint(last - first)
            content = 0
            for j in range(unit_ends[unit], unit_ends[unit + 1]):
                content += is_content[words[j]]
            if content >= 3:
                break
        unit_start, unit_end = unit_ends[unit], unit_ends[unit + 1]
        rest = end - start - (unit_end - unit_start)
        if last - first >= 2 and rest >= 10 and np.random.random() < share_rest:
            for j in range(unit_start, unit_end):
                query_pairs[q], query_words[q] = i, words[j]
                q += 1
            for j in range(start, end):
                if j < unit_start or j >= unit_end:
                    text_pairs[t], text_words[t] = i, words[j]
                    t += 1
            if real_titles:
                for j in range(title_ends[d], title_ends[d + 1]):
                    text_pairs[t], text_words[t] = i, titles[j]
                    t += 1
            kinds[i] = REST
            continue
        before_q, before_t = q, t
        for j in range(unit_start, unit_end):
            if np.random.random() < keep_unit:
                query_pairs[q], query_words[q] = i, words[j]
                q += 1
                drawn[words[j]] = i + 1
        for j in range(start, end):
            keep = keep_same if drawn[words[j]] == i + 1 else keep_other
            if np.random.random() < keep:
                text_pairs[t], text_words[t] = i, words[j]
                t += 1
        if q > before_q and t > before_t:
            kinds[i] = NOISE
        else:
            q, t = before_q, before_t
    return query_pairs[:q], query_words[:q], text_pairs[:t], text_words[:t], kinds
