"""The points of a map: documents of sources with their vectors and keywords; items of records; words."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from enricher.errors import NotSupported, UsageError
from enricher.library.categories import NO_CATEGORY
from enricher.library.maps.drawing import Progress
from enricher.library.maps.points import Points, points_of_vectors
from enricher.loaded_model import Model
from enricher.model.arrays import FloatArray
from enricher.model.word2vec import Word2Vec
from enricher.recipe.fields import NOTHING_NAMED, NamedFields, chosen_fields, field_notes, fields_of_sources
from enricher.records import Document, Rejection, SearchEngine, texts_of, title_of, values_at
from enricher.sentences import counted
from enricher.sources import accepted, source_format
from indexer.sources import looked_at, read_sources

BATCH = 256
KEYWORDS = 6
"""Number of keywords of a document that count for the labels of regions."""
MAX_NAME_CHARACTERS = 120

OnRejection = Callable[[Rejection], None]
Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DocumentMap:
    """The documents of a map.

    sources: files, folders, `-` or `index:NAME`. limit: maximum documents; of more, a random sample by the
    seed. category_field: dotted path of the field by which points are colored. written: files that the
    command writes.
    """

    sources: tuple[str, ...]
    limit: int
    seed: int
    category_field: str | None = None
    named: NamedFields = NOTHING_NAMED
    id_field: str = "id"
    format: str = "auto"
    written: tuple[Path, ...] = ()


def document_points(
    open_engine: Callable[[], SearchEngine],
    model: Model,
    request: DocumentMap,
    on_rejection: OnRejection,
    progress: Progress = lambda step, done, total: None,
    note: Note = lambda sentence: None,
) -> Points:
    """Documents by the model's text vectors, which are made anew of their text.

    A document is named by its title, or by its id without one. Raises NotSupported if the model has no text
    vectors; UsageError if no document has the category field, or if there are too few documents; and what
    `read_sources` raises.
    """
    if model.bundle.text_vectors is None:
        raise NotSupported(
            f"The model {model.version} has no text vectors, so documents have no place on a map. Train on "
            "more documents, without --no-tuning."
        )
    source = fields_of_sources(open_engine, request.sources)
    form = source_format(request.id_field, chosen_fields(request.named, source), request.format)
    for sentence in field_notes(form.fields, source):
        note(sentence)
    stream = read_sources(request.sources, form, open_engine, request.named.names, request.written, note)
    where = ", ".join(request.sources)
    stream = looked_at(stream, form.fields, request.named.names, where, on_rejection, note)
    chosen, total = _sample(_counting(accepted(stream, on_rejection), progress), request.limit, request.seed)
    title = title_of(form.fields)
    names = [_name(document, title) for document in chosen]
    details = [one.id if one.id != name else "" for one, name in zip(chosen, names, strict=True)]
    categories = _categories(chosen, request.category_field, where)
    vectors, terms = _vectors_and_keywords(model, chosen, form.fields, progress)
    points = points_of_vectors(
        "documents", names, np.ones(len(names)), vectors, None, details, categories, terms
    )
    return replace(points, passed_over=total - len(chosen))


def _vectors_and_keywords(
    model: Model, documents: Sequence[Document], fields: Sequence[str], progress: Progress
) -> tuple[FloatArray, list[list[str]]]:
    """The vector of each document, float32 (n, d), zero if no word is known; and its keywords."""
    vectors = model.bundle.text_vectors
    assert vectors is not None
    rows = [np.empty((0, vectors.dimensions), np.float32)]
    terms: list[list[str]] = []
    for start in range(0, len(documents), BATCH):
        progress("keywords", start, len(documents))
        analyzed = [model.analyzer.analyze(one, fields) for one in documents[start : start + BATCH]]
        words = [[token.text for tokens in one.tokens.values() for token in tokens] for one in analyzed]
        rows.append(vectors.documents(words))
        found = model.document_keywords(analyzed, KEYWORDS, title_field=title_of(fields))
        terms += [[keyword.text for keyword in one] for one in found]
    return np.concatenate(rows), terms


def word_points(word2vec: Word2Vec, limit: int) -> Points:
    """The most frequent words of a model by their vectors. Raises ModelError for vectors with NaN."""
    return points_of_vectors("words", word2vec.words, word2vec.counts, word2vec.vectors, limit)


def _sample(documents: Iterable[Document], limit: int, seed: int) -> tuple[list[Document], int]:
    """At most `limit` documents, each with the same chance, in their order; and how many there are."""
    generator, kept, total = random.Random(seed), list[tuple[int, Document]](), 0
    for total, document in enumerate(documents, start=1):
        if len(kept) < limit:
            kept.append((total, document))
        elif (place := generator.randrange(total)) < limit:
            kept[place] = total, document
    return [document for _, document in sorted(kept, key=lambda one: one[0])], total


def _counting(documents: Iterator[Document], progress: Progress) -> Iterator[Document]:
    for number, document in enumerate(documents):
        if number % BATCH == 0:
            progress("documents", number, 0)
        yield document


def _name(document: Document, title_field: str | None) -> str:
    """The title of a document on one line, or its id."""
    title = " ".join(document.text(title_field).split()) if title_field is not None else ""
    if len(title) > MAX_NAME_CHARACTERS:
        return f"{title[: MAX_NAME_CHARACTERS - 1]}…"
    return title or document.id


def _categories(documents: Sequence[Document], field: str | None, where: str) -> list[str]:
    """The category of each document: the first text of the field. Raises UsageError if none has one."""
    if field is None:
        return []
    found = [
        next(
            (text.strip() for value in values_at(one.source, field) for text in texts_of(value)), NO_CATEGORY
        )
        for one in documents
    ]
    if not any(found):
        raise UsageError(f"No document of {where} has a text in the field {field!r}: name another field.")
    return found


def sentences_of(points: Points) -> Iterator[str]:
    """What the user should know about points that are not on the map."""
    if points.passed_over:
        how = "a random sample of them is" if points.kind == "documents" else "the most used are"
        total = len(points) + points.left_out + points.passed_over
        yield f"There are {total:,} {points.kind}; {how} on the map. For more, raise --limit."
    if points.left_out:
        one, more = {
            "items": ("item is", "items are"),
            "documents": ("document is", "documents are"),
            "words": ("word is", "words are"),
        }[points.kind]
        why = {
            "items": "not used with any other item of the map",
            "documents": "without any word that the model knows",
            "words": "without a vector",
        }[points.kind]
        number = counted(points.left_out, one, more)
        yield f"{number} left out: {why}."
