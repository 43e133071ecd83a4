"""What an earlier commit wrote: a model, embedded indexes and jobs, and the same of a cluster.

The archive was made on commit 9101dc9 from 60 documents of `tests/corpora.py`:

    enricher train docs.jsonl --dimensions 8 --epochs 2 --workers 1 --min-count 2 --lexicon words.txt
    enricher index docs.jsonl --to docs
    enricher search 事务 --in docs --top 3 --json > search.json
    enricher reindex start docs --to articles
    enricher reindex start docs --to paused --rate 20      # interrupted

`cluster.json` holds mappings, settings, aliases and documents after the same commands on Elasticsearch, whose
indexes begin with `earlier`.
"""

import json
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

ARCHIVE = Path(__file__).with_name("earlier.tar.gz")


def unpack(folder: Path) -> Path:
    """Unpack the archive into a folder; skips where the segmenter of its model is not installed."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    (manifest,) = (folder / "models").glob("*/manifest.json")
    analysis = json.loads(manifest.read_text(encoding="utf-8"))["analysis"]
    name, wanted = analysis["segmenter.name"], analysis["segmenter.version"]
    if version(name) != wanted:
        pytest.skip(f"The archive's model needs {name} {wanted}.")
    return folder
