"""Find plug-ins by entry point, and build them for an index."""

import json
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from enricher.decoding import TOML, decode
from enricher.errors import ConfigurationError, EnricherError, PluginError, UsageError
from enricher.loaded_model import Model
from enricher.records import (
    AnalyzedDocument,
    Candidate,
    Enrichment,
    FieldKind,
    Frequencies,
    Query,
    Rewriter,
    title_of,
)
from enricher.sentences import counted
from enricher.settings import IndexConfiguration
from enricher.text import Analyzer

GROUP = "enricher.plugins"

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class PluginContext:
    """The arguments with which a plug-in is built.

    fields: the enriched fields of the index, the title first. loaded_model: the model, None for an index that
    is only segmented. settings: the table of the plug-in in enricher.toml. frequencies: the document
    frequencies of terms in a family of fields; None while documents are indexed. per_field: whether the words
    of each enriched field are also indexed by themselves.
    """

    fields: tuple[str, ...]
    analyzer: Analyzer
    loaded_model: Model | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    frequencies: Callable[[str, Sequence[str]], Frequencies] | None = None
    per_field: bool = False

    @property
    def title_field(self) -> str | None:
        """The enriched field that is the title, or None."""
        return title_of(self.fields)

    def model(self) -> Model:
        """The model. Raises PluginError if the index has none."""
        if self.loaded_model is None:
            raise PluginError("This plug-in needs a model, and the index was made without one.")
        return self.loaded_model


def looked_up(rewriters: Iterable[Rewriter], query: Query) -> dict[str, list[str]]:
    """The terms whose document frequencies rewriters will ask for, by field family. Raises PluginError."""
    found: dict[str, list[str]] = {}
    for rewriter in rewriters:
        asked = getattr(rewriter, "looked_up", None)
        if asked is not None:
            with plugin_failures(rewriter.name):
                for family, terms in asked(query).items():
                    found.setdefault(family, []).extend(terms)
    return found


def load_enrichments(configuration: IndexConfiguration, context: PluginContext) -> list[Enrichment]:
    """The enrichments that the configuration names, in order. Raises PluginError, ConfigurationError."""
    loaded = _load(configuration.enrichments, configuration, context)
    for name, plugin in loaded:
        with plugin_failures(name):
            is_enrichment, mapping = isinstance(plugin, Enrichment), getattr(plugin, "mapping", None)
        if not is_enrichment:
            raise ConfigurationError(f"The plug-in {name!r} is no enrichment: it has no enrich and mapping.")
        if not isinstance(mapping, Mapping) or not all(
            isinstance(kind, FieldKind) for kind in mapping.values()
        ):
            raise PluginError(f"The mapping of the plug-in {name!r} must name a FieldKind for each field.")
    return [plugin for _, plugin in loaded if isinstance(plugin, Enrichment)]


def load_rewriters(configuration: IndexConfiguration, context: PluginContext) -> list[Rewriter]:
    """The rewriters that the configuration names, in order. Raises PluginError, ConfigurationError."""
    loaded = _load(configuration.rewriters, configuration, context)
    for name, plugin in loaded:
        if not isinstance(plugin, Rewriter):
            raise ConfigurationError(f"The plug-in {name!r} is no rewriter: it has no rewrite.")
    return [plugin for _, plugin in loaded if isinstance(plugin, Rewriter)]


def document_settings(plugin: Enrichment, table: Mapping[str, Any]) -> dict[str, object]:
    """The settings of an enrichment that decide what it writes, as JSON has them.

    Those that it names itself as `document_settings`; else all of its table of enricher.toml.
    """
    own = getattr(plugin, "document_settings", table)
    settings: dict[str, object] = json.loads(json.dumps(dict(own), default=str))
    return settings


def _load(
    names: Sequence[str], configuration: IndexConfiguration, context: PluginContext
) -> list[tuple[str, object]]:
    """The plug-ins of those names, each built with its own settings."""
    points = {point.name: point for point in entry_points(group=GROUP)}
    for name in names:
        if name not in points:
            raise ConfigurationError(f"There is no plug-in {name!r}; installed: {', '.join(sorted(points))}.")
    own = configuration.settings
    return [(name, _build(points[name], replace(context, settings=own.get(name, {})))) for name in names]


def _build(point: EntryPoint, context: PluginContext) -> object:
    name = point.name
    try:
        factory: Callable[[PluginContext], object] = point.load()
        return factory(context)
    except (ValueError, UsageError) as error:
        raise ConfigurationError(f"The settings of the plug-in {name!r} are wrong: {error}") from error
    except (EnricherError, MemoryError):
        raise
    except Exception as error:
        raise _failure(f"The plug-in {name!r} could not be set up", error) from error


@contextmanager
def plugin_failures(name: str) -> Iterator[None]:
    """Whatever a plug-in raises in this block becomes a PluginError that names it and notes the traceback."""
    try:
        yield
    except (EnricherError, MemoryError):
        raise
    except Exception as error:
        raise _failure(f"The plug-in {name!r} failed", error) from error


def _failure(what: str, error: Exception) -> PluginError:
    """The error, with the traceback as a note, which is kept when it is copied from another process."""
    detail = " ".join(str(error).split()).rstrip(".")
    is_plain = isinstance(error, ImportError | AttributeError | TypeError) and detail
    failure = PluginError(
        f"{what}: {detail if is_plain else f'{type(error).__name__}: {detail}'.rstrip(': ')}."
    )
    failure.add_note("".join(traceback.format_exception(error)))
    return failure


def enrich(plugin: Enrichment, documents: Sequence[AnalyzedDocument]) -> Sequence[Mapping[str, object]]:
    """What a plug-in adds to documents, one mapping each; PluginError where it fails or answers otherwise."""
    with plugin_failures(plugin.name):
        added = list(plugin.enrich(documents))
    if len(added) != len(documents) or not all(isinstance(part, Mapping) for part in added):
        raise PluginError(
            f"The plug-in {plugin.name!r} must answer one mapping for each of "
            f"{counted(len(documents), 'document')}."
        )
    return added


def rewrite(plugin: Rewriter, query: Query) -> Query:
    """The query that a plug-in makes of a query; PluginError where it fails or answers otherwise."""
    with plugin_failures(plugin.name):
        rewritten = plugin.rewrite(query)
    if not isinstance(rewritten, Query):
        raise PluginError(f"The plug-in {plugin.name!r} must answer a Query, not {type(rewritten).__name__}.")
    return rewritten


def candidates(plugin: Rewriter, query: Query) -> list[Candidate]:
    """All words that a plug-in considers for a query; none if it does not say. Raises PluginError."""
    considered = getattr(plugin, "candidates", None)
    if considered is None:
        return []
    with plugin_failures(plugin.name):
        return list(considered(query))


def typed_settings(kind: type[S], table: Mapping[str, Any]) -> S:
    """The settings of a plug-in as its own class, from its table of enricher.toml.

    kind: a msgspec Struct, a dataclass, or a type such as dict[str, list[str]] where the user chooses the
    keys. Raises ValueError in a sentence that names the setting.
    """
    return decode(kind, table, TOML)
