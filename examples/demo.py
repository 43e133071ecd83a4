"""A tour on real text in two languages: train, keywords, neighbours, related words, index, search.

Run it with `make demo`. Everything it makes is in build/demo; what it shows are the real commands.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from news import articles
from rich.console import Console
from rich.table import Table

import enricher

FOLDER = Path("build") / "demo"
DOCUMENTS = "news.jsonl"
INDEX = "news"
OURS = (DOCUMENTS, "models", "index", f"{INDEX}.rejects.jsonl")

WORDS = ("日本", "春节", "蔬菜", "足球", "cricket", "qantas", "taliban")
ALPHA = 0.8
QUERIES = ("汇率", "石油价格", "cricket", "airline strike", "road deaths")
SHOWN_IDS = ("zh-0587", "zh-0878", "en-292")

console = Console(width=None if sys.stdout.isatty() else 110, highlight=False, markup=False, emoji=False)


def main() -> None:
    """The whole tour, in the folder build/demo, which begins anew."""
    started = time.monotonic()
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.chdir(FOLDER)
    for name in OURS:
        shutil.rmtree(name, ignore_errors=True)
        Path(name).unlink(missing_ok=True)
    found = write_documents()
    train()
    show_keywords(found)
    show_words()
    search()
    serve()
    say_what_is_next(time.monotonic() - started)


def heading(text: str) -> None:
    console.print(f"\n{text}\n{'-' * len(text)}")


def run(*arguments: str) -> None:
    """Run a command as a user would, its command line first."""
    announce(*arguments)
    done = subprocess.run(["enricher", *arguments], env=environment(), check=False)
    if done.returncode != 0:
        raise SystemExit(f"`enricher {shlex.join(arguments)}` ended with exit code {done.returncode}.")


def ask(*arguments: str) -> Mapping[str, Any]:
    """The JSON answer of a command."""
    announce(*arguments)
    done = subprocess.run(
        ["enricher", *arguments, "--json"], env=environment(), stdout=subprocess.PIPE, check=True
    )
    answer: Mapping[str, Any] = json.loads(done.stdout)
    return answer


def announce(*arguments: str) -> None:
    words = [word if word.isalnum() else shlex.quote(word) for word in arguments]
    console.print(f"$ enricher {' '.join(words)}", soft_wrap=True)
    sys.stdout.flush()


def environment() -> dict[str, str]:
    """The variables of this process without ours, so that the commands take the folder's models and index."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ENRICHER_")}


def write_documents() -> dict[str, dict[str, str]]:
    heading("1. Documents")
    found = {article["id"]: article for article in articles()}
    with Path(DOCUMENTS).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(article, ensure_ascii=False) + "\n" for article in found.values())
    chinese = sum(name.startswith("zh") for name in found)
    console.print(
        f"{chinese:,} articles of the People's Daily, January 1998, and {len(found) - chinese} English news "
        f"articles\nare now JSON lines in {FOLDER / DOCUMENTS}. All that follows happens in {FOLDER}."
    )
    return found


def train() -> None:
    heading("2. Learn a model from them")
    console.print(
        "A window of three words makes neighbours that can stand in for each other; with one worker the\n"
        "model is the same every time. This takes about a minute."
    )
    run("train", DOCUMENTS, "--window", "3", "--min-count", "5", "--epochs", "16", "--workers", "1")


