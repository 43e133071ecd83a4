"""The plug-in `relatedness`: query expansion with words that occur together with the query words."""

from dataclasses import dataclass

from enricher.expansion import RelatednessExpansion
from enricher.plugins.registry import PluginContext, typed_settings
from enricher.records import TOKENS, Candidate, Query

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
        if self._refused(query) is not None:
            return query
        return self.context.model().expand_query(query, self.settings)

    def candidates(self, query: Query) -> list[Candidate]:
        return self.context.model().candidates(query, self.settings, self._refused(query))

    def _refused(self, query: Query) -> str | None:
        """Why no word is added to a query, if that is so: one of its words finds enough documents."""
        if self.context.frequencies is None:
            return None
        found = self.context.frequencies(TOKENS, query.typed)
        count, word = max(zip(found.counts, query.typed, strict=True), default=(0, ""))
        if count < self.settings.enough:
            return None
        return f"nothing is added, because {word} finds {count:,} documents"


def relatedness(context: PluginContext) -> Relatedness:
    context.model()  # without one there is nothing related
    return Relatedness(context, typed_settings(Settings, context.settings))
