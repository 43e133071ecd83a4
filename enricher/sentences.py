"""Parts of sentences."""


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number and its noun: 1 document, 2,000 documents; `plural` where that is not the noun and an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
