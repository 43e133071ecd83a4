"""Mine the words of a domain from sources into a file of candidates."""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from enricher.bundle.store import BundleStore
from enricher.errors import EngineError, ModelError, SourceError, UsageError
from enricher.files import file_lock, write_atomically
from enricher.lines import read_text
from enricher.loaded_model import load
from enricher.recipe.fields import NOTHING_NAMED, NamedFields, chosen_fields, field_notes, fields_of_sources
from enricher.records import Document, Rejection, SearchEngine
from enricher.sources import SourceFormat, accepted, source_format
from enricher.text.lexicon import LexiconWord
from enricher.vocabulary.corpus import Note, Progress
from enricher.vocabulary.decisions import rewrite
from enricher.vocabulary.lexicon import lexicon_of
from enricher.vocabulary.mining import MiningRequest, mine
from enricher.vocabulary.overlay import standing_of
from enricher.vocabulary.review_file import ReviewFile, merged, read_review
from enricher.vocabulary.rules import read_rules
from enricher.vocabulary.token_stream import StreamWriter, Vocabulary, characters_of
from indexer.reindex.failpoints import reached
from indexer.sources import read_sources

STDIN = "-"
KNOWN = "known"
"""The column that says whether the active model knows a word."""
TIMESTAMP = "@timestamp"
"""The field with the time of a document, as the shippers of logs name it."""
MILLISECONDS = 1e11
"""Numbers from here on are milliseconds since 1970, smaller ones are seconds."""
FORMAT = 1
"""Version of the files of an interrupted run."""


@dataclass(frozen=True, slots=True)
class SourceMining:
    """What is mined from sources.

    domain, backgrounds: files, folders, `-` or `index:NAME`. out: the file of candidates. named: fields that
    the user has named. seeds, negative: words. rules: a file. limit: maximum rows. workers: processes and
    threads. seed: of the learned vectors.
    """

    domain: tuple[str, ...]
    backgrounds: tuple[str, ...]
    out: Path
    named: NamedFields = NOTHING_NAMED
    id_field: str = "id"
    format: str = "auto"
    seeds: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    rules: Path | None = None
    limit: int = 5_000
    workers: int = 1
    seed: int = 1
    since: datetime | None = None
    time_field: str = TIMESTAMP


def words_of_file(path: Path | None) -> tuple[str, ...]:
    """The words of a file, one a line; lines that begin with # are comments. Raises UsageError."""
    if path is None:
        return ()
    try:
        lines = read_text(path).splitlines()
    except OSError as error:
        raise UsageError(f"The file {str(path)!r} cannot be read: {error.strerror or error}.") from None
    words = [line.split("\t")[0].strip() for line in lines]
    found = tuple(dict.fromkeys(word for word in words if word and not word.startswith("#")))
    if not found:
        raise UsageError(f"The file {str(path)!r} holds no word.")
    return found


def mine_sources(
    open_engine: Callable[[], SearchEngine],
    request: SourceMining,
    progress: Progress,
    note: Note,
    store: BundleStore | None = None,
) -> ReviewFile:
    """Mine, and write the file of candidates; the decisions of a former file are kept.

    The engine is opened only for sources that are indexes. store: if a model is active there, the file says
    which words it knows. Raises SourceError, UsageError and EngineError.
    """
    if request.out.exists():
        read_review(request.out)  # a wrong file is refused before the work
    rules = read_rules(request.rules)
    with _folder_of(request.out) as folder:
        sources = _SourceReader(open_engine, request, folder, note)
        mining = MiningRequest(
            sources.fields,
            request.seeds,
            request.negative,
            rules,
            request.limit,
            request.workers,
            request.seed,
        )
        backgrounds = [partial(sources.read, (source,)) for source in request.backgrounds]
        domain = sources.read_domain
        cut = partial(reached, "words-cut")
        found = mine(domain, backgrounds, mining, folder, sources.key, progress, note, cut)
        return _written(request.out, _with_known(found, store, note))


def _with_known(found: ReviewFile, store: BundleStore | None, note: Note) -> ReviewFile:
    """The candidates with a column that says whether the active model knows them, if there is a model."""
    if store is None or store.active_version() is None:
        return found
    try:
        model = load(store.folder)
    except ModelError as error:
        note(f"The file does not say which words the model knows: {error}")
        return found
    rows = []
    for one in found.candidates:
        standing = standing_of(model, LexiconWord(one.word)).value
        rows.append(replace(one, evidence={KNOWN: standing} | one.evidence))
    return replace(found, candidates=rows, columns=(KNOWN, *found.columns))


def _written(out: Path, found: ReviewFile) -> ReviewFile:
    """The candidates as they are written: with the decisions of the file that is there by now."""
    if out.exists():
        return rewrite(out, lambda before: merged(found, before, date.today()))
    found.write(out)
    return found


