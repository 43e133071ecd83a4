"""The alias that clients use, and the fencing alias through which workers write.

A fencing alias is a write alias of the target that is replaced on every pass and step of a job. A worker that
was paused finds the alias that it knows gone, so its writes, its deletes and its swap fail.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from indexer.engines.cluster.engine import ALIASES, ClusterEngine
from indexer.engines.cluster.errors import refusal_of
from indexer.engines.cluster.server import Refused


class Aliases:
    """Resolves and changes the aliases of a cluster."""

    def __init__(self, engine: ClusterEngine) -> None:
        self._engine = engine
        self._server = engine.server.patient

    def behind(self, name: str) -> list[str]:
        """The indexes that a name points to: itself if it is an index, none if nothing has that name."""
        with self._engine.failures(name):
            found = self._server.get(name, filter_path=ALIASES, ignored=[404])
        return sorted(found.body) if found.status == 200 else []

    def open_fencing_alias(self, target: str, token: str) -> None:
        """Replace the fencing alias of the target in one action: only workers with this token can write."""
        add = {"add": {"index": target, "alias": fencing_alias(target, token), "is_hidden": True}}
        self._change(target, [_without_fencing_aliases(target), add])

    def add_fencing_alias(self, index: str, token: str) -> None:
        """Let workers with this token write to an index, beside those that can already."""
        add = {"index": index, "alias": fencing_alias(index, token), "is_hidden": True}
        self._change(index, [{"add": add}])

    def close_fencing_alias(self, target: str) -> None:
        """Remove the fencing aliases of the target: no worker can write."""
        with self._engine.failures(target):
            actions = [_without_fencing_aliases(target)]
            self._server.post("_aliases", body={"actions": actions}, ignored=[404])  # if there is none

    def add(self, alias: str, index: str) -> None:
        """Let an alias point to one more index."""
        self._change(index, [{"add": {"index": index, "alias": alias}}])

    def held(self, index: str, alias: str) -> Mapping[str, Any] | None:
        """The parameters of an alias of an index; None if the index does not have it."""
        with self._engine.failures(index):
            (described,) = self._server.get(index, filter_path=ALIASES).body.values()
        found: Mapping[str, Any] | None = described.get("aliases", {}).get(alias)
        return found

    def give(self, alias: str, target: str, token: str, held: Mapping[str, Any]) -> bool:
        """Give the target an alias in one action, and remove its fencing alias.

        held: the parameters of the alias in the cluster that the target was copied from. Returns False, and
        changes nothing, if the fencing alias of that token no longer exists.
        """
        return self._move(alias, self._moved(alias, target, token, held))

    def swap(self, alias: str, source: str, target: str, token: str) -> bool:
        """Move the alias from the source to the target in one action, and remove the fencing aliases of both.

        The alias keeps its filter, its routing and whether it is the write index. Returns False, and changes
        nothing, if the fencing alias of that token no longer exists.
        """
        held = self.held(source, alias)
        actions = self._moved(alias, target, token, held or {})
        if held is not None:  # else the user need not be allowed to change the source
            actions.insert(1, _without_fencing_aliases(source))
            actions.insert(1, {"remove": {"index": source, "alias": alias, "must_exist": False}})
        return self._move(alias, actions)

    def _moved(
        self, alias: str, target: str, token: str, held: Mapping[str, Any]
    ) -> list[dict[str, dict[str, Any]]]:
        """The actions that give the target an alias, and remove its fencing alias, which must exist."""
        return [
            {"remove": {"index": target, "alias": fencing_alias(target, token), "must_exist": True}},
            {"add": {"index": target, "alias": alias, **_parameters_of(held)}},
        ]

    def _move(self, alias: str, actions: Sequence[Mapping[str, Any]]) -> bool:
        """Change aliases. Returns False, and changes nothing, if one that must exist does not."""
        with self._engine.failures(alias):
            try:
                self._server.once.post("_aliases", body={"actions": actions})
            except Refused as error:
                if refusal_of(error).type != "aliases_not_found_exception":
                    raise
                return False
        return True

    def _change(self, index: str, actions: Sequence[Mapping[str, Any]]) -> None:
        with self._engine.failures(index):
            self._server.post("_aliases", body={"actions": actions})


def fencing_alias(target: str, token: str) -> str:
    """The name of the fencing alias of a target. Running jobs depend on it: it must not change."""
    return f".{target}-entrance-{token}"


def is_fencing_alias(name: str) -> bool:
    """Whether a name is that of a fencing alias; no index that a job copies begins with a dot."""
    return name.startswith(".")


def _without_fencing_aliases(target: str) -> dict[str, Any]:
    # Without `must_exist`: with false, OpenSearch takes the pattern for a name and removes nothing.
    return {"remove": {"index": target, "alias": fencing_alias(target, "*")}}


def _parameters_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """The filter, the routing and the flags of an alias."""
    return {
        name: found[name]
        for name in ("filter", "index_routing", "search_routing", "is_write_index", "is_hidden")
        if name in found
    }
