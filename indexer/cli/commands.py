"""All commands: importing this module registers them."""

from indexer.cli import (
    doctor,
    evaluate,
    expand,
    follow,
    index,
    library,
    library_map,
    library_shelves,
    models,
    reindex,
    search,
    serve,
    train,
    vocabulary,
    words,
)

__all__ = [
    "doctor", "evaluate", "expand", "follow", "index", "library", "library_map", "library_shelves",
    "models", "reindex", "search", "serve", "train", "vocabulary", "words",
]  # fmt: skip
