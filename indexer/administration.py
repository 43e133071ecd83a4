"""What operators do over HTTP: choose a model, run jobs, index documents.

The work of a job is done by a process of its own, `enricher reindex resume JOB`, so that searches stay fast.
A process that is killed loses nothing: any other goes on with the job.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from enricher.answers import Json
from enricher.bundle.store import BundleStore
from enricher.errors import SourceError, UsageError
from enricher.gateway.requests import ActivateRequest, IndexDocumentsRequest, JobRequest, StartJobRequest
from enricher.gateway.reviews import Reviews
from enricher.recipe.fields import NamedFields
from enricher.records import Rejection, SearchEngine
from indexer.indexing import IndexRequest, Listeners, index_sources
from indexer.reindex.choosing import job_under_way
from indexer.reindex.job import Job, JobOptions
from indexer.reindex.jobs import EnrichmentSettings
from indexer.reindex.opening import open_jobs
from indexer.reindex.report import status_of
from indexer.reindex.starting import StartRequest, start, start_rollback

MAX_REJECTIONS_SHOWN = 100
END_SECONDS = 10.0
"""How long the processes of jobs may take to end when the service ends."""

Say = Callable[..., None]
"""Writes an event with its values to the log."""


class Administration:
    """Implements `enricher.gateway.administering.Administration` for an engine.

    open_engine: opens the engine once more, to write documents: the embedded engine keeps the lock of an
    index that it writes until it is closed. arguments, environment: the global options with which the service
    was started.
    """

    def __init__(
        self,
        engine: SearchEngine,
        open_engine: Callable[[], SearchEngine],
        settings: EnrichmentSettings,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        log: Say,
    ) -> None:
        self._engine, self._open_engine, self._settings = engine, open_engine, settings
        self.reviews = Reviews(settings.configuration)
        self._processes = JobProcesses(arguments, environment, log)

    # ------------------------------------------------------------------ models

    def activate(self, request: ActivateRequest) -> Json:
        store = BundleStore(self._settings.models)
        store.activate(request.version)
        return {"version": store.active_version()}

    def roll_back_model(self) -> Json:
        return {"version": BundleStore(self._settings.models).rollback()}

    # ------------------------------------------------------------------ jobs

    def reports(self) -> list[Json]:
        now = datetime.now(UTC)
        jobs = open_jobs(self._engine).ledger.jobs()
        return [status_of(job, now) | {"fault": self._processes.fault(job.id)} for job in jobs]

    def start_job(self, request: StartJobRequest) -> Json:
        options = JobOptions(
            write_block=request.write_block,
            block_limit=request.block_limit,
            rate=request.rate,
            gate=None if request.gate is None else str(Path(request.gate).absolute()),
            only=tuple(sorted(set(request.only))),
            query=None if request.query is None else dict(request.query),
            ids=tuple(dict.fromkeys(request.ids)),
        )
        named = NamedFields(request.title_field, request.text_field)
        asked = StartRequest(request.source, request.to, options, request.in_place, named)
        notes: list[str] = []
        job, _ = start(open_jobs(self._engine), asked, self._settings, notes.append)
        return self._begun(job, notes)

    def resume_job(self, request: JobRequest) -> Json:
        return self._begun(job_under_way(open_jobs(self._engine).ledger, request.job))

    def roll_back_job(self, request: JobRequest) -> Json:
        notes: list[str] = []
        job, _ = start_rollback(open_jobs(self._engine), request.job, self._settings, notes.append)
        return self._begun(job, notes)

    def cancel_job(self, request: JobRequest) -> Json:
        jobs = open_jobs(self._engine)
        job = jobs.cancel(job_under_way(jobs.ledger, request.job).id)
        return status_of(job, datetime.now(UTC)) | {"fault": None}

    def _begun(self, job: Job, notes: Iterable[str] = ()) -> Json:
        """The report of a job on which a process works now, unless it has ended."""
        if not job.phase.ended:
            self._processes.work_on(job.id)
        return status_of(job, datetime.now(UTC)) | {"fault": None, "notes": list(notes)}

    # ------------------------------------------------------------------ documents

    def index(self, index: str, body: Path, request: IndexDocumentsRequest) -> Json:
        rejections: list[dict[str, str]] = []
        rejected = 0

        def on_rejection(rejection: Rejection) -> None:
            nonlocal rejected
            rejected += 1
            if len(rejections) < MAX_REJECTIONS_SHOWN:
                where = rejection.where.rpartition("/")[2]  # without the folder of the body
                rejections.append({"where": where, "reason": rejection.reason})

        notes: list[str] = []
        named = NamedFields(request.title_field, request.text_field)
        asked = IndexRequest(index, (str(body),), named, request.id_field, "jsonl")
        listeners = Listeners(on_rejection, note=notes.append)
        configuration = self._settings.configuration()
        with closing(self._open_engine()) as engine:
            try:
                done = index_sources(engine, self._settings.models, configuration, asked, listeners)
            except SourceError as error:
                reasons = "".join(f" {one['where']}: {one['reason']}" for one in rejections[:1])
                raise UsageError(f"{error}{reasons}") from error
        return done.as_json(index, rejected) | {"rejections": rejections, "notes": notes}

    def close(self) -> None:
        self._processes.close()


class JobProcesses:
    """Processes that work on jobs, at most one a job. Thread-safe."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Say) -> None:
        self._arguments, self._environment, self._log = arguments, environment, log
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._faults: dict[str, str] = {}
        self._lock = threading.Lock()
        self._is_closing = False

    def fault(self, job: str) -> str | None:
        """What the last process of a job said when it failed; None if none has failed."""
        return self._faults.get(job)

    def work_on(self, job: str) -> None:
        """Start a process for a job, unless one of this service works on it."""
        with self._lock:
            known = self._running.get(job)
            if known is not None and known.poll() is None:
                return
            command = [sys.executable, "-m", "indexer", *self._arguments, "reindex", "resume", job]
            process = subprocess.Popen(
                command,
                env=os.environ | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
            self._running[job] = process
            self._faults.pop(job, None)
        threading.Thread(target=self._watch, args=(job, process), daemon=True).start()

    def _watch(self, job: str, process: subprocess.Popen[str]) -> None:
        """Log what a process says, and how it ended."""
        assert process.stderr is not None
        last = ""
        for line in process.stderr:
            if line.strip() and not self._is_closing:  # else it says only that it was interrupted
                last = line.strip()
                self._log("job", job=job, said=last)
        code = process.wait()
        self._log("job_ended", job=job, code=code)
        with self._lock:
            if code and last:
                self._faults[job] = last
            if self._running.get(job) is process:
                del self._running[job]

    def close(self) -> None:
        """Interrupt all processes; any later one goes on with their jobs."""
        self._is_closing = True
        with self._lock:
            running = list(self._running.values())
        for process in running:
            process.send_signal(signal.SIGINT)
        for process in running:
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
