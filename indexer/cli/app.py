"""The typer application and what every command shares."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from enricher.enricher import Enricher, load
from enricher.model.store import BundleStore
from enricher.records import SearchEngine
from enricher.settings import CONFIG, ENGINE, MODELS, Configuration, read_configuration

app = typer.Typer(
    name="enricher",
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

    @property
    def store(self) -> BundleStore:
        return BundleStore(self.models)

    def model(self, version: str | None = None) -> Enricher:
        return load(self.models, version)

    def engine(self) -> SearchEngine:
        from indexer.engines import open_engine

        return open_engine(self.engine_url)

    def configuration(self) -> Configuration:
        return read_configuration(self.config)


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
) -> None:
    """Search enrichment beside Elasticsearch: keywords, related words and query expansion learned
    from your own documents, Chinese and English.

    Example: enricher train docs.jsonl && enricher index docs.jsonl --to articles && enricher
    search "数据库 index" --in articles
    """
    context.obj = Context(models, engine, config)


def context_of(context: typer.Context) -> Context:
    """The global options of a running command."""
    found = context.find_object(Context)
    assert found is not None
    return found


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
IdField = Annotated[str, typer.Option(help="Field that holds the id of a document.")]
TitleField = Annotated[str, typer.Option(help="Field that holds its title.")]
TextField = Annotated[str, typer.Option(help="Field that holds its text.")]
FormatOption = Annotated[
    str, typer.Option("--format", help="auto (by the file's name), jsonl, or text (one document a line).")
]
Segmenter = Annotated[str, typer.Option(help="What cuts Chinese into words: rjieba or jieba.")]
Language = Annotated[str, typer.Option(help="Main language of the text: auto, zh or en.")]

Command = Callable[..., None]
