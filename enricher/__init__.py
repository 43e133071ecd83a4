"""Search enrichment: keywords, neighbours, related words and query expansion from your documents.

import enricher

model = enricher.load("models")
model.keywords("…", top=5)
model.related("数据库")
"""

from typing import TYPE_CHECKING, Any

from enricher.errors import EnricherError
from enricher.records import Keyword, Neighbor, Query, QueryTerm, RelatedWord

if TYPE_CHECKING:
    from enricher.loaded_model import Model, load

__all__ = ["EnricherError", "Keyword", "Model", "Neighbor", "Query", "QueryTerm", "RelatedWord", "load"]


def __getattr__(name: str) -> Any:
    """Import what opens a model when it is asked for: what needs none starts without NumPy."""
    if name not in ("Model", "load"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from enricher import loaded_model

    return getattr(loaded_model, name)
