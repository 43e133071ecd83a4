"""Writes docs/cli.md, docs/settings.md and docs/enricher.schema.json from the program: run `make docs`."""

import importlib
import inspect
import json
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_args

import msgspec
import typer.main
from typer.testing import CliRunner

from enricher.decoding import allowed
from enricher.plugins.registry import GROUP
from enricher.settings import SETTINGS, Configuration, IndexConfiguration
from indexer.cli import commands as _commands  # noqa: F401  (registers them)
from indexer.cli.app import app

FOLDER = Path(__file__).parent
WIDTH = 80
BAR = "\\|"
"""A bar in a cell of a table."""

CLI_HEAD = """\
# Commands

This page is generated from the program by `make docs`. It is what `--help` prints in 80 columns.

Exit codes: 0 done, also when nothing was found; 1 failed, or something was lost, or the model does not
know a word; 2 wrong usage; 130 interrupted. Results go to standard output, progress and messages to
standard error. With `--json` a command prints one JSON document, or one a line where there are many.
"""

SETTINGS_HEAD = """\
# Settings

This page is generated from the program by `make docs`.

## Global options

They stand before the command: `enricher --models DIR index …`. An option wins over its environment
variable.

| Option | Environment variable | Default | Meaning |
|---|---|---|---|
"""

INDEX_HEAD = """
## enricher.toml

One table for each index, or for a pattern of names (`*` and `?`). A key or a plug-in that does not exist is
an error, never passed over.

```toml
[index."news-*"]
fields = ["title", "text"]
enrichments = ["tokens", "subwords", "keywords", "expansion"]
rewriters = ["subwords", "expansion", "relatedness"]

[index."news-*".settings.keywords]
top = 5
```

[enricher.schema.json](enricher.schema.json) is the JSON Schema of the file, with the settings of the built-in
plug-ins: editors complete and check by it.

| Key | Default | Meaning |
|---|---|---|
"""

RULE = """
### Which table applies

Every command finds the table of an index by one rule. An index is known by several names: the name as you
typed it, its aliases in alphabetical order, and its own name. A job that makes a new index (`enricher reindex
start SOURCE --to ALIAS`) takes the names of the alias, of the source and of the new index.

1. A table of one of these very names, in that order.
2. Else the first pattern in the file that fits one of them.
3. Else what the index, or the source of the job, records: the plug-ins and settings that enriched it with a
   model.
4. Else the defaults.

A table counts as a whole: a key that it does not name has its default, not what the index records.

An index records its fields, plug-ins, and the settings that decide what is written to a document
(`keywords.top`, `keywords.method`, `expansion.words`, and all settings of a plug-in of your own). A document
is never written to it with others: `enricher index` and `reindex start --only` refuse, and `enricher doctor`
reports that the configuration says otherwise. `reindex start --to` makes a new index with the new settings,
`reindex start --in-place` enriches all documents of the index again. Settings of the query, such as weights,
may change at any time.

### Which fields are enriched

1. `--title-field` and `--text-field`, where you give them. The one takes the place of the title among the
   fields of the rules below, the other that of all their texts.
2. Else `fields` of the table.
3. Else the fields that the index records: its own, or that of the index that documents come from.
4. Else, for an index that another program made, those that its mapping and up to 200 of its documents show:
   fields whose name says what they are (`title`, `headline`, `subject`, `name`; `text`, `body`, `content`,
   `abstract`, `description`, `summary`, `message`; 标题, 正文, 内容, 摘要 and the like), and full-text fields
   whose values have four words or more in the mean. Other keyword fields, and fields that are not mapped, are
   never chosen: name them. The command prints which fields it enriches, and which texts it leaves out.
5. Else `title` and `text`.

The first field is the title, where there are several. `page.body` names a field inside an object, or of each
object in an array. An array of strings is one text, its items separated by a paragraph break; a number is
text as it is written.

A field that you name on the command line and no document has is refused before anything is written. So is a
job, or a copy of an index, when more than 5 % of up to 200 documents have text but none of the fields. Where
you have named the fields, or a job is about some documents of an index (`--only`), this is only reported, as
is text in other fields than those that are enriched. Documents without any text are written, counted and
reported; `enricher doctor` counts them too.
"""

