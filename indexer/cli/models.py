"""`enricher models`: list, verify, activate, roll back, prune and import models."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from enricher.errors import EngineError
from enricher.records import SearchEngine
from indexer.cli.app import Command, Commands, Json, Language, Segmenter, app, context_of
from indexer.cli.output import (
    counted,
    is_interactive,
    print_json,
    print_line,
    print_table,
    progress_display,
    say,
)

if TYPE_CHECKING:
    pass


models = typer.Typer(cls=Commands, help="List, verify, activate, roll back, prune and import models.",
                     no_args_is_help=True)  # fmt: skip
app.add_typer(models, name="models")

Version = Annotated[
    str | None, typer.Argument(metavar="VERSION", help="Version of the model. Default: the active one.")
]


@models.command("list", cls=Command)
def list_models(context: typer.Context, as_json: Json = False) -> None:
    """List the models, oldest first.

    Example: enricher models list
    """
    store = context_of(context).store
    active = store.active_version()
    rows = [{"version": v, "active": v == active} | store.summary(v) for v in store.versions()]
    if as_json:
        for row in rows:
            print_json(row)
        return
    columns = ("version", "created", "language", "words", "documents", "fault")
    cells = [("*" if row["active"] else "", *(row[name] or "" for name in columns)) for row in rows]
    print_table(("", *columns), cells)


@models.command(cls=Command)
def show(context: typer.Context, version: Version = None, as_json: Json = False) -> None:
    """Show the manifest of a model: its settings, counts and files.

    Example: enricher models show
    """
    from enricher.bundle.manifest import manifest_as_written

    manifest = manifest_as_written(context_of(context).store.open(version).path)
    if as_json:
        print_json(manifest)
        return
    rows: list[tuple[str, object]] = []
    for key, value in manifest.items():
        if key == "files":
            rows.extend((f"file {name}", counted(facts["bytes"], "byte")) for name, facts in value.items())
        elif isinstance(value, dict):
            rows.extend((f"{key}: {inner}", content) for inner, content in value.items())
        else:
            rows.append((key, value))
    print_table(("", ""), rows)


@models.command(cls=Command)
def verify(context: typer.Context, version: Version = None) -> None:
    """Compare every file of a model with its recorded hash.

    Example: enricher models verify
    """
    bundle = context_of(context).store.open(version)
    bundle.verify()
    print(f"The model {bundle.version} is complete: {counted(len(bundle.manifest.files), 'file')}.")


@models.command(cls=Command)
def activate(
    context: typer.Context,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Version of the model.")],
    enrich: Annotated[
        bool,
        typer.Option(
            "--reindex",
            help="Then enrich the indexes of other models in place, one by one (clusters only).",
        ),
    ] = False,
) -> None:
    """Verify a model and make it the active one.

    Lists the indexes that another model enriched. They continue to work: a search uses the model that
    enriched its index.

    Example: enricher models activate 20260101T120000-0a1b2c
    """
    from enricher.bundle.bundle import ITEMS

    shared = context_of(context)
    shared.store.activate(version)
    print(version)
    if shared.store.open(version).language == ITEMS:
        return  # no index is enriched with a library
    try:
        engine = shared.engine()
        others = _of_other_models(engine, version)
        for index, model in others.items():
            documents = counted(engine.count(index), "document")
            how = "" if enrich else f" To change it, run: enricher reindex start {index} --in-place"
            say(f"The index {index} ({documents}) is enriched with the model {model}.{how}")
    except EngineError as error:
        if enrich:
            raise
        say(f"Indexes that other models enriched could not be listed. {error}")
        return
    if enrich:
        from indexer.cli.reindex import enrich_in_place  # its commands come later in the help

        for index in others:
            enrich_in_place(shared, index)


def _of_other_models(engine: SearchEngine, version: str) -> dict[str, str]:
    """Find the indexes in use whose documents another model enriched: index name → that model."""
    from indexer.reindex.job import JobKind
    from indexer.reindex.opening import open_jobs  # loads the libraries of all engines
    from indexer.reindex.removal import replaced

    jobs = open_jobs(engine).ledger.jobs()
    filling = {job.target for job in jobs if job.kind is JobKind.COPY and not job.phase.ended}
    unused = replaced(jobs, engine.aliases()).keys() | filling
    found = {}
    for name in sorted(set(engine.indexes()) - unused):
        layout = engine.layout(name)
        left = [older for older in layout.compatible if engine.count_enriched_with(name, older)]
        others = [model for model in (layout.model_version, *left) if model not in (None, version)]
        if others:
            found[name] = str(others[0])
    return found


@models.command(cls=Command)
def rollback(context: typer.Context) -> None:
    """Activate the model that was active before, and print its version.

    Example: enricher models rollback
    """
    print(context_of(context).store.rollback())


@models.command(cls=Command)
def prune(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Remove unused models, and print their versions.

    Keeps the active model, the previously active one, newer models, and models that enriched an index of
    the engine. Indexes of other engines are not checked, so on a terminal the command asks first.

    Example: enricher models prune
    """
    shared = context_of(context)
    engine = shared.engine()
    used: dict[str, str] = {}

    def needed() -> Collection[str]:
        for name in engine.indexes():
            layout = engine.layout(name)
            used.update(
                {model: name for model in (layout.model_version, *layout.compatible) if model is not None}
            )
        return used

    if not yes and is_interactive() and (unneeded := shared.store.prunable(needed())):
        say(f"Not used by any index of this engine: {', '.join(unneeded)}.")
        typer.confirm("Remove them?", abort=True, err=True)
    removed = shared.store.prune(needed)
    for version in removed:
        print(version)
    for version in sorted(used.keys() & set(shared.store.versions()) - {shared.store.active_version()}):
        say(f"The model {version} was kept: the index {used[version]} uses it.")


