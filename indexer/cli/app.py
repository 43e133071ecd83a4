"""The typer application, its global options, and the option types that commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup

from enricher.errors import EngineError
from enricher.files import user_path
from enricher.records import SearchEngine
from enricher.settings import (
    CONFIG,
    ENGINE,
    MODELS,
    REQUEST_TIMEOUT,
    SETTINGS,
    Configuration,
    read_configuration,
)
from enricher.source_files import Format
from indexer.cli import connecting
from indexer.cli.output import say
from indexer.cli.streams import legible
from indexer.engines.connection import Connection, read_connection, read_target
from indexer.engines.names import check_name

if TYPE_CHECKING:
    from enricher.bundle.store import BundleStore
    from enricher.loaded_model import Model
    from enricher.search.searcher import Searcher


MAX_WORKERS = 8

GLOBAL_OPTIONS = tuple(setting.option for setting in SETTINGS)


def _expand_paths(ctx: Any) -> None:
    ctx.params = {
        name: user_path(value) if isinstance(value, Path) else value for name, value in ctx.params.items()
    }


class Command(TyperCommand):
    """A command whose usage line shows arguments without braces: WORD, SOURCE...

    Expands ~ in every path option, also where the shell does not (`--report=~/r.json`).
    """

    def invoke(self, ctx: Any) -> Any:
        _expand_paths(ctx)
        return super().invoke(ctx)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]

    def get_help(self, ctx: Any) -> str:
        return legible(sys.stdout, super().get_help(ctx))


HELP_ORDER = (
    "train", "models", "keywords", "neighbors", "related", "expand",
    "index", "search", "serve", "reindex", "follow", "vocabulary", "library", "evaluate", "doctor",
)  # fmt: skip
"""The commands in the order of `enricher --help`, whichever module was imported first."""


class Commands(TyperGroup):
    """A group of commands. A global option after a command is an error that shows the right place."""

    def list_commands(self, ctx: Any) -> list[str]:
        order = {name: place for place, name in enumerate(HELP_ORDER)}
        return sorted(super().list_commands(ctx), key=lambda name: order.get(name, len(order)))

    def get_help(self, ctx: Any) -> str:
        return legible(sys.stdout, super().get_help(ctx))

    def invoke(self, ctx: Any) -> Any:
        _expand_paths(ctx)
        try:
            return super().invoke(ctx)
        except Exception as error:
            name = getattr(error, "option_name", None)
            if name in GLOBAL_OPTIONS:
                place = f"enricher {name} … {ctx.invoked_subcommand} …"
                error.__dict__ |= {
                    "message": f"Write the global option {name} before the command: {place}",
                    "possibilities": None,
                }
            raise


app = typer.Typer(
    name="enricher",
    cls=Commands,
    help="""Search enrichment beside Elasticsearch or OpenSearch.

    Learns keywords, related words and query expansion from your own documents, in Chinese and English.

    Example: enricher train docs.jsonl && enricher index docs.jsonl --to articles && enricher
    search "数据库 index" --in articles
    """,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@dataclass(frozen=True)
class Context:
    """The global options, and lazy access to the model store, the engine and the configuration."""

    models: Path
    connection: Callable[[], Connection]
    """Reads the options of the connection, and their files. Raises ConfigurationError."""
    config: Path | None
    on_close: Callable[[Callable[[], object]], object]
    """Registers a function that is called when the command ends, also after an error."""

    @property
    def store(self) -> BundleStore:
        from enricher.bundle.store import BundleStore

        return BundleStore(self.models)

    def model(self, version: str | None = None) -> Model:

        from enricher.loaded_model import load

        return load(self.models, version)

    def open_engine(self) -> SearchEngine:
        """Open the search engine. The caller closes it."""
        from indexer.engines import open_engine

        return open_engine(self.connection())

    def engine(self) -> SearchEngine:
        """Open the search engine. It is closed when the command ends, also after an error."""
        engine = self.open_engine()
        self.on_close(partial(_close, engine))
        return engine

    def target_engine(self, url: str) -> SearchEngine:
        """Open the engine of a second server. It is closed when the command ends, also after an error."""
        from indexer.engines import open_engine

        engine = open_engine(read_target(url, os.environ, say))
        self.on_close(partial(_close, engine))
        return engine

    def configuration(self) -> Configuration:
        return read_configuration(self.config)

    def searcher(self) -> Searcher:
        """A searcher on the engine. The engine is closed when the command ends."""
        from enricher.search.searcher import Searcher

        return Searcher(self.engine(), self.model, self.configuration)


def _close(engine: SearchEngine) -> None:
    """Close an engine at the end of a command. Its errors must not replace the error of the command."""
    with suppress(EngineError):
        engine.close()


def _print_version(wanted: bool) -> None:
    from importlib.metadata import version

    if wanted:
        print(version("search-enricher"))
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    models: Annotated[Path, typer.Option(envvar=MODELS.variable, help=MODELS.help, show_envvar=True)] = Path(
        MODELS.default
    ),
    engine: Annotated[
        str, typer.Option(envvar=ENGINE.variable, help=ENGINE.help, show_envvar=True, metavar="URL")
    ] = ENGINE.default,
    config: Annotated[
        Path | None, typer.Option(envvar=CONFIG.variable, help=f"{CONFIG.help} Default: {CONFIG.default}.")
    ] = None,
    cloud_id: connecting.CloudId = None,
    user: connecting.User = None,
    password_file: connecting.PasswordFile = None,
    api_key_file: connecting.ApiKeyFile = None,
    bearer_token_file: connecting.BearerTokenFile = None,
    ca_file: connecting.CaFile = None,
    certificate_fingerprint: connecting.CertificateFingerprint = None,
    client_certificate: connecting.ClientCertificate = None,
    client_key: connecting.ClientKey = None,
    request_timeout: connecting.RequestTimeout = REQUEST_TIMEOUT.default,
    header: connecting.Header = None,
    headers_file: connecting.HeadersFile = None,
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Store the global options, which every command reads with `context_of`."""
    given = connecting.given(context, os.environ)
    context.obj = Context(models, cache(partial(read_connection, given, say)), config, context.call_on_close)


