"""A judged collection about documents that are in an index."""

import json
from pathlib import Path

from tests.server.reindex.truth import Truth


def write_collection(folder: Path, truth: Truth, queries: int = 8) -> Path:
    """Documents and queries, each the beginning of one document, which is relevant."""
    made = folder / "judged"
    made.mkdir()
    chosen = [(key[0], str(source["text"])) for key, source in truth.items()][:queries]
    files = {
        "docs.jsonl": [{"id": key[0], "text": source["text"]} for key, source in truth.items()],
        "queries.jsonl": [{"id": f"q-{name}", "text": text[:60]} for name, text in chosen],
    }
    for name, lines in files.items():
        (made / name).write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    judgements = [f"q-{name}\t0\t{name}\t1\n" for name, _ in chosen]
    (made / "qrels.tsv").write_text("".join(judgements), encoding="utf-8")
    return made
