"""The words by which a model answers for a phrase that its vocabulary lacks.

A phrase has two to MAX_PHRASE_WORDS words. One of the training text is answered for by its content words. Of
any other phrase, every word must be a content word of two characters or more: a misspelled word falls apart
into single characters.
"""

from collections.abc import Sequence

from enricher.model.usage import MAX_PHRASE_WORDS, Usage
from enricher.model.word2vec import Word2Vec
from enricher.text import is_content


def phrase_parts(word2vec: Word2Vec, usage: Usage | None, words: Sequence[str]) -> tuple[str, ...]:
    """The known words of a phrase, each once; none if it cannot be answered for. words: all of its words."""
    if not 2 <= len(words) <= MAX_PHRASE_WORDS:
        return ()
    parts = tuple(dict.fromkeys(filter(is_content, words)))
    if not all(word2vec.find(part) is not None for part in parts):
        return ()
    is_phrase = usage is not None and usage.knows(words)
    return parts if is_phrase or all(is_content(one) and len(one) > 1 for one in words) else ()
