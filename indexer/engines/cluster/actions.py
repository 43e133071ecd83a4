"""Documents as actions of a bulk request, made before they are sent and possibly in another process."""

from collections.abc import Sequence
from typing import NamedTuple

from enricher.records import VECTOR, EnrichedDocument, IndexLayout, Rejection
from indexer.engines.cluster.bulk import Action
from indexer.engines.cluster.mapping import line_of
from indexer.engines.fields import Prepared, at, encode, prepare


class PreparedActions(NamedTuple):
    """The actions that write documents, and the documents that no index can hold.

    dimensions: the length of the first vector; None if no document has one.
    """

    actions: list[Action]
    rejections: list[Rejection]
    dimensions: int | None


def prepare_actions(
    documents: Sequence[EnrichedDocument], layout: IndexLayout, *, with_codes: bool
) -> PreparedActions:
    """Check and encode documents. Of documents with the same id, the last valid one is kept.

    with_codes: for an index with `vector_codes`.
    """
    prepared, rejections = prepare(documents, layout)
    vectors = (at(document.enrichment, VECTOR) for document in prepared if layout.has_vectors)
    first = next((vector for vector in vectors if isinstance(vector, list | tuple)), None)
    actions = [_action(document, with_codes=with_codes) for document in prepared]
    return PreparedActions(actions, rejections, None if first is None else len(first))


def _action(document: Prepared, *, with_codes: bool) -> Action:
    """The action that writes a document. Its key is where the source ends, which comes first in the line."""
    head = encode({"index": {"_id": document.id}}) + b"\n"
    return Action(
        document.id,
        head + line_of(document, with_codes=with_codes),
        len(head) + len(document.source_json) - 1,
    )


def source_of(action: Action) -> str:
    """The document of an action without its enrichment, as JSON."""
    head, _, _ = action.lines.partition(b"\n")
    assert isinstance(action.key, int)
    return (action.lines[len(head) + 1 : action.key] + b"}").decode()
