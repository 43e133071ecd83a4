"""`enricher models`: the bundles, which is active, and the way back."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from enricher.errors import BundleInvalid, EngineError
from enricher.records import SearchEngine
from indexer.cli.app import Command, Commands, Json, Language, Segmenter, app, context_of
from indexer.cli.output import counted, is_interactive, print_json, print_table, progress_display, say

if TYPE_CHECKING:
    from enricher.bundle.store import BundleStore


models = typer.Typer(cls=Commands, help="List, verify, activate, roll back and import models.",
                     no_args_is_help=True)  # fmt: skip
app.add_typer(models, name="models")

Version = Annotated[str | None, typer.Argument(metavar="V", help="A version; the active one if left out.")]


@models.command("list", cls=Command)
def list_models(context: typer.Context, as_json: Json = False) -> None:
    """List the models, oldest first.

    Example: enricher models list
    """
    store = context_of(context).store
    active = store.active_version()
    rows = [{"version": v, "active": v == active} | _summary(store, v) for v in store.versions()]
    if as_json:
        for row in rows:
            print_json(row)
        return
    columns = ("version", "created", "language", "words", "documents", "fault")
    cells = [("*" if row["active"] else "", *(row[name] or "" for name in columns)) for row in rows]
    print_table(("", *columns), cells)


def _summary(store: BundleStore, version: str) -> dict[str, object]:
    """What the list says of a model; of one that cannot be opened, why."""
    try:
        manifest = store.open(version).manifest
    except BundleInvalid as error:
        return {"created": None, "language": None, "words": None, "documents": None, "fault": str(error)}
    return {
        "created": manifest.created,
        "language": manifest.language,
        "words": manifest.counts.words,
        "documents": manifest.counts.documents,
        "fault": None,
    }


@models.command(cls=Command)
def show(context: typer.Context, version: Version = None, as_json: Json = False) -> None:
    """Show what a model is and how it was made.

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
    print(f"The model {bundle.version} is whole: {counted(len(bundle.manifest.files), 'file')}.")


@models.command(cls=Command)
def activate(
    context: typer.Context,
    version: Annotated[str, typer.Argument(metavar="V")],
    enrich: Annotated[
        bool, typer.Option("--reindex", help="Enrich the indexes of other models in place, one by one.")
    ] = False,
) -> None:
    """Make a model the active one, after verifying it, and say which indexes are of another.

    They go on as they are: a query is cut by the model of its index. --reindex works on Elasticsearch.

    Example: enricher models activate 20260101T120000-0a1b2c
    """
    shared = context_of(context)
    shared.store.activate(version)
    print(version)
    try:
        engine = shared.engine()
        others = _of_other_models(engine, version)
        for index, model in others.items():
            documents = counted(engine.count(index), "document")
            how = "" if enrich else f"; `enricher reindex start {index} --in-place` changes that"
            say(f"The index {index} ({documents}) is of the model {model}{how}.")
    except EngineError as error:
        if enrich:
            raise
        say(f"Which indexes are of another model is not known. {error}")
        return
    if enrich:
        from indexer.cli.reindex import enrich_in_place  # its commands come later in the help

        for index in others:
            enrich_in_place(shared, index)


def _of_other_models(engine: SearchEngine, version: str) -> dict[str, str]:
    """The indexes in use that hold documents of other models, and one of those models."""
    from indexer.reindex.job import JobKind
    from indexer.reindex.opening import open_jobs  # loads the libraries of all engines
    from indexer.reindex.removal import replaced

    jobs = open_jobs(engine).ledger.jobs()
    filling = {job.target for job in jobs if job.kind is JobKind.COPY and not job.phase.ended}
    unused = replaced(jobs, engine.aliases()).keys() | filling
    found = {}
    for name in sorted(set(engine.indexes()) - unused):
        layout = engine.layout(name)
        left = [older for older in layout.compatible if engine.made_by(name, older)]
        others = [model for model in (layout.model_version, *left) if model not in (None, version)]
        if others:
            found[name] = str(others[0])
    return found


@models.command(cls=Command)
def rollback(context: typer.Context) -> None:
    """Go back to the model that was active before, and print its version.

    Example: enricher models rollback
    """
    print(context_of(context).store.rollback())


@models.command(cls=Command)
def prune(
    context: typer.Context,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove them without being asked on a terminal.")
    ] = False,
) -> None:
    """Remove the models that nothing needs; print them.

    The active one stays, the one before it, those made since and not yet activated, and those
    that enriched an index of the engine. What indexes of another engine need is not known: on
    a terminal it asks before.

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
        say(f"No index of this engine needs {', '.join(unneeded)}.")
        typer.confirm("Remove them?", abort=True, err=True)
    removed = shared.store.prune(needed)
    for version in removed:
        print(version)
    for version in sorted(used.keys() & set(shared.store.versions()) - {shared.store.active_version()}):
        say(f"The model {version} stays: the index {used[version]} names it.")


@models.command("import", cls=Command)
def import_model(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="GENSIM_MODEL", help="A model saved by gensim's Word2Vec.save.")
    ],
    language: Language = "auto",
    segmenter: Segmenter = "rjieba",
    no_activate: Annotated[
        bool, typer.Option("--no-activate", help="Do not make it the active model.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a bundle from a Word2Vec model of gensim, words and order kept as they are.

    A gensim file is a pickle, which can run code: import only files that you trust.

    Example: enricher models import word2vec.model --language zh
    """
    from enricher.text import open_analyzer
    from enricher.training.train import import_bundle

    store = context_of(context).store
    with progress_display() as progress:
        version = import_bundle(store, file, open_analyzer(segmenter), language, progress)
    if not no_activate:
        store.activate(version)
    say("An imported model has no document frequencies and no phrases: keywords use its word counts.")
    if store.open(version).word2vec.tree is None:
        say("It was trained with negative sampling: related words are ranked by inner product.")
    print_json({"version": version}) if as_json else print(version)
