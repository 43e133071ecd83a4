"""The lines of text files: of any size, packed by gzip or not, in UTF-8, or in UTF-16 or UTF-32 with a mark.

All text that the project reads comes through here. Lines stream: no more than a piece of the file and
one line is held. They are UTF-8 whatever the file was written in, without the byte-order mark that may
begin any of them (where files were joined) and without their line end.

A file in another encoding cannot be told from its bytes safely, so none is guessed: it is refused as a
whole. Single lines that are not UTF-8 in a file that is are left to the caller.
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
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the mark of UTF-16, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SAMPLE_BYTES = 1 << 16
"""By so many bytes at the beginning it is told whether a file is UTF-8 text."""
FEWEST_FAULTY = 2
FAULTY_SHARE = 0.1
"""A file is of another encoding when so many of its lines, and such a share, are not UTF-8."""

GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 31
"""zlib's number for a header and a checksum of gzip."""
PIECE = 1 << 18

CONVERT = "convert it: iconv -f {} -t UTF-8 FILE > NEW_FILE"


def read_text(path: Path) -> str:
    """The whole of a small text file, its lines separated by line feeds.

    Raises OSError where it cannot be read, SourceError where it is not UTF-8 text.
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
    """The lines of a file; of a damaged archive all that are whole before the error is raised.

    packed: that it is gzip, None to tell by its first bytes. Raises OSError where it cannot be read to
    its end, SourceError where it is not UTF-8 text.
    """
    with path.open("rb") as stream:
        yield from stream_lines(stream, f"The file {str(path)!r}", packed=packed)


def stream_lines(stream: BinaryIO, name: str, *, packed: bool | None = None) -> Iterator[bytes]:
    """The lines of an opened file; `name` begins the sentence where it is not UTF-8 text.

    Raises OSError and SourceError as `file_lines` does.
    """
    pieces = _pieces(stream)
    first = next(pieces, b"")
    while len(first) < len(GZIP_MAGIC) and (more := next(pieces, b"")):
        first += more
    pieces = chain((first,), pieces)
    if packed or (packed is None and first.startswith(GZIP_MAGIC)):
        pieces = _decompressed(pieces)
    for line in _split(_as_utf8(pieces, name)):
        yield line.removeprefix(MARK).rstrip(b"\r")


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    """What an opened file holds, in pieces; of a regular file no more than it held when it was opened.

    So a file that grows while it is read, perhaps by what is made of it, comes to an end.
    """
    left = _bytes_left(stream)
    read = getattr(stream, "read1", stream.read)  # which does not wait until a pipe has filled a piece
    while piece := read(PIECE if left is None else min(PIECE, left)):
        yield piece
        if left is not None:
            left -= len(piece)


def _bytes_left(stream: BinaryIO) -> int | None:
    """What is left to read of a regular file, None of anything else."""
    try:
        found = os.fstat(stream.fileno())
    except OSError:  # not a file of the system
        return None
    return max(0, found.st_size - stream.tell()) if stat.S_ISREG(found.st_mode) else None


def _split(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a text that comes in pieces, without their line feeds."""
    begun: list[bytes] = []
    for piece in pieces:
        *whole, rest = piece.split(b"\n")
        if whole:
            yield b"".join((*begun, whole[0]))
            yield from whole[1:]
            begun.clear()
        begun.append(rest)
    yield b"".join(begun)


# ------------------------------------------------------------------ encodings


