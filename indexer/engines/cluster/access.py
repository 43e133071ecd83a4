"""Sentences for requests that the server does not allow: who is not known, and who lacks which privilege."""

import re
from collections.abc import Mapping, Sequence

from enricher.settings import API_KEY, BEARER_TOKEN, PASSWORD, USER
from indexer.engines.cluster.server import Refused, Server

_UNAUTHORIZED = re.compile(
    r"action \[(?P<action>[^\]]+)\] is unauthorized for (?P<who>.+?)"
    r"(?: with (?:effective|assigned) roles \[.*?\](?: \(.*?\))?)?"
    r"(?: on (?:restricted )?indices \[(?P<indexes>[^\]]*)\])?"
    r", this action is granted by the (?P<level>index|cluster) privileges \[(?P<privileges>[^\]]+)\]"
)
_SUGGESTED = (
    "monitor",
    "read",
    "write",
    "view_index_metadata",
    "maintenance",
    "create_index",
    "manage_index_templates",
    "manage",
)
"""Privileges in the order in which to ask for them. Narrower ones than `write` do not suffice."""


def missing_privileges(
    server: Server, needed: Mapping[str, Sequence[str]], shown: Mapping[str, str]
) -> str | None:
    """The sentence for index privileges that the user lacks; None if none is known.

    needed: privileges of each index or alias. shown: what to call them, for names that stand for others. A
    server without security cannot say.
    """
    asked = [{"names": [name], "privileges": list(given)} for name, given in needed.items()]
    try:
        answer = server.post("_security", "user", "_has_privileges", body={"index": asked}).body
    except Refused:
        return None
    granted = answer.get("index", {})
    lacking = []
    for name, given in needed.items():
        denied = [repr(one) for one in given if granted.get(name, {}).get(one) is False]
        if denied:
            lacking.append(f"{', '.join(denied)} on {shown.get(name, name)!r}")
    if not lacking:
        return None
    return (
        f"{server.product} does not allow this to user {answer['username']!r}, who lacks the index privilege "
        f"{'; '.join(lacking)}; grant it to a role of the user."
    )


def not_authenticated(reason: str, product: str) -> str:
    """The sentence for status 401. reason: of the server."""
    if "missing authentication" in reason or not reason:
        return (
            f"{product} requires authentication; give {USER.option} and {PASSWORD.secret} or "
            f"{PASSWORD.option}, or {API_KEY.option} or {BEARER_TOKEN.option}."
        )
    if reason == "Unauthorized":  # OpenSearch says no more
        return (
            f"{product} requires a user, or does not accept this one; check {USER.option} and "
            f"{PASSWORD.secret} or {PASSWORD.option}, {BEARER_TOKEN.option}, or the engine URL."
        )
    if re.search(r"api.?key", reason, re.I):
        return f"{product} rejects the API key; check the key of {API_KEY.option} and whether it has expired."
    if re.search(r"\btoken\b", reason, re.I):
        return (
            f"{product} rejects the token; check the token of {BEARER_TOKEN.option} and whether it has "
            "expired."
        )
    return (
        f"{product} rejects the user name or the password; check {USER.option} and {PASSWORD.secret} or "
        f"{PASSWORD.option}, or the engine URL."
    )


def not_allowed(reason: str, product: str, index: str | None = None) -> str:
    """The sentence for a missing privilege, which it names.

    reason: of the server. index: of the request, which the reason for a bulk request does not name.
    """
    found = _UNAUTHORIZED.search(reason)
    if found is None:
        return f"{product} does not allow this: {reason}."
    granting = found["privileges"].split(",")
    privilege = next((name for name in _SUGGESTED if name in granting), granting[0])
    who = re.sub(r"\[(.*?)\]", r"'\1'", found["who"])
    name = found["indexes"] or index
    place = f" on {name!r}" if name and found["level"] == "index" else ""
    return (
        f"{product} does not allow this to {who}, who lacks the {found['level']} privilege {privilege!r}"
        f"{place} (for {found['action']}); grant it to a role of the user."
    )
