"""Roles with the privileges that docs/elasticsearch.md lists, and no others."""

from collections.abc import Mapping, Sequence


def _role(
    indexes: Mapping[str, Sequence[str]] | None = None, cluster: Sequence[str] = ()
) -> Mapping[str, object]:
    """A role of the file realm. indexes: patterns of names, and the privileges on them."""
    held = [{"names": [name], "privileges": list(given)} for name, given in (indexes or {}).items()]
    return {"cluster": list(cluster), "indices": held}


FULL = ("read", "write", "manage")


def _with_jobs(name: str) -> Mapping[str, Sequence[str]]:
    """An index or alias that jobs fill, with the indexes and the fencing aliases that they make for it."""
    return dict.fromkeys((name, f"{name}-*", f".{name}-*"), FULL)


READ = ("read", "view_index_metadata")
LEDGER = {"enricher-jobs": ("read", "write", "create_index")}
COPY = {"docs-old": (*READ, "maintenance", "monitor"), **_with_jobs("moved"), **LEDGER}

ROLES: Mapping[str, Mapping[str, object]] = {
    "nothing": _role(),
    "searcher": _role({"docs*": READ}),
    "alias-searcher": _role({"shown": READ}),
    "metadata": _role({"docs*": ("view_index_metadata",)}),
    "writer": _role({"docs-own": ("write", "view_index_metadata")}),
    "creator": _role({"made*": ("create_index", "write", "view_index_metadata", "maintenance")}),
    "watcher": _role({"enricher-jobs": ("read",)}),
    "copier": _role(COPY, ("monitor", "manage_index_templates")),
    "returner": _role({**_with_jobs("moved"), **_with_jobs("docs-old"), **LEDGER}, ("monitor",)),
    "mender": _role({**_with_jobs("docs-other"), **LEDGER}, ("monitor",)),
    "follower": _role(
        {
            **_with_jobs("made-followed"),
            "enricher-follow": ("read", "write", "create_index"),
            "enricher-jobs": ("read",),
        }
    ),
    "judge": _role({"enricher-evaluate-*": FULL}),
}
