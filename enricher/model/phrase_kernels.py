"""Compiled loops: find the candidates for keywords in many texts at once, and rank them."""

import numpy as np

from enricher.model.kernels import compiled
from enricher.model.usage import MAX_PHRASE_WORDS, MULTIPLIER

LENGTHS = MAX_PHRASE_WORDS


@compiled
def row_of(table, buckets, shift, key):
    """The row of a key in a sorted table, uint64 (n,); −1 if it is unknown.

    buckets: int64, the first row of the keys with each value of their highest bits. shift: number of the
    other bits.
    """
    bucket = np.int64(key >> shift)
    low, high = buckets[bucket], buckets[bucket + 1]
    while low < high:
        middle = (low + high) // 2
        if table[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low if low < len(table) and table[low] == key else np.int64(-1)


@compiled
def number_of(slots, keys, number, key):
    """The number of a distinct key, or `number` if it is new; a new key is put into the slots.

    slots: int32, −1 where empty; their number is a power of 2. keys: uint64, the distinct keys by number.
    Returns the number, and its slot.
    """
    place = np.int64(key & np.uint64(len(slots) - 1))
    while slots[place] >= 0:
        if keys[slots[place]] == key:
            return np.int64(slots[place]), place
        place = (place + 1) & (len(slots) - 1)
    slots[place] = number
    return np.int64(number), place


@compiled
def join_words(keys, in_runs, is_last, start, end, joined):
    """Note of each word of a text whether it and the next one can be in one phrase: joined, bool (N,)."""
    for word in range(start, end):
        joined[word] = (
            word + 1 < end
            and in_runs[word]
            and in_runs[word + 1]
            and keys[word] != keys[word + 1]
            and not is_last[word]
        )


@compiled
def can_follow(keys, joined, first, word):
    """Whether a phrase that begins with the word `first` can go on with the word `word`: it is new in it."""
    before = first
    while before < word and keys[before] != keys[word]:
        before += 1
    return joined[word - 1] and before == word


@compiled
def candidates_of_texts(words, starts, is_chinese, table, entropies, buckets, shift):
    """The candidates of T texts, ordered by text (`enricher.keywords.phrases`).

    words: arrays of the N words: keys, uint64; in_runs, is_content, in_title and is_last, bool (the last word
    of a run); idf, float64. Text t has words[starts[t] : starts[t + 1]]. is_chinese: bool (T,). table:
    uint64, sorted keys of phrases; entropies: float32, of the same; buckets, shift: of `row_of`.

    Returns ends, int64 (T,), where the candidates of each text end, and arrays of the n candidates: keys,
    uint64; places, the first word of the first occurrence, lengths, counts, whole, the number of occurrences
    that are a whole run, and inside, the count of the most frequent longer candidate that contains it, all
    int64; entropies and idf, the sum over the words, float64; in_title, bool.
    """
    keys, in_runs, is_content, in_title, is_last, idf = words
    longest = 0
    for t in range(len(starts) - 1):
        longest = max(longest, starts[t + 1] - starts[t])
    size = 8
    while size < 2 * LENGTHS * longest:
        size *= 2
    slots, numbers = np.full(size, -1, np.int32), np.empty((LENGTHS, longest), np.int32)
    used = np.empty(LENGTHS * longest, np.int64)
    joined, sums = np.zeros(len(keys), np.bool_), np.zeros(longest + 1)
    most = LENGTHS * len(keys)
    ends = np.empty(len(starts) - 1, np.int64)
    found, places, lengths = np.empty(most, np.uint64), np.empty(most, np.int64), np.empty(most, np.int64)
    counts, whole, inside = np.zeros(most, np.int64), np.zeros(most, np.int64), np.zeros(most, np.int64)
    entropy, weight, titled = np.zeros(most), np.zeros(most), np.zeros(most, np.bool_)
    done = 0
    for t in range(len(starts) - 1):
        start, end, number = starts[t], starts[t + 1], 0
        join_words(keys, in_runs, is_last, start, end, joined)
        for word in range(start, end):
            sums[word - start + 1] = sums[word - start] + idf[word]
        for first in range(start, end):
            key = np.uint64(0)
            for length in range(1, LENGTHS + 1):
                last = first + length - 1
                if last >= end or not (
                    in_runs[first] if length == 1 else can_follow(keys, joined, first, last)
                ):
                    for rest in range(length - 1, LENGTHS):
                        numbers[rest, first - start] = -1
                    break
                key = keys[first] if length == 1 else key * MULTIPLIER + keys[last]
                which, slot = number_of(slots, found[done:], number, key)
                row = done + which
                if which == number:
                    found[row], places[row], lengths[row] = key, first, length
                    used[number] = slot
                    number += 1
                numbers[length - 1, first - start] = which
                counts[row] += 1
                whole[row] += (first == start or not joined[first - 1]) and not joined[last]
                titled[row] |= in_title[first]
        for which in range(number):
            slots[used[which]] = -1
        kept = keep_candidates(
            (found, places, lengths, counts, whole, inside, entropy, titled),
            (done, done + number), is_chinese[t], is_content, table, entropies, buckets, shift,
        )  # fmt: skip
        count_inside(numbers, end - start, kept, counts[done:], inside[done:])
        left = done
        for row in range(done, done + number):
            if kept[row - done]:
                found[left], places[left], lengths[left] = found[row], places[row], lengths[row]
                counts[left], whole[left], inside[left] = counts[row], whole[row], inside[row]
                entropy[left], titled[left] = entropy[row], titled[row]
                first = places[left] - start
                weight[left] = sums[first + lengths[left]] - sums[first]
                left += 1
        counts[left : done + number] = 0
        whole[left : done + number] = 0
        inside[left : done + number] = 0
        entropy[left : done + number] = 0
        titled[left : done + number] = False
        ends[t] = done = left
    return (
        ends, found[:done], places[:done], lengths[:done], counts[:done], whole[:done], inside[:done],
        entropy[:done], weight[:done], titled[:done],
    )  # fmt: skip


@compiled
def keep_candidates(sequences, part, is_chinese, is_content, table, entropies, buckets, shift):
    """Which sequences of a text are candidates, bool (n,); notes their boundary entropies.

    sequences: the arrays of `candidates_of_texts`. part: the rows of this text in them.
    """
    found, places, lengths, counts, whole, _, entropy, titled = sequences
    kept = np.zeros(part[1] - part[0], np.bool_)
    for row in range(part[0], part[1]):
        if lengths[row] == 1 and not is_content[places[row]]:
            continue
        known = row_of(table, buckets, shift, found[row])
        if known >= 0:
            entropy[row] = entropies[known]
        kept[row - part[0]] = (
            lengths[row] == 1
            or not is_chinese
            or counts[row] > 1
            or known >= 0
            or (lengths[row] == 2 and titled[row] and whole[row] == counts[row])
        )
    return kept


@compiled
def count_inside(numbers, size, kept, counts, inside):
    """Of each sequence, the count of the most frequent longer candidate that contains it.

    numbers: int32 (lengths, …), the sequence of each length that begins at each of `size` words, −1 for none.
    kept: whether a sequence is a candidate. counts: its occurrences. inside: int64, the result.
    """
    for length in range(len(numbers) - 1, 0, -1):
        for place in range(size):
            holder = numbers[length, place]
            if holder >= 0:
                largest = max(counts[holder] if kept[holder] else 0, inside[holder])
                for part in (numbers[length - 1, place], numbers[length - 1, place + 1]):
                    inside[part] = max(inside[part], largest)


@compiled
def rank(scores, places, keys, ends):
    """The order of the candidates of each text: by falling score, then by place, then by key; int64 (n,).

    The candidates of each text must be ordered by place, as `candidates_of_texts` returns them.
    """
    order = np.arange(len(scores))
    for at in range(1, len(order)):  # at most LENGTHS candidates begin at a word
        row, place = order[at], at
        while place and places[order[place - 1]] == places[row] and keys[order[place - 1]] > keys[row]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = row
    start = 0
    for end in ends:
        part = order[start:end].copy()
        order[start:end] = part[np.argsort(-scores[part], kind="mergesort")]
        start = end
    return order
