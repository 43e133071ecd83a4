"""Sentences of the user's text in which a term occurs."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

import numpy as np

from enricher.records import Document
from enricher.text import normalize
from enricher.vocabulary.candidates import Candidates
from enricher.vocabulary.token_stream import TokenStream

MAX_EXAMPLES = 2
MAX_CHARACTERS = 120
_SENTENCE = re.compile(r"(?:[^。！？!?；;\n.]|\.(?!\s))+[。！？!?；;.]?")


def examples_of(
    found: Candidates,
    rows: Sequence[int],
    domain: TokenStream,
    documents: Iterable[Document],
    fields: Sequence[str],
) -> dict[int, list[str]]:
    """Up to two sentences for each of some candidates: of the first and of the last document with it."""
    wanted: dict[int, list[int]] = {}
    for row in rows:
        places = np.array([found.first[row], found.last[row]])
        for number in np.unique(np.searchsorted(domain.ends, places, side="right")).tolist():
            wanted.setdefault(number, []).append(row)
    answer: dict[int, list[str]] = {row: [] for row in rows}
    last = max(wanted, default=-1)
    for number, document in enumerate(documents):
        if number > last:
            break
        sentences = _sentences(document, fields) if number in wanted else []
        for row in wanted.get(number, ()):
            term = str(found.terms[row]).replace(" ", "")
            shown = (sentence for sentence, plain in sentences if term in plain)
            for sentence in shown:
                if len(answer[row]) < MAX_EXAMPLES and sentence not in answer[row]:
                    answer[row].append(_short(sentence, term))
    return answer


def _sentences(document: Document, fields: Sequence[str]) -> list[tuple[str, str]]:
    """The sentences of a document, each also in the form in which terms are found."""
    found = [sentence.strip() for name in fields for sentence in _SENTENCE.findall(document.text(name))]
    return [(sentence, _plain(sentence)) for sentence in found if sentence]


def _plain(text: str) -> str:
    return normalize(text).replace(" ", "")


def _short(sentence: str, term: str) -> str:
    """The part of a sentence around a term."""
    if len(sentence) <= MAX_CHARACTERS:
        return sentence
    start = max(0, _place(sentence, term) - MAX_CHARACTERS // 2)
    return ("…" if start else "") + sentence[start : start + MAX_CHARACTERS] + "…"


def _place(sentence: str, term: str) -> int:
    """Where a term is in a sentence. It is found without spaces, which do not count."""
    before = _plain(sentence).find(term)
    starts = range(len(sentence) + 1)
    return max(0, bisect_right(starts, before, key=lambda start: len(_plain(sentence[:start]))) - 1)
