"""What is looked at before anything is written: each finding a sentence."""

from collections.abc import Iterator, Mapping
from typing import Any

from enricher.errors import EngineError, UsageError
from enricher.records import IndexLayout
from indexer.engines.elasticsearch_copies import Copies
from indexer.engines.elasticsearch_mapping import META
from indexer.engines.fields import ENRICHMENT
from indexer.engines.names import check_name

FIELD_LIMIT = 1_000
"""Fields of an index, unless its settings say otherwise."""
ROOM = 3.0
"""Times the size of the source that must be free: what is added is at most about as large as an index."""


def check(copies: Copies, source: str, alias: str, layout: IndexLayout) -> list[str]:
    """What the user should know, a sentence each. Raises UsageError, EngineError where it cannot be done."""
    check_name(alias, new=True)
    if copies.is_data_stream(source):
        raise UsageError(
            f"{source!r} is a data stream, which is written by rollover: it cannot be reindexed."
        )
    concrete = copies.engine.name_of(source)
    behind = copies.behind(alias)
    if behind == [alias]:
        raise UsageError(
            f"{alias!r} is an index: an alias of that name cannot be made. Name another with --to."
        )
    if behind and behind != [concrete]:
        names = ", ".join(behind)
        raise UsageError(f"The alias {alias!r} stands for {names}, and not for {concrete!r} alone.")
    settings, mapping, _ = copies.described(concrete)
    if settings.get("index.lifecycle.rollover_alias") == alias:
        raise UsageError(f"The alias {alias!r} is moved by rollover: it cannot be moved by a job too.")
    if mapping.get("_source", {}).get("enabled") in (False, "false"):
        raise UsageError(f"The index {concrete!r} keeps no _source: there is nothing to copy.")
    if ENRICHMENT in mapping.get("properties", {}) and META not in mapping.get("_meta", {}):
        raise UsageError(
            f"The documents of {concrete!r} have a field {ENRICHMENT!r} of their own, a name that is ours."
        )
    _check_fields(concrete, settings, mapping, layout)
    _check_room(copies, concrete)
    return list(_notes(settings, alias))


def _notes(settings: Mapping[str, Any], alias: str) -> Iterator[str]:
    for kind in ("default_pipeline", "final_pipeline"):
        name = settings.get(f"index.{kind}", "_none")
        if name != "_none":
            yield f"Copies do not pass through the {kind.replace('_', ' ')} {name!r} again; later writes do."
    if settings.get("index.blocks.write") == "true":
        yield f"The index behind {alias!r} takes no writes now; the new one will."


def _check_fields(
    source: str, settings: Mapping[str, Any], mapping: Mapping[str, Any], layout: IndexLayout
) -> None:
    limit = int(settings.get("index.mapping.total_fields.limit", FIELD_LIMIT))
    properties = {name: field for name, field in mapping.get("properties", {}).items() if name != ENRICHMENT}
    ours = {path.split(".")[0] for path in layout.mapping} | set(layout.mapping)
    number = sum(_fields(properties)) + 1 + len(ours)
    if number > limit:
        raise EngineError(
            f"The index {source!r} may have {limit:,} fields and would have {number:,}: raise "
            "index.mapping.total_fields.limit on it."
        )


def _fields(properties: Mapping[str, Any]) -> Iterator[int]:
    """One for every field and every field below it."""
    for field in properties.values():
        yield 1
        yield from _fields(field.get("properties", {}))
        yield from _fields(field.get("fields", {}))


def _check_room(copies: Copies, source: str) -> None:
    needed, free = ROOM * copies.engine.bytes_on_disk(source), copies.free_bytes()
    if needed > free:
        raise EngineError(
            f"A copy of {source!r} may need {needed / 1e9:.1f} GB, and the nodes have {free / 1e9:.1f} GB: "
            "make room."
        )
