"""Detect the text fields of documents, if the user has not named them.

The rules, for an index that another program created:

1. Candidates are the full-text fields of the mapping, as dotted paths, and the fields in a sample of
   documents that have the usual name of a title or text (TITLE_NAMES, TEXT_NAMES), whatever their type. If
   there are none, all string fields of the sample are candidates.
2. A candidate is enriched if it has the usual name of a title or text, or if its values have MIN_MEAN_WORDS
   words on average. The other candidates are names, codes and categories: they are left out and reported.
   Long texts that are no candidates are reported too. If no candidate would be left, all are enriched.
3. The title is the first candidate with the usual name of a title; else, of the fields that most documents
   have, the one with the shortest texts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from enricher.errors import UsageError
from enricher.records import Document, values_at
from enricher.text.scripts import HAN_SPLIT

DEFAULT_FIELDS = ("title", "text")
TITLE_NAMES = ("title", "headline", "heading", "subject", "caption", "name", "标题", "题目", "题名", "名称")
TEXT_NAMES = (
    "text", "body", "content", "contents", "abstract", "description", "summary", "article", "story",
    "message", "paragraph", "paragraphs", "正文", "内容", "文本", "摘要", "描述", "简介",
)  # fmt: skip
MIN_MEAN_WORDS = 4.0
SAMPLE = 200
"""Number of documents that are checked before anything is written."""
MIN_TEXT_WORDS = 2.0
"""Minimum words of a value that counts as text, not as a code."""
MAX_LOST_SHARE = 0.05
"""Maximum share of documents that have text, but none of the enriched fields. Fields that the user named are
not checked.
"""
MAX_SHOWN_FIELDS = 8
"""Maximum fields that a message lists."""


@dataclass(frozen=True, slots=True)
class TextFields:
    """The fields that contain the text of documents; if there are several, the first is the title.

    chosen: whether the fields were detected, not named by the user. left_out: the text fields that the
    detection did not choose.
    """

    names: tuple[str, ...]
    chosen: bool = False
    left_out: tuple[str, ...] = ()


def choose_fields(candidates: Sequence[str], sample: Sequence[Document]) -> TextFields:
    """Detect the text fields of an index; DEFAULT_FIELDS if it contains no text at all.

    candidates: the full-text fields of its mapping. sample: some of its documents.
    """
    leaves = dict.fromkeys(path for one in sample for path, _ in string_leaves(one.source))
    known = (path for path in leaves if "." not in path and _is_known(path))
    numbers = (path for path in DEFAULT_FIELDS if any(one.text(path) for one in sample))
    names = dict.fromkeys([*candidates, *known, *numbers]) or leaves
    lengths = {name: _mean_words(name, sample) for name in (*names, *leaves)}
    chosen = [name for name in names if _is_known(name) or lengths[name] >= MIN_MEAN_WORDS]
    chosen = chosen or [name for name in names if lengths[name]] or list(names) or list(DEFAULT_FIELDS)
    titles = [name for known in TITLE_NAMES for name in chosen if _last(name) == known]
    if len(chosen) > 1:
        frequent = [name for name in chosen if sum(_has(one, (name,)) for one in sample) * 2 > len(sample)]
        first = titles[0] if titles else min(frequent or chosen, key=lambda name: lengths[name])
        chosen = [first, *(name for name in chosen if name != first)]
    others = [name for name in names if lengths[name]]
    others += [name for name in leaves if lengths[name] >= MIN_MEAN_WORDS]
    left_out = tuple(name for name in dict.fromkeys(others) if name not in chosen)
    return TextFields(tuple(chosen), True, left_out)


def _is_known(path: str) -> bool:
    """Whether a field has the usual name of a title or text; an inner `name` (`author.name`) has not."""
    last = _last(path)
    return last in TEXT_NAMES or (last in TITLE_NAMES and (last != "name" or "." not in path))


def _last(path: str) -> str:
    return path.rpartition(".")[2].lower()


def _mean_words(name: str, sample: Iterable[Document]) -> float:
    """The average number of words in a field, over the documents that have text in it."""
    numbers = [count for one in sample if (count := words_in(one.text(name)))]
    return fmean(numbers) if numbers else 0.0


def words_in(text: str) -> float:
    """Estimate the number of words in a text: split at white space; two Han characters are one word."""
    parts = HAN_SPLIT.split(text[:10_000])
    return sum(len(part.split()) for part in parts[::2]) + sum(map(len, parts[1::2])) / 2


def string_leaves(source: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the strings of a document with their dotted paths, including the strings in arrays."""
    waiting: list[tuple[str, object]] = list(source.items())[::-1]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend([(f"{path}.{key}", inner) for key, inner in value.items()][::-1])
        elif isinstance(value, list | tuple):
            waiting.extend([(path, inner) for inner in value][::-1])
        elif isinstance(value, str):
            yield path, value


