"""The global options of a connection: what the server receives, and where no secret is shown."""

import base64
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import RunCommand
from tests.corpora import write_jsonl

SECRET = "hunter-22-secret"
MISSING = b'{"error":{"type":"index_not_found_exception","reason":"no such index [docs]"},"status":404}'


class Recorder(ThreadingHTTPServer):
    """A server that knows no index, and keeps the headers of all requests."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Recorder

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(404)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(MISSING)))
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(MISSING)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    ("options", "variables", "sent"),
    [
        (
            (),
            {"ENRICHER_API_KEY": "name:key-of-name"},
            f"ApiKey {base64.b64encode(b'name:key-of-name').decode()}",
        ),
        (("--api-key-file", "secret"), {}, f"ApiKey {SECRET}"),
        ((), {"ENRICHER_API_KEY_FILE": "secret"}, f"ApiKey {SECRET}"),
        (("--bearer-token-file", "secret"), {}, f"Bearer {SECRET}"),
        (("--user", "bob", "--password-file", "secret"), {}, None),
        ((), {"ENRICHER_USER": "bob", "ENRICHER_PASSWORD": SECRET}, None),
        (("--headers-file", "headers"), {}, f"Custom {SECRET}"),
    ],
)
def test_every_request_carries_the_credentials(
    run: RunCommand,
    models: Path,
    tmp_path: Path,
    recorder: Recorder,
    options: tuple[str, ...],
    variables: dict[str, str],
    sent: str | None,
) -> None:
    """Of every command that talks to a server, with the headers that were given; messages show none."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "headers").write_text(f"Authorization: Custom {SECRET}\n")
    for name in ("secret", "headers"):
        (tmp_path / name).chmod(0o600)
    write_jsonl(tmp_path / "docs.jsonl", 3)
    server = f"http://127.0.0.1:{recorder.server_port}"
    before = ("--models", models, "--engine", server, "--header", "X-Opaque-Id: enricher", *options)
    for command in (
        ("search", "x", "--in", "docs"),
        ("expand", "x", "--in", "docs"),
        ("keywords", "index:docs"),
        ("train", "index:docs"),
        ("index", "docs.jsonl", "--to", "docs"),
        ("reindex", "start", "docs", "--to", "all"),
        ("reindex", "status"),
        ("doctor",),
    ):
        recorder.seen.clear()
        done = run(*before, *command, **variables)
        basic = f"Basic {base64.b64encode(f'bob:{SECRET}'.encode()).decode()}"
        assert recorder.seen, (command, done.stderr)
        assert {one.get("authorization") for one in recorder.seen} == {sent or basic}, command
        assert {one.get("x-opaque-id") for one in recorder.seen} == {"enricher"}
        assert SECRET not in done.stdout + done.stderr and basic not in done.stdout + done.stderr
        assert "Other users" not in done.stderr


def test_a_request_ends_after_the_time_out(run: RunCommand, models: Path) -> None:
    """With a sentence that names the option; the server takes the connection, but never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        server = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = run(
            "--models", models, "--engine", server, "--request-timeout", "0.2", "search", "x", "--in", "docs"
        )
    assert done.returncode == 1 and "in time; try again later, or raise --request-timeout" in done.stderr


def test_help_shows_no_value_of_a_variable(run: RunCommand) -> None:
    """It names the variables alone."""
    variables = {
        "ENRICHER_ENGINE": f"https://bob:{SECRET}@one",
        "ENRICHER_PASSWORD": SECRET,
        "ENRICHER_API_KEY": SECRET,
        "ENRICHER_BEARER_TOKEN": SECRET,
        "ENRICHER_HEADERS": f"X-Key: {SECRET}",
        "ENRICHER_USER": "name-of-user",
    }
    for command in ((), ("search",), ("doctor",)):
        done = run(*command, "--help", **variables)
        assert done.returncode == 0 and SECRET not in done.stdout + done.stderr
        assert "name-of-user" not in done.stdout


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--password", SECRET, "doctor"), 2, "No such option"),
        ((f"--password={SECRET}", "doctor"), 2, "No such option"),
        ((f"--api-key={SECRET}", "doctor"), 2, "No such option"),
        (("--user", f"bob:{SECRET}", "search", "x", "--in", "a"), 2, "takes the user name alone"),
        (("--header", f"Authorization: Bearer {SECRET}", "search", "x", "--in", "a"), 2, "the process list"),
        (
            ("--api-key-file", "none", "search", "x", "--in", "a"),
            2,
            "'none' of --api-key-file cannot be read",
        ),
        (
            ("search", "x", "--in", "a", "--user", "bob"),
            2,
            "Write the global option --user before the command",
        ),
        (("--request-timeout", "soon", "search", "x", "--in", "a"), 2, "must be a number of seconds"),
        (("--engine", "tantivy:./i", "--user", "bob", "doctor"), 1, "needs a user name and a password"),
    ],
)
def test_a_wrong_option_is_a_sentence_without_a_secret(
    run: RunCommand, models: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    """`doctor` reports it as a failed check of the engine."""
    done = run("--models", models, "--engine", "https://127.0.0.1:1", *options)
    assert done.returncode == code
    assert said in " ".join((done.stdout + done.stderr).split())
    assert SECRET not in done.stdout + done.stderr


def test_commands_without_a_server_read_no_secret(run: RunCommand, models: Path) -> None:
    """A secret that cannot be read is no reason not to list models."""
    assert run("--models", models, "--api-key-file", "none", "models", "list").returncode == 0


def test_an_option_for_servers_is_refused_by_the_embedded_engine(run: RunCommand, models: Path) -> None:
    """Also one that comes from a variable."""
    done = run("--models", models, "search", "x", "--in", "a", ENRICHER_API_KEY=SECRET)
    assert done.returncode == 2 and "--api-key-file has no effect" in done.stderr
    assert SECRET not in done.stderr
