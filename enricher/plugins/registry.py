"""Finding plug-ins by entry point and building them for an index."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

from enricher.enricher import Enricher
from enricher.errors import ConfigurationError, PluginError, UsageError
from enricher.records import Enrichment, Rewriter, title_of
from enricher.settings import IndexConfiguration
from enricher.text import Analyzer

GROUP = "enricher.plugins"


@dataclass(frozen=True, slots=True)
class PluginContext:
    """What a plug-in is built with.

    fields: the enriched fields of the index, the title first. enricher: the model, None on an
    index that is only segmented. settings: the plug-in's table of enricher.toml.
    """

    fields: tuple[str, ...]
    analyzer: Analyzer
    enricher: Enricher | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title_field(self) -> str | None:
        """The enriched field that is a title, None where there is none."""
        return title_of(self.fields)

    def model(self) -> Enricher:
        """The model; PluginError where the index has none."""
        if self.enricher is None:
            raise PluginError("This plug-in needs a model, and the index was made without one.")
        return self.enricher


def load_enrichments(configuration: IndexConfiguration, context: PluginContext) -> list[Enrichment]:
    """The enrichments that the configuration names, in order. Raises PluginError, ConfigurationError."""
    loaded = [(name, _load(name, configuration, context)) for name in configuration.enrichments]
    for name, plugin in loaded:
        if not isinstance(plugin, Enrichment):
            raise ConfigurationError(f"The plug-in {name!r} is no enrichment: it has no enrich and mapping.")
    return [plugin for _, plugin in loaded if isinstance(plugin, Enrichment)]


def load_rewriters(configuration: IndexConfiguration, context: PluginContext) -> list[Rewriter]:
    """The rewriters that the configuration names, in order. Raises PluginError, ConfigurationError."""
    loaded = [(name, _load(name, configuration, context)) for name in configuration.rewriters]
    for name, plugin in loaded:
        if not isinstance(plugin, Rewriter):
            raise ConfigurationError(f"The plug-in {name!r} is no rewriter: it has no rewrite.")
    return [plugin for _, plugin in loaded if isinstance(plugin, Rewriter)]


def _load(name: str, configuration: IndexConfiguration, context: PluginContext) -> object:
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        raise ConfigurationError(f"There is no plug-in {name!r}; installed: {', '.join(sorted(points))}.")
    settings = configuration.settings.get(name, {})
    try:
        factory: Callable[[PluginContext], object] = points[name].load()
        return factory(_with_settings(context, settings))
    except (ValueError, UsageError) as error:
        raise ConfigurationError(f"The settings of the plug-in {name!r} are wrong: {error}") from error
    except (ImportError, AttributeError, TypeError) as error:
        raise PluginError(f"The plug-in {name!r} could not be set up: {error}.") from error


def _with_settings(context: PluginContext, settings: Mapping[str, Any]) -> PluginContext:
    return PluginContext(context.fields, context.analyzer, context.enricher, settings)
