"""Read the lines of text files: plain or gzip, in UTF-8, or in UTF-16 or UTF-32 with a byte-order mark.

All text of this project is read by this module. Lines are streamed: only a chunk of the file and one line are
in memory. Every line is returned as UTF-8, without line end and without byte-order mark. (If files were
joined, any line may begin with such a mark.)

A file in another encoding is rejected as a whole, because the encoding cannot be detected reliably. If only
single lines of a UTF-8 file are invalid, they are returned unchanged, and the caller handles them.
"""

import codecs
import os
import stat
import zlib
from collections.abc import Generator, Iterable, Iterator
from gzip import BadGzipFile
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from enricher.errors import SourceError

MARK = codecs.BOM_UTF8
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # must be checked first: it begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SAMPLE_BYTES = 1 << 16
"""Number of bytes at the beginning of a file that decide whether it is UTF-8 text."""
MIN_FAULTY_LINES = 2
MIN_FAULTY_SHARE = 0.1
"""A file is not UTF-8 if at least so many lines, and such a share of the lines, are not valid UTF-8."""

GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 31
"""zlib's window size for data with the header and checksum of gzip."""
CHUNK_BYTES = 1 << 18

CONVERT = "convert it: iconv -f {} -t UTF-8 FILE > NEW_FILE"


