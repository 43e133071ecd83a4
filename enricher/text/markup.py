"""Masking markup: the text as a reader sees it, every character of it in its place.

A masked text has the length of the original. Tags inside a line (`<b>`) become characters that normalising
removes, so that the word around one stays whole; others become blanks and a line break, which parts
sentences. An entity becomes its character. Comments, scripts and styles become blanks.
"""

import re
from html import unescape
from html.entities import html5

TAG = "\u2060\u2061\u2062"
"""What becomes of an inline tag. Normalising removes it, and it parts no word. The last character tells
whether the tag closed or opened something.
"""
_FILLER, _CLOSED, _OPENED = "\u2060", "\u2061", "\u2062"
_REST = "\u2063"
"""What follows the character of an entity; normalising removes it too."""
_FILLERS = re.compile(f"[{TAG}{_REST}]+")
_GLUED = re.compile(f"{_CLOSED}(?={_FILLER}*{_OPENED})")

_INLINE_NAMES = """
a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rp rt ruby s
samp small span strike strong sub sup time tt u var wbr
"""
_OTHER_NAMES = """
address area article aside audio base blockquote body br button canvas caption center col colgroup dd
details dialog dir div dl dt embed fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5
h6 head header hgroup hr html iframe img input legend li link main map menu meta meter nav noscript
object ol optgroup option output p param picture pre progress script section select source style summary
svg table tbody td template textarea tfoot th thead title tr track ul video
"""
_FLAG_NAMES = """
allowfullscreen async autofocus autoplay checked compact controls default defer disabled hidden ismap
itemscope loop multiple muted nohref noshade novalidate nowrap open playsinline readonly required
reversed selected
"""
_INLINE = frozenset(_INLINE_NAMES.split())
_ELEMENTS = _INLINE.union(_OTHER_NAMES.split())
_FLAGS = frozenset(_FLAG_NAMES.split())

_VALUE = r"""(?:"[^"<]*+"|'[^'<]*+'|"[^"]{0,500}"|'[^']{0,500}'|[^\s"'<>=`]++|["'][^"'<>]*+\Z)"""
_MARKUP = re.compile(
    rf"""
    <!--.*?(?:-->|\Z)
  | <(?P<raw>script|style)\b[^<>]*+>.*?(?:</(?P=raw)\s*>|\Z)
  | <!\[CDATA\[ | \]\]>
  | <[!?][a-zA-Z][^<>]*+>
  | <(?P<close>/?)(?P<name>[a-zA-Z][\w:.-]*+)
    (?P<attributes>(?:(?:\s++|(?<=["']))[^\s"'<>/=]++(?:\s*+=\s*+{_VALUE})?+)*+)\s*+(?P<empty>/?)(?P<end>>|(?=<)|\Z)
  | &(?:amp;)*(?:\#[0-9]{{1,7}};?|\#[xX][0-9a-fA-F]{{1,6}};?|nbsp;?|[a-zA-Z][a-zA-Z0-9]{{1,30}};)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(rf"([^\s\"'<>/=]++)(\s*+=\s*+{_VALUE})?+", re.DOTALL)


def without_markup(text: str, *, every_tag: bool = False) -> str:
    """The text with its markup masked, of the same length; the text itself where it has none.

    Text about code keeps its words: `a < b`, `List<T>` and `#include <stdio.h>` are no markup. A tag is one
    by the name of an element of HTML, an attribute with a value, or because it is closed. every_tag: whatever
    stands between angle brackets and begins with a letter is a tag, as in a text that is known to be HTML.
    """
    if "<" not in text and "&" not in text:
        return text
    masked = _MARKUP.sub(_Mask(text, every_tag), text)
    return _GLUED.sub(" ", masked) if _CLOSED in masked else masked


def unfilled(masked: str) -> str:
    """A masked text without what inline tags and entities were filled with; words lose their places."""
    return masked if masked.isascii() else _FILLERS.sub("", masked)


class _Mask:
    """What stands in the place of a piece of markup."""

    def __init__(self, text: str, every_tag: bool) -> None:
        self._text = text
        self._every_tag = every_tag
        self._closed: dict[str, bool] = {}

    def __call__(self, match: re.Match[str]) -> str:
        found, name = match[0], match["name"]
        if found[0] == "&":
            return _decoded(found)
        if name is None:
            return "\n".rjust(len(found))
        if not (self._every_tag or self._is_tag(match)):
            return found
        if match["end"] != ">" and not match["attributes"].strip():
            return found
        if name.lower() not in _INLINE:
            return "\n".rjust(len(found))
        return (_CLOSED if match["close"] else _OPENED).rjust(len(found), _FILLER)

    def _is_tag(self, match: re.Match[str]) -> bool:
        name, attributes = match["name"], match["attributes"]
        has_values = False
        for attribute, value in _ATTRIBUTE.findall(attributes):
            if value:
                has_values = True
            elif attribute.lower() not in _FLAGS:
                return False
        if has_values or match["close"]:
            return True
        if name.lower() in _ELEMENTS and (name.islower() or name.isupper()):
            return len(name) > 1 or name in "pP" or self._is_closed(name)
        return bool(match["empty"]) or (self._is_closed(name))

    def _is_closed(self, name: str) -> bool:
        """Whether the text closes an element of that name anywhere."""
        if name not in self._closed:
            self._closed[name] = f"</{name}>" in self._text
        return self._closed[name]


def _decoded(entity: str) -> str:
    """The character of an entity, filled to its length; the entity itself where it is none.

    One that was encoded twice (`&amp;nbsp;`) is decoded twice.
    """
    name = entity[1:].rstrip(";")
    while name.startswith("amp;"):
        name = name[4:]
    if name.lower() == "nbsp":
        return " " + _REST * (len(entity) - 1)
    if name[0] != "#" and f"{name};" not in html5:
        return entity
    character = unescape(f"&{name};")
    return (character if len(character) < len(entity) else " ").ljust(len(entity), _REST)
