"""`enricher evaluate`: measure search on judged queries against baselines."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from enricher.errors import UsageError
from enricher.settings import CONFIG_FILE
from enricher.source_files import FileFinder, identity_of
from indexer.cli.app import Command, Json, Workers, app, context_of, worker_count
from indexer.cli.output import (
    Rejects,
    counted,
    json_line,
    print_json,
    print_line,
    print_table,
    progress_display,
    say,
)

if TYPE_CHECKING:  # The measuring modules import scipy, which no other command needs.
    from enricher.evaluation.report import Report

COLUMNS = ("system", "nDCG@10", "Recall@100", "MAP", "MRR", "%", "p", "helped", "hurt", "ms")
MAX_QUERY_CHARACTERS = 40
MIN_SHOWN_P = 0.0001


Collection = Annotated[
    Path,
    typer.Argument(metavar="COLLECTION", help="Folder with docs.jsonl, queries.jsonl and qrels.tsv."),
]
Qrels = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="TREC relevance judgements. Default: qrels.tsv in the folder."),
]
Train = Annotated[
    bool,
    typer.Option(
        "--train", help="Train a model on the documents and measure it instead of the active model."
    ),
]
Backgrounds = Annotated[
    list[str] | None,
    typer.Option("--background", metavar="SOURCE", help="With --train: more text to learn from. Repeatable."),
]
Percent = Annotated[
    float | None,
    typer.Option(
        "--gate",
        metavar="PERCENT",
        min=0,
        help="Fail if the enriched search loses more nDCG@10 than this against the best plain system.",
    ),
]
Index = Annotated[
    str | None, typer.Option(metavar="NAME", help="Use the settings of this index in enricher.toml.")
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write the full report to this file, as JSON."),
]
PlotFile = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="Write a bar chart of the systems: .svg, .png or .pdf."),
]


@app.command(cls=Command)
def evaluate(
    context: typer.Context,
    collection: Collection,
    qrels: Qrels = None,
    train: Train = False,
    backgrounds: Backgrounds = None,
    percent: Percent = None,
    index: Index = None,
    report_file: ReportFile = None,
    plot_file: PlotFile = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Measure search quality on queries with relevance judgements.

    Compares the enriched search with plain BM25, with RM3, and with each of its parts alone. Creates
    temporary indexes and drops them at the end. With --train --workers 1 the result is reproducible.

    Example: enricher evaluate my-collection --train --gate 1
    """
    from enricher.evaluation import plot
    from enricher.evaluation.collection import judged_files
    from enricher.evaluation.report import gate
    from indexer.evaluation import Evaluation
    from indexer.evaluation import evaluate as measure

    shared = context_of(context)
    if backgrounds and not train:
        raise UsageError("--background needs --train: only a training reads it.")
    configuration = shared.configuration()
    if index is not None and configuration.table_of(index) is None:
        raise UsageError(f"The configuration has no table for the index {index!r}.")
    _check_outputs(
        [path for path in (report_file, plot_file) if path is not None],
        [*judged_files(collection, qrels), shared.config or CONFIG_FILE],
        backgrounds or [],
    )
    if plot_file is not None:
        plot.format_of(plot_file)
        plot.need_matplotlib()
    job = Evaluation(
        collection,
        qrels,
        shared.models,
        shared.connection(),
        configuration,
        train,
        tuple(backgrounds or ()),
        index,
        worker_count(workers),
    )
    with Rejects() as rejects, progress_display() as progress:
        report = measure(job, rejects, progress)
    for sentence in report.counts.sentences():
        say(sentence)
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    if report_file is not None:
        report_file.write_text(json_line(report.as_full_json()) + "\n", encoding="utf-8")
    if plot_file is not None:
        plot.draw(report, plot_file)
    closed = gate(report, percent) if percent is not None else None
    if rejects.count:
        say(rejects.summary())
    if closed is not None:
        say(closed)
    if rejects.count or closed is not None:
        raise typer.Exit(1)


def _check_outputs(outputs: Sequence[Path], inputs: Iterable[Path], backgrounds: Iterable[str]) -> None:
    """Check, before any work is done, that the outputs are writable and do not replace an input.

    Reports the files that are skipped in the backgrounds. Raises UsageError, SourceError.
    """
    from enricher.sources import INDEX_PREFIX

    for path in outputs:
        _check_writable(path)
    if len({path.absolute() for path in outputs}) < len(outputs):
        raise UsageError("--report and --plot name the same file. Give two different files.")
    finder = FileFinder(note=say)
    named = [name for name in backgrounds if not name.startswith(INDEX_PREFIX)]
    read = [*inputs, *(file.path for name in named for file in finder.find(name) if file.path is not None)]
    taken = {identity_of(path) for path in read} - {None}
    for path in outputs:
        if identity_of(path) in taken:
            raise UsageError(f"The file {str(path)!r} is an input of this command. Write to another file.")


def _check_writable(path: Path) -> None:
    """Raise UsageError if a file cannot be written."""
    present = path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"The file {str(path)!r} cannot be written: {reason}.") from error
    if not present:
        path.unlink()


def _print(report: "Report") -> None:
    """Print the systems as a table with its legend, the index size, and the queries that lost most."""
    from enricher.evaluation.report import MIN_NDCG_DIFFERENCE

    rows = [
        (
            f"{system.name} *" if system.name == report.strongest else system.name,
            system.ndcg,
            system.recall,
            system.average_precision,
            system.reciprocal_rank,
            f"{round(system.change, 1) + 0:.1f}",
            f"{system.p:.2g}" if system.p >= MIN_SHOWN_P else f"<{MIN_SHOWN_P:g}",
            system.helped,
            system.hurt,
            f"{system.ms:.1f}",
        )
        for system in report.systems
    ]
    documents = counted(report.counts.documents, "document")
    print_line(f"{report.collection}: {documents}; queries: {report.queries:,}; model: {report.model}")
    print_table(COLUMNS, rows)
    print()
    print_line("*: the strongest plain system. %: change of nDCG@10 against it. p: paired t-test.")
    print_line(
        f"helped, hurt: queries whose nDCG@10 differs from bm25's by over {MIN_NDCG_DIFFERENCE:g}. "
        "ms: median query time."
    )
    size = report.index_bytes
    print_line(
        f"Index size: {size.enriched / 1e6:.1f} MB, {size.growth:.2f} times the size with words only "
        f"({size.words / 1e6:.1f} MB)."
    )
    if report.hurt:
        print()
        _print_hurt(report)


def _print_hurt(report: "Report") -> None:
    """Print the queries that lose most, with the ranks of their best relevant document."""
    print_line(f"Queries that lose most against {report.strongest} (--report has their terms and reasons):")
    columns = ("query", "text", "nDCG@10", "enriched", "relevant", "rank", "enriched")
    rows = [
        (
            query.id,
            query.text
            if len(query.text) <= MAX_QUERY_CHARACTERS
            else f"{query.text[: MAX_QUERY_CHARACTERS - 1]}…",
            query.ndcg_plain,
            query.ndcg,
            query.document or "none found",
            _rank(query.rank_plain),
            _rank(query.rank),
        )
        for query in report.hurt
    ]
    print_table(columns, rows)


def _rank(rank: int | None) -> str:
    return "none" if rank is None else str(rank)
