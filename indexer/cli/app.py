"""The typer application and what every command shares."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup

from enricher.errors import EngineError
from enricher.files import user_path
from enricher.records import SearchEngine
from enricher.settings import CONFIG, ENGINE, MODELS, SETTINGS, Configuration, read_configuration
from enricher.source_files import Format
from indexer.cli.streams import legible
from indexer.engines.names import check_name

if TYPE_CHECKING:
    pass


if TYPE_CHECKING:
    from enricher.bundle.store import BundleStore
    from enricher.loaded_model import Model
    from enricher.search.searcher import Searcher


MOST_WORKERS = 8

GLOBAL_OPTIONS = tuple(f"--{setting.name}" for setting in SETTINGS)


def _expand_paths(ctx: Any) -> None:
    ctx.params = {
        name: user_path(value) if isinstance(value, Path) else value for name, value in ctx.params.items()
    }


class Command(TyperCommand):
    """A command whose usage line names its arguments as they are typed: WORD, SOURCE...

    In every path ~ is the home folder, also where no shell has seen it (`--report=~/r.json`).
    """

    def invoke(self, ctx: Any) -> Any:
        _expand_paths(ctx)
        return super().invoke(ctx)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]

    def get_help(self, ctx: Any) -> str:
        return legible(sys.stdout, super().get_help(ctx))


class Commands(TyperGroup):
    """The commands; whoever writes a global option behind one of them is told its place."""

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
                    "message": f"The option {name} stands before the command: {place}",
                    "possibilities": None,
                }
            raise


app = typer.Typer(
    name="enricher",
    cls=Commands,
    help="Search enrichment beside Elasticsearch: keywords, related words and query expansion "
    "learned from your own documents.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@dataclass(frozen=True)
class Context:
    """The global options, and what they open when it is needed."""

    models: Path
    engine_url: str
    config: Path | None
    on_close: Callable[[Callable[[], object]], object]
    """Takes what is called when the command ends, in whatever way."""

    @property
    def store(self) -> BundleStore:
        from enricher.bundle.store import BundleStore

        return BundleStore(self.models)

    def model(self, version: str | None = None) -> Model:

        from enricher.loaded_model import load

        return load(self.models, version)

    def engine(self) -> SearchEngine:
        """Open the engine; it is closed when the command ends, also by an error."""
        from indexer.engines import open_engine

        engine = open_engine(self.engine_url)
        self.on_close(partial(_close, engine))
        return engine

    def configuration(self) -> Configuration:
        return read_configuration(self.config)

    def searcher(self) -> Searcher:
        """A searcher on the engine, which is closed when the command ends."""
        from enricher.search.searcher import Searcher

        return Searcher(self.engine(), self.model, self.configuration())


def _close(engine: SearchEngine) -> None:
    """Close an engine at the end of a command, whose own error is the one to tell."""
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
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Search enrichment beside Elasticsearch: keywords, related words and query expansion learned
    from your own documents, Chinese and English.

    Example: enricher train docs.jsonl && enricher index docs.jsonl --to articles && enricher
    search "数据库 index" --in articles
    """
    context.obj = Context(models, engine, config, context.call_on_close)


def index_name(name: str | None) -> str | None:
    """The name of an index or alias, refused before anything is done where nothing can have it."""
    return name if name is None else check_name(name)


def context_of(context: typer.Context) -> Context:
    """The global options of a running command."""
    found = context.find_object(Context)
    assert found is not None
    return found


def number_of(workers: int | None) -> int:
    """The workers asked for; by default as many as there are cores, at most MOST_WORKERS."""
    return workers or min(MOST_WORKERS, os.cpu_count() or 1)


Languages = Literal["auto", "zh", "en"]
Segmenters = Literal["rjieba", "jieba"]

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
IdField = Annotated[str, typer.Option(help="Field that holds the id of a document.")]
TitleField = Annotated[
    str | None,
    typer.Option(help="Field that holds the title. Default: what the index shows, else title."),
]
TextField = Annotated[
    str | None,
    typer.Option(help="Field that holds the text. Default: what the index shows, else text."),
]
FormatOption = Annotated[
    Format, typer.Option("--format", help="By the file's name, JSON lines, or one document a line.")
]
Segmenter = Annotated[Segmenters, typer.Option(help="What cuts Chinese into words.")]
Language = Annotated[Languages, typer.Option(help="Main language of the text.")]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help=f"Processes. Default: the number of cores, at most {MOST_WORKERS}."),
]
