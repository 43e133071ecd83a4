"""What words would change, before anything is written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from enricher.bundle.store import BundleStore
from enricher.loaded_model import Model, load
from enricher.records import Document, SearchEngine
from enricher.text import Analyzer
from enricher.text.analysis import STRIP_HTML
from enricher.vocabulary.affected import AffectedDocuments
from enricher.vocabulary.overlay import overlay_with
from indexer.vocabulary.applying import count_documents, family_indexes, new_words

MAX_SHOWN = 10
"""Documents of an index that are shown."""
TOP_KEYWORDS = 10
MAX_DIFFERENCES = 5
"""Changed places of a document that are shown."""


@dataclass(frozen=True, slots=True)
class ChangedDocument:
    """A document before and after. words: the changed places, each as the words before and after."""

    id: str
    words: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    keywords: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class IndexPreview:
    """An index: how many of its documents would be enriched again, and some of them."""

    index: str
    documents: int
    affected: int
    shown: tuple[ChangedDocument, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """The words that are new to the model, the indexes, and the queries with their words before and after."""

    words: tuple[str, ...]
    indexes: tuple[IndexPreview, ...]
    queries: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]


def preview(
    store: BundleStore, engine: SearchEngine, words: Sequence[str], queries: Sequence[str]
) -> Preview:
    """Compare the active model with what it would be with more words. Nothing stays written."""
    former = load(store.folder)
    with _derived(store, engine, former, words) as present:
        added = present.analyzer.overlay.texts - former.analyzer.overlay.texts
        family = family_indexes(store, engine, former.version)
        indexes = [_index(engine, name, former, present) for name in family]
        changed = [
            (query, tuple(before), tuple(after))
            for query in queries
            for before, after in [(former.analyzer.words(query), present.analyzer.words(query))]
            if before != after
        ]
    return Preview(tuple(sorted(added)), tuple(indexes), tuple(changed))


@contextmanager
def _derived(
    store: BundleStore, engine: SearchEngine, former: Model, words: Sequence[str]
) -> Iterator[Model]:
    """A model with more words, in a scratch folder."""
    with store.workspace() as scratch:
        overlay = overlay_with(former, new_words(former, words))
        builder = count_documents(store, engine, former, overlay)
        here = BundleStore(Path(scratch) / "preview")
        here.folder.mkdir()
        yield load(here.folder, builder.build(here))


def _index(engine: SearchEngine, name: str, former: Model, present: Model) -> IndexPreview:
    layout = engine.layout(name)
    strips_html = STRIP_HTML in layout.segmenter
    before, after = former.stripping_html(strips_html), present.stripping_html(strips_html)
    affected = AffectedDocuments([before], after, layout.fields)
    number = 0
    shown: list[ChangedDocument] = []
    documents = engine.read_containing(name, affected.subwords()) if affected.words else iter(())
    for document in documents:
        if affected(document):
            number += 1
            if len(shown) < MAX_SHOWN:
                shown.append(_document(document, layout.fields, before, after, layout.title_field))
    return IndexPreview(name, engine.count(name), number, tuple(shown))


def _document(
    document: Document, fields: Sequence[str], before: Model, after: Model, title: str | None
) -> ChangedDocument:
    differences = []
    for name in fields:
        differences += _differences(document.text(name), before.analyzer, after.analyzer)
    differences = list(dict.fromkeys(differences))
    keywords = _keywords(before, document, fields, title), _keywords(after, document, fields, title)
    return ChangedDocument(document.id, tuple(differences[:MAX_DIFFERENCES]), keywords)


def _keywords(model: Model, document: Document, fields: Sequence[str], title: str | None) -> tuple[str, ...]:
    analyzed = model.analyzer.analyze(document, fields)
    [found] = model.document_keywords([analyzed], TOP_KEYWORDS, title_field=title)
    return tuple(keyword.text for keyword in found)


def _differences(
    text: str, before: Analyzer, after: Analyzer
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The places of a text whose words differ."""
    first, second = before.words(text), after.words(text)
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    return [
        (tuple(first[a:b]), tuple(second[c:d])) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"
    ]
