"""Judged collections of our own for tests."""

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.corpora import TOPICS, documents, write_jsonl

QUERY_WORDS = 2


def write_collection(folder: Path, number: int = 100) -> Path:
    """A folder with so many documents in both languages and 20 queries.

    A query is two words of a topic; the grade is how many of them the text holds.
    """
    folder.mkdir(parents=True)
    write_jsonl(folder / "docs.jsonl", number)
    texts = {document.id: document.text("text") for document in documents(number)}
    queries, qrels = [], []
    for topic, words in TOPICS.items():
        for place in range(0, len(words), 3):
            pair = words[place : place + QUERY_WORDS]
            name = f"{topic}-{place}"
            queries.append({"id": name, "text": " ".join(pair)})
            grades = {document: sum(word in text for word in pair) for document, text in texts.items()}
            qrels += [f"{name} 0 {document} {grade}" for document, grade in grades.items() if grade]
    write_lines(folder / "queries.jsonl", queries)
    (folder / "qrels.tsv").write_text("\n".join(qrels) + "\n", encoding="utf-8")
    return folder


def write_lines(path: Path, lines: Iterable[object]) -> None:
    """JSON lines; packed where the name says so."""
    data = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def write_small(
    folder: Path, texts: Sequence[str], queries: Sequence[str], qrels: Sequence[str], titles: bool = False
) -> Path:
    """Documents d1, d2, … and queries q1, q2, … with lines of judgements."""
    folder.mkdir(parents=True)
    title = {"title": "A title"} if titles else {}
    write_lines(
        folder / "docs.jsonl", [{"id": f"d{n}", "text": text} | title for n, text in enumerate(texts, 1)]
    )
    write_lines(
        folder / "queries.jsonl", [{"id": f"q{n}", "text": text} for n, text in enumerate(queries, 1)]
    )
    (folder / "qrels.tsv").write_text("".join(line + "\n" for line in qrels), encoding="utf-8")
    return folder
