"""Normalize text: NFKC, lower case, no invisible characters.

In addition to NFKC and lower case:

- invisible characters (soft hyphen, zero-width space and joiners, direction marks, variation
  selectors, byte-order mark) are removed, so that they do not split a word;
- the typographic apostrophe ’ becomes ', and the final sigma ς becomes σ;
- a character keeps at most 30 combining marks;
- NUL and lone surrogates, which no index accepts, become U+FFFD.

Normalization is idempotent: normalizing the result again changes nothing.
"""

import re
import unicodedata
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat

_INVISIBLE = (
    "\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0000-\U000e0fff"
)
_ODD = re.compile(f"[\0\ud800-\udfff{_INVISIBLE}]")
_REPLACED = re.compile("[\0\ud800-\udfff]")
_REMOVED = re.compile(f"[{_INVISIBLE}]+")

_MAX_MARKS = 30  # from Unicode's Stream-Safe Text Format; sorting more marks takes quadratic time

# Characters that normalize to exactly one character in every context.
_SINGLE = (
    "\u0001-\u00a7\u00a9-\u00ac\u00ae\u00b0-\u00b3\u00b5-\u00b7\u00b9-\u00bb\u00bf-\u012f\u0131\u0134-\u013e"
    "\u0141-\u0148\u014a-\u017f\u0391-\u03a1\u03a3-\u03a9\u03ac-\u03ce\u0400-\u0482\u048a-\u052f"
    "\u05d0-\u05ea\u0621-\u064a\u0660-\u066d"
    "\u2000-\u200a\u2010-\u2016\u2018-\u2024\u2027\u2028-\u2029\u202f-\u2032\u2035\u2038-\u203b\u2043\u20a0-\u20a7\u20a9-\u20c0"
    "\u2190-\u222b\u222e\u2231-\u2328\u2460-\u2468\u24b6-\u24e9\u2500-\u2a0b"
    "\u2e80-\u2fd5\u3000-\u3029\u3030-\u3035\u3041-\u3096\u309d-\u309e\u30a0-\u30fe\u3105-\u312f\u3400-\u9fff\uac00-\ud7a3"
    "\uf900-\ufaff\uff01-\uff65\uffe0-\uffe2\uffe5-\uffe6\ufffd\U0001f300-\U0001faff\U00020000-\U0003134f"
)
_UNEVEN = re.compile(f"[^{_SINGLE}]")
_LONG_UNEVEN = re.compile(f"[^{_SINGLE}]{{{_MAX_MARKS + 1},}}")
_UNEVEN_CLUSTER = re.compile(f"[{_SINGLE}]?[^{_SINGLE}]+")

# Starters that compose with the character before them: Indic vowel signs, parts of Hangul syllables.
_JOINING_STARTERS = re.compile(
    "[\u09be\u09d7\u0b3e\u0b56\u0b57\u0bbe\u0bd7\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dcf\u0ddf\u102e\u1161-\u1175"
    "\u11a8-\u11c2\u1b35\U000110ba\U00011127\U0001133e\U00011357\U000113b8\U000113bb\U000113c2\U000113c5"
    "\U000113c7-\U000113c9\U000114b0\U000114ba\U000114bd\U000115af\U00011930\U0001611e-\U00016129\U00016d67-\U00016d68]"
)


def normalize(text: str) -> str:
    """Normalize a text. Idempotent; never raises."""
    if text.isascii():
        return text.lower() if "\0" not in text else text.replace("\0", "\ufffd").lower()
    if _UNEVEN.search(text) is None:
        return _fold(text)
    text = _REMOVED.sub("", _REPLACED.sub("\ufffd", text))
    text = unicodedata.normalize("NFKC", _fold(_LONG_UNEVEN.sub(_fewer_marks, text)))
    if _LONG_UNEVEN.search(text) is not None:
        text = unicodedata.normalize("NFKC", _LONG_UNEVEN.sub(_fewer_marks, text))
    return text


def _fold(text: str) -> str:
    # str.lower() makes σ or ς of Σ, depending on the context; here every sigma is σ.
    text = unicodedata.normalize("NFKC", text).replace("Σ", "σ").lower()
    return text.replace("ς", "σ").replace("’", "'")


def _fewer_marks(match: re.Match[str]) -> str:
    """Remove the combining marks after the first _MAX_MARKS of a character."""
    kept: list[str] = []
    marks = 0
    for character in match[0]:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def normalize_with_offsets(text: str) -> tuple[str, Sequence[int] | None]:
    """Normalize a text, and return the offset of each character in the original text.

    The offsets are None if no character moves: in ASCII text, and in Chinese with full-width forms.
    Otherwise there is one entry for each character of the result and one for its end: the offset in `text`
    of the character, or cluster of characters, from which it was made. Entries never fall. To map a span
    [start, end) back to the original, use the entry of `start`, and `original_end`.
    """
    if text.isascii() and "\0" not in text:
        return text.lower(), None
    if _UNEVEN.search(text) is None:
        return _fold(text), None
    pieces: list[str] = []
    offsets = array("I")
    done = 0
    for match in _UNEVEN_CLUSTER.finditer(text):
        start = match.start()
        pieces.append(normalize(text[done:start]))
        offsets.extend(range(done, start))
        done = match.end()
        _align_cluster(text, start, done, pieces, offsets)
    pieces.append(normalize(text[done:]))
    offsets.extend(range(done, len(text)))
    offsets.append(len(text))
    return "".join(pieces), offsets


def original_end(offsets: Sequence[int], end: int) -> int:
    """The end in the original text of a span of normalized text that ends at `end` (not 0)."""
    return offsets[min(bisect_right(offsets, offsets[end - 1], end), len(offsets) - 1)]


def _align_cluster(text: str, start: int, end: int, pieces: list[str], offsets: "array[int]") -> None:
    """Normalize text[start:end] by clusters. All characters of a cluster get the offset of its start."""
    while start < end:
        stop = start + 1
        while stop < end and _joins(text[stop]):
            stop += 1
        made = normalize(text[start:stop])
        pieces.append(made)
        offsets.extend(repeat(start, len(made)))
        start = stop


@lru_cache(maxsize=4096)
def _joins(character: str) -> bool:
    """Whether a character can compose with the character before it."""
    if _ODD.match(character) is not None:
        return _REPLACED.match(character) is None
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.combining(first) != 0 or _JOINING_STARTERS.match(first) is not None
