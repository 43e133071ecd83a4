"""The requests of the endpoints, as structs. Keys have the names of the command's options."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(min_length=1)]
Top = Annotated[int, Meta(ge=0, le=10_000)]
Share = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request; unknown keys are refused."""


class SearchRequest(Request, frozen=True):
    """Search an index for a query and its related words."""

    query: Annotated[Text, Meta(description='Words; "a phrase" is required, -word is excluded.')]
    in_: Annotated[Name, Meta(description="Index or alias to search.")] = msgspec.field(name="in")
    top: Annotated[Top, Meta(description="Number of hits.")] = 10
    from_: Annotated[Top, Meta(description="Number of hits to skip; with `top` at most 10,000.")] = (
        msgspec.field(name="from", default=0)
    )
    sort: Annotated[
        str | None, Meta(description="Sort the hits by a field; `field:desc` begins with the largest value.")
    ] = None
    filter: Annotated[
        tuple[str, ...],
        Meta(description="Only hits with `field=value`; also `!=`, `<`, `<=`, `>`, `>=`. All must match."),
    ] = ()
    facet: Annotated[tuple[str, ...], Meta(description="Fields whose values are counted.")] = ()
    native: Annotated[
        Mapping[str, Any] | None, Meta(description="Only what this query of Elasticsearch matches.")
    ] = None
    expansion: Annotated[bool, Meta(description="Whether words are added to the query.")] = True
    also_read: Annotated[
        Share, Meta(description="Share of the score of what is read together with the best hits.")
    ] = 0.0
    alike: Annotated[
        Share, Meta(description="Share of the score of what is alike to the best hits in the library.")
    ] = 0.0
    explain: Annotated[
        bool, Meta(description="Add the numbers of documents that match by words, and that are not enriched.")
    ] = False
    profile: Annotated[bool, Meta(description="Add the time of each step, and what it sent.")] = False
    fields: Annotated[
        tuple[str, ...] | None,
        Meta(description="Fields of each document to return under `source`, as dotted paths; `*` for all."),
    ] = None
    encoder: Annotated[
        Literal["default", "html"],
        Meta(description="html: escape the text of the highlights, but not the tags."),
    ] = "default"
    highlight_tags: Annotated[
        tuple[str, str], Meta(description="What stands before and after a highlighted word.")
    ] = ("<em>", "</em>")


class ExpandRequest(Request, frozen=True):
    """The words of a query, and the words added to it."""

    query: Annotated[Text, Meta(description="A query as a user types it.")]
    in_: Annotated[
        Name | None, Meta(description="Index whose searches are shown. Default: the active model alone.")
    ] = msgspec.field(name="in", default=None)


class ExplainRequest(Request, frozen=True):
    """Why words are added to a query, and why other related words are not."""

    query: Annotated[Text, Meta(description="A query as a user types it.")]
    in_: Annotated[
        Name | None, Meta(description="Index whose searches are explained. Default: the active model alone.")
    ] = msgspec.field(name="in", default=None)


class JudgedQuery(Request, frozen=True):
    """A query, and the documents that answer it."""

    text: Annotated[Text, Meta(description="A query as a user types it.")]
    relevant: Annotated[
        Mapping[str, Annotated[int, Meta(ge=0, le=100)]],
        Meta(description="Id → grade of each judged document; a grade above 0 is relevant.", min_length=1),
    ]
    id: Annotated[str | None, Meta(description="A name for the query. Default: its place, from 1.")] = None


class EvaluateRequest(Request, frozen=True):
    """What enrichment changes for a few judged queries."""

    in_: Annotated[Name, Meta(description="Index or alias to search.")] = msgspec.field(name="in")
    queries: Annotated[
        tuple[JudgedQuery, ...], Meta(description="The judged queries.", min_length=1, max_length=200)
    ]


class KeywordsRequest(Request, frozen=True):
    """The keywords of a text."""

    text: Annotated[Text, Meta(description="The text.")]
    top: Annotated[Top, Meta(description="Number of keywords.")] = 5
    method: Annotated[
        Literal["phrases", "published"],
        Meta(description="phrases: typical words and phrases; published: words by log p(text|word)."),
    ] = "phrases"


class NeighborsRequest(Request, frozen=True):
    """The words that can replace a word: the nearest by cosine."""

    word: Annotated[Text, Meta(description="A word of the model, or a phrase of such words.")]
    top: Annotated[Top, Meta(description="Number of words.")] = 10


class MapRequest(Request, frozen=True):
    """The page of a map."""

    name: Annotated[Text, Meta(description="A map of `maps`.")]


class SimilarRequest(Request, frozen=True):
    """The items that are read together with an item, and those that are alike."""

    item: Annotated[Text, Meta(description="An item of the library.")]
    top: Annotated[Top, Meta(description="Number of items of each kind.")] = 10
    alpha: Annotated[float, Meta(description="How much less popular items count: 0 not at all, 1 most.")] = (
        0.9
    )


