"""The plug-in `relatedness`: query expansion with words that occur together with the query words."""

from dataclasses import dataclass

from enricher.expansion import RelatednessExpansion
from enricher.plugins.registry import PluginContext, typed_settings
from enricher.records import (
    TOKENS,
    Query,
)

Settings = RelatednessExpansion


@dataclass(frozen=True)
class Relatedness:
    """Adds the words most related to the whole query, with a small weight, if the query words are rare."""

    context: PluginContext
    settings: Settings
    name: str = "relatedness"

    def looked_up(self, query: Query) -> dict[str, list[str]]:
        return {TOKENS: query.typed}

    def rewrite(self, query: Query) -> Query:
        if self.context.frequencies is not None:
            found = self.context.frequencies(TOKENS, query.typed)
            if max(found.counts, default=0) >= self.settings.enough:
                return query
        return self.context.model().expand_query(query, self.settings)


def relatedness(context: PluginContext) -> Relatedness:
    context.model()  # without one there is nothing related
    return Relatedness(context, typed_settings(Settings, context.settings))
