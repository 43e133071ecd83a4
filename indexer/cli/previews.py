"""How the terminal shows what words would change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.cli.output import counted, print_json, print_line

if TYPE_CHECKING:
    from indexer.vocabulary.previewing import Preview


def print_preview(found: Preview, as_json: bool) -> None:
    """Print what words would change: as one JSON document, or as text."""
    if as_json:
        print_json(_json_of(found))
        return
    if not found.words:
        print_line("The active model has all these words.")
        return
    print_line(f"{counted(len(found.words), 'word')} not in the active model yet.")
    for index in found.indexes:
        print_line(
            f"{index.index}: {index.affected:,} of {index.documents:,} documents would be enriched again."
        )
        for document in index.shown:
            print_line(f"  {document.id}")
            for before, after in document.words:
                print_line(f"    {' '.join(before)} -> {' '.join(after)}")
            old, new = document.keywords
            if old != new:
                print_line(f"    keywords: {', '.join(old)}")
                print_line(f"         now: {', '.join(new)}")
    for query, before, after in found.queries:
        print_line(f"query {query!r}: {' '.join(before)} -> {' '.join(after)}")


def _json_of(found: Preview) -> dict[str, object]:
    return {
        "words": found.words,
        "indexes": [
            {
                "index": index.index,
                "documents": index.documents,
                "affected": index.affected,
                "shown": [
                    {
                        "id": document.id,
                        "words": [{"before": before, "after": after} for before, after in document.words],
                        "keywords": {"before": document.keywords[0], "after": document.keywords[1]},
                    }
                    for document in index.shown
                ],
            }
            for index in found.indexes
        ],
        "queries": [
            {"query": query, "before": before, "after": after} for query, before, after in found.queries
        ],
    }
