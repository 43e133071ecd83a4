"""The endpoints: where they are, what they take and answer, and which pool does their work."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from enricher.answers import Json
from enricher.gateway import requests, responses
from enricher.gateway.administering import Administration
from enricher.gateway.service import Service

ROOT = "/_enricher"
SEARCH, WORDS, ENRICH, EVALUATE = "search", "words", "enrich", "evaluate"
"""The pools: searches of the engine, questions to a model, enrichment of documents, evaluations."""
ADMIN, REVIEW = "admin", "review"
"""The pools of the admin address: changes, which may take long; reviews."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An endpoint that is asked by GET with parameters, or by POST with a JSON object.

    answer: what makes the answer: a method of the service, or for changes a function of the administration;
    its first other argument is the index if the path names one. status: of an answer that is no error.
    at: the path below ROOT. has_parameters: whether it can be asked by GET, and takes parameters by POST too.
    """

    name: str
    at: str
    request: type[msgspec.Struct]
    response: type[msgspec.Struct]
    pool: str
    answer: Callable[..., Json]
    has_parameters: bool = True
    status: int = 200

    @property
    def path(self) -> str:
        return f"{ROOT}/{self.at}"

    @property
    def summary(self) -> str:
        """The first line of the description of its request, or of its answer if it takes nothing."""
        described = self.response if self.request is requests.EmptyRequest else self.request
        return (described.__doc__ or "").partition("\n")[0]

    @property
    def has_index(self) -> bool:
        """Whether the path names an index."""
        return "{index}" in self.at


def _named(name: str, request: Any, response: Any, pool: str, answer: Callable[..., Json]) -> Operation:
    return Operation(name, name, request, response, pool, answer)


OPERATIONS = (
    _named("search", requests.SearchRequest, responses.SearchAnswer, SEARCH, Service.search),
    _named("expand", requests.ExpandRequest, responses.ExpandAnswer, WORDS, Service.expand),
    _named("explain", requests.ExplainRequest, responses.ExplainAnswer, WORDS, Service.explain),
    Operation(
        "evaluate",
        "evaluate",
        requests.EvaluateRequest,
        responses.EvaluateAnswer,
        EVALUATE,
        Service.evaluate,
        has_parameters=False,
    ),
    _named("keywords", requests.KeywordsRequest, responses.KeywordsAnswer, WORDS, Service.keywords),
    _named("neighbors", requests.NeighborsRequest, responses.NeighborsAnswer, WORDS, Service.neighbors),
    _named("related", requests.RelatedRequest, responses.RelatedAnswer, WORDS, Service.related),
    _named("suggest", requests.SuggestRequest, responses.SuggestAnswer, WORDS, Service.suggest),
    _named("similar", requests.SimilarRequest, responses.SimilarAnswer, WORDS, Service.similar),
    _named(
        "maps", requests.EmptyRequest, responses.MapsAnswer, WORDS, lambda service, _: service.maps.names()
    ),
    Operation("query", "query/{index}", requests.QueryRequest, responses.QueryAnswer, WORDS, Service.query),
    _named("models", requests.EmptyRequest, responses.ModelsAnswer, WORDS, Service.models_answer),
    _named("jobs", requests.EmptyRequest, responses.JobsAnswer, SEARCH, Service.jobs),
    _named("indexes", requests.EmptyRequest, responses.IndexesAnswer, SEARCH, Service.indexes),
)
"""The endpoints for everybody that answer with one JSON object."""


ForOperators = Callable[[Administration, Any], Json]


def _admin(name: str, at: str, request: Any, response: Any, answer: ForOperators) -> Operation:
    status = 202 if response is responses.BegunJobAnswer else 200
    return Operation(name, at, request, response, ADMIN, answer, has_parameters=False, status=status)


def _review(
    name: str, at: str, request: Any, response: Any, answer: ForOperators, changes: bool = False
) -> Operation:
    return Operation(name, at, request, response, REVIEW, answer, has_parameters=not changes)


ADMIN_OPERATIONS = (
    _admin(
        "activateModel", "models/activate", requests.ActivateRequest, responses.VersionAnswer,
        lambda admin, request: admin.activate(request),
    ),
    _admin(
        "rollBackModel", "models/rollback", requests.EmptyRequest, responses.VersionAnswer,
        lambda admin, request: admin.roll_back_model(),
    ),
    _admin(
        "startJob", "jobs/start", requests.StartJobRequest, responses.BegunJobAnswer,
        lambda admin, request: admin.start_job(request),
    ),
    _admin(
        "resumeJob", "jobs/resume", requests.JobRequest, responses.BegunJobAnswer,
        lambda admin, request: admin.resume_job(request),
    ),
    _admin(
        "rollBackJob", "jobs/rollback", requests.JobRequest, responses.BegunJobAnswer,
        lambda admin, request: admin.roll_back_job(request),
    ),
    _admin(
        "cancelJob", "jobs/cancel", requests.JobRequest, responses.JobReport,
        lambda admin, request: admin.cancel_job(request),
    ),
    _review(
        "reviews", "reviews", requests.EmptyRequest, responses.ReviewsAnswer,
        lambda admin, request: admin.reviews.files(),
    ),
    _review(
        "reviewWords", "reviews/words", requests.ReviewWordsRequest, responses.ReviewWordsAnswer,
        lambda admin, request: admin.reviews.words(request),
    ),
    _review(
        "decide", "reviews/decide", requests.DecideRequest, responses.DecideAnswer,
        lambda admin, request: admin.reviews.decide(request), changes=True,
    ),
)  # fmt: skip
"""The endpoints on the admin address. Those that change state are asked by POST."""
