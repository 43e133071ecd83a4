"""The console: pages for people. They load nothing from elsewhere, and ask the endpoints like any client."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import PurePath

from aiohttp import web

from enricher.library.maps.policy import own_sources

INDEX = "index.html"
PUBLIC_VIEWS = ("search", "keywords", "words", "library", "evaluation", "state")
ADMIN_VIEWS = ("review",)
"""The views of the page on both addresses: what changes something is only on the admin address."""
VIEWS = b'data-views=""'
"""What the page has in place of the names of its views."""
MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_MAP_SCRIPT, _MAP_STYLE = own_sources()
"""A map is shown in a frame, which has the policy of this page too."""
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        f"default-src 'none'; script-src 'self' {_MAP_SCRIPT}; style-src 'self' {_MAP_STYLE}; "
        "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Console:
    """The files of the console, which are read once. views: those that its page shows."""

    def __init__(self, views: Sequence[str]) -> None:
        folder = files("enricher.gateway") / "pages"
        self._files = {file.name: file.read_bytes() for file in folder.iterdir() if _type(file.name)}
        named = VIEWS.replace(b'""', f'"{" ".join(views)}"'.encode())
        self._files[INDEX] = self._files[INDEX].replace(VIEWS, named)

    async def page(self, request: web.Request) -> web.Response:
        """The page itself."""
        return self._file(INDEX, request)

    async def file(self, request: web.Request) -> web.Response:
        """A script or a style sheet of the page. Raises HTTPNotFound."""
        return self._file(request.match_info["file"], request)

    def _file(self, name: str, request: web.Request) -> web.Response:
        content = self._files.get(name)
        if content is None:
            raise web.HTTPNotFound
        tag = hashlib.sha256(content).hexdigest()[:16]
        headers = HEADERS | {"ETag": f'"{tag}"'}
        if any(known.value == tag for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=content, content_type=_type(name), charset="utf-8", headers=headers)


def _type(name: str) -> str:
    """The media type of a file; empty for what is no part of the console."""
    return MEDIA_TYPES.get(PurePath(name).suffix, "")
