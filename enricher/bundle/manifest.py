"""The manifest of a bundle: what a model is, how it was made, and the size and hash of every file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import orjson
from msgspec import Meta

from enricher.decoding import DecodingError, decode
from enricher.errors import BundleInvalid

FORMAT = 3
MANIFEST = "manifest.json"

Count = Annotated[int, Meta(ge=0)]
FileName = Annotated[str, Meta(pattern=r"\A(?!\.{0,2}\Z)[^/\0]+\Z", title="the name of a file")]


class TableFacts(msgspec.Struct, frozen=True):
    """The constants of the formula by which the relatedness table was made."""

    alpha: float
    shrinkage: float


class TextVectorFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How texts get their vectors. mean_length: of a vector; loss: of the tuning.

    has_learned: whether the texts were a task to learn from.
    """

    mean_length: float
    loss: float | None = None
    has_learned: bool


class UsageFacts(msgspec.Struct, frozen=True):
    """How many documents were sampled for the use of words."""

    documents: Count


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What the training text holds; words: the size of the vocabulary. added: words after the training."""

    words: Annotated[int, Meta(ge=1)]
    occurrences: Count = 0
    documents: Count
    added: Count = 0


class CorpusFacts(msgspec.Struct, frozen=True):
    """A hash of the training text, and what `Origin` says of it; 0 where nothing is known."""

    sha256: str = ""
    title_share: float = 0.0
    mean_words: float = 0.0


class FileFacts(msgspec.Struct, frozen=True):
    """The size and the hash of a file."""

    bytes: Count
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest, in the order of its keys on disk; keys that this version does not know are passed over.

    parent, root: of a derived bundle, the version it was made from, and the trained one at the beginning.
    analysis: what cut the text (`Analyzer.describe`). training: the settings of the training. table,
    text_vectors, usage: None where a model lacks the part.
    """

    format: int = FORMAT
    version: str
    parent: str | None = None
    root: str | None = None
    created: str
    language: str
    analysis: Mapping[str, str]
    training: Mapping[str, Any]
    table: TableFacts | None
    text_vectors: TextVectorFacts | None
    usage: UsageFacts | None = None
    """An older bundle of this format has not even the key."""
    counts: Counts
    corpus: CorpusFacts = CorpusFacts()
    libraries: Mapping[str, str] = {}
    files: Annotated[Mapping[FileName, FileFacts], Meta(min_length=1)]

    def __post_init__(self) -> None:
        if "segmenter.name" not in self.analysis:
            raise DecodingError(("analysis", "segmenter.name"), "is missing")
        limit = self.analysis.get("limit", "0")
        if not (limit.isascii() and limit.isdigit()):
            raise DecodingError(("analysis", "limit"), f"must be a string of digits, not {limit!r}")


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a bundle. Raises BundleInvalid, which names the file and the key that is wrong."""
    value = manifest_as_written(folder)
    format_number = value.get("format") if isinstance(value, dict) else None
    if format_number != FORMAT:
        raise BundleInvalid(
            f"The model {folder.name} has format {format_number}, this version of enricher reads {FORMAT}: "
            "install the version that made it, or train it anew."
        )
    try:
        return decode(Manifest, value)
    except DecodingError as error:
        raise BundleInvalid(
            f"The {MANIFEST} of the model {folder.name} is wrong: {error} Put the file back from a copy, or "
            "train the model anew."
        ) from error


def manifest_as_written(folder: Path) -> Any:
    """The JSON of a manifest, also keys that this version does not know. Raises BundleInvalid."""
    try:
        return orjson.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BundleInvalid(f"The model {folder.name} has no {MANIFEST}.") from None
    except (OSError, orjson.JSONDecodeError) as error:
        raise BundleInvalid(f"The {MANIFEST} of the model {folder.name} cannot be read.") from error


def manifest_as_json(manifest: Manifest) -> bytes:
    """The text of a manifest, without the keys that only derived bundles have."""
    value = msgspec.to_builtins(manifest)
    if manifest.root is None:
        del value["root"]
    if not manifest.counts.added:
        del value["counts"]["added"]
    return orjson.dumps(value, option=orjson.OPT_INDENT_2)
