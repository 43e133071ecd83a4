"""Names of indexes and aliases: one rule for every engine, that of Elasticsearch.

A name of something that exists is taken as it is: capitals are allowed in aliases, a leading dot and even a
tab in both. What no index and no alias can be called is refused before the server is asked, which would read
it as a pattern, a list, date math, a path, another cluster or a command of its own (`_all`).
"""

from unicodedata import category as _category

from enricher.errors import IndexConflict, IndexNotFound, UsageError

_FORBIDDEN = '\\/*?"<>|,#:'
_READ_AS = {
    "*": "is a pattern; name one index",
    "?": "is a pattern; name one index",
    ",": "is a list; name one index",
    ":": "holds ':', which is an index of another cluster: give its address to --engine",
}
"""What a server makes of a sign in a name."""
MAX_BYTES = 255
"""Bytes of a name in UTF-8."""
SAMPLE_ENDING = "-00000000t000000-0000"
"""The ending of the name of a new index, like those that `indexer.reindex.naming` gives."""
_CONTROLS = frozenset({"Cc", "Zl", "Zp"})


def check_name(name: str) -> str:
    """Answer the name where it can be that of an index or an alias. Raises UsageError."""
    return _checked("index", name, _complaint(name))


def check_new_index(name: str) -> str:
    """Answer the name where an index can be made of it. Raises UsageError."""
    return _checked("index", name, _complaint(name) or _complaint_of_new(name) or _complaint_of_index(name))


def check_new_alias(name: str) -> str:
    """Answer the name where an alias can be made of it. Raises UsageError."""
    return _checked("alias", name, _complaint(name) or _complaint_of_new(name))


def _checked(what: str, name: str, complaint: str | None) -> str:
    if complaint:
        raise UsageError(f"The {what} name {name!r} {complaint}.")
    return name


def _complaint(name: str) -> str | None:
    """What is wrong with a name that nothing can have."""
    if not name:
        return "is empty; give it at least one letter"
    if name in {".", ".."} or name[0] in "-_+":
        return "may not begin with '-', '_' or '+', nor be '.' or '..'"
    if name[0] == "<" and name[-1] == ">":
        return "is date math, which stands for another index every day; write the name that it stands for"
    for sign, reading in _READ_AS.items():
        if sign in name:
            return reading
    if any(letter in _FORBIDDEN or letter in " \0" or _category(letter) == "Cs" for letter in name):
        return f"may not hold spaces or any of {_FORBIDDEN}"
    if len(name.encode()) > MAX_BYTES:
        return f"is longer than {MAX_BYTES} bytes"
    return None


def _complaint_of_new(name: str) -> str | None:
    """What a server would take, and nobody wants."""
    if name[0] == ".":
        return "may not begin with '.', which the server keeps for hidden and system indexes"
    if any(_category(letter) in _CONTROLS for letter in name):
        return "may not hold line breaks, tabs or other control characters"
    return None


def _complaint_of_index(name: str) -> str | None:
    if name != name.lower():
        return f"has capital letters, which only an alias may have; write {name.lower()!r}"
    return None


def shortened(name: str, most: int) -> str:
    """The beginning of a name, at most so many bytes of UTF-8, no character cut in two."""
    return name.encode()[:most].decode(errors="ignore")


def index_name_for(alias: str, ending: str, most: int = MAX_BYTES) -> str:
    """A name for an index that is to stand behind an alias: as like it as an index may be called.

    Aliases that differ in capitals, in a leading dot or beyond the length give the same beginning: the
    ending, which is kept whole, must set their indexes apart.
    """
    lowered = "".join("_" if _category(letter) in _CONTROLS else letter for letter in alias.lower())
    begun = shortened(lowered.lstrip(".-_+") or "index", most - len(ending.encode()))
    return begun + ending


def file_name_for(name: str, ending: str) -> str:
    """A file name that begins with the name of an index or an alias, as long as a file system takes."""
    return shortened(name, MAX_BYTES - len(ending.encode())) + ending


def no_such_index(name: str) -> IndexNotFound:
    """The error for a name that neither an index nor an alias has."""
    return IndexNotFound(f"There is no index {name!r}; make it with `enricher index`.")


def name_taken(name: str) -> IndexConflict:
    """The error for a new name that an index or an alias has already."""
    return IndexConflict(f"The name {name!r} is taken by an index or an alias; choose another.")


def not_ours(name: str) -> IndexConflict:
    """The error for an index that carries no layout of this project."""
    return IndexConflict(
        f"The index {name!r} was not made by this program; "
        f"`enricher index index:{name} --to NEW` makes an enriched copy of it."
    )
