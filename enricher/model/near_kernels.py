"""The compiled loops that find the words near words, and expand documents by them."""

import numpy as np

from enricher.model.kernels import compiled


@compiled
def keep_in_order(values, rows, number, value, row):
    """Put a value in its place among the k largest, of equal ones the lower row first.

    values: (k,) and rows: (k,), of which `number` are there; when all are, the last one drops out.
    Returns how many are there now.
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
    """How many values, float32 (n,), are no less than a limit."""
    number = np.int32(0)
    for place in range(len(values)):  # of 32 bits all through, so that many are compared at a time
        number = np.int32(number + np.int32(values[place] >= limit))
    return number


@compiled
def keep_nearest(products, start, own, least, numbers, rows, cosines):
    """Of the next words y put those among the words nearest to each word x that are.

    products: float32 (n, m), the cosines of n words x and of the words y from row `start` on; own:
    int32 (n,), the row of each x, which is left out; least: the smallest cosine that counts. numbers:
    int32 (n,), rows: int32 (n, k), cosines: float32 (n, k): the nearest so far. Most words are far,
    and passed over 64 at a time.
    """
    size = cosines.shape[1]
    for x in range(len(products)):
        row, number = products[x], numbers[x]
        limit = cosines[x, -1] if number == size else least
        for first in range(0, len(row), 64):
            last = min(first + 64, len(row))
            if number_reaching(limit, row[first:last]) == 0:
                continue
            for y in range(first, last):
                if row[y] >= limit and own[x] != start + y:
                    number = keep_in_order(cosines[x], rows[x], number, row[y], start + y)
                    limit = cosines[x, -1] if number == size else least
        numbers[x] = number


@compiled
def seeds_of_texts(words, starts, norms, idf, sizes, seeds, weights, numbers):
    """The words of the largest idf · tf / (tf + norm) in each of many texts; of equal ones the lower row.

    Text t is words[starts[t] : starts[t + 1]], int32; norms: float64 (T,); idf: float32 (V,). Written
    are sizes: int32 (T,), the distinct words of each text; seeds: int32 (T, k), weights: float64
    (T, k), of sum 1; numbers: int32 (T,), how many there are.
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
    """The words y of the largest Σ_x w_x · cos(x, y) over the seeds x of each text, its own words left out.

    words to numbers: as of `seeds_of_texts`. near: uint16 (V, n), the words near each word, and cosines:
    uint8 (V, n), 0 where a list has ended. Written are rows: int32 (T, k), and sums: float64 (T, k), of
    no more words than the text has, the largest first, of equal ones the lower row; found: int32 (T,),
    how many there are.

    The products are of single precision, so that their sum in double precision is exact: equal
    sums are equal in whatever order they were added.
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
        number, most = 0, min(sizes[t], rows.shape[1])
        for y in touched[:count]:
            if total[y] > 0:
                number = keep_in_order(sums[t, :most], rows[t, :most], number, total[y], y)
            total[y] = 0.0
        found[t] = number
