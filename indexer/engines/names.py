"""Naming rules of indexes and aliases, the same for every engine: those of Elasticsearch.

`check_name` accepts every name that an existing index or alias can have, for example an alias with capitals.
It refuses all others before a request is sent, because the server would read them as a pattern, a list, date
math, a path, another cluster or a command (`_all`). `check_new_...` are stricter.
"""

from unicodedata import category as _category

from enricher.errors import IndexConflict, IndexNotFound, UsageError

_FORBIDDEN = '\\/*?"<>|,#:'
_READ_AS = {
    "*": "is a pattern; name one index",
    "?": "is a pattern; name one index",
    ",": "is a list; name one index",
    ":": "contains ':', which means an index of another cluster; give the address of the cluster to --engine",
}
"""How Elasticsearch reads a character in an index name."""
MAX_BYTES = 255
"""Maximum length of a name in UTF-8."""
SAMPLE_ENDING = "-00000000t000000-0000"
"""A suffix of the same length as those of `indexer.reindex.naming`."""
_CONTROLS = frozenset({"Cc", "Zl", "Zp"})


def check_name(name: str) -> str:
    """Return the name if an index or an alias can have it. Raises UsageError."""
    return _checked("index", name, _complaint(name))


def check_new_index(name: str) -> str:
    """Return the name if a new index can have it. Raises UsageError."""
    return _checked("index", name, _complaint(name) or _complaint_of_new(name) or _complaint_of_index(name))


def check_new_alias(name: str) -> str:
    """Return the name if a new alias can have it. Raises UsageError."""
    return _checked("alias", name, _complaint(name) or _complaint_of_new(name))


def _checked(what: str, name: str, complaint: str | None) -> str:
    if complaint:
        raise UsageError(f"The {what} name {name!r} {complaint}.")
    return name


def _complaint(name: str) -> str | None:
    """What is wrong with a name that no index and no alias can have; None if it is valid."""
    if not name:
        return "is empty; give a name"
    if name in {".", ".."} or name[0] in "-_+":
        return "may not begin with '-', '_' or '+', nor be '.' or '..'"
    if name[0] == "<" and name[-1] == ">":
        return "is date math, which means a different index every day; write the name of one index"
    for sign, reading in _READ_AS.items():
        if sign in name:
            return reading
    if any(letter in _FORBIDDEN or letter in " \0" or _category(letter) == "Cs" for letter in name):
        return f"may not contain spaces or any of {_FORBIDDEN}"
    if len(name.encode()) > MAX_BYTES:
        return f"is longer than {MAX_BYTES} bytes"
    return None


def _complaint_of_new(name: str) -> str | None:
    """What is wrong with the name of a new index or alias that Elasticsearch would accept."""
    if name[0] == ".":
        return "may not begin with '.', which is reserved for hidden and system indexes"
    if any(_category(letter) in _CONTROLS for letter in name):
        return "may not contain line breaks, tabs or other control characters"
    return None


def _complaint_of_index(name: str) -> str | None:
    if name != name.lower():
        return f"has capital letters, which only an alias may have; write {name.lower()!r}"
    return None


def shortened(name: str, most: int) -> str:
    """Truncate a name to a number of bytes in UTF-8, at a character boundary."""
    return name.encode()[:most].decode(errors="ignore")


def index_name_for(alias: str, ending: str, most: int = MAX_BYTES) -> str:
    """The name of a new index behind an alias: the alias, as far as it is valid for an index, and an ending.

    The ending is never truncated. It must be unique, because different aliases can give the same beginning:
    they may differ only in capitals, in a leading dot, or in characters past the limit.
    """
    lowered = "".join("_" if _category(letter) in _CONTROLS else letter for letter in alias.lower())
    begun = shortened(lowered.lstrip(".-_+") or "index", most - len(ending.encode()))
    return begun + ending


def file_name_for(name: str, ending: str) -> str:
    """A file name of an index or alias name and an ending, truncated to the limit of file systems."""
    return shortened(name, MAX_BYTES - len(ending.encode())) + ending


def no_such_index(name: str) -> IndexNotFound:
    """The error for a name that no index and no alias has."""
    return IndexNotFound(f"There is no index {name!r}; create it with `enricher index SOURCE --to {name}`.")


def name_taken(name: str) -> IndexConflict:
    """The error for a new name that an index or an alias already has."""
    return IndexConflict(f"An index or alias {name!r} already exists; choose another name.")


def not_enriched(index: str, alias: str | None = None) -> IndexConflict:
    """The error for an index that was never enriched: it has no layout.

    alias: the name that searches use, if it is another one.
    """
    to = "ALIAS" if alias in (None, index) else alias
    return IndexConflict(
        f"The index {index!r} was never enriched. Run `enricher reindex start {index} --to {to}` first, or "
        f"`enricher reindex start {index} --in-place`."
    )
