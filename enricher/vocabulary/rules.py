"""Rules by which candidates are dropped: data, which users extend (`rules.txt` describes the format)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from enricher.errors import SourceError
from enricher.lines import read_text
from enricher.text import normalize

KINDS = ("drop", "keep", "word", "last")
OWN = "rules.txt"


@dataclass(slots=True)
class Rules:
    """The rules in force. last: the first letters of the tags that the last Chinese word may have."""

    drop: list[re.Pattern[str]] = field(default_factory=list)
    keep: list[re.Pattern[str]] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    last: frozenset[str] = frozenset()

    def accept(self, term: str, tag: str) -> bool:
        """Whether a term may be a candidate. tag: of its last word in the dictionary; "" if it is not Han."""
        if any(pattern.search(term) for pattern in self.keep):
            return True
        if term in self.words or (tag and self.last and tag[0] not in self.last):
            return False
        return not any(pattern.search(term) for pattern in self.drop)


def read_rules(path: Path | None) -> Rules:
    """The rules of this program, and those of a user's file. Raises SourceError with the wrong line."""
    rules = Rules()
    own = resources.files(__package__).joinpath(OWN).read_text(encoding="utf-8")
    _add(rules, own.splitlines(), OWN)
    if path is not None:
        try:
            text = read_text(path)
        except OSError as error:
            raise SourceError(f"The rules {str(path)!r} cannot be read: {error.strerror or error}.") from None
        _add(rules, text.splitlines(), str(path))
    return rules


def _add(rules: Rules, lines: Sequence[str], name: str) -> None:
    for number, line in enumerate(lines, start=1):
        kind, _, value = line.strip().partition(" ")
        value = value.strip()
        if not kind or kind.startswith("#"):
            continue
        where = f"The rules {name!r}, line {number}"
        if kind not in KINDS:
            raise SourceError(f"{where}: the kind {kind!r} is none of {', '.join(KINDS)}.")
        if not value:
            raise SourceError(f"{where}: the kind {kind!r} has no value.")
        if kind == "word":
            rules.words.add(normalize(value))
        elif kind == "last":
            rules.last = frozenset(value.split())
            if wrong := sorted(
                tag for tag in rules.last if not (len(tag) == 1 and tag.isascii() and tag.isalpha())
            ):
                raise SourceError(f"{where}: {wrong[0]!r} is not the first letter of a tag.")
        else:
            try:
                pattern = re.compile(value)
            except re.error as error:
                raise SourceError(f"{where}: {value!r} is no regular expression: {error}.") from None
            (rules.drop if kind == "drop" else rules.keep).append(pattern)
