"""The compiled loop that parts words into groups."""

import numpy as np

from enricher.model.kernels import compiled


@compiled
def cluster(cosines, number, chances, rounds, fewest):
    """The group of each of n words, int64 (n,), by spherical k-means on the cosines between them, (n, n).

    chances: random numbers from 0 to 1, (starts, number, n). A start takes words far from each other as
    centres; the best of the starts is kept. Words of groups of under `fewest` go to the nearest larger one.
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
            centre = np.argmax((1 - nearest) * chances[start, group])
            for word in range(size):
                if cosines[centre, word] > nearest[word]:
                    nearest[word], labels[word] = cosines[centre, word], group
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
                chosen, most = labels[word], -np.inf
                for group in range(number):
                    if norms[group] > 0:
                        product = products[group, word] / np.sqrt(norms[group])
                        if product > most:
                            chosen, most = group, product
                changed |= chosen != labels[word]
                labels[word] = chosen
                total += most
            if not changed:
                break
        members = np.bincount(labels, minlength=number)
        if members.max() >= fewest:
            for word in range(size):
                if members[labels[word]] < fewest:
                    most = -np.inf
                    for group in range(number):
                        if members[group] >= fewest and norms[group] > 0:
                            product = products[group, word] / np.sqrt(norms[group])
                            if product > most:
                                labels[word], most = group, product
        if total > highest:
            highest = total
            best[:] = labels
    return best
