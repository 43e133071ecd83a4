"""A test collection: a folder with documents, queries and TREC relevance judgements."""

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
"""Names of the last column in the header line of a file of judgements."""
GRADE = re.compile(r"([+-]?[0-9]+)(?:\.0*)?")
MAX_GRADE = 1_000_000
"""Maximum grade. trec_eval allocates an array of this length; with far larger grades its nDCG is 0."""
MAX_SHOWN_CHARACTERS = 40
BLANKS = " \t\v\f\r"
WHITE_SPACE = re.compile(f"[{BLANKS}]+")
"""Column separators, as in C. Ids may contain other Unicode white space."""

SAMPLE_DOCUMENTS = 200
SAMPLE_CHARACTERS = 1_000
"""The language of a collection is detected from so many characters of so many documents."""

Judgements = Mapping[str, Mapping[str, int]]
"""Query id → document id → grade."""


@dataclass(slots=True)
class Counts:
    """The size of a collection, and the numbers of repeated and unusable entries."""

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
        """One sentence for every count that matters to the reader of a report."""
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
    """A test collection. Its queries and judgements are in memory; its documents are streamed.

    queries, judgements: only queries with a relevant document (grade > 0). titled: whether any document has a
    title.
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
        """Yield the valid documents in order. Invalid ones were reported by `read_collection`."""
        return (item for item in read_files([self.file], self.form) if isinstance(item, Document))


def read_collection(
    folder: Path,
    qrels: Path | None,
    form: SourceFormat,
    analyzer: Analyzer,
    on_rejection: Callable[[Rejection], None],
) -> Collection:
    """Read a collection from a folder: `docs.jsonl`, `queries.jsonl` and `qrels.tsv` (plain or `.gz`).

    qrels: another file of judgements, as a path or as a name in the folder. analyzer: segments the sample
    from which the language is detected. Invalid lines are passed to `on_rejection`. Raises SourceError if a
    file is missing, or nothing can be measured.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise SourceError(
            f"{str(folder)!r} {what}: a collection is a folder with docs.jsonl, queries.jsonl and qrels.tsv."
        )
    documents = _file(folder, COLLECTION_FILES, json_lines=True)
    queries = _file(folder, QUERY_FILES, json_lines=True)
    judgements = _qrels_file(folder, qrels)
    counts = Counts()
    texts = _read_queries(queries, counts, on_rejection)
    grades = _read_judgements(judgements, counts, on_rejection)
    if not texts:
        raise SourceError(f"The file {str(queries.path)!r} contains no query.")
    if not grades:
        raise SourceError(f"The file {str(judgements.path)!r} contains no judgement.")
    counts.queries_without_judgements = len(texts.keys() - grades.keys())
    counts.judged_queries_missing = len(grades.keys() - texts.keys())
    judged = {name: grades[name] for name in texts if name in grades}
    relevant = {name: found for name, found in judged.items() if max(found.values()) > 0}
    counts.queries_without_relevant = len(judged) - len(relevant)
    if not relevant:
        raise SourceError(f"No query of {str(folder)!r} has a relevant document in {judgements.name}.")
    ids, titled, sample = _survey(documents, form, counts, on_rejection)
    if not ids:
        raise SourceError(f"The file {str(documents.path)!r} contains no document.")
    wanted = {document for found in relevant.values() for document in found}
    counts.judged_documents_missing = len(wanted - ids)
    language = language_of(word for text in sample for word in analyzer.words(text))
    kept = {name: texts[name] for name in relevant}
    return Collection(str(folder), documents, form, kept, relevant, language, titled, counts)


def judged_files(folder: Path, qrels: Path | None) -> list[Path]:
    """The possible paths of the files of a collection."""
    names = [*COLLECTION_FILES, *QUERY_FILES, QRELS_FILE, f"{QRELS_FILE}.gz"]
    chosen = [] if qrels is None else [qrels, folder / qrels]
    return [*chosen, *(folder / name for name in names)]


def _file(folder: Path, names: tuple[str, ...], *, json_lines: bool) -> SourceFile:
    """The first of the files that exists. Raises SourceError if none does."""
    for name in names:
        if (folder / name).is_file():
            return SourceFile(folder / name, name, json_lines)
    raise SourceError(f"The folder {str(folder)!r} contains no {names[0]} (plain or .gz).")


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
    """Query id → text. If an id is repeated, the last query is kept."""
    queries: dict[str, str] = {}
    for item in accepted(read_files([file], QUERY_FORMAT), on_rejection):
        counts.repeated_queries += item.id in queries
        queries[item.id] = item.text("text")
    return queries


def _read_judgements(
    file: SourceFile, counts: Counts, on_rejection: Callable[[Rejection], None]
) -> dict[str, dict[str, int]]:
    """Read the judgements of a file. If a pair is repeated, the last one is kept.

    A line is `qid 0 docid grade` (trec_eval), or `qid docid grade` after a header line (BEIR).
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
    """The number of columns if the line is a header; None if it is a judgement, valid or not."""
    columns = line.lower().split()
    is_header = len(columns) in (BEIR_COLUMNS, TREC_COLUMNS) and columns[-1] in GRADE_NAMES
    return len(columns) if is_header else None


def _judgement(line: str, number: int) -> tuple[str, str, int]:
    """Parse a line of `number` columns to query, document and grade.

    Raises ValueError with a sentence for the user.
    """
    columns = _columns(line, number)
    if len(columns) == number == BEIR_COLUMNS:
        query, document, grade = columns
    elif len(columns) == number:
        query, _, document, grade = columns
    elif number == TREC_COLUMNS and len(columns) == BEIR_COLUMNS:
        raise ValueError(
            "A judgement has four columns, qid 0 docid grade; this line has 3. A file in the format of BEIR "
            "needs a header line: query-id, corpus-id, score."
        )
    else:
        form = "four columns, qid 0 docid grade" if number == TREC_COLUMNS else "three columns, as the header"
        raise ValueError(f"A judgement has {form}; this line has {len(columns)}.")
    return query, document, _grade(grade)


def _columns(line: str, number: int) -> list[str]:
    """Split a line into columns: at single tabs if that gives `number` columns, else at white space."""
    by_tabs = [column.strip() for column in line.split("\t")]
    return by_tabs if len(by_tabs) == number and all(by_tabs) else WHITE_SPACE.split(line.strip(BLANKS))


def _grade(text: str) -> int:
    match = GRADE.fullmatch(text)
    if match is None:
        raise ValueError(f"The grade {_shortened(text)!r} is not a whole number.")
    if len(match[1].lstrip("+-0")) > len(str(MAX_GRADE)) or abs(int(match[1])) > MAX_GRADE:
        raise ValueError(f"The grade {_shortened(text)!r} is not between -{MAX_GRADE:,} and {MAX_GRADE:,}.")
    return int(match[1])


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}…"


def _survey(
    file: SourceFile, form: SourceFormat, counts: Counts, on_rejection: Callable[[Rejection], None]
) -> tuple[set[str], bool, list[str]]:
    """Read all documents: their ids, whether any has a title, and a sample of their texts."""
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
    """Count a document. Returns whether it has a title."""
    if document.id in ids:
        counts.repeated_documents += 1
    ids.add(document.id)
    counts.documents = len(ids)
    return title is not None and bool(document.text(title).strip())


def whole_text(document: Document, fields: tuple[str, ...]) -> str:
    """The text of all fields, joined by line feeds."""
    return "\n".join(document.text(name) for name in fields)