def index_name(name: str | None) -> str | None:
    """Check the name of an index or alias before the command starts. Raises UsageError."""
    return name if name is None else check_name(name)


def context_of(context: typer.Context) -> Context:
    """Return the global options of the running command."""
    found = context.find_object(Context)
    assert found is not None
    return found


def passed_on(context: typer.Context) -> tuple[list[str], dict[str, str]]:
    """The global options as they were typed, for another process: its arguments and variables.

    What has a variable is no argument, because the process list shows arguments: an URL may hold a password.
    """
    arguments: list[str] = []
    variables: dict[str, str] = {}
    shared = context.find_root()
    for setting in SETTINGS:
        name = setting.name.replace("-", "_")
        source = shared.get_parameter_source(name)
        if source is None or source.name != "COMMANDLINE":
            continue
        value = shared.params[name]
        if setting.variable:
            variables[setting.variable] = str(value)
        else:
            for one in value if isinstance(value, list | tuple) else [value]:
                arguments += [setting.option, str(one)]
    return arguments, variables


def worker_count(workers: int | None) -> int:
    """The number of workers: as requested, or the number of cores, at most MAX_WORKERS."""
    return workers or min(MAX_WORKERS, os.cpu_count() or 1)


Languages = Literal["auto", "zh", "en"]
Segmenters = Literal["rjieba", "jieba", "lexicon"]

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
IdField = Annotated[str, typer.Option(help="Field with the id of a document.")]
TitleField = Annotated[
    str | None,
    typer.Option(help="Field with the title. Default: found in the index, else title."),
]
TextField = Annotated[
    str | None,
    typer.Option(help="Field with the text. Default: found in the index, else text."),
]
FormatOption = Annotated[
    Format,
    typer.Option(
        "--format", help="auto: by the file name; jsonl: one JSON object a line; text: one document a line."
    ),
]
Segmenter = Annotated[
    Segmenters, typer.Option(help="Segmenter for Chinese text; lexicon: only the words of --lexicon.")
]
Language = Annotated[Languages, typer.Option(help="Main language of the text.")]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help=f"Number of processes. Default: the number of cores, at most {MAX_WORKERS}."),
]
