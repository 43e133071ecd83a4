"""Names of indexes and aliases: one rule for every engine, that of Elasticsearch."""

from enricher.errors import IndexConflict, IndexNotFound, UsageError

_FORBIDDEN = '\\/*?"<>|,#: '
_LONGEST = 255


def check_name(name: str, *, new: bool = False) -> str:
    """Answer the name where it can name one index; `new` for a name that is about to be made.

    Raises UsageError. An existing index may begin with a dot, a new one may not. A name that none
    can have is refused here, because a server takes some of them for its own commands (`_all`).
    """
    complaint = _complaint(name, new)
    if complaint:
        raise UsageError(f"The index name {name!r} {complaint}.")
    return name


def _complaint(name: str, new: bool) -> str | None:
    if not name:
        return "is empty; give it at least one letter"
    if name in {".", ".."} or (new and name[0] == ".") or name[0] in "-_+":
        return "may not begin with '.', '-', '_' or '+'"
    if any(letter in _FORBIDDEN or not letter.isprintable() for letter in name):
        return f"may not hold spaces, control characters or any of {_FORBIDDEN.strip()}"
    if name != name.lower():
        return f"has capital letters; write {name.lower()!r}"
    if len(name.encode()) > _LONGEST:
        return f"is longer than {_LONGEST} bytes"
    return None


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
