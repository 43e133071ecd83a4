"""A lexicon for segmentation from raw text alone: for domains where a general dictionary misleads.

A word is a run of up to four Han characters that occurs often, whose characters belong together (cohesion,
stricter for longer words), and that is free on both sides. The segmenter takes the path of words with the
largest product of frequencies; the frequency of a word of k characters is

    count · e^(0.2 · k · boundary entropy)

so that words that begin and end freely win over fragments. docs/vocabulary.md has what that gives.
"""

from pathlib import Path

import numpy as np

from enricher.text.lexicon import LexiconWord
from enricher.vocabulary.ngram_counting import count_ngrams
from enricher.vocabulary.ngrams import Progress
from enricher.vocabulary.token_stream import TokenStream, Vocabulary

MIN_COHESION = (0.0, 1.0, 4.5, 7.0)
"""Minimum cohesion of words of 1, 2, … characters, in nats."""
MIN_COUNT, MIN_ENTROPY, MAX_NESTED = 8, 1.0, 0.95
ENTROPY_WEIGHT = 0.2


def lexicon_of(
    stream: TokenStream, vocabulary: Vocabulary, folder: Path, progress: Progress = lambda *_: None
) -> list[LexiconWord]:
    """The words of a stream of characters with their frequencies, the most frequent first.

    folder: for files while it works.
    """
    no_boundary = np.zeros(len(vocabulary), np.bool_)
    table = count_ngrams(
        stream,
        len(vocabulary),
        len(MIN_COHESION),
        MIN_COUNT,
        folder,
        is_boundary=no_boundary,
        progress=progress,
    )
    found: list[LexiconWord] = []
    for length, least in enumerate(MIN_COHESION, start=1):
        level = table.levels[length - 1]
        entropy = np.minimum(level.left, level.right)
        frequencies = np.rint(level.counts * np.exp(ENTROPY_WEIGHT * length * entropy)).astype(np.int64)
        kept = np.ones(len(level), np.bool_)
        if length > 1:
            kept = (table.cohesion(length) >= least) & (level.counts >= MIN_COUNT) & (entropy >= MIN_ENTROPY)
            kept &= table.nested(length) < MAX_NESTED
        sequences = table.sequences(length)[kept].tolist()
        words = ("".join(vocabulary.words[number] for number in sequence) for sequence in sequences)
        found += [
            LexiconWord(word, frequency)
            for word, frequency in zip(words, frequencies[kept].tolist(), strict=True)
        ]
    return sorted(found, key=lambda word: (-word.frequency, word.text))
