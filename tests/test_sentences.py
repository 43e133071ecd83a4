"""Parts of sentences."""

import pytest

from enricher.sentences import counted


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 models"), (1, "1 model"), (2, "2 models"), (2000, "2,000 models")]
)
def test_a_noun_agrees_with_its_number(number: int, shown: str) -> None:
    """One is single, none and many are plural."""
    assert counted(number, "model") == shown


def test_a_plural_can_be_given() -> None:
    """Where it is not the noun and an s."""
    assert [counted(number, "query", "queries") for number in (1, 2)] == ["1 query", "2 queries"]
