"""The embedded engine: a SearchEngine on Tantivy indexes in a local folder."""

import dataclasses
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

from enricher.errors import IndexChanged, UsageError
from enricher.records import (
    VECTOR,
    Check,
    ClientSearch,
    Document,
    EnrichedDocument,
    FieldKind,
    Frequencies,
    Hit,
    IndexLayout,
    Rejection,
    SearchRequest,
    SearchResponse,
    Share,
    clean,
)
from enricher.search.profile import step
from indexer.engines.fields import Preparation, prepare
from indexer.engines.names import check_name, check_new_alias, check_new_index
from indexer.engines.tantivy import index as tantivy_index
from indexer.engines.tantivy import search as tantivy_search
from indexer.engines.tantivy.catalog import IndexCatalog
from indexer.engines.tantivy.index import STORED_KINDS, TantivyIndex

HEAP_BYTES = 128_000_000
"""Memory of the index writer, in bytes. A full buffer is written to disk, but not committed."""

COMMIT_BYTES = 512_000_000
"""Bytes of JSON written since the last commit, after which the engine commits by itself."""

COMMIT_SECONDS = 2.0
"""Seconds since the last commit, after which a write commits by itself."""

_MIN_FREE_BYTES = 500_000_000


class TantivyEngine:
    """A SearchEngine on the indexes in the folder `root`. The folder is created with the first index."""

    name = "tantivy"
    has_other_writers = False

    def __init__(
        self,
        root: str | Path,
        *,
        heap_bytes: int = HEAP_BYTES,
        commit_bytes: int = COMMIT_BYTES,
        commit_seconds: float = COMMIT_SECONDS,
    ) -> None:
        self._folder = IndexCatalog(Path(root))
        self._heap_bytes = heap_bytes
        self._commit_bytes = commit_bytes
        self._commit_seconds = commit_seconds
        self._open: dict[str, TantivyIndex] = {}
        self._lock = threading.RLock()

    @property
    def root(self) -> Path:
        """The folder of all indexes."""
        return self._folder.root

    def __repr__(self) -> str:
        return f"TantivyEngine({str(self._folder.root)!r})"

    # -------------------------------------------------------------- indexes

    def bm25_factor(self) -> float:
        return 1.0

    def missing_kinds(self, index: str | None = None) -> Mapping[FieldKind, str]:
        return {}

    def create(self, index: str, layout: IndexLayout) -> None:
        check_new_index(index)
        with self._folder.failures():
            self._folder.create(index, layout, lambda segments: tantivy_index.build(layout, segments))

    def drop(self, index: str) -> None:
        with self._lock:
            known = self._open.pop(index, None)
            if known is not None:
                known.discard()
            with self._folder.failures():
                self._folder.drop(check_name(index))

    def exists(self, index: str) -> bool:
        with self._folder.failures():
            return self._folder.has(index) or self._folder.has(self._folder.aliases().get(index, index))

    def indexes(self) -> list[str]:
        with self._folder.failures():
            return self._folder.names()

    def layout(self, index: str) -> IndexLayout:
        with self._folder.failures():
            return self._folder.layout(self._folder.resolve(index))

    def stamp(self, index: str, model: str, compatible: Sequence[str] = ()) -> None:
        def stamped(layout: IndexLayout) -> IndexLayout:
            return dataclasses.replace(layout, model_version=model, compatible=tuple(compatible), mixed=False)

        with self._folder.failures():
            self._folder.change_layout(self._folder.resolve(index), stamped)

    def set_alias(self, alias: str, index: str) -> None:
        check_new_alias(alias)
        with self._folder.failures():
            self._folder.set_alias(alias, index)

    def aliases(self) -> Mapping[str, tuple[str, ...]]:
        with self._folder.failures():
            return {alias: (index,) for alias, index in self._folder.aliases().items()}

    def name_of(self, index: str) -> str:
        """The index that a name or an alias points to."""
        with self._folder.failures():
            return self._folder.resolve(index)

    @contextmanager
    def held(self, index: str) -> Iterator[None]:
        """Hold the write lock of an index in a block. Raises EngineError if another process holds it."""
        opened = self._opened(index)
        opened.hold()
        try:
            yield
        finally:
            with self._lock:
                self._open.pop(opened.name, None)
                opened.close()

    # -------------------------------------------------------------- documents

    def write(self, index: str, documents: Sequence[EnrichedDocument]) -> list[Rejection]:
        return self.write_prepared(index, self.preparation(index)(documents))

    def preparation(self, index: str) -> Callable[[Sequence[EnrichedDocument]], Preparation]:
        return partial(prepare, layout=self.layout(index), kinds=STORED_KINDS)

    def write_prepared(self, index: str, prepared: Preparation) -> list[Rejection]:
        opened, layout = self._described(index)
        documents, rejections = prepared
        return rejections + opened.write(documents, layout)

    def uncommitted(self, index: str) -> int:
        with self._lock:
            opened = self._open.get(self.name_of(index))
            return 0 if opened is None else opened.pending

    def refuses(self, index: str, field: str) -> bool:
        return False

    def refresh(self, index: str) -> None:
        self._opened(index).commit()

    def search(self, index: str, request: SearchRequest) -> SearchResponse:
        opened, layout = self._described(index)
        if request.layout not in (None, layout):
            raise IndexChanged(f"The index {index!r} was changed in the meantime; search again.")
        response = tantivy_search.search(opened, layout, request)
        if request.count_unenriched:
            count = tantivy_search.count_unenriched(opened, layout)
            return dataclasses.replace(response, unenriched=count)
        return response

    def client_search(self, index: str, request: SearchRequest) -> ClientSearch:
        raise UsageError("The embedded engine has no server to which a client could send requests.")

    def read(self, index: str) -> Iterator[Document]:
        return self._opened(index).documents()

    def read_containing(self, index: str, groups: Sequence[Sequence[str]]) -> Iterator[Document]:
        opened, layout = self._described(index)
        return tantivy_search.read_containing(opened, layout, groups)

    def sample(self, index: str, size: int) -> list[Document]:
        return list(islice(self.read(index), size))

    def text_fields(self, index: str) -> tuple[str, ...]:
        return self.layout(index).fields

    def source(self, index: str, id_: str) -> dict[str, object] | None:
        """The original fields of a committed document; None if there is no document with this id."""
        return self._opened(index).source(clean(id_))

    def delete(self, index: str, ids: Sequence[str]) -> int:
        return self._opened(index).delete([clean(id_) for id_ in ids])

    def count(self, index: str) -> int:
        return int(self._opened(index).searcher().num_docs)

    def frequencies(self, index: str, terms: Mapping[str, Sequence[str]]) -> dict[str, Frequencies]:
        opened, layout = self._described(index)
        with step("document frequencies"):
            return {
                field: tantivy_search.frequencies(opened, layout, field, asked)
                for field, asked in terms.items()
            }

    def count_unenriched(self, index: str) -> int:
        opened, layout = self._described(index)
        return tantivy_search.count_unenriched(opened, layout)

    def count_enriched_with(self, index: str, model: str) -> int:
        opened, layout = self._described(index)
        return tantivy_search.count_enriched_with(opened, layout, [model])

    def count_without_words(self, index: str) -> int:
        opened, layout = self._described(index)
        return tantivy_search.count_without_words(opened, layout)

    def count_stale(self, index: str, fingerprint: Callable[[Document], str]) -> Share:
        return Share(0, self.count(index))  # only this program writes, and always with enrichment

    def sample_enriched(self, index: str, number: int) -> list[EnrichedDocument]:
        opened, layout = self._described(index)
        return tantivy_search.sample(opened, layout, number)

    def dimensions(self, index: str) -> int:
        opened, layout = self._described(index)
        return opened.snapshot().vectors.current().dimensions or layout.dimensions.get(VECTOR, 0)

    def product(self, index: str, id_: str, codes: bytes) -> int | None:
        return tantivy_search.product(self._opened(index), clean(id_), codes)

    def search_text(self, index: str, text: str, fields: Sequence[str], top: int) -> list[Hit]:
        raise UsageError("The embedded engine does not support indexes of other programs.")

    def excess_share(self, index: str) -> float:
        return 0.0  # derived text was never stored

    def bytes_on_disk(self, index: str) -> int:
        """The size of all files of an index, in bytes, including files of running and past merges."""
        with self._folder.failures():
            folder = self._folder.segments(self._folder.resolve(index)).parent
            return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    # -------------------------------------------------------------- the engine itself

    def check(self) -> list[Check]:
        return [self._check_folder(), self._check_disk()]

    def close(self) -> None:
        with self._lock:
            opened, self._open = list(self._open.values()), {}
        for index in opened:
            if index.is_current():
                index.close()
            else:
                index.discard()

    def _opened(self, index: str) -> TantivyIndex:
        with self._lock, self._folder.failures():
            name = self._folder.resolve(index)
            known = self._open.get(name)
            if known is not None and known.is_current():
                return known
            if known is not None:
                known.discard()
            self._open[name] = TantivyIndex(
                name,
                self._folder.segments(name),
                heap_bytes=self._heap_bytes,
                commit_bytes=self._commit_bytes,
                commit_seconds=self._commit_seconds,
            )
            return self._open[name]

    def _described(self, index: str) -> tuple[TantivyIndex, IndexLayout]:
        opened = self._opened(index)
        with self._folder.failures():
            return opened, self._folder.layout(opened.name)

    def _check_folder(self) -> Check:
        place = _existing(self._folder.root)
        if os.access(place, os.W_OK | os.X_OK):
            return Check("folder", True, f"The folder {str(self._folder.root)!r} is writable.")
        searchable = place == self._folder.root.absolute() and os.access(place, os.R_OK | os.X_OK)
        state = "can be read but not written" if searchable else "cannot be used"
        return Check("folder", searchable, f"The folder {str(self._folder.root)!r} {state} by this user.")

    def _check_disk(self) -> Check:
        free = shutil.disk_usage(_existing(self._folder.root)).free
        detail = f"The disk of {str(self._folder.root)!r} has {free / 1e9:.1f} GB free."
        return Check("disk", free >= _MIN_FREE_BYTES, detail)


def _existing(path: Path) -> Path:
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path