class RelatedRequest(Request, frozen=True):
    """The words that often occur together with a word."""

    word: Annotated[Text, Meta(description="A word of the model, or a phrase of such words.")]
    top: Annotated[Top, Meta(description="Number of words; with `senses` in each group.")] = 10
    alpha: Annotated[
        float, Meta(ge=0, le=2, description="1: mutual information; lower values favor frequent words.")
    ] = 0.9
    shrinkage: Annotated[bool, Meta(description="Whether rare words get lower scores.")] = True
    senses: Annotated[bool, Meta(description="Whether the words are grouped by sense.")] = False
    context: Annotated[
        str | None, Meta(description="Group by sense, and sort the senses by fit to this text.")
    ] = None


class SuggestRequest(Request, frozen=True):
    """Known words for a text that somebody is typing, or has mistyped."""

    text: Annotated[Text, Meta(description="The beginning of a word, or a word with a typing error.")]
    top: Annotated[Top, Meta(description="Number of words.")] = 10


class QueryRequest(Request, frozen=True):
    """What an enriched search of an index would send."""

    query: Annotated[Text, Meta(description="A query as a user types it.")]
    top: Annotated[Top, Meta(description="Number of hits that the body asks for.")] = 10


class EnrichRequest(Request, frozen=True):
    """The parameters of `enrich`; the documents are its body."""

    in_: Annotated[
        Name | None,
        Meta(description="Index whose recipe enriches the documents. Default: the active model's."),
    ] = msgspec.field(name="in", default=None)


class ActivateRequest(Request, frozen=True):
    """Make a model version the active one."""

    version: Annotated[Name, Meta(description="A version of the folder of models.")]


class StartJobRequest(Request, frozen=True):
    """Start a reindex job: fill a new index and move an alias to it, or enrich in place."""

    source: Annotated[Name, Meta(description="An index, or an alias of one.")]
    to: Annotated[Name | None, Meta(description="The alias that searches and writers use.")] = None
    in_place: Annotated[bool, Meta(description="Enrich the documents where they are.")] = False
    only: Annotated[
        tuple[Literal["missing", "stale"], ...],
        Meta(description="In place, only documents without enrichment, or with one that is out of date."),
    ] = ()
    query: Annotated[
        Mapping[str, Any] | None,
        Meta(description="In place, only what this query of Elasticsearch matches."),
    ] = None
    ids: Annotated[tuple[str, ...], Meta(max_length=10_000, description="In place, only these ids.")] = ()
    rate: Annotated[float, Meta(ge=0.1, description="Maximum documents per second.")] | None = None
    write_block: Annotated[bool, Meta(description="Refuse writes for a moment before the swap.")] = False
    block_limit: Annotated[
        float, Meta(ge=0.1, description="Seconds after which the block is lifted and tried again later.")
    ] = 60.0
    gate: Annotated[
        Name | None,
        Meta(description="Folder of a collection: swap only if nDCG@10 on it falls by at most 1 %."),
    ] = None
    title_field: Annotated[Name | None, Meta(description="Field of the title.")] = None
    text_field: Annotated[Name | None, Meta(description="Field of the text.")] = None


class JobRequest(Request, frozen=True):
    """A reindex job, by its name."""

    job: Annotated[Name | None, Meta(description="A job; may be omitted if only one qualifies.")] = None


DecisionState = Literal["open", "accept", "reject", "merge", "skip"]
ReviewName = Annotated[str, Meta(min_length=1, description="A file of `review` in the table [serve].")]


class Decision(Request, frozen=True):
    """What is decided about a word; `open`: nothing."""

    state: DecisionState
    author: Annotated[str, Meta(max_length=1_000, description="Who decides.")] = ""
    comment: Annotated[str, Meta(max_length=100_000, description="Why.")] = ""
    expiry: Annotated[
        str, Meta(max_length=10, description="The date from which on it no longer holds, or empty.")
    ] = ""
    into: Annotated[str, Meta(max_length=1_000, description="Of `merge`: the other word.")] = ""


class ReviewWordsRequest(Request, frozen=True):
    """The words of a file to review, in its order."""

    file: ReviewName
    state: Annotated[
        Literal["undecided", "all", "open", "accept", "reject", "merge", "skip"],
        Meta(description="Only words in this state; `undecided`: open or skipped."),
    ] = "undecided"
    after: Annotated[str | None, Meta(description="Only words that come after this one.")] = None
    word: Annotated[str | None, Meta(description="Only this word, whatever its state.")] = None
    top: Annotated[int, Meta(ge=1, le=1_000, description="Number of words.")] = 100


class DecideRequest(Request, frozen=True):
    """Decide about a word of a file to review."""

    file: ReviewName
    word: Annotated[Text, Meta(description="A word of the file.")]
    seen: Annotated[
        Decision, Meta(description="What `reviews/words` showed. If it has changed since, the answer is 409.")
    ]
    decision: Annotated[Decision, Meta(description="What is decided.")]


class IndexDocumentsRequest(Request, frozen=True):
    """The parameters of `documents/INDEX`; the documents are its body."""

    id_field: Annotated[Name, Meta(description="Field of the id.")] = "id"
    title_field: Annotated[Name | None, Meta(description="Field of the title.")] = None
    text_field: Annotated[Name | None, Meta(description="Field of the text.")] = None


class EmptyRequest(Request, frozen=True):
    """A request without parameters."""