def show_keywords(found: Mapping[str, Mapping[str, str]]) -> None:
    heading("3. Keywords")
    lines = [json.dumps(found[name], ensure_ascii=False) for name in SHOWN_IDS]
    Path("three.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in SHOWN_IDS:
        console.print(f"{name}: {found[name]['title']}", soft_wrap=True)
    console.print()
    run("keywords", "three.jsonl")


def show_words() -> None:
    heading("4. Neighbours can replace a word, related words occur with it")
    run("neighbors", WORDS[0], "--top", "4")
    console.print()
    run("related", WORDS[0], "--top", "4", "--alpha", str(ALPHA))
    console.print('\nThe same from Python, `enricher.load("models")`, for more words:\n')
    model = enricher.load("models")
    table = plain_table("word", "neighbours", f"related words (alpha {ALPHA})")
    for word in WORDS:
        table.add_row(
            word,
            "  ".join(neighbor.word for neighbor in model.neighbors(word, 5)),
            "  ".join(related.word for related in model.related(word, 5, ALPHA)),
        )
    console.print(table)


def search() -> None:
    heading("5. Index the documents with their enrichment, and search")
    run("index", DOCUMENTS, "--to", INDEX)
    console.print()
    run("search", "阿富汗 Afghanistan", "--in", INDEX, "--top", "2", "--facet", "source")
    heading("6. The same query without and with expansion")
    console.print(
        "Expansion adds related words with a small weight, and searches a typed word by its parts and stem\n"
        "too. + marks a document that came into the first seven through it. It does not always help: the\n"
        "last query also draws in what nobody asked for.\n"
    )
    for query in QUERIES:
        compare(query)


def serve() -> None:
    """Run the service for a moment, and ask it as an application would."""
    heading("7. The same over HTTP, for applications")
    words = ("serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
    announce(*words)
    process = subprocess.Popen(["enricher", *words], env=environment(), stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        address = next(
            (found["listen"] for found in map(json.loads, process.stderr) if found["event"] == "started"),
            None,
        )
        if address is None:
            raise SystemExit("The service has not started.")
        fetch(
            f"{address}/_enricher/search", query="石油价格", **{"in": INDEX, "top": "2", "fields": "source"}
        )
        fetch(f"{address}/_enricher/related", word=WORDS[0], top="3")
        console.print(f"\nPeople open {address}/_enricher/console in a browser while `enricher serve` runs.")
    finally:
        process.terminate()
        process.communicate()


def fetch(address: str, **parameters: str) -> None:
    """Show the answer to a GET request: asked with curl where it is installed, else with Python."""
    query = urllib.parse.urlencode(parameters)
    values = [word for name, value in parameters.items() for word in ("--data-urlencode", f"{name}={value}")]
    command = ["curl", "-s", "-G", address, *values]
    console.print(f"$ {shlex.join(command)}", soft_wrap=True)
    if shutil.which("curl") is not None:
        body = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    else:
        with urllib.request.urlopen(f"{address}?{query}") as answer:
            body = answer.read()
    shown = json.dumps(json.loads(body), ensure_ascii=False, indent=1)
    lines = shown.splitlines()
    console.print("\n".join(lines[:24] + ["…"] * (len(lines) > 24)), soft_wrap=True)


def compare(query: str) -> None:
    """The first hits side by side, and what was added to the query."""
    options = ("--in", INDEX, "--top", "7")
    plain = ask("search", query, *options, "--no-expansion")
    expanded = ask("search", query, *options)
    before = {hit["id"] for hit in plain["hits"]}
    related = [term for term in expanded["expansion"] if term["origin"] == "relatedness"]
    related.sort(key=lambda term: term["weight"], reverse=True)
    added = [f"{term['term']} {term['weight']:.2f}" for term in related]
    console.print(f"added: {', '.join(added) or 'nothing'}", soft_wrap=True)
    table = plain_table(
        f"as typed: {plain['total']} documents", " ", f"expanded: {expanded['total']} documents"
    )
    for left, right in zip_longest(plain["hits"], expanded["hits"]):
        table.add_row(short(left), "+" if right and right["id"] not in before else " ", short(right))
    console.print(table)
    console.print()


def short(hit: Mapping[str, Any] | None) -> str:
    return (hit["title"] or hit["id"]) if hit else ""


def plain_table(*columns: str) -> Table:
    """A table without lines; what does not fit into a column ends in dots."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", expand=True)
    for column in columns:
        wide = column not in (" ", "word")
        table.add_column(column, no_wrap=True, overflow="ellipsis", ratio=1 if wide else None)
    return table


def say_what_is_next(seconds: float) -> None:
    heading("Next")
    console.print(
        f"""\
That took {seconds:.0f} seconds. Go on with this index:

  . .venv/bin/activate
  cd {FOLDER}
  enricher search 春节 --in {INDEX} --explain --facet keywords
  enricher expand "石油 价格"

Your own documents, JSON lines with id, title and text, or plain text with one document a line:

  enricher train docs.jsonl
  enricher index docs.jsonl --to docs
  enricher search "what you look for" --in docs

The same on an Elasticsearch cluster:

  enricher --engine http://localhost:9200 index docs.jsonl --to docs
  enricher --engine http://localhost:9200 search "what you look for" --in docs""",
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
