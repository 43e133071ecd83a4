"""Compiled loops: draw the training pairs for text vectors."""

import numpy as np

from enricher.model.kernels import compiled

TITLE, REST, NOISE = 0, 1, 2
"""Kinds of pairs: a title and its text; a unit and the other units; a noisy unit and its noisy text."""


@compiled
def append_words(words, start, end, pair, pairs, found, number):
    """Append words[start:end] to a pair. Returns the new number of words."""
    for j in range(start, end):
        pairs[number], found[number] = pair, words[j]
        number += 1
    return number


@compiled
def content_of(words, start, end, is_content):
    """The number of content words in words[start:end]."""
    number = 0
    for j in range(start, end):
        number += is_content[words[j]]
    return number


@compiled
def choose_unit(words, unit_ends, first, last, is_content):
    """Choose a random unit of first:last; try up to four times to find one with three content words."""
    unit = first
    for _ in range(4):
        unit = first + np.random.randint(last - first)
        if content_of(words, unit_ends[unit], unit_ends[unit + 1], is_content) >= 3:
            break
    return unit


@compiled
def append_some(words, start, end, share, pair, pairs, found, number):
    """Append each of words[start:end] with probability `share`. Returns the new number of words."""
    for j in range(start, end):
        if np.random.random() < share:
            pairs[number], found[number] = pair, words[j]
            number += 1
    return number


@compiled
def append_others(words, start, end, shares, drawn, pair, pairs, found, number):
    """Append words[start:end] with probability shares[0] if in `drawn`, int32 (n,), else shares[1].

    Returns the new number of words.
    """
    for j in range(start, end):
        share = shares[1]
        for word in drawn:
            if word == words[j]:
                share = shares[0]
                break
        if np.random.random() < share:
            pairs[number], found[number] = pair, words[j]
            number += 1
    return number


@compiled
def draw_pairs(
    documents, words, unit_ends, document_units, titles, title_ends, is_content, real_titles, settings, seed
):
    """Draw a pair of bags of words from each document.

    words to is_content: the arrays of `SegmentedSample`. settings: `enricher.training.tuning.PAIRS`: the
    share of title pairs, the share of unit/rest pairs, and the shares of words kept in a noisy unit, in the
    text if they are in the unit, and in the text otherwise. Returns, for queries and for texts, the pair
    number and the word of each entry, and the kind of each pair; −1 if a document gives no pair.
    """
    np.random.seed(seed)
    share_title, share_rest, keep_unit, keep_same, keep_other = settings
    kinds = np.full(len(documents), -1, np.int8)
    size = 0
    for d in documents:
        size += unit_ends[document_units[d + 1]] - unit_ends[document_units[d]]
        size += title_ends[d + 1] - title_ends[d]
    query_pairs, query_words = np.empty(size, np.int32), np.empty(size, np.int32)
    text_pairs, text_words = np.empty(size, np.int32), np.empty(size, np.int32)
    q = t = 0
    for i in range(len(documents)):
        first, last = document_units[documents[i]], document_units[documents[i] + 1]
        if last == first:
            continue
        start, end = unit_ends[first], unit_ends[last]
        title, title_end = title_ends[documents[i]], title_ends[documents[i] + 1]
        titled = real_titles and content_of(titles, title, title_end, is_content) >= 2
        if titled and np.random.random() < share_title:
            q = append_words(titles, title, title_end, i, query_pairs, query_words, q)
            t = append_words(words, start, end, i, text_pairs, text_words, t)
            kinds[i] = TITLE
            continue
        unit = choose_unit(words, unit_ends, first, last, is_content)
        unit_start, unit_end = unit_ends[unit], unit_ends[unit + 1]
        rest = end - start - (unit_end - unit_start)
        if last - first >= 2 and rest >= 10 and np.random.random() < share_rest:
            q = append_words(words, unit_start, unit_end, i, query_pairs, query_words, q)
            t = append_words(words, start, unit_start, i, text_pairs, text_words, t)
            t = append_words(words, unit_end, end, i, text_pairs, text_words, t)
            if real_titles:
                t = append_words(titles, title, title_end, i, text_pairs, text_words, t)
            kinds[i] = REST
            continue
        before, before_text = q, t
        q = append_some(words, unit_start, unit_end, keep_unit, i, query_pairs, query_words, q)
        shares, drawn = (keep_same, keep_other), query_words[before:q]
        t = append_others(words, start, end, shares, drawn, i, text_pairs, text_words, t)
        if q > before and t > before_text:
            kinds[i] = NOISE
        else:
            q, t = before, before_text
    return query_pairs[:q], query_words[:q], text_pairs[:t], text_words[:t], kinds
