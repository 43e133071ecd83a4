"""Which fields of documents hold their text, where nobody has said so.

The rule, for an index that this program did not make:

1. Candidates are the fields that the mapping makes full text, by their dotted paths, and those of a sample of
   documents whose names are of titles or texts (TITLE_NAMES, TEXT_NAMES), whatever their type is. Where there
   are none, all texts of the sample are candidates.
2. A candidate is enriched when its name says that it is a title or a text, or when its values have
   LEAST_WORDS words in the mean. The others are names, codes and categories: they are left out and reported,
   as are texts of so many words that are no candidates. Where this would leave out all candidates, all are
   enriched.
3. The first candidate with the name of a title is the title; without one, the field with the shortest texts
   of those that most of the documents have.
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
LEAST_WORDS = 4.0
SAMPLE = 200
"""Documents that are looked at before anything is written."""
SOME_TEXT = 2.0
"""Words from which on a value is text and no code: a document that has it and no enriched text loses."""
MAX_LOST_SHARE = 0.05
"""Share of the documents that may have text but none of the fields, unless the user has named the fields."""
SHOWN = 8
"""Fields that a message names."""


@dataclass(frozen=True, slots=True)
class TextFields:
    """The fields that hold the text of documents, the title first where there are several.

    chosen: whether nobody has named them, and they were chosen by the rule above. left_out: the text fields
    that the rule did not choose.
    """

    names: tuple[str, ...]
    chosen: bool = False
    left_out: tuple[str, ...] = ()


def choose_fields(candidates: Sequence[str], sample: Sequence[Document]) -> TextFields:
    """The fields of a foreign index by the rule above; DEFAULT_FIELDS where it has no text at all."""
    leaves = dict.fromkeys(path for one in sample for path, _ in string_leaves(one.source))
    known = (path for path in leaves if "." not in path and _is_known(path))
    numbers = (path for path in DEFAULT_FIELDS if any(one.text(path) for one in sample))
    names = dict.fromkeys([*candidates, *known, *numbers]) or leaves
    lengths = {name: _mean_words(name, sample) for name in (*names, *leaves)}
    chosen = [name for name in names if _is_known(name) or lengths[name] >= LEAST_WORDS]
    chosen = chosen or [name for name in names if lengths[name]] or list(names) or list(DEFAULT_FIELDS)
    titles = [name for known in TITLE_NAMES for name in chosen if _last(name) == known]
    if len(chosen) > 1:
        frequent = [name for name in chosen if sum(_has(one, (name,)) for one in sample) * 2 > len(sample)]
        first = titles[0] if titles else min(frequent or chosen, key=lambda name: lengths[name])
        chosen = [first, *(name for name in chosen if name != first)]
    others = [name for name in names if lengths[name]]
    others += [name for name in leaves if lengths[name] >= LEAST_WORDS]
    left_out = tuple(name for name in dict.fromkeys(others) if name not in chosen)
    return TextFields(tuple(chosen), True, left_out)


def _is_known(path: str) -> bool:
    """Whether a name says that the field is a title or a text; the `name` of something inner is neither."""
    last = _last(path)
    return last in TEXT_NAMES or (last in TITLE_NAMES and (last != "name" or "." not in path))


def _last(path: str) -> str:
    return path.rpartition(".")[2].lower()


def _mean_words(name: str, sample: Iterable[Document]) -> float:
    """Words of a field's texts in the mean, over the documents that have one."""
    numbers = [count for one in sample if (count := words_in(one.text(name)))]
    return fmean(numbers) if numbers else 0.0


def words_in(text: str) -> float:
    """About how many words a text has: what white space parts, and two Han characters count as one."""
    parts = HAN_SPLIT.split(text[:10_000])
    return sum(len(part.split()) for part in parts[::2]) + sum(map(len, parts[1::2])) / 2


def string_leaves(source: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The strings of a document with their dotted paths, those of arrays too."""
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
    """See, before anything is written, that documents keep their text; answers what the user should know.

    sample: some of the documents; fields: those that would be enriched; named: those of them that the user
    has typed; where: the source as a message names it. is_decided: that the fields cannot be others, or the
    user wants these. Raises UsageError where no document has a field that was named, or where, unless that
    is decided, more than MAX_LOST_SHARE of them have text but none of the fields. A field that is there and
    empty is one that its owner left empty.
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
            "and --text-field, or with `fields` in enricher.toml: what you name is believed."
        )
    texts = fields[1:] or fields
    lacking = [one for one in sample if _has_other_text(one, texts, LEAST_WORDS, fields)]
    if not lacking:
        return []
    return [
        f"{len(lacking):,} of {len(sample):,} documents of {where} have no {' or '.join(texts)}, but "
        f"{_there(lacking, fields)}, which is not searched."
    ]


def _has_other_text(
    document: Document, fields: Sequence[str], words: float = SOME_TEXT, known: Sequence[str] = ()
) -> bool:
    """Whether a document has none of the fields, and a text of so many words outside the known ones."""
    if _has(document, fields):
        return False
    leaves = string_leaves(document.source)
    return any(words_in(text) >= words for path, text in leaves if path not in known)


def _has(document: Document, fields: Sequence[str]) -> bool:
    """Whether a document has any of the fields."""
    return any(value is not None for name in fields for value in values_at(document.source, name))


def _there(sample: Sequence[Document], fields: Sequence[str]) -> str:
    """What text the documents have, the longest first, as the end of a sentence."""
    leaves = [leaf for one in sample for leaf in string_leaves(one.source)]
    lengths: dict[str, float] = {}
    for path, text in leaves:
        if text.strip() and path not in fields:
            lengths[path] = max(lengths.get(path, 0.0), words_in(text))
    paths = sorted(lengths, key=lambda path: -lengths[path])
    shown = ", ".join(paths[:SHOWN]) + ", …" * (len(paths) > SHOWN)
    return f"there is text in {shown}" if paths else "there is no text at all"


def check_no_overlap(fields: Sequence[str]) -> None:
    """UsageError where one enriched field stands inside another, which no index can hold."""
    for outer in fields:
        for inner in fields:
            if inner.startswith(f"{outer}."):
                raise UsageError(
                    f"The field {inner!r} stands inside the field {outer!r}: enrich one of them."
                )
