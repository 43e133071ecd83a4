"""The plug-in `alternatives`: words that can replace a word of the query."""

from dataclasses import dataclass

from enricher.expansion.alternatives import AlternativesExpansion, AlternativeWords
from enricher.plugins.registry import PluginContext, typed_settings
from enricher.records import (
    Query,
)

Settings = AlternativesExpansion


@dataclass(frozen=True)
class Alternatives:
    """Gives every word of a query alternatives, of which the best counts in its place."""

    words: AlternativeWords
    name: str = "alternatives"

    def rewrite(self, query: Query) -> Query:
        return self.words.expand(query)


def alternatives(context: PluginContext) -> Alternatives:
    settings = typed_settings(Settings, context.settings)
    model = context.model()
    bundle = model.bundle
    return Alternatives(AlternativeWords(model.word2vec, bundle.near_words, bundle.related_table, settings))
