"""Compiled loop: spherical k-means for the senses of a word."""

import numpy as np

from enricher.model.kernels import compiled


@compiled
def cluster(cosines, number, chances, rounds, min_words):
    """Cluster n words into `number` groups by spherical k-means. Returns the group of each word, int64 (n,).

    cosines: (n, n), between all words. chances: random numbers from 0 to 1, (starts, number, n). Each start
    chooses words far from each other as centers; the best start is kept. rounds: maximum rounds per start.
    Groups with fewer than `min_words` words are dissolved: their words move to the nearest larger group.
    """
    size = len(cosines)
    labels, best = np.zeros(size, np.int64), np.zeros(size, np.int64)
    products, norms = np.empty((number, size), np.float64), np.empty(number, np.float64)
    highest = -np.inf
    for start in range(len(chances)):
        first = np.argmax(chances[start, 0])
        nearest = cosines[first].copy()
        labels[:] = 0
        for group in range(1, number):
            center = np.argmax((1 - nearest) * chances[start, group])
            for word in range(size):
                if cosines[center, word] > nearest[word]:
                    nearest[word], labels[word] = cosines[center, word], group
        for _ in range(rounds):
            products[:] = 0.0
            norms[:] = 0.0
            for member in range(size):
                for word in range(size):
                    products[labels[member], word] += cosines[member, word]
            for word in range(size):
                norms[labels[word]] += products[labels[word], word]
            changed = False
            total = 0.0
            for word in range(size):
                chosen, largest = labels[word], -np.inf
                for group in range(number):
                    if norms[group] > 0:
                        product = products[group, word] / np.sqrt(norms[group])
                        if product > largest:
                            chosen, largest = group, product
                changed |= chosen != labels[word]
                labels[word] = chosen
                total += largest
            if not changed:
                break
        members = np.bincount(labels, minlength=number)
        if members.max() >= min_words:
            for word in range(size):
                if members[labels[word]] < min_words:
                    largest = -np.inf
                    for group in range(number):
                        if members[group] >= min_words and norms[group] > 0:
                            product = products[group, word] / np.sqrt(norms[group])
                            if product > largest:
                                labels[word], largest = group, product
        if total > highest:
            highest = total
            best[:] = labels
    return best
