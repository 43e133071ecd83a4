"""What operators may do over HTTP, as the endpoints of the admin address see it."""

from pathlib import Path
from typing import Protocol

from enricher.answers import Json
from enricher.gateway import requests
from enricher.gateway.reviews import Reviews


class Administration(Protocol):
    """Changes the state of models, jobs and indexes. Thread-safe. Methods raise EnricherError.

    reviews: the files of candidates that may be reviewed.
    """

    reviews: Reviews

    def activate(self, request: requests.ActivateRequest) -> Json:
        """Make a model version the active one."""

    def roll_back_model(self) -> Json:
        """Make the version that was active before the active one."""

    def reports(self) -> list[Json]:
        """The reports of the reindex jobs, the newest first."""

    def start_job(self, request: requests.StartJobRequest) -> Json:
        """Plan a reindex job, and begin to work on it. Returns its report, with `notes`."""

    def resume_job(self, request: requests.JobRequest) -> Json:
        """Begin to work on a job that has not ended."""

    def roll_back_job(self, request: requests.JobRequest) -> Json:
        """Plan the rollback of a job, and begin to work on it."""

    def cancel_job(self, request: requests.JobRequest) -> Json:
        """End a job before its swap."""

    def index(self, index: str, body: Path, request: requests.IndexDocumentsRequest) -> Json:
        """Index the documents of a file of JSON lines, and return the counts."""

    def close(self) -> None:
        """End the work on jobs; it can be resumed."""
