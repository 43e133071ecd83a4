"""Keywords as phrases: runs of adjacent words, not the fragments that a segmenter leaves.

A candidate is a word, or a run of up to five adjacent words that occurs at least twice. Its score is

    ln(ln(1 + tf)) + ln(min(Σ idf, 10)) + 0.6·[in the title] − 0.2·(share of its occurrences
    inside a longer candidate) − 0.2·[a single word of two characters or fewer]

and of two candidates of which one contains the other only the better is kept.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from enricher.model.word2vec import Word2Vec
from enricher.records import AnalyzedDocument, Keyword, Token
from enricher.text import is_content, normalize

LONGEST = 5
IDF_CAP = 10.0
TITLE_BONUS = 0.6
INSIDE_PENALTY = 0.2
SHORT_PENALTY = 0.2
HYPHENS = ("-", "\u2010", "\u2011")

Phrase = tuple[str, ...]


@dataclass(slots=True)
class _Candidates:
    """What is counted of the candidates of one document."""

    counts: Counter[Phrase] = field(default_factory=Counter)
    forms: dict[Phrase, str] = field(default_factory=dict)
    in_title: set[Phrase] = field(default_factory=set)


def phrase_keywords(
    model: Word2Vec, document: AnalyzedDocument, top: int, title_field: str | None = None
) -> list[Keyword]:
    """The best phrases of a document, best first; scores are comparable within a document."""
    found = _count(document, title_field)
    kept = {phrase: tf for phrase, tf in found.counts.items() if len(phrase) == 1 or tf >= 2}
    inside = _inside(kept)
    scored = [
        (score(model, phrase, tf, phrase in found.in_title, inside[phrase]), phrase)
        for phrase, tf in kept.items()
    ]
    scored.sort(key=lambda pair: -pair[0])
    chosen: list[tuple[float, Phrase]] = []
    for value, phrase in scored:
        if len(chosen) == top:
            break
        if not any(_contains(other, phrase) or _contains(phrase, other) for _, other in chosen):
            chosen.append((value, phrase))
    return [Keyword(found.forms[phrase], value) for value, phrase in chosen]


def score(model: Word2Vec, phrase: Phrase, tf: int, in_title: bool, inside: int) -> float:
    """The score of the module's docstring; inside: occurrences within a longer candidate."""
    value = math.log(math.log1p(tf)) + math.log(min(sum(_idf(model, word) for word in phrase), IDF_CAP))
    value += TITLE_BONUS * in_title - INSIDE_PENALTY * inside / tf
    if len(phrase) == 1 and len(phrase[0]) <= 2:
        value -= SHORT_PENALTY
    return value


def _idf(model: Word2Vec, word: str) -> float:
    """The idf of a word; one that the model does not know is as rare as a word can be."""
    row = model.index.get(word)
    return max(float(model.idf[row]), 0.01) if row is not None else math.log1p(2 * model.documents + 1)


def _count(document: AnalyzedDocument, title_field: str | None) -> _Candidates:
    found = _Candidates()
    for name, tokens in document.tokens.items():
        value = document.source.get(name)
        text = value if isinstance(value, str) else ""
        for run in _runs(tokens, text):
            for start in range(len(run)):
                for end in range(start + 1, min(start + LONGEST, len(run)) + 1):
                    phrase = tuple(token.text for token in run[start:end])
                    found.counts[phrase] += 1
                    if phrase not in found.forms:
                        found.forms[phrase] = _form(text, run[start], run[end - 1])
                    if name == title_field:
                        found.in_title.add(phrase)
    return found


def _runs(tokens: Sequence[Token], text: str) -> Iterator[list[Token]]:
    """The longest runs of adjacent content words."""
    run: list[Token] = []
    for token in tokens:
        if run and not (is_content(token.text) and _joined(text[run[-1].end : token.start])):
            yield run
            run = []
        if is_content(token.text):
            run.append(token)
    if run:
        yield run


def _joined(gap: str) -> bool:
    """Whether what stands between two words leaves them one phrase: nothing, a hyphen, or spaces."""
    return not gap or gap in HYPHENS or (gap.isspace() and "\n" not in gap)


def _form(text: str, first: Token, last: Token) -> str:
    """The phrase as it stands in the text, normalised; one word is the word of the model."""
    if first is last:
        return first.text
    return " ".join(normalize(text[first.start : last.end]).split())


def _inside(kept: Mapping[Phrase, int]) -> dict[Phrase, int]:
    """How many occurrences of each candidate lie within a longer candidate (the most frequent one)."""
    inside: defaultdict[Phrase, int] = defaultdict(int)
    for phrase, tf in kept.items():
        for length in range(1, len(phrase)):
            for start in range(len(phrase) - length + 1):
                part = phrase[start : start + length]
                inside[part] = max(inside[part], tf)
    return inside


def _contains(longer: Phrase, shorter: Phrase) -> bool:
    width = len(shorter)
    return any(longer[i : i + width] == shorter for i in range(len(longer) - width + 1))
