"""The manifest of a bundle: what it must hold, checked to the last key that is read."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from enricher.errors import BundleInvalid

FORMAT = 3
MANIFEST = "manifest.json"


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_limit(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit()


Rule = Callable[[object], bool]
REQUIRED: Mapping[str, Rule] = {
    "version": _is_text,
    "created": _is_text,
    "language": _is_text,
    "analysis.segmenter.name": _is_text,
    "training": lambda value: isinstance(value, dict),
    "counts.words": lambda value: _is_count(value) and value != 0,
    "counts.documents": _is_count,
}
"""The keys that every manifest has, a dot before each inner one, and what their values must be."""

OPTIONAL: Mapping[str, Rule] = {
    "analysis.limit": _is_limit,
    "corpus.title_share": _is_number,
    "corpus.mean_words": _is_number,
}
"""Keys of values that may be left out."""

PARTS: Mapping[str, Mapping[str, Rule]] = {
    "table": {"alpha": _is_number, "shrinkage": _is_number},
    "text_vectors": {"mean_length": _is_number, "has_learned": lambda value: isinstance(value, bool)},
    "usage": {"documents": _is_count},
}
"""Tables that are null where a model lacks the part, and the keys of those that are there."""

MAY_LACK = frozenset({"usage"})
"""Parts whose key an older bundle of this format has not."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a bundle; BundleInvalid names the file, and the key that is not there or wrong."""
    try:
        manifest = orjson.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BundleInvalid(f"The model {folder.name} has no {MANIFEST}.") from None
    except (OSError, orjson.JSONDecodeError) as error:
        raise BundleInvalid(f"The {MANIFEST} of the model {folder.name} cannot be read.") from error
    format_number = manifest.get("format") if isinstance(manifest, dict) else None
    if format_number != FORMAT:
        raise BundleInvalid(
            f"The model {folder.name} has format {format_number}, this version of enricher reads {FORMAT}: "
            "install the version that made it, or train it anew."
        )
    wrong = _wrong_key(manifest)
    if wrong is not None:
        raise BundleInvalid(
            f"The {MANIFEST} of the model {folder.name} lacks {wrong!r} or holds it wrongly: put "
            "the file back from a copy, or train the model anew."
        )
    return dict(manifest)


def _wrong_key(manifest: Mapping[str, Any]) -> str | None:
    """The first key that is missing or holds something else than it must, None where all are right."""
    for key, rule in REQUIRED.items():
        present, value = _value(manifest, key)
        if not present or not rule(value):
            return key
    for key, rule in OPTIONAL.items():
        present, value = _value(manifest, key)
        if present and not rule(value):
            return key
    for part, rules in PARTS.items():
        if part not in manifest and part not in MAY_LACK:
            return part
        table = manifest.get(part)
        if table is None:
            continue
        if not isinstance(table, dict):
            return part
        for key, rule in rules.items():
            if key not in table or not rule(table[key]):
                return f"{part}.{key}"
    return _wrong_file(manifest.get("files"))


def _value(manifest: Mapping[str, Any], key: str) -> tuple[bool, object]:
    """Whether a key is there, and its value; a table that is none lacks all of its keys."""
    table, dot, inner = key.partition(".")
    if not dot:
        return key in manifest, manifest.get(key)
    value = manifest.get(table, {})
    if not isinstance(value, dict):
        return True, None
    return inner in value, value.get(inner)


def _wrong_file(files: object) -> str | None:
    """The key of the first entry of `files` that is no file's name with its size and hash."""
    if not isinstance(files, dict) or not files:
        return "files"
    for name, facts in files.items():
        if name in {"", ".", ".."} or "/" in name or "\0" in name or not isinstance(facts, dict):
            return f"files.{name}"
        for key, rule in (("bytes", _is_count), ("sha256", _is_text)):
            if not rule(facts.get(key)):
                return f"files.{name}.{key}"
    return None
