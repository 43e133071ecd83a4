"""Find the references in long texts: the list at the end, and names of authors in the text.

They contain names, places and titles of other works, which describe the text badly and occur often.
"""

import re

MIN_REFERENCE_CHARACTERS = 4000
"""Minimum characters of a text in which references are searched."""
BODY_SHARE = 0.5
"""Minimum share of the text before its list of references."""
LIST_CHARACTERS = 1000
"""Characters after a heading that must look like a list of references."""
MIN_LIST_YEARS, MIN_LIST_MARKS = 2, 3
"""Minimum years, and minimum initials or numbers of entries, in these characters."""
_HEADING = re.compile(
    r"\b(?:REFERENCES|References|BIBLIOGRAPHY|Bibliography|(?:LITERATURE|WORKS) CITED|"
    r"(?:Literature|Works) [Cc]ited)\b|参考文献|參考文獻|引用文献"
)
_APPENDIX = re.compile(r"\b(?:APPENDIX|APPENDICES|Appendix|Appendices)\b|附录|附錄")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_MARK = re.compile(r"\b[A-Z]\.|\[[A-Z\d/]+\]|[A-Z]\w+ [A-Z]{1,2}[,;.]")
_AUTHORS = re.compile(r"(?:[A-Z][\w'’-]*\.? (?:and |& )?){0,3}[A-Z][\w'’-]*,? et al\b\.?")


def reference_spans(text: str) -> list[tuple[int, int]]:
    """The start and end offsets of references in a long text, in order; none in a short text.

    A list of references begins with a heading in the second half of the text, and ends with the text or
    with an appendix. The names of authors before it are those that precede `et al`.
    """
    if len(text) < MIN_REFERENCE_CHARACTERS:
        return []
    start, end = _list_of_references(text)
    spans = [match.span() for match in _AUTHORS.finditer(text, 0, start)] if "et al" in text else []
    return [*spans, (start, end)] if start < end else spans


def _list_of_references(text: str) -> tuple[int, int]:
    """The start and end offsets of the list of references; both the length of the text if it has none."""
    for heading in _HEADING.finditer(text, int(BODY_SHARE * len(text))):
        entries = text[heading.end() : heading.end() + LIST_CHARACTERS]
        if len(_YEAR.findall(entries)) >= MIN_LIST_YEARS and len(_MARK.findall(entries)) >= MIN_LIST_MARKS:
            appendix = _APPENDIX.search(text, heading.end())
            return heading.start(), appendix.start() if appendix else len(text)
    return len(text), len(text)