def _as_utf8(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    """The same text in UTF-8; SourceError where it begins like no text that can be read."""
    head, ended, rest = _begin(pieces)
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return _recoded(chain((head,), rest), encoding)
    problem = _problem(head[:SAMPLE_BYTES], ended=ended and len(head) <= SAMPLE_BYTES)
    if problem is not None:
        raise SourceError(f"{name} {problem}.")
    return chain((head,), rest)


def _begin(pieces: Iterator[bytes]) -> tuple[bytes, bool, Iterator[bytes]]:
    """The beginning of a text, whether it is all, and the rest.

    It is a sample, or less where a pipe has good lines ready.
    """
    head = b""
    try:
        for piece in pieces:
            head += piece
            if len(head) >= SAMPLE_BYTES or (b"\n" in head and not _faults(head, ended=False)[0]):
                return head, False, pieces
    except OSError as error:  # what came before is still to be read
        return head, False, _failing(error)
    return head, True, pieces


def _failing(error: OSError) -> Iterator[bytes]:
    raise error
    yield


def _recoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for piece in pieces:
        yield decoder.decode(piece).encode()
    if decoder.getstate()[0]:
        raise OSError("it ends in the middle of a character")


def _faults(head: bytes, *, ended: bool) -> tuple[int, int, int]:
    """How many lines of a sample are no text, how many hold foreign letters in UTF-8, and how many there are.

    The last line counts where the file has ended, or there is no other.
    """
    *lines, last = head.split(b"\n")
    faulty = foreign = number = 0
    for line in (*lines, last) if ended or not lines else lines:
        if not line.strip():
            continue
        number += 1
        if not _is_text(line, whole=ended or bool(lines)):
            faulty += 1
        elif not line.isascii():
            foreign += 1
    return faulty, foreign, number


def _is_text(line: bytes, *, whole: bool) -> bool:
    """Whether a line is UTF-8 without NUL; the last character of one that is not whole may be cut."""
    try:
        codecs.utf_8_decode(line, "strict", whole)
    except UnicodeDecodeError:
        return False
    return b"\0" not in line


def _problem(sample: bytes, ended: bool) -> str | None:
    """What keeps a file with this beginning from being read, None where it is UTF-8 but for single lines."""
    faulty, foreign, number = _faults(sample, ended=ended)
    many = faulty >= FEWEST_FAULTY and faulty > foreign and faulty >= FAULTY_SHARE * number
    if not faulty or not (many or faulty == number):
        return None
    if b"\0" not in sample:
        encodings = CONVERT.format("GB18030")
        return (
            f"is not UTF-8 text but of another encoding, such as GB18030 or Latin-1; {encodings} (or LATIN1)"
        )
    encoding = _wide_encoding(sample)
    if encoding is None:
        return "is no text: it holds NUL bytes, as programs, archives and images do"
    return f"looks like {encoding} without a byte-order mark, not like UTF-8; {CONVERT.format(encoding)}"


def _wide_encoding(sample: bytes) -> str | None:
    """The encoding of two or four bytes a character in which this is text, None where it is in none.

    Of several, that in which most characters are ASCII: line ends and spaces at least.
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


def _decompressed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The contents of a gzip file in pieces: all that there is before BadGzipFile is raised.

    gzip.open loses what it had already decompressed. As in gzip, members follow one another and
    zeros after the last are padding.
    """
    data = next(pieces, b"")
    if data and not data.startswith(GZIP_MAGIC):
        raise BadGzipFile("it is no gzip file")
    while data:
        data = yield from _member(pieces, data)
        if data and not data.startswith(GZIP_MAGIC):
            yield b"\n"  # What came before is whole, its last line too.
            raise BadGzipFile("after its end come bytes that are no gzip data")


def _member(pieces: Iterator[bytes], data: bytes) -> Generator[bytes, None, bytes]:
    """The contents of one member, which begins with `data`; returns what was read beyond it."""
    member = zlib.decompressobj(GZIP_WINDOW)
    while True:
        yield from _inflated(member, data)
        if member.eof:
            break
        data = next(pieces, b"")
        if not data:
            yield member.flush()
            raise BadGzipFile("it ends too early")
    rest = member.unused_data.lstrip(b"\0")
    while len(rest) < len(GZIP_MAGIC) and (more := next(pieces, b"")):
        rest = (rest + more).lstrip(b"\0")
    return rest


def _inflated(member: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    """What compressed data hold, in pieces of bounded size; before an error all up to the very byte."""
    while data and not member.eof:
        before = member.copy()
        try:
            piece = member.decompress(data, PIECE)
        except zlib.error as error:
            for place in range(len(data)):
                try:
                    yield before.decompress(data[place : place + 1])
                except zlib.error:
                    break
            raise BadGzipFile(str(error)) from error
        yield piece
        data = member.unconsumed_tail