def lexicon_of_sources(
    open_engine: Callable[[], SearchEngine], request: SourceMining, progress: Progress, note: Note
) -> int:
    """Write a lexicon for segmentation, learned from the Han characters of the domain alone.

    Returns the number of words. Raises SourceError, UsageError and EngineError.
    """
    with _folder_of(request.out) as folder:
        sources = _SourceReader(open_engine, request, folder, note)
        vocabulary = Vocabulary()
        writer = StreamWriter(folder / "characters", vocabulary)
        for number, document in enumerate(sources.read(request.domain), start=1):
            writer.add(characters_of(document.text(name)) for name in sources.fields)
            if number % 100 == 0:
                progress("reading", number, 0)
        stream = writer.close()
        if not stream.number:
            raise SourceError("The documents hold no Chinese text.")
        words = lexicon_of(stream, vocabulary, folder, progress)
        text = "".join(f"{word.text} {word.frequency}\n" for word in words)
        write_atomically(request.out, text.encode("utf-8"))
    return len(words)


def moment_of(value: object) -> datetime | None:
    """The time of a field: ISO 8601, or seconds or milliseconds since 1970; None for anything else.

    A time without a zone is UTC.
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / (1_000 if abs(value) >= MILLISECONDS else 1), UTC)
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


@contextmanager
def _folder_of(out: Path) -> Iterator[Path]:
    """A folder beside the file of candidates; it stays if the run is killed. Raises UsageError.

    Two runs for one file at once are refused.
    """
    if not out.parent.is_dir():
        raise UsageError(f"There is no folder {str(out.parent)!r} for the file of candidates.")
    folder = out.with_name(f".{out.name}.mining")
    try:
        folder.mkdir(exist_ok=True)
        with file_lock(folder / "lock", wait=False):
            yield folder
            shutil.rmtree(folder)
    except BlockingIOError:
        raise UsageError(f"Another process is writing {str(out)!r} now.") from None
    except OSError as error:
        raise SourceError(f"The candidates cannot be written: {error}.") from error


class _SourceReader:
    """Opens the documents of sources, again and again."""

    def __init__(
        self, open_engine: Callable[[], SearchEngine], request: SourceMining, folder: Path, note: Note
    ) -> None:
        self._open_engine, self._request, self._note = open_engine, request, note
        self._stdin = folder / "stdin.jsonl"
        every = [*request.domain, *request.backgrounds]
        if every.count(STDIN) > 1:
            raise UsageError(
                "The standard input can be read once: give - for the domain or for a background."
            )
        if STDIN in every:
            with self._stdin.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        found = fields_of_sources(open_engine, every)
        self._form: SourceFormat = source_format(
            request.id_field, chosen_fields(request.named, found), request.format
        )
        for sentence in field_notes(self._form.fields, found):
            note(sentence)
        self._said: set[str] = set()

    @property
    def fields(self) -> tuple[str, ...]:
        """The text fields of the documents."""
        return tuple(self._form.fields)

    def read_domain(self) -> Iterator[Document]:
        """The documents of the domain, of the time that was asked for. Raises SourceError if none has one."""
        request = self._request
        documents = self.read(request.domain)
        if request.since is None:
            yield from documents
            return
        dated = number = 0
        for document in documents:
            number += 1
            moment = moment_of(document.source.get(request.time_field))
            dated += moment is not None
            if moment is not None and moment >= request.since:
                yield document
        if number and not dated:
            raise SourceError(
                f"No document has a time in the field {request.time_field!r}: name it with --time-field."
            )

    def read(self, sources: tuple[str, ...]) -> Iterator[Document]:
        """The documents of sources; what cannot be read is noted once."""
        named = self._request.named.names
        places = [str(self._stdin) if source == STDIN else source for source in sources]
        return accepted(read_sources(places, self._form, self._open_engine, named), self._rejected)

    def _rejected(self, rejection: Rejection) -> None:
        if rejection.where not in self._said:
            self._said.add(rejection.where)
            self._note(f"{rejection.where}: {rejection.reason}")

    @property
    def key(self) -> str:
        """A hash of what is read: names, sizes and times of files, numbers of documents of indexes."""
        request = self._request
        facts = [
            FORMAT,
            self.fields,
            str(request.since),
            request.time_field,
            *map(self._state, (*request.domain, "|", *request.backgrounds)),
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def _state(self, source: str) -> object:
        path = self._stdin if source == STDIN else Path(source)
        if source.startswith("index:"):
            try:
                return source, self._open_engine().count(source.removeprefix("index:"))
            except EngineError:
                return source
        if path.is_dir():
            files = sorted(one for one in path.rglob("*") if one.is_file())
            return source, [(str(one), one.stat().st_size, one.stat().st_mtime_ns) for one in files]
        try:
            state = path.stat()
        except OSError:
            return source
        return source, state.st_size, 0 if source == STDIN else state.st_mtime_ns
