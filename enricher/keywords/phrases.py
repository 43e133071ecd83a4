"""Keywords as phrases: runs of adjacent words, not the fragments that a segmenter leaves.

A candidate is a word, or a run of up to five adjacent words that occurs at least twice. Its score is

    ln(ln(1 + tf)) + ln(min(Σ idf, 10)) + 0.6·[in the title] − 0.2·(share of its occurrences
    inside a longer candidate) − 0.2·[a single word of two characters or fewer]

and of two candidates of which one contains the other only the better is kept.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain, pairwise
from math import log, log1p
from operator import itemgetter
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


@dataclass(slots=True)
class _Phrases:
    """The phrases of several words that occur at least twice in a document, and how they are written."""

    counts: dict[Phrase, int] = field(default_factory=dict)
    in_title: set[Phrase] = field(default_factory=set)
    forms: dict[Phrase, str] = field(default_factory=dict)


def phrase_keywords(
    model: Word2Vec, document: AnalyzedDocument, top: int, title_field: str | None = None
) -> list[Keyword]:
    """The best phrases of a document, best first; scores are comparable within a document."""
    runs = [run for name in document.tokens for run in _runs(document, name, name == title_field)]
    words = Counter(chain.from_iterable(run.words for run in runs))
    in_title = {word for run in runs if run.in_title for word in run.words}
    phrases = _repeated(runs, {word for word, tf in words.items() if tf > 1})
    inside = _inside(phrases.counts)
    idf = dict(zip(words, model.idfs_of(words), strict=True))
    scored = [
        (score((word,), tf, idf[word], word in in_title, inside.get((word,), 0)), (word,))
        for word, tf in words.items()
    ] + [
        (
            score(
                phrase,
                tf,
                sum(idf[word] for word in phrase),
                phrase in phrases.in_title,
                inside.get(phrase, 0),
            ),
            phrase,
        )
        for phrase, tf in phrases.counts.items()
    ]
    scored.sort(key=itemgetter(0), reverse=True)
    chosen: list[tuple[float, Phrase]] = []
    taken: set[str] = set()
    for value, phrase in scored:
        if len(chosen) == top:
            break
        if taken.isdisjoint(phrase) or not _overlaps(phrase, [other for _, other in chosen]):
            chosen.append((value, phrase))
            taken.update(phrase)
    return [Keyword(phrases.forms.get(phrase, phrase[0]), value) for value, phrase in chosen]


def score(phrase: Phrase, tf: int, idf: float, in_title: bool, inside: int) -> float:
    """The score of the module's docstring; idf: the sum over its words; inside: within a longer candidate."""
    value = log(log1p(tf)) + log(min(idf, IDF_CAP))
    if in_title:
        value += TITLE_BONUS
    if inside:
        value -= INSIDE_PENALTY * inside / tf
    if len(phrase) == 1 and len(phrase[0]) <= 2:
        value -= SHORT_PENALTY
    return value


def _repeated(runs: Sequence[_Run], words: Set[str]) -> _Phrases:
    """The phrases that occur at least twice, made of words that do.

    No phrase is more frequent than one inside it, so a phrase is looked for only where the
    phrase without its last word occurs twice.
    """
    found = _Phrases()
    places = [
        (run, start)
        for run in runs
        for start, pair in enumerate(pairwise(run.words))
        if pair[0] in words and pair[1] in words
    ]
    for length in range(2, LONGEST + 1):
        at: defaultdict[Phrase, list[tuple[_Run, int]]] = defaultdict(list)
        for run, start in places:
            end = start + length
            if end <= len(run.words) and run.words[end - 1] in words:
                at[run.words[start:end]].append((run, start))
        places = []
        for phrase, occurrences in at.items():
            if len(occurrences) > 1:
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
    words: list[str] = []
    first = last_end = 0
    for place, (word, start, end) in enumerate(tokens):
        content = is_content(word)
        if words and not (content and (start == last_end or _joined(text[last_end:start]))):
            yield _Run(tuple(words), tokens[first : first + len(words)], text, in_title)
            words = []
        if content:
            if not words:
                first = place
            words.append(word)
            last_end = end
    if words:
        yield _Run(tuple(words), tokens[first : first + len(words)], text, in_title)


def _joined(gap: str) -> bool:
    """Whether what stands between two words leaves them one phrase: a hyphen, or spaces."""
    return gap in HYPHENS or (gap.isspace() and "\n" not in gap)


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
