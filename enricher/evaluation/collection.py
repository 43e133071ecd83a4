"""A judged collection: a folder of documents, queries and TREC relevance judgements."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from enricher.errors import SourceError
from enricher.records import Document, Rejection, title_of
from enricher.source_files import COLLECTION_FILES, QUERY_FILES, SourceFile
from enricher.sources import SourceFormat, accepted, read_files
from enricher.text import Analyzer, language_of

QRELS_FILE = "qrels.tsv"
QUERY_FORMAT = SourceFormat("id", "text", "text")
TREC_COLUMNS, BEIR_COLUMNS = 4, 3
GRADE_NAMES = frozenset({"score", "grade", "rel", "relevance", "relevancy", "label", "judgement", "judgment"})
"""How the last column of judgements is called where a first line names the columns."""
GRADE = re.compile(r"([+-]?[0-9]+)(?:\.0*)?")
LARGEST_GRADE = 1_000_000
"""trec_eval counts by grade, in an array as long as the largest; far beyond this its nDCG is 0."""
SHOWN_CHARACTERS = 40
BLANKS = " \t\v\f\r"
WHITE_SPACE = re.compile(f"[{BLANKS}]+")
"""What parts columns in C; other white space of Unicode may stand in ids."""

SAMPLE_DOCUMENTS = 200
SAMPLE_CHARACTERS = 1_000
"""By so many characters of so many documents the language of a collection is told."""

Judgements = Mapping[str, Mapping[str, int]]
"""Query id → document id → grade."""


@dataclass(slots=True)
class Counts:
    """What a collection holds, and what of it cannot be measured or came twice."""

    documents: int = 0
    repeated_documents: int = 0
    repeated_queries: int = 0
    repeated_judgements: int = 0
    queries_without_judgements: int = 0
    queries_without_relevant: int = 0
    judged_queries_missing: int = 0
    judged_documents_missing: int = 0
    queries_without_words: int = 0

    def as_json(self) -> dict[str, int]:
        return asdict(self)

    def sentences(self) -> list[str]:
        """One for every count that a reader of the figures should know of."""
        said = {
            "repeated_documents": (
                "document",
                "documents",
                "with an id seen before: the last of each was kept",
            ),
            "repeated_queries": ("query", "queries", "with an id seen before: the last was kept"),
            "repeated_judgements": ("judgement", "judgements", "of a pair seen before: the last was kept"),
            "queries_without_judgements": ("query", "queries", "without judgements: left out"),
            "queries_without_relevant": ("query", "queries", "without a relevant document: left out"),
            "judged_queries_missing": (
                "judged query",
                "judged queries",
                "without a text: left out",
            ),
            "judged_documents_missing": (
                "judged document",
                "judged documents",
                "that the collection lacks: found by no system, and recall counts those that are relevant",
            ),
            "queries_without_words": ("query", "queries", "without any word: 0 for every system"),
        }
        counts = self.as_json()
        return [
            f"{counts[name]:,} {one if counts[name] == 1 else many} {rest}."
            for name, (one, many, rest) in said.items()
            if counts[name]
        ]


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection whose queries and judgements are in memory, and whose documents stream.

    `queries` are those with a relevant document (grade > 0), `judgements` theirs. `titled` says
    whether any document has a title.
    """

    name: str
    file: SourceFile
    form: SourceFormat
    queries: Mapping[str, str]
    judgements: Judgements
    language: Literal["zh", "en"]
    titled: bool
    counts: Counts = field(default_factory=Counts)

    def documents(self) -> Iterator[Document]:
        """The documents that can be read, in their order; those that cannot were rejected before."""
        return (item for item in read_files([self.file], self.form) if isinstance(item, Document))


def read_collection(
    folder: Path,
    qrels: Path | None,
    form: SourceFormat,
    analyzer: Analyzer,
    on_rejection: Callable[[Rejection], None],
) -> Collection:
    """Read a collection: `docs.jsonl`, `queries.jsonl` (both also `.gz`) and `qrels.tsv`.

    qrels: another file of judgements, also by its name inside the folder. analyzer: cuts the sample
    by which the language is told. A line that cannot be used is a rejection. Raises SourceError where
    a file is missing, or nothing can be measured.
    """
    if not folder.is_dir():
        raise SourceError(f"There is no folder {str(folder)!r}: a collection is a folder.")
    documents = _file(folder, COLLECTION_FILES, json_lines=True)
    queries = _file(folder, QUERY_FILES, json_lines=True)
    judgements = _qrels_file(folder, qrels)
    counts = Counts()
    texts = _read_queries(queries, counts, on_rejection)
    grades = _read_judgements(judgements, counts, on_rejection)
    if not texts:
        raise SourceError(f"The file {str(queries.path)!r} holds no query.")
    if not grades:
        raise SourceError(f"The file {str(judgements.path)!r} holds no judgement.")
    counts.queries_without_judgements = len(texts.keys() - grades.keys())
    counts.judged_queries_missing = len(grades.keys() - texts.keys())
    judged = {name: grades[name] for name in texts if name in grades}
    relevant = {name: found for name, found in judged.items() if max(found.values()) > 0}
    counts.queries_without_relevant = len(judged) - len(relevant)
    if not relevant:
        raise SourceError(f"No query of {str(folder)!r} has a relevant document in {judgements.name}.")
    ids, titled, sample = _survey(documents, form, counts, on_rejection)
    if not ids:
        raise SourceError(f"The file {str(documents.path)!r} holds no document.")
    wanted = {document for found in relevant.values() for document in found}
    counts.judged_documents_missing = len(wanted - ids)
    language = language_of(word for text in sample for word in analyzer.words(text))
    kept = {name: texts[name] for name in relevant}
    return Collection(str(folder), documents, form, kept, relevant, language, titled, counts)


