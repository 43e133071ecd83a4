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
    """Adds alternatives to every word of a query. Of a word and its alternatives the best score counts."""

    words: AlternativeWords
    name: str = "alternatives"

    def rewrite(self, query: Query) -> Query:
        return self.words.expand(query)


def alternatives(context: PluginContext) -> Alternatives:
    settings = typed_settings(Settings, context.settings)
    model = context.model()
    bundle = model.bundle
    return Alternatives(AlternativeWords(model.word2vec, bundle.near_words, bundle.related_table, settings))
