"""Mask HTML markup without changing the offsets of the text.

A masked text has the same length as the original. Inline tags (`<b>`) become invisible characters that
normalization removes, so that a word around a tag stays whole. Other tags become spaces and a line break,
which separates sentences. An entity becomes its character. Comments, scripts and styles become spaces.
"""

import re
from html import unescape
from html.entities import html5

TAG = "\u2060\u2061\u2062"
"""Characters that replace an inline tag. Normalization removes them, and they do not separate words. The last
character of a replacement says whether the tag was a closing or an opening tag.
"""
_FILLER, _CLOSED, _OPENED = "\u2060", "\u2061", "\u2062"
_REST = "\u2063"
"""Filler after the character of an entity. Normalization removes it too."""
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
    <!--.*?(?:-->|\Z) | <(?P<raw>script|style)\b[^<>]*+>.*?(?:</(?P=raw)\s*>|\Z) | <!\[CDATA\[ | \]\]> |
  <[!?][a-zA-Z][^<>]*+> | <(?P<close>/?)(?P<name>[a-zA-Z][\w:.-]*+)
  (?P<attributes>(?:(?:\s++|(?<=["']))[^\s"'<>/=]++(?:\s*+=\s*+{_VALUE})?+)*+)\s*+(?P<empty>/?)(?P<end>>|(?=<)|\Z)
  | &(?:amp;)*(?:\#[0-9]{{1,7}};?|\#[xX][0-9a-fA-F]{{1,6}};?|nbsp;?|[a-zA-Z][a-zA-Z0-9]{{1,30}};)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(rf"([^\s\"'<>/=]++)(\s*+=\s*+{_VALUE})?+", re.DOTALL)


def without_markup(text: str, *, every_tag: bool = False) -> str:
    """Mask the markup of a text; the length stays the same. A text without markup is returned unchanged.

    Text about code keeps its words: `a < b`, `List<T>` and `#include <stdio.h>` are not markup. A tag must
    have the name of an HTML element, an attribute with a value, or a closing tag. every_tag: treat
    everything between angle brackets that begins with a letter as a tag, because the text is known to be
    HTML.
    """
    if "<" not in text and "&" not in text:
        return text
    masked = _MARKUP.sub(_Mask(text, every_tag), text)
    return _GLUED.sub(" ", masked) if _CLOSED in masked else masked


def without_filler(masked: str) -> str:
    """Remove the filler characters from a masked text. This changes the offsets."""
    return masked if masked.isascii() else _FILLERS.sub("", masked)


class _Mask:
    """Computes the replacement of a piece of markup."""

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
        """Whether the text contains a closing tag with that name."""
        if name not in self._closed:
            self._closed[name] = f"</{name}>" in self._text
        return self._closed[name]


def _decoded(entity: str) -> str:
    """The character of an entity, padded to the length of the entity; unchanged if the entity is unknown.

    An entity that was encoded twice (`&amp;nbsp;`) is decoded twice.
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