PLUGIN_HEAD = """
## Settings of the plug-ins

They stand in a table of their own, `[index."PATTERN".settings.PLUGIN]`. {without} has none.

| Plug-in | Key | Default | Allowed | Meaning |
|---|---|---|---|---|
"""


def command_line() -> str:
    """The page of all commands."""
    parts = [CLI_HEAD]
    for path in command_paths(typer.main.get_command(app), ()):
        parts.append(f"## {' '.join(('enricher', *path))}\n\n```text\n{help_text(path)}\n```\n")
    return "\n".join(parts)


def command_paths(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A command and all under it, as the words that call them."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from command_paths(inner, (*path, name))


def help_text(path: tuple[str, ...]) -> str:
    """What `--help` prints, at a fixed width."""
    extra = {"prog_name": "enricher", "terminal_width": WIDTH, "max_content_width": WIDTH}
    answer = CliRunner().invoke(app, [*path, "--help"], **extra)
    if answer.exit_code != 0:
        raise SystemExit(f"`enricher {' '.join(path)} --help` failed: {answer.output}")
    return "\n".join(line.rstrip() for line in answer.output.strip().splitlines())


def settings() -> str:
    """The page of all settings."""
    text = SETTINGS_HEAD
    for setting in SETTINGS:
        text += (
            f"| `--{setting.name}` | `{setting.variable}` | {_default(setting.default)} | {setting.help} |\n"
        )
    text += INDEX_HEAD
    defaults = IndexConfiguration()
    for part in msgspec.structs.fields(IndexConfiguration):
        value = getattr(defaults, part.name)
        value = str(value).lower() if isinstance(value, bool) else value
        shown = _default(value) if part.name != "fields" else "`title`, `text`"
        text += _row(f"`{part.name}`", shown, help_of(part.type))
    plugins = plugin_settings()
    text += RULE
    text += PLUGIN_HEAD.format(
        without=", ".join(f"`{name}`" for name in plugins if not msgspec.structs.fields(plugins[name]))
    )
    for plugin, kind in plugins.items():
        for item in msgspec.structs.fields(kind):
            cells = (
                f"`{plugin}`",
                f"`{item.name}`",
                _default(item.default),
                allowed(item.type),
                help_of(item.type),
            )
            text += _row(*cells)
    return text


def plugin_settings() -> dict[str, type[msgspec.Struct]]:
    """The settings of every built-in plug-in, by its name: `Settings` of the module of its entry point."""
    points = [point for point in entry_points(group=GROUP) if point.module.startswith("enricher.plugins.")]
    return {
        point.name: importlib.import_module(point.module).Settings
        for point in sorted(points, key=lambda point: point.name)
    }


def help_of(kind: object) -> str:
    """The description beside a field."""
    parts = (kind, *get_args(kind))  # of X | None the description is that of X
    metas = [meta for part in parts for meta in get_args(part) if isinstance(meta, msgspec.Meta)]
    return next(meta.description for meta in metas if meta.description)


def schema() -> str:
    """The JSON Schema of enricher.toml, with the settings of the built-in plug-ins."""
    tables = msgspec.json.schema(Configuration)["$defs"]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    whole = head | tables.pop("Configuration") | {"title": "enricher.toml", "$defs": tables}
    plugins = {name: schema_of(kind) | {"title": name} for name, kind in plugin_settings().items()}
    tables["IndexConfiguration"]["properties"]["settings"]["properties"] = plugins
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def schema_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a Struct that holds no other."""
    found = dict(msgspec.json.schema(kind)["$defs"][kind.__name__])
    return found | {"description": inspect.cleandoc(kind.__doc__)} if kind.__doc__ else found


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |\n"


def _default(value: object) -> str:
    """A default as a cell of a table."""
    if isinstance(value, tuple):
        return ", ".join(f"`{part}`" for part in value)
    if isinstance(value, dict):
        return "none"
    path, where, condition = str(value).partition(" where ")
    return f"`{path}`{where}{condition}"


PAGES = {"cli.md": command_line, "settings.md": settings, "enricher.schema.json": schema}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
