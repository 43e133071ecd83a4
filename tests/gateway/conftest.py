"""A service of the small model and 100 documents, in a process of its own, with a client."""

import json
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest
from jsonschema import Draft202012Validator

from enricher.bundle.store import BundleStore
from enricher.enrichment import EnricherRecipe
from enricher.settings import IndexConfiguration
from indexer.engines import Connection, open_engine
from indexer.pipeline import index_documents, prepare_index
from tests.command_forks import command_environment
from tests.conftest import ROOT
from tests.corpora import documents

FIELDS = ("title", "text")
PATIENCE = 60.0


class Response(NamedTuple):
    """The status, the headers, the body, and its JSON if it is JSON."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any


@dataclass
class Served:
    """A running service. Every JSON answer of an endpoint is compared with the description."""

    process: subprocess.Popen[str]
    url: str
    admin: str
    engine: str
    lines: list[str]
    reader: threading.Thread
    description: Any = None

    @classmethod
    def start(cls, models: Path, engine: str, folder: Path, *options: str, **variables: str) -> Self:
        """Start `enricher serve` on free ports, and wait until it answers."""
        words = ["--models", str(models), "--engine", engine, "serve"]
        words += ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", *options]
        process = subprocess.Popen(
            [sys.executable, "-m", "indexer", *words],
            cwd=folder,
            env=command_environment(**variables) | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("{") and json.loads(line)["event"] == "started":
                event = json.loads(line)
                lines: list[str] = []
                reader = threading.Thread(target=lines.extend, args=(process.stderr,), daemon=True)
                reader.start()  # else the service would wait as soon as the pipe is full
                _wait_until_warm(event["listen"])
                return cls(process, event["listen"], event["admin"], engine, lines, reader)
        raise AssertionError("".join(said))

    def ask(
        self,
        path: str,
        body: object = None,
        *,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        base: str | None = None,
        **parameters: object,
    ) -> Response:
        """Send a request; a body that is no bytes is sent as JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        query = urllib.parse.urlencode(parameters, doseq=True)
        url = f"{base or self.url}/_enricher/{urllib.parse.quote(path)}" + (f"?{query}" if query else "")
        request = urllib.request.Request(url, data, dict(headers or {}), method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                response = _response(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            response = _response(error.code, error.headers, error.read())
        self._check(path, request.get_method().lower(), response)
        return response

    def _check(self, path: str, method: str, response: Response) -> None:
        """Compare a JSON answer with what the description promises for its status."""
        if path == "openapi.json" or not isinstance(response.json, dict):
            return
        if self.description is None:
            with urllib.request.urlopen(f"{self.url}/_enricher/openapi.json", timeout=PATIENCE) as answer:
                self.description = json.load(answer)
        route = f"/_enricher/{path}"
        if route not in self.description["paths"]:
            route = f"/_enricher/{path.partition('/')[0]}" + ("/{index}" if "/" in path else "")
        known = self.description["paths"].get(route, {}).get(method)
        if response.status >= 400 and path != "readyz":
            schema: Any = {"$ref": "#/components/schemas/ErrorAnswer"}
        elif known is None:
            return
        else:
            schema = known["responses"][str(response.status)]["content"]["application/json"]["schema"]
        whole = {**schema, "components": self.description["components"]}
        Draft202012Validator(whole).validate(response.json)

    def stop(self) -> str:
        """End it by SIGTERM, and return its log."""
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        log = "".join(self.lines)
        assert self.process.returncode == 0, log
        assert "Traceback" not in log
        return log


def _wait_until_warm(url: str) -> None:
    """Wait until it is ready, or is not for another reason than that it has just begun."""
    trusting = ssl._create_unverified_context()
    for _ in range(int(PATIENCE * 10)):
        try:
            with urllib.request.urlopen(f"{url}/_enricher/readyz", timeout=PATIENCE, context=trusting):
                return
        except urllib.error.HTTPError as error:
            if b"warming up" not in error.read():
                return
        time.sleep(0.1)
    raise AssertionError("The service is still warming up.")


def _response(status: int, headers: Any, body: bytes) -> Response:
    is_json = headers.get_content_type() == "application/json"
    return Response(status, dict(headers), body, json.loads(body) if is_json else None)


def fill(
    engine_url: str,
    models: Path,
    names: Sequence[str] = ("docs",),
    configuration: IndexConfiguration = IndexConfiguration(),
) -> None:
    """Index 100 documents into indexes of an engine."""
    recipe = EnricherRecipe(models, BundleStore(models).active_version(), FIELDS, configuration)
    engine = open_engine(Connection(engine_url))
    enricher = recipe.open()
    for name in names:
        prepare_index(engine, name, enricher.layout())
        index_documents(engine, name, documents(100), enricher, print, lambda number: None, 1)
    engine.close()


@pytest.fixture(scope="session")
def served(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service on the embedded engine with the index `docs`."""
    folder = tmp_path_factory.mktemp("served")
    fill(f"tantivy:{folder / 'index'}", models)
    service = Served.start(models, f"tantivy:{folder / 'index'}", folder)
    yield service
    service.stop()
