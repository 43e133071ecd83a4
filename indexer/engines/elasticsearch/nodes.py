"""The transport of the client, which counts requests and bytes for the profile of a search."""

from typing import Any

from elastic_transport import Urllib3HttpNode
from elastic_transport._node import NodeApiResponse

from enricher.search.profile import count_request


class CountingNode(Urllib3HttpNode):
    """Counts every answered request. Bytes are those of the bodies, received ones after decompression."""

    def perform_request(self, *arguments: Any, **options: Any) -> NodeApiResponse:
        response = super().perform_request(*arguments, **options)
        body = options.get("body") or (arguments[2] if len(arguments) > 2 else None)
        count_request(len(body or b""), len(response.body))
        return response
