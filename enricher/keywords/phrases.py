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
from itertools import chain
from typing import NamedTuple

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


class _Run(NamedTuple):
    """Adjacent content words, as many as there are, and the text that they stand in."""

    words: Phrase
    tokens: Sequence[Token]
    text: str
    in_title: bool


class _Place(NamedTuple):
    """Where a phrase begins."""

    run: _Run
    start: int


@dataclass(slots=True)
class _Candidates:
    """What is counted of the candidates of one document; `forms` of those of several words."""

    counts: dict[Phrase, int]
    in_title: set[Phrase]
    forms: dict[Phrase, str] = field(default_factory=dict)


def phrase_keywords(
    model: Word2Vec, document: AnalyzedDocument, top: int, title_field: str | None = None
) -> list[Keyword]:
    """The best phrases of a document, best first; scores are comparable within a document."""
    found = _candidates(document, title_field)
    inside = _inside(found.counts)
    scored = [
        (score(model, phrase, tf, phrase in found.in_title, inside.get(phrase, 0)), phrase)
        for phrase, tf in found.counts.items()
    ]
    scored.sort(key=lambda pair: -pair[0])
    chosen: list[tuple[float, Phrase]] = []
    taken: set[str] = set()
    for value, phrase in scored:
        if len(chosen) == top:
            break
        if taken.isdisjoint(phrase) or not _overlaps(phrase, [other for _, other in chosen]):
            chosen.append((value, phrase))
            taken.update(phrase)
    return [Keyword(found.forms.get(phrase, phrase[0]), value) for value, phrase in chosen]


def score(model: Word2Vec, phrase: Phrase, tf: int, in_title: bool, inside: int) -> float:
    """The score of the module's docstring; inside: occurrences within a longer candidate."""
    idf = sum(map(model.idf_of, phrase))
    value = math.log(math.log1p(tf)) + math.log(min(idf, IDF_CAP))
    value += TITLE_BONUS * in_title - INSIDE_PENALTY * inside / tf
    if len(phrase) == 1 and len(phrase[0]) <= 2:
        value -= SHORT_PENALTY
    return value


def _candidates(document: AnalyzedDocument, title_field: str | None) -> _Candidates:
    """All words, and the phrases that occur at least twice.

    No phrase is more frequent than one inside it, so a phrase is looked for only where the
    phrase that lacks its last word, and its last word, occur twice.
    """
    runs = [run for name in document.tokens for run in _runs(document, name, name == title_field)]
    words = Counter(chain.from_iterable(run.words for run in runs))
    repeated = {word for word, tf in words.items() if tf > 1}
    found = _Candidates(
        {(word,): tf for word, tf in words.items()},
        {(word,) for run in runs if run.in_title for word in run.words},
    )
    places = [_Place(run, start) for run in runs for start in range(len(run.words) - 1)]
    for length in range(2, LONGEST + 1):
        at: defaultdict[Phrase, list[_Place]] = defaultdict(list)
        for place in places:
            run, start = place
            end = start + length
            if end <= len(run.words) and run.words[end - 1] in repeated and run.words[start] in repeated:
                at[run.words[start:end]].append(place)
        places = []
        for phrase, occurrences in at.items():
            if len(occurrences) < 2:
                continue
            places += occurrences
            run, start = occurrences[0]
            found.counts[phrase] = len(occurrences)
            found.forms[phrase] = _form(run.text, run.tokens[start], run.tokens[start + length - 1])
            if any(run.in_title for run, _ in occurrences):
                found.in_title.add(phrase)
    return found


def _runs(document: AnalyzedDocument, name: str, in_title: bool) -> Iterator[_Run]:
    """The longest runs of adjacent content words of a field."""
    value = document.source.get(name)
    text = value if isinstance(value, str) else ""
    tokens = document.tokens[name]
    start, last = 0, -1  # the run is tokens[start : last + 1]
    words: list[str] = []
    for place, token in enumerate(tokens):
        if not is_content(token.text):
            continue
        if last >= 0 and not (last == place - 1 and _joined(text[tokens[last].end : token.start])):
            yield _Run(tuple(words), tokens[start : last + 1], text, in_title)
            words, start = [], place
        elif last < 0:
            start = place
        words.append(token.text)
        last = place
    if words:
        yield _Run(tuple(words), tokens[start : last + 1], text, in_title)


def _joined(gap: str) -> bool:
    """Whether what stands between two words leaves them one phrase: nothing, a hyphen, or spaces."""
    return not gap or gap in HYPHENS or (gap.isspace() and "\n" not in gap)


def _form(text: str, first: Token, last: Token) -> str:
    """The phrase as it stands in the text, normalised."""
    return " ".join(normalize(text[first.start : last.end]).split())


def _inside(counts: Mapping[Phrase, int]) -> dict[Phrase, int]:
    """How many occurrences of a candidate lie within a longer candidate (the most frequent one)."""
    inside: defaultdict[Phrase, int] = defaultdict(int)
    for phrase, tf in counts.items():
        for length in range(1, len(phrase)):
            for start in range(len(phrase) - length + 1):
                part = phrase[start : start + length]
                inside[part] = max(inside[part], tf)
    return inside


def _overlaps(phrase: Phrase, others: Sequence[Phrase]) -> bool:
    return any(_contains(other, phrase) or _contains(phrase, other) for other in others)


def _contains(longer: Phrase, shorter: Phrase) -> bool:
    width = len(shorter)
    return any(longer[i : i + width] == shorter for i in range(len(longer) - width + 1))
