"""What a model knows, in the formats of other tools.

synonyms         rules in Solr's format, or the JSON of Elasticsearch's `_synonyms` API for a file .json
querqy           rules of Querqy and SMUI, with the similarity as weight
userdict         the user dictionary of jieba: a word, its frequency and a tag; for `train --lexicon` too
ik-dictionary    a word a line
sparse-weights   JSON: word → its idf, for retrieval by sparse vectors
word2vec         the text format of word2vec
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np

from enricher.errors import UsageError
from enricher.files import atomic_file, why_not_written
from enricher.loaded_model import Model
from enricher.text import LexiconWord, is_content
from enricher.text.lexicon import as_text, as_token
from enricher.vocabulary.review_file import ReviewFile, State

MIN_COSINE = 0.6
"""Minimum cosine of a synonym: words that can replace each other."""
MAX_SYNONYMS = 5
MAX_RULES = 10_000
"""Rules of a synonym set that a server takes; those of the most frequent words."""
TAG = "nz"
"""The tag of words without one: other proper names."""
_RESERVED = str.maketrans({"\\": "\\\\", ",": "\\,", "=": "\\=", ">": "\\>", "#": "\\#"})

Lines = Iterator[str]
Variants = Mapping[str, Sequence[str]]
"""Tokens, each with its variants: other tokens of the same meaning."""


def export(model: Model, kind: str, path: Path, variants: Variants | None = None) -> int:
    """Write a file, and return how many words or rules it has. Raises UsageError.

    kind: one of KINDS. A server refuses more than MAX_RULES synonyms, so no more are written. variants: come
    first among synonyms.
    """
    writer = KINDS.get(kind)
    if writer is None:
        raise UsageError(f"There is no export {kind!r}. The exports are {', '.join(KINDS)}.")
    if variants is not None:
        if kind not in ("synonyms", "querqy"):
            raise UsageError(f"The export {kind!r} has no synonyms: omit --merged.")
        writer = partial(writer, variants=variants)
    number = 0
    try:
        with atomic_file(path) as file:
            for line in writer(model, path):
                file.write(f"{line}\n".encode("utf-8", "replace"))
                number += 1
    except OSError as error:
        raise UsageError(f"The file {str(path)!r} cannot be written: {why_not_written(error)}.") from error
    return number


def variants_of(review: ReviewFile, today: date) -> Variants:
    """The words that were merged, and those into which they were, each with all others of the same group."""
    into = {one.word: one.into for one in review.candidates if one.current(today) is State.MERGE}
    groups: dict[str, list[str]] = {}
    for word in into:
        last, passed = word, {word}
        while last in into and into[last] not in passed:
            last = into[last]
            passed.add(last)
        groups.setdefault(last, [last]).append(word)
    return {
        as_token(word): [as_token(other) for other in dict.fromkeys(group) if other != word]
        for group in groups.values()
        for word in group
        if len(set(group)) > 1
    }


def synonyms_of(
    model: Model, variants: Variants | None = None
) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    """Each content word with the words that can replace it and their cosines, frequent words first.

    Words with variants come before all others; the cosine of a variant is 1.
    """
    same, number = variants or {}, 0
    frequent = np.argsort(-np.asarray(model.word2vec.counts), kind="stable").tolist()
    for word in (*same, *(word for row in frequent if (word := model.word2vec.words[row]) not in same)):
        if number >= MAX_RULES:
            return
        others = same.get(word, ())
        found = [(other, 1.0) for other in others]
        found += [(other, cosine) for other, cosine in _near(model, word) if other not in others]
        if found:
            number += 1
            yield word, found[: max(MAX_SYNONYMS, len(others))]


def _near(model: Model, word: str) -> list[tuple[str, float]]:
    """The content words that can replace one, and their cosines."""
    word2vec = model.word2vec
    row = word2vec.find(word)
    if row is None or not is_content(word):
        return []
    rows, cosines = model.bundle.near_words.of(row)
    return [
        (word2vec.words[other], float(cosine))
        for other, cosine in zip(rows.tolist(), cosines.tolist(), strict=True)
        if cosine >= MIN_COSINE and is_content(word2vec.words[other])
    ]


def _synonyms(model: Model, path: Path, variants: Variants | None = None) -> Lines:
    rules = (
        f"{_escaped(word)} => {', '.join(_escaped(one) for one in (word, *(other for other, _ in found)))}"
        for word, found in synonyms_of(model, variants)
    )
    if path.suffix != ".json":
        return rules
    return _synonym_set(rules)


def _synonym_set(rules: Lines) -> Lines:
    """The body of a request to `_synonyms/NAME`, a rule a line."""
    yield '{"synonyms_set": ['
    before = ""
    for number, rule in enumerate(rules):
        if before:
            yield f"{before},"
        before = json.dumps({"id": f"rule-{number}", "synonyms": rule}, ensure_ascii=False)
    yield before
    yield "]}"


def _escaped(word: str) -> str:
    """A token as a word of a rule."""
    return as_text(word).translate(_RESERVED)


def _querqy(model: Model, path: Path, variants: Variants | None = None) -> Lines:
    for word, found in synonyms_of(model, variants):
        rules = "\n".join(f"  SYNONYM({cosine:.2f}): {as_text(other)}" for other, cosine in found)
        yield f"{as_text(word)} =>\n{rules}\n"


def user_words(model: Model) -> tuple[LexiconWord, ...]:
    """The words of the user: those of the lexicon, and those that were added."""
    return model.analyzer.lexicon.with_words(model.analyzer.overlay).words


def _userdict(model: Model, path: Path) -> Lines:
    for word in user_words(model):
        row = model.word2vec.find(as_token(word.text))
        count = 1 if row is None else int(model.word2vec.counts[row])
        yield f"{word.text} {word.frequency or max(1, count)} {word.tag or TAG}"


def _ik_dictionary(model: Model, path: Path) -> Lines:
    for word in user_words(model):
        yield word.text


def _sparse_weights(model: Model, path: Path) -> Lines:
    yield "{"
    before = ""
    for word, idf in zip(model.words, model.word2vec.idf.tolist(), strict=True):
        if before:
            yield f"{before},"
        before = f"{json.dumps(word, ensure_ascii=False)}: {idf:.4f}"
    yield before
    yield "}"


def _word2vec(model: Model, path: Path) -> Lines:
    vectors = model.word2vec.vectors
    yield f"{len(vectors)} {vectors.shape[1]}"
    for word, vector in zip(model.words, vectors, strict=True):
        yield f"{word} {' '.join(f'{value:.6g}' for value in vector.tolist())}"


KINDS: dict[str, Callable[..., Lines]] = {
    "synonyms": _synonyms,
    "querqy": _querqy,
    "userdict": _userdict,
    "ik-dictionary": _ik_dictionary,
    "sparse-weights": _sparse_weights,
    "word2vec": _word2vec,
}
