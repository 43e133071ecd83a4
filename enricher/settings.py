"""Typed settings: the global options with their environment variables, and `enricher.toml`.

Nothing else reads the environment. docs/settings.md is generated from these tables.
"""

import fnmatch
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from enricher.errors import ConfigurationError, SourceError
from enricher.lines import read_text

CONFIG_FILE = Path("enricher.toml")
WORDS = "tokens"
"""The enrichment without which nothing can be searched."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A global option: `--name`, its environment variable, default and help."""

    name: str
    variable: str
    default: str
    help: str


MODELS = Setting("models", "ENRICHER_MODELS", "./models", "Folder of the model bundles.")
ENGINE = Setting(
    "engine",
    "ENRICHER_ENGINE",
    "tantivy:./index",
    "Search engine: tantivy:FOLDER, or http(s)://[user:pass@]host:port, several comma-separated.",
)
CONFIG = Setting(
    "config",
    "ENRICHER_CONFIG",
    "./enricher.toml where it exists",
    "Configuration file: which plug-ins run on which index.",
)
SETTINGS = (MODELS, ENGINE, CONFIG)


@dataclass(frozen=True, slots=True)
class IndexConfiguration:
    """What runs on an index: one `[index."PATTERN"]` table of enricher.toml.

    fields: the enriched fields, the title first, None for title and text of the source. enrichments and
    rewriters: plug-ins by name, in order. settings: for each plug-in its own table.
    strip_html: whether the texts are HTML, whose markup holds no words.
    """

    fields: tuple[str, ...] | None = None
    enrichments: tuple[str, ...] = ("tokens", "subwords", "keywords", "expansion", "vector")
    rewriters: tuple[str, ...] = ("subwords", "expansion", "relatedness", "vector")
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    strip_html: bool = False


@dataclass(frozen=True, slots=True)
class Configuration:
    """The tables of enricher.toml, by pattern of the index name."""

    indexes: Mapping[str, IndexConfiguration] = field(default_factory=dict)

    def table_of(self, *names: str) -> IndexConfiguration | None:
        """The table of an index by its names: the first of that very name, else the first pattern of the file
        that fits one of them; None where there is neither.
        """
        for name in names:
            if name in self.indexes:
                return self.indexes[name]
        for pattern, configuration in self.indexes.items():
            if any(fnmatch.fnmatchcase(name, pattern) for name in names):
                return configuration
        return None

    def for_index(self, *names: str) -> IndexConfiguration:
        """The table of an index by its names, or the defaults."""
        return self.table_of(*names) or IndexConfiguration()


def read_configuration(path: Path | None) -> Configuration:
    """Read enricher.toml; without a path the one in this folder where it exists.

    Raises ConfigurationError in a sentence that names the file and the key.
    """
    if path is None:
        if not CONFIG_FILE.exists():
            return Configuration()
        path = CONFIG_FILE
    try:
        tables = tomllib.loads(read_text(path))
    except SourceError as error:
        raise ConfigurationError(str(error)) from error
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"The configuration {str(path)!r} cannot be read: {error}.") from error
    unknown = sorted(set(tables) - {"index"})
    if unknown:
        raise ConfigurationError(f'{path}: unknown table {unknown[0]!r}; there is [index."PATTERN"].')
    indexes = tables.get("index", {})
    if not isinstance(indexes, dict):
        raise ConfigurationError(f"{path}: 'index' must be a table of tables.")
    return Configuration({name: _index(table, f"{path}: index.{name!r}") for name, table in indexes.items()})


def _index(table: object, where: str) -> IndexConfiguration:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{where} must be a table.")
    unknown = sorted(set(table) - {"fields", "enrichments", "rewriters", "settings", "strip_html"})
    if unknown:
        raise ConfigurationError(f"{where}: unknown key {unknown[0]!r}.")
    lists: dict[str, Any] = {}
    for key in ("fields", "enrichments", "rewriters"):
        if key in table:
            value = table[key]
            if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
                raise ConfigurationError(f"{where}: {key!r} must be a list of names.")
            if len(set(value)) < len(value):
                raise ConfigurationError(f"{where}: {key!r} names something twice.")
            lists[key] = tuple(value)
    settings = table.get("settings", {})
    if not isinstance(settings, dict) or not all(isinstance(value, dict) for value in settings.values()):
        raise ConfigurationError(f"{where}: 'settings' must hold one table for each plug-in.")
    strip_html = table.get("strip_html", False)
    if not isinstance(strip_html, bool):
        raise ConfigurationError(f"{where}: 'strip_html' must be true or false, not {strip_html!r}.")
    return _checked(IndexConfiguration(settings=settings, strip_html=strip_html, **lists), where)


def _checked(configuration: IndexConfiguration, where: str) -> IndexConfiguration:
    """The configuration, if an index made by it can be searched and every table of it is used."""
    if configuration.fields == ():
        raise ConfigurationError(f"{where}: 'fields' names no field.")
    if WORDS not in configuration.enrichments:
        raise ConfigurationError(f"{where}: 'enrichments' must name {WORDS!r}, the words that are searched.")
    used = {*configuration.enrichments, *configuration.rewriters}
    for name in configuration.settings:
        if name not in used:
            raise ConfigurationError(f"{where}: settings.{name}: no plug-in {name!r} runs on this index.")
    return configuration