def check_fields(
    sample: Sequence[Document],
    fields: Sequence[str],
    named: Sequence[str],
    where: str,
    *,
    is_decided: bool = False,
) -> list[str]:
    """Check, before anything is written, that no text is lost; returns warnings for the user.

    sample: some of the documents. fields: the fields to enrich. named: the fields that the user typed.
    where: the name of the source in messages. is_decided: the fields cannot be changed, or the user
    confirmed them. Raises UsageError if no document has a named field; or if, unless `is_decided`, more
    than MAX_LOST_SHARE of the documents have text but none of the fields. A document with an empty field
    has the field.
    """
    for name in named:
        if sample and not any(_has(one, (name,)) for one in sample):
            raise UsageError(
                f"None of the first {len(sample):,} documents of {where} has the field {name!r}; "
                f"{_there(sample, ())}."
            )
    lost = [one for one in sample if _has_other_text(one, fields)]
    listed = ", ".join(fields)
    if not (named or is_decided) and len(lost) > MAX_LOST_SHARE * len(sample):
        raise UsageError(
            f"{len(lost):,} of {len(sample):,} documents of {where} would lose their text: they have none of "
            f"the enriched fields ({listed}), and {_there(lost, fields)}. Name the fields with --title-field "
            "and --text-field, or with `fields` in enricher.toml; fields that you name are not checked."
        )
    texts = fields[1:] or fields
    lacking = [one for one in sample if _has_other_text(one, texts, MIN_MEAN_WORDS, fields)]
    if not lacking:
        return []
    return [
        f"{len(lacking):,} of {len(sample):,} documents of {where} have no {' or '.join(texts)}, but "
        f"{_there(lacking, fields)}, which is not searched."
    ]


def _has_other_text(
    document: Document, fields: Sequence[str], min_words: float = MIN_TEXT_WORDS, known: Sequence[str] = ()
) -> bool:
    """Whether a document has none of `fields`, but a text of `min_words` in a field outside `known`."""
    if _has(document, fields):
        return False
    leaves = string_leaves(document.source)
    return any(words_in(text) >= min_words for path, text in leaves if path not in known)


def _has(document: Document, fields: Sequence[str]) -> bool:
    """Whether a document has one of the fields."""
    return any(value is not None for name in fields for value in values_at(document.source, name))


def _there(sample: Sequence[Document], fields: Sequence[str]) -> str:
    """The end of a message: which other fields contain text, the longest text first."""
    leaves = [leaf for one in sample for leaf in string_leaves(one.source)]
    lengths: dict[str, float] = {}
    for path, text in leaves:
        if text.strip() and path not in fields:
            lengths[path] = max(lengths.get(path, 0.0), words_in(text))
    paths = sorted(lengths, key=lambda path: -lengths[path])
    shown = ", ".join(paths[:MAX_SHOWN_FIELDS]) + ", …" * (len(paths) > MAX_SHOWN_FIELDS)
    return f"there is text in {shown}" if paths else "there is no text at all"


def check_no_overlap(fields: Sequence[str]) -> None:
    """Raise UsageError if one enriched field is inside another. An index cannot have both."""
    for outer in fields:
        for inner in fields:
            if inner.startswith(f"{outer}."):
                raise UsageError(f"The field {inner!r} is inside the field {outer!r}. Enrich one of them.")