def judged_files(folder: Path, qrels: Path | None) -> list[Path]:
    """Where the files of a collection may be."""
    names = [*COLLECTION_FILES, *QUERY_FILES, QRELS_FILE, f"{QRELS_FILE}.gz"]
    chosen = [] if qrels is None else [qrels, folder / qrels]
    return [*chosen, *(folder / name for name in names)]


def _file(folder: Path, names: tuple[str, ...], *, json_lines: bool) -> SourceFile:
    """The first of the files that is there."""
    for name in names:
        if (folder / name).is_file():
            return SourceFile(folder / name, name, json_lines)
    raise SourceError(f"The folder {str(folder)!r} holds no {names[0]} (also as .gz).")


def _qrels_file(folder: Path, qrels: Path | None) -> SourceFile:
    if qrels is None:
        return _file(folder, (QRELS_FILE, f"{QRELS_FILE}.gz"), json_lines=False)
    for path in (qrels, folder / qrels):
        if path.is_file():
            return SourceFile(path, path.name, False)
    raise SourceError(f"There is no file of judgements {str(qrels)!r}.")


def _read_queries(
    file: SourceFile, counts: Counts, on_rejection: Callable[[Rejection], None]
) -> dict[str, str]:
    """Query id → text; of equal ids the last."""
    queries: dict[str, str] = {}
    for item in accepted(read_files([file], QUERY_FORMAT), on_rejection):
        counts.repeated_queries += item.id in queries
        queries[item.id] = item.text("text")
    return queries


def _read_judgements(
    file: SourceFile, counts: Counts, on_rejection: Callable[[Rejection], None]
) -> dict[str, dict[str, int]]:
    """The judgements of a file; of equal pairs the last.

    A line is `qid 0 docid grade`, as trec_eval has it, or `qid docid grade` below a line that names these
    three columns, as BEIR has it.
    """
    judgements: dict[str, dict[str, int]] = {}
    columns = TREC_COLUMNS
    for place, item in enumerate(accepted(read_files([file], QUERY_FORMAT), on_rejection)):
        line = item.text("text")
        if place == 0 and (header := _header(line)):
            columns = header
            continue
        try:
            query, document, grade = _judgement(line, columns)
        except ValueError as error:
            on_rejection(Rejection(item.id, str(error), line))
            continue
        grades = judgements.setdefault(query, {})
        counts.repeated_judgements += document in grades
        grades[document] = grade
    return judgements


def _header(line: str) -> int | None:
    """The number of columns of a line that names them, None where it is a judgement, good or bad."""
    columns = line.lower().split()
    is_header = len(columns) in (BEIR_COLUMNS, TREC_COLUMNS) and columns[-1] in GRADE_NAMES
    return len(columns) if is_header else None


def _judgement(line: str, number: int) -> tuple[str, str, int]:
    """Query, document and grade of a line of so many columns. Raises ValueError in a sentence."""
    columns = _columns(line, number)
    if len(columns) == number == BEIR_COLUMNS:
        query, document, grade = columns
    elif len(columns) == number:
        query, _, document, grade = columns
    elif number == TREC_COLUMNS and len(columns) == BEIR_COLUMNS:
        raise ValueError(
            "A judgement has four columns, qid 0 docid grade; this line has 3. Those of BEIR (query-id, "
            "corpus-id, score) come below a line with these names."
        )
    else:
        form = "four columns, qid 0 docid grade" if number == TREC_COLUMNS else "three columns, as the header"
        raise ValueError(f"A judgement has {form}; this line has {len(columns)}.")
    return query, document, _grade(grade)


def _columns(line: str, number: int) -> list[str]:
    """The columns of a line, parted by any white space, or by single tabs where ids hold spaces."""
    by_tabs = [column.strip() for column in line.split("\t")]
    return by_tabs if len(by_tabs) == number and all(by_tabs) else WHITE_SPACE.split(line.strip(BLANKS))


def _grade(text: str) -> int:
    match = GRADE.fullmatch(text)
    if match is None:
        raise ValueError(f"The grade {_shortened(text)!r} is no whole number.")
    if len(match[1].lstrip("+-0")) > len(str(LARGEST_GRADE)) or abs(int(match[1])) > LARGEST_GRADE:
        raise ValueError(f"The grade {_shortened(text)!r} is beyond {LARGEST_GRADE:,}.")
    return int(match[1])


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _survey(
    file: SourceFile, form: SourceFormat, counts: Counts, on_rejection: Callable[[Rejection], None]
) -> tuple[set[str], bool, list[str]]:
    """The ids of all documents, whether any has a title, and a sample of their texts."""
    ids: set[str] = set()
    titled = False
    title = title_of(form.fields)
    sample: list[str] = []
    stream = accepted(read_files([file], form), on_rejection)
    for document in islice(stream, SAMPLE_DOCUMENTS):
        sample.append(whole_text(document, form.fields)[:SAMPLE_CHARACTERS])
        titled = _take(document, ids, counts, title) or titled
    for document in stream:
        titled = _take(document, ids, counts, title) or titled
    return ids, titled, sample


def _take(document: Document, ids: set[str], counts: Counts, title: str | None) -> bool:
    """Count a document; answers whether it has a title."""
    if document.id in ids:
        counts.repeated_documents += 1
    ids.add(document.id)
    counts.documents = len(ids)
    return title is not None and bool(document.text(title).strip())


def whole_text(document: Document, fields: tuple[str, ...]) -> str:
    """The text of all fields together, a line each."""
    return "\n".join(document.text(name) for name in fields)