def read_text(path: Path) -> str:
    """Read a small text file as a whole; its lines are joined by line feeds.

    Raises OSError if the file cannot be read, SourceError if it is not UTF-8 text.
    """
    lines = []
    for number, line in enumerate(file_lines(path), start=1):
        try:
            lines.append(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            place = f"line {number}, byte {error.start + 1}"
            raise SourceError(f"The file {str(path)!r} is not UTF-8 ({place}): save it as UTF-8.") from error
    return "\n".join(lines)


def file_lines(path: Path, *, packed: bool | None = None) -> Iterator[bytes]:
    """Yield the lines of a file. From a damaged gzip file, all complete lines are yielded before the error.

    packed: whether the file is gzip; None to detect it by its first bytes. Raises OSError if the file cannot
    be read to its end, SourceError if it is not UTF-8 text.
    """
    with path.open("rb") as stream:
        yield from stream_lines(stream, f"The file {str(path)!r}", packed=packed)


def stream_lines(stream: BinaryIO, name: str, *, packed: bool | None = None) -> Iterator[bytes]:
    """Yield the lines of an opened file. `name` is the subject of error messages.

    packed: whether the stream is gzip; None to detect it by its first bytes. Raises OSError if the stream
    cannot be read to its end, SourceError if it is not UTF-8 text.
    """
    chunks = _chunks(stream)
    first = next(chunks, b"")
    while len(first) < len(GZIP_MAGIC) and (more := next(chunks, b"")):
        first += more
    chunks = chain((first,), chunks)
    if packed or (packed is None and first.startswith(GZIP_MAGIC)):
        chunks = _decompressed(chunks)
    for line in _split(_as_utf8(chunks, name)):
        yield line.removeprefix(MARK).rstrip(b"\r")


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the content of an opened file in chunks; a regular file only up to its size when it was opened.

    Otherwise a command that appends to the file it reads would never end.
    """
    left = _bytes_left(stream)
    read = getattr(stream, "read1", stream.read)  # read1 returns what a pipe has, without waiting for more
    while chunk := read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left)):
        yield chunk
        if left is not None:
            left -= len(chunk)


def _bytes_left(stream: BinaryIO) -> int | None:
    """The bytes left to read in a regular file; None for anything else."""
    try:
        found = os.fstat(stream.fileno())
    except OSError:  # not a file of the system
        return None
    return max(0, found.st_size - stream.tell()) if stat.S_ISREG(found.st_mode) else None


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a text that comes in chunks, without line feeds."""
    unfinished: list[bytes] = []
    for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        if whole:
            yield b"".join((*unfinished, whole[0]))
            yield from whole[1:]
            unfinished.clear()
        unfinished.append(rest)
    yield b"".join(unfinished)


# ------------------------------------------------------------------ encodings


def _as_utf8(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Convert a text to UTF-8. Raises SourceError if its beginning is in an unsupported encoding."""
    head, ended, rest = _read_sample(chunks)
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return _recoded(chain((head,), rest), encoding)
    problem = _problem(head[:SAMPLE_BYTES], ended=ended and len(head) <= SAMPLE_BYTES)
    if problem is not None:
        raise SourceError(f"{name} {problem}.")
    return chain((head,), rest)


def _read_sample(chunks: Iterator[bytes]) -> tuple[bytes, bool, Iterator[bytes]]:
    """The beginning of a text, whether it is the whole text, and the remaining chunks.

    The beginning has SAMPLE_BYTES or more; less if a pipe delivers valid lines earlier.
    """
    head = b""
    try:
        for chunk in chunks:
            head += chunk
            if len(head) >= SAMPLE_BYTES or (b"\n" in head and not _faults(head, ended=False)[0]):
                return head, False, chunks
    except OSError as error:  # raised again after the lines before it
        return head, False, _failing(error)
    return head, True, chunks


def _failing(error: OSError) -> Iterator[bytes]:
    raise error
    yield


def _recoded(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode()
    if decoder.getstate()[0]:
        raise OSError("it ends in the middle of a character")


def _faults(head: bytes, *, ended: bool) -> tuple[int, int, int]:
    """Count the lines of a sample: those that are invalid, those with non-ASCII UTF-8, and all of them.

    Blank lines do not count. The last line counts only if the file has ended or it is the only line.
    """
    *lines, last = head.split(b"\n")
    faulty = non_ascii = number = 0
    for line in (*lines, last) if ended or not lines else lines:
        if not line.strip():
            continue
        number += 1
        if not _is_text(line, whole=ended or bool(lines)):
            faulty += 1
        elif not line.isascii():
            non_ascii += 1
    return faulty, non_ascii, number


def _is_text(line: bytes, *, whole: bool) -> bool:
    """Whether a line is UTF-8 without NUL. If it is not `whole`, its last character may be incomplete."""
    try:
        codecs.utf_8_decode(line, "strict", whole)
    except UnicodeDecodeError:
        return False
    return b"\0" not in line


def _problem(sample: bytes, ended: bool) -> str | None:
    """Why a file with this beginning cannot be read; None if it is UTF-8, apart from single lines."""
    faulty, non_ascii, number = _faults(sample, ended=ended)
    many = faulty >= MIN_FAULTY_LINES and faulty > non_ascii and faulty >= MIN_FAULTY_SHARE * number
    if not faulty or not (many or faulty == number):
        return None
    if b"\0" not in sample:
        encodings = CONVERT.format("GB18030")
        return (
            f"is not UTF-8 text but in another encoding, such as GB18030 or Latin-1; {encodings} (or LATIN1)"
        )
    encoding = _wide_encoding(sample)
    if encoding is None:
        return "is not text: it contains NUL bytes, like programs, archives and images"
    return f"looks like {encoding} without a byte-order mark, not like UTF-8; {CONVERT.format(encoding)}"


def _wide_encoding(sample: bytes) -> str | None:
    """The UTF-16 or UTF-32 encoding in which a sample is valid text; None if there is none.

    If there are several, the one in which most characters are ASCII, such as line ends and spaces.
    """
    found = {}
    for _, encoding in MARKS:
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(sample)
        except UnicodeDecodeError:
            continue
        if text and "\0" not in text:
            found[encoding] = sum(map(str.isascii, text))
    best = max(found, key=found.__getitem__, default="")
    return best.upper().replace("-LE", "LE").replace("-BE", "BE") or None


# ------------------------------------------------------------------ gzip


def _decompressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the content of a gzip file in chunks: everything before an error, then raise BadGzipFile.

    (gzip.open would lose the data that it has decompressed before an error.) As in gzip, a file may have
    several members, and zero bytes after the last member are padding.
    """
    data = next(chunks, b"")
    if data and not data.startswith(GZIP_MAGIC):
        raise BadGzipFile("it is not a gzip file")
    while data:
        data = yield from _member(chunks, data)
        if data and not data.startswith(GZIP_MAGIC):
            yield b"\n"  # The line before it is complete.
            raise BadGzipFile("bytes after its end are not gzip data")


def _member(chunks: Iterator[bytes], data: bytes) -> Generator[bytes, None, bytes]:
    """Yield the content of one gzip member that begins with `data`; return the bytes read after it."""
    member = zlib.decompressobj(GZIP_WINDOW)
    while True:
        yield from _inflated(member, data)
        if member.eof:
            break
        data = next(chunks, b"")
        if not data:
            yield member.flush()
            raise BadGzipFile("it is truncated")
    rest = member.unused_data.lstrip(b"\0")
    while len(rest) < len(GZIP_MAGIC) and (more := next(chunks, b"")):
        rest = (rest + more).lstrip(b"\0")
    return rest


def _inflated(member: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    """Yield the decompressed data in chunks of CHUNK_BYTES; before an error, every byte that is intact."""
    while data and not member.eof:
        before = member.copy()
        try:
            chunk = member.decompress(data, CHUNK_BYTES)
        except zlib.error as error:
            for place in range(len(data)):
                try:
                    yield before.decompress(data[place : place + 1])
                except zlib.error:
                    break
            raise BadGzipFile(str(error)) from error
        yield chunk
        data = member.unconsumed_tail
