"""Compiled loops: find the nearest words of words, and expand documents with them."""

import numpy as np

from enricher.model.kernels import compiled


@compiled
def keep_in_order(values, rows, number, value, row):
    """Insert a value into a sorted list of the k largest values; equal values are sorted by row.

    values: (k,) and rows: (k,), of which the first `number` are used. If the list is full, its last entry is
    dropped. Returns the new number of entries.
    """
    size = len(values)
    if number == size:
        if size == 0 or value < values[-1] or (value == values[-1] and row > rows[-1]):
            return number
        number -= 1
    place = number
    while place and (value > values[place - 1] or (value == values[place - 1] and row < rows[place - 1])):
        values[place], rows[place] = values[place - 1], rows[place - 1]
        place -= 1
    values[place], rows[place] = value, row
    return number + 1


@compiled
def number_reaching(limit, values):
    """The number of values, float32 (n,), that are at least `limit`."""
    number = np.int32(0)
    for place in range(len(values)):  # all 32 bits wide, so that the loop is vectorized
        number = np.int32(number + np.int32(values[place] >= limit))
    return number


@compiled
def keep_nearest(products, start, own, min_cosine, numbers, rows, cosines):
    """Update the k nearest words of n words x with the next m words y.

    products: float32 (n, m), the cosines of the words x and the words y, whose rows begin at `start`. own:
    int32 (n,), the row of each x, which is excluded. min_cosine: minimum cosine of a near word. numbers:
    int32 (n,), rows: int32 (n, k), cosines: float32 (n, k): the nearest words so far, updated. Most words are
    not near; they are skipped in blocks of 64.
    """
    size = cosines.shape[1]
    for x in range(len(products)):
        row, number = products[x], numbers[x]
        limit = cosines[x, -1] if number == size else min_cosine
        for first in range(0, len(row), 64):
            last = min(first + 64, len(row))
            if number_reaching(limit, row[first:last]) == 0:
                continue
            for y in range(first, last):
                if row[y] >= limit and own[x] != start + y:
                    number = keep_in_order(cosines[x], rows[x], number, row[y], start + y)
                    limit = cosines[x, -1] if number == size else min_cosine
        numbers[x] = number


@compiled
def seeds_of_texts(words, starts, norms, idf, sizes, seeds, weights, numbers):
    """Find the k words with the largest idf · tf / (tf + norm) in each of T texts; ties by row.

    Text t is words[starts[t] : starts[t + 1]], int32. norms: float64 (T,). idf: float32 (V,). Output: sizes:
    int32 (T,), the number of distinct words; seeds: int32 (T, k); weights: float64 (T, k), which sum to 1;
    numbers: int32 (T,), the number of seeds.
    """
    times = np.zeros(len(idf), np.int32)
    for t in range(len(norms)):
        text = words[starts[t] : starts[t + 1]]
        size, number, total = 0, 0, 0.0
        for word in text:
            times[word] += 1
        for word in text:
            tf = np.float64(times[word])
            if tf > 0:  # its first occurrence
                times[word] = 0
                size += 1
                number = keep_in_order(weights[t], seeds[t], number, idf[word] * tf / (tf + norms[t]), word)
        for place in range(number):
            total += weights[t, place]
        for place in range(number):
            weights[t, place] /= total
        sizes[t], numbers[t] = size, number


@compiled
def near_texts(words, starts, sizes, seeds, weights, numbers, near, cosines, rows, sums, found):
    """Find the k words y with the largest Σ_x w_x · cos(x, y) over the seeds x of each text.

    Words of the text itself are excluded. words, starts, sizes, seeds, weights, numbers: of
    `seeds_of_texts`. near: uint16 (V, n), the nearest words of each word. cosines: uint8 (V, n), 0 after
    the end of a list. Output: rows: int32 (T, k), and sums: float64 (T, k), in falling order, ties by row,
    at most as many as the text has distinct words; found: int32 (T,), the number of rows.

    The products have single precision, so that their double-precision sums are exact and do not depend on
    the order of addition.
    """
    own, total = np.full(len(near), -1, np.int32), np.zeros(len(near))
    touched = np.empty(seeds.shape[1] * near.shape[1], np.int32)
    for t in range(len(numbers)):
        for word in words[starts[t] : starts[t + 1]]:
            own[word] = t
        count = 0
        for seed in range(numbers[t]):
            x, weight = seeds[t, seed], np.float32(weights[t, seed])
            for place in range(near.shape[1]):
                cosine, y = np.float32(cosines[x, place]), np.int32(near[x, place])
                if cosine == 0:
                    break
                if own[y] == t:
                    continue
                if total[y] == 0:
                    touched[count] = y
                    count += 1
                total[y] += np.float32(weight * cosine)
        number, limit = 0, min(sizes[t], rows.shape[1])
        for y in touched[:count]:
            if total[y] > 0:
                number = keep_in_order(sums[t, :limit], rows[t, :limit], number, total[y], y)
            total[y] = 0.0
        found[t] = number
