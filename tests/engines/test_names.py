"""Names of indexes and aliases: what exists, what can be made, and what is made of an alias."""

import pytest

from enricher.errors import UsageError
from indexer.engines.names import (
    check_name,
    check_new_alias,
    check_new_index,
    file_name_for,
    index_name_for,
)

ENDING = "-20260101t120000-4f1c"
NOTHING_HAS = {
    "": "is empty",
    ".": "may not begin",
    "..": "may not begin",
    "_all": "may not begin",
    "-a": "may not begin",
    "+a": "may not begin",
    "a b": "spaces",
    " a": "spaces",
    "a\0b": "may not contain",
    "a/b": "may not contain",
    "a\\b": "may not contain",
    'a"b': "may not contain",
    "a<b": "may not contain",
    "a#b": "may not contain",
    "a\udc80": "may not contain",
    "a*": "pattern",
    "a?": "pattern",
    "a,b": "list",
    "far:a": "another cluster",
    "<a-{now/d}>": "date math",
    "x" * 256: "longer than 255 bytes",
    "\u00e9" * 128: "longer than 255 bytes",
}
"""Names that no index and no alias has → what is said of them."""


@pytest.mark.parametrize("name", NOTHING_HAS)
def test_what_nothing_can_be_called_is_refused_everywhere(name: str) -> None:
    """Each in a sentence that says why."""
    for check in (check_name, check_new_index, check_new_alias):
        with pytest.raises(UsageError, match=NOTHING_HAS[name]):
            check(name)


@pytest.mark.parametrize(
    "name",
    ["Live", "\u00c4pfel", ".hidden", "a\tb", "a%2Bb", "a+b", "a..b", "a'(b)[c]", "\u5546\u54c1", "X" * 255],
)
def test_what_may_exist_is_taken_as_it_is(name: str) -> None:
    """The server is asked for it by that name."""
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "index", "alias"),
    [
        ("articles", True, True),
        ("a+b", True, True),
        ("Live", False, True),
        ("\u00c4pfel", False, True),
        (".hidden", False, False),
        ("a\tb", False, False),
        ("a\u2028b", False, False),
        ("a\u200cb", True, True),
    ],
)
def test_new_names_follow_the_rule_of_their_kind(name: str, index: bool, alias: bool) -> None:
    """Capitals are for aliases; a leading dot and line breaks for neither."""
    for check, allowed in ((check_new_index, index), (check_new_alias, alias)):
        if allowed:
            assert check(name) == name
        else:
            with pytest.raises(UsageError):
                check(name)


@pytest.mark.parametrize(
    ("alias", "begins"),
    [
        ("articles", "articles"),
        ("productsLive", "productslive"),
        ("\u00c4pfelGro\u00df", "\u00e4pfelgro\u00df"),
        ("\u0130x", "i\u0307x"),
        (".hidden", "hidden"),
        ("..-_a", "a"),
        ("...", "index"),
        ("a\tb\nc", "a_b_c"),
        ("50%Off", "50%off"),
        ("X" * 255, "x" * 179),
        ("\u00c9" * 127, "\u00e9" * 89),
    ],
)
def test_an_index_can_be_made_of_the_name_of_any_alias(alias: str, begins: str) -> None:
    """As like the alias as may be; the ending stays whole."""
    name = index_name_for(alias, ENDING, 200)
    assert name == begins + ENDING and len(name.encode()) <= 200
    assert check_new_index(name) == name


def test_a_file_is_named_after_any_index() -> None:
    """No longer than file systems take."""
    assert file_name_for("productsLive", ".rejects.jsonl") == "productsLive.rejects.jsonl"
    longest = file_name_for("\u00e9" * 127, ".rejects.jsonl")
    assert longest.endswith("\u00e9.rejects.jsonl") and len(longest.encode()) <= 255
