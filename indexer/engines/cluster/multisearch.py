"""Several searches in one request (`_msearch`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from indexer.engines.cluster.server import Refused, Server


class MultiSearch:
    """Sends searches that do not depend on each other together, to one server."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def search(
        self, index: str, bodies: Sequence[Mapping[str, Any]], frequencies_of_all_shards: bool = False
    ) -> list[Mapping[str, Any]]:
        """The answers to search bodies, in their order. Raises Refused if one of them is refused.

        Partial answers are errors. frequencies_of_all_shards: score by the document frequencies of all
        shards together, which takes one more round among the nodes.
        """
        head: dict[str, Any] = {"allow_partial_search_results": False}
        if frequencies_of_all_shards:
            head["search_type"] = "dfs_query_then_fetch"
        searches = [part for body in bodies for part in (head, body)]
        answer = self.server.post(index, "_msearch", body=searches)
        answers: list[Mapping[str, Any]] = answer["responses"]
        for one in answers:
            if "error" in one:
                raise Refused(int(one["status"]), one)
        return answers
