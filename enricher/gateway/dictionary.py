"""The words of the active model as a dictionary for IK, which asks for it again and again."""

import hashlib
from datetime import UTC, datetime

from aiohttp import web

from enricher.loaded_model import Model
from enricher.vocabulary.exports import user_words


def dictionary_text(model: Model) -> tuple[str, datetime]:
    """The user's words and the added ones, one a line, and when the model was made."""
    words = "".join(f"{word.text}\n" for word in user_words(model))
    return words, datetime.fromisoformat(model.bundle.manifest.created).astimezone(UTC)


def dictionary_response(request: web.Request, text: str, made: datetime) -> web.Response:
    """The dictionary, or 304 if the client has it: by ETag, or by the time of its last change."""
    body = text.encode("utf-8", "replace")
    tag = hashlib.sha256(body).hexdigest()[:16]
    response = web.Response(body=body, content_type="text/plain", charset="utf-8")
    response.etag, response.last_modified = tag, made
    known = request.if_none_match
    since = request.if_modified_since
    is_known = any(one.value == tag for one in known) if known else since is not None and made <= since
    if is_known:
        response = web.Response(status=304)
        response.etag, response.last_modified = tag, made
    return response
