"""Search enrichment: keywords, neighbours, related words and query expansion from your documents.

import enricher

model = enricher.load("models")
model.keywords("…", top=5)
model.related("数据库")
"""

from enricher.errors import EnricherError
from enricher.loaded_model import Model, load
from enricher.records import Keyword, Neighbor, Query, QueryTerm, RelatedWord

__all__ = ["EnricherError", "Keyword", "Model", "Neighbor", "Query", "QueryTerm", "RelatedWord", "load"]