@models.command("export", cls=Command)
def export_model(
    context: typer.Context,
    kind: Annotated[
        Literal["synonyms", "querqy", "userdict", "ik-dictionary", "sparse-weights", "word2vec"],
        typer.Argument(metavar="KIND", help="The format."),
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    version: Annotated[
        str | None, typer.Option("--version", metavar="VERSION", help="Default: the active model.")
    ] = None,
    merged: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Reviewed candidates: merged words become synonyms, before others."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write what a model knows in the format of another tool.

    KIND is one of: synonyms (Solr rules, or the JSON of the _synonyms API if FILE ends with .json; at most
    10,000), querqy (rules with weights), userdict (for jieba and for train --lexicon), ik-dictionary (a word
    a line), sparse-weights (JSON with the idf of every word), word2vec (text format).

    Example: enricher models export synonyms synonyms.txt
    """
    from enricher.vocabulary.exports import export, variants_of
    from enricher.vocabulary.review_file import read_review

    variants = None if merged is None else variants_of(read_review(merged), date.today())
    number = export(context_of(context).model(version), kind, file, variants)
    if as_json:
        print_json({"file": str(file), "lines": number})
    else:
        print_line(f"{counted(number, 'line')} written to {file}.")


@models.command("import", cls=Command)
def import_model(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="GENSIM_MODEL", help="File written by gensim's Word2Vec.save.")
    ],
    language: Language = "auto",
    segmenter: Segmenter = "rjieba",
    no_activate: Annotated[
        bool, typer.Option("--no-activate", help="Do not activate the imported model.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Import a Word2Vec model of gensim.

    Keeps the words and their order. A gensim file is a pickle, which can run code: import only files that
    you trust.

    Example: enricher models import word2vec.model --language zh
    """
    from enricher.text import open_analyzer
    from enricher.training.train import import_bundle

    store = context_of(context).store
    with progress_display() as progress:
        version = import_bundle(store, file, open_analyzer(segmenter), language, progress)
    if not no_activate:
        store.activate(version)
    say("An imported model has no document frequencies and no phrases: keywords use word counts instead.")
    if store.open(version).word2vec.tree is None:
        say("The model was trained with negative sampling: related words are ranked by inner product.")
    print_json({"version": version}) if as_json else print(version)
