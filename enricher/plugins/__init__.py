"""The plug-in seam: enrichments and rewriters by name, our own and anybody's.

A plug-in is an entry point of the group `enricher.plugins`: a function that takes a
PluginContext and returns an Enrichment or a Rewriter.
"""

from enricher.plugins.registry import (
    PluginContext,
    candidates,
    document_settings,
    enrich,
    load_enrichments,
    load_rewriters,
    looked_up,
    rewrite,
    typed_settings,
)

__all__ = [
    "PluginContext",
    "candidates",
    "document_settings",
    "enrich",
    "load_enrichments",
    "load_rewriters",
    "looked_up",
    "rewrite",
    "typed_settings",
]
