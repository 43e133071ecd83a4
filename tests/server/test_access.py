"""A real server with HTTPS and users, whose roles hold the privileges that docs/elasticsearch.md lists."""

import http.server
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from enricher.errors import ConfigurationError, EngineError
from indexer.engines import Connection, open_engine
from indexer.engines.connection import Certificates, Credentials
from tests.conftest import RunCommand
from tests.corpora import write_jsonl
from tests.engines import congruence
from tests.gateway.conftest import Served
from tests.server.certificates import Authority, fingerprint
from tests.server.node import Node

As = Callable[..., subprocess.CompletedProcess[str]]
QUERY = "数据库"


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 40 documents."""
    return write_jsonl(tmp_path_factory.mktemp("documents") / "docs.jsonl", 40)


@pytest.fixture
def as_user(run: RunCommand, models: Path, secured_node: Node, authority: Authority) -> As:
    """Runs a command as a user of the node."""

    def call(name: str, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        password = secured_node.users[name].password
        options = ("--models", models, "--engine", secured_node.url, "--user", name)
        held = {"ENRICHER_PASSWORD": password, "ENRICHER_CA_FILE": str(authority.certificate)}
        done = run(*options, *command, **held, **variables)
        assert password not in done.stdout + done.stderr
        return done

    return call


@pytest.fixture
def filled(as_user: As, documents: Path) -> None:
    """The indexes `docs-own`, `docs-other` and `docs-old`, the first time that a test needs them."""
    for name in ("docs-own", "docs-other", "docs-old"):
        if as_user("keeper", "search", QUERY, "--in", name).returncode:
            done = as_user("keeper", "index", documents, "--to", name, "--workers", "2")
            assert done.returncode == 0, done.stderr


def refused(done: subprocess.CompletedProcess[str], privilege: str, index: str = "") -> None:
    """Check that a command failed for a missing privilege, in one sentence."""
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert f"privilege {privilege!r}" in last and index in last and last.endswith("to a role of the user.")


# ------------------------------------------------------------------ privileges


def test_a_reader_searches_and_reads_an_index(as_user: As, filled: None) -> None:
    """`read` and `view_index_metadata` suffice, also for `doctor`; writing is refused."""
    assert "d0" in as_user("searcher", "search", QUERY, "--in", "docs-own", "--facet", "topic").stdout
    for command in (("expand", QUERY, "--in", "docs-own"), ("keywords", "index:docs-own", "--top", "1")):
        assert as_user("searcher", *command).returncode == 0
    done = as_user("searcher", "doctor")
    assert done.returncode == 0, done.stdout
    assert "cluster: Not checked" in done.stdout and "privilege 'monitor'" in done.stdout
    assert "ok      index docs-own: 40 documents" in done.stdout


def test_a_missing_privilege_is_named(as_user: As, filled: None, documents: Path) -> None:
    """With the index, and the user who lacks it."""
    done = as_user("nothing", "search", QUERY, "--in", "docs-own")
    refused(done, "view_index_metadata", "'docs-own'")
    assert "to user 'nothing'" in done.stderr
    refused(as_user("metadata", "search", QUERY, "--in", "docs-own"), "read", "'docs-own'")
    refused(as_user("searcher", "index", documents, "--to", "docs-own"), "write", "'docs-own'")
    refused(as_user("searcher", "index", documents, "--to", "docs-new"), "create_index", "'docs-new'")
    done = as_user("nothing", "doctor")
    assert done.returncode == 1 and "FAILED  indexes" in done.stdout


def test_privileges_on_an_alias_suffice_for_it(
    as_user: As, filled: None, secured_node: Node, authority: Authority
) -> None:
    """They do not hold for the index by its own name, which reading all documents needs; nor the reverse."""
    url = secured_node.url.replace("://", "://keeper:right-password@")
    engine = open_engine(Connection(url, certificates=Certificates(ca_file=authority.certificate)))
    engine.set_alias("shown", "docs-own")
    engine.close()
    assert "d0" in as_user("alias-searcher", "search", QUERY, "--in", "shown").stdout
    refused(as_user("alias-searcher", "keywords", "index:shown", "--top", "1"), "read", "'docs-own'")
    refused(as_user("alias-searcher", "search", QUERY, "--in", "docs-own"), "view_index_metadata")
    refused(as_user("searcher", "search", QUERY, "--in", "shown"), "view_index_metadata", "'shown'")


def test_a_writer_of_one_index_writes_to_no_other(as_user: As, filled: None, documents: Path) -> None:
    """`write` and `view_index_metadata` suffice for an index that exists."""
    done = as_user("writer", "index", documents, "--to", "docs-own")
    assert done.returncode == 0 and "40 documents" in done.stdout
    refused(
        as_user("writer", "index", documents, "--to", "docs-other"), "view_index_metadata", "'docs-other'"
    )


def test_a_creator_indexes_into_a_new_index(as_user: As, documents: Path) -> None:
    """With `create_index`, and finds nothing: it may not read."""
    assert as_user("creator", "index", documents, "--to", "made-1").returncode == 0
    refused(as_user("creator", "search", QUERY, "--in", "made-1"), "read", "'made-1'")


def test_jobs_need_what_the_page_lists(as_user: As, filled: None, tmp_path: Path) -> None:
    """A job into a new index, its rollback, a job in place, and their list, each with its own role."""
    done = as_user("copier", "reindex", "start", "docs-old", "--to", "moved")
    assert done.returncode == 0, done.stderr
    assert "moved" in as_user("watcher", "reindex", "status").stdout
    assert "ok      cluster: The cluster is" in as_user("mender", "doctor").stdout
    refused(as_user("searcher", "reindex", "status"), "read", "'enricher-jobs'")
    for _ in range(2):  # nothing was planned that would stand in the way
        blocking = as_user("copier", "reindex", "start", "docs-old", "--to", "moved-later", "--write-block")
        refused(blocking, "manage", "'docs-old'")
        back = as_user("copier", "reindex", "rollback")
        refused(back, "write", "'write', 'manage' on 'docs-old'; 'read', 'write', 'manage' on '.docs-old-*'")
    done = as_user("returner", "reindex", "rollback")
    assert done.returncode == 0, done.stderr
    for options in ((), ("--only", "stale")):
        done = as_user("mender", "reindex", "start", "docs-other", "--in-place", *options)
        assert done.returncode == 0, done.stderr
    refused(as_user("searcher", "reindex", "start", "docs-own", "--in-place"), "write", "'enricher-jobs'")


def test_following_needs_what_the_page_lists(as_user: As, documents: Path) -> None:
    """Full privileges on the index, and its own index of states; no privilege on the cluster."""
    assert as_user("creator", "index", documents, "--to", "made-followed").returncode == 0
    lines = as_user("follower", "follow", "made-followed", "--once", "--json").stdout.splitlines()
    status = json.loads(lines[-1])
    assert (status["unchanged"], status["behind"], status["errors"]) == (40, 0, 0)
    refused(as_user("creator", "follow", "made-followed", "--once"), "monitor", "'made-followed'")


def test_an_evaluation_needs_temporary_indexes(as_user: As, tmp_path: Path) -> None:
    """And no others; a reader is refused before any work."""
    write_jsonl(tmp_path / "docs.jsonl", 20)
    (tmp_path / "queries.jsonl").write_text('{"id": "q", "text": "数据库"}\n')
    (tmp_path / "qrels.tsv").write_text("q 0 d0 1\n")
    done = as_user("judge", "evaluate", tmp_path, "--workers", "1")
    assert done.returncode == 0, done.stderr
    refused(as_user("searcher", "evaluate", tmp_path), "view_index_metadata", "enricher-evaluate-")


def test_the_service_may_what_its_user_may(
    filled: None, models: Path, secured_node: Node, authority: Authority, tmp_path: Path
) -> None:
    """Over HTTPS; what the user lacks is a 403 that names the privilege, and no password is seen."""
    password = secured_node.users["searcher"].password
    held = {"ENRICHER_USER": "searcher", "ENRICHER_PASSWORD": password}
    held["ENRICHER_CA_FILE"] = str(authority.certificate)
    served = Served.start(models, secured_node.url, tmp_path, **held)
    found = served.ask("search", query=QUERY, facet="topic", **{"in": "docs-own"})
    assert found.status == 200 and found.json["hits"] and found.json["facets"]["topic"]
    assert served.ask("query/docs-own", query=QUERY).status == 200
    assert served.ask(
        "evaluate", {"in": "docs-own", "queries": [{"text": QUERY, "relevant": {"d0": 1}}]}
    ).json
    for answer, privilege in (
        (served.ask("jobs"), "'read'"),
        (served.ask("search", query=QUERY, **{"in": "elsewhere"}), "'view_index_metadata'"),
        (served.ask("documents/docs-own", b'{"text": "x"}', base=served.admin), "'write'"),
        (served.ask("jobs/start", {"source": "docs-own", "in_place": True}, base=served.admin), "'write'"),
    ):
        assert answer.status == 403 and privilege in answer.json["error"]["reason"], answer
        assert answer.json["error"]["type"] == "access_denied" and password not in str(answer.json)
    assert password not in served.stop()


def test_the_process_of_a_job_shows_no_password(
    filled: None, models: Path, secured_node: Node, authority: Authority, tmp_path: Path
) -> None:
    """Not even one that stood in the address of the service's own command line."""
    password = secured_node.users["mender"].password
    engine = secured_node.url.replace("://", f"://mender:{password}@")
    served = Served.start(models, engine, tmp_path, ENRICHER_CA_FILE=str(authority.certificate))
    begun = served.ask(
        "jobs/start", {"source": "docs-other", "in_place": True, "rate": 20}, base=served.admin
    )
    assert begun.status == 202, begun
    tasks = Path(f"/proc/{served.process.pid}/task").glob("*/children")  # a thread has started it
    (child,) = " ".join(file.read_text() for file in tasks).split()
    shown = Path(f"/proc/{child}/cmdline").read_text()
    assert "resume" in shown and begun.json["job"] in shown and password not in shown
    for _ in range(300):
        (job,) = [one for one in served.ask("jobs").json["jobs"] if one["job"] == begun.json["job"]]
        if job["phase"] == "done":
            break
        time.sleep(0.1)
    assert (job["phase"], job["fault"]) == ("done", None)
    assert password not in served.stop()


# ------------------------------------------------------------------ authentication


@pytest.mark.parametrize(
    ("credentials", "said"),
    [
        (None, "requires authentication; give --user and ENRICHER_PASSWORD"),
        (Credentials("Basic", "a2VlcGVyOndyb25n"), "rejects the user name or the password; check --user"),
        (Credentials("ApiKey", "a2VlcGVyOndyb25n"), "rejects the"),
        (Credentials("Bearer", "abc"), "rejects the"),
    ],
)
def test_wrong_credentials_are_a_sentence(
    secured_node: Node, authority: Authority, credentials: Credentials | None, said: str
) -> None:
    """Of every kind, in a failed check of `doctor` too."""
    trusted = Certificates(ca_file=authority.certificate)
    engine = open_engine(Connection(secured_node.url, credentials, trusted))
    for call in (lambda: engine.count("docs"), engine.indexes, lambda: engine.exists("docs")):
        with pytest.raises(EngineError) as failure:
            call()
        assert said in str(failure.value)
    assert [check.passed for check in engine.check()] == [False]
    engine.close()


def test_a_user_in_the_url_is_enough(secured_node: Node, authority: Authority) -> None:
    """As before, with HTTPS."""
    url = secured_node.url.replace("://", "://keeper:right-password@")
    engine = open_engine(Connection(url, certificates=Certificates(ca_file=authority.certificate)))
    congruence.test_the_last_of_equal_ids_wins(engine, "things")
    engine.close()


# ------------------------------------------------------------------ trust


def indexes(url: str, certificates: Certificates) -> list[str]:
    """Ask a server that asks for no user. Raises EngineError."""
    engine = open_engine(Connection(url, Credentials("Basic", "a2VlcGVyOnJpZ2h0LXBhc3N3b3Jk"), certificates))
    try:
        return engine.indexes()
    finally:
        engine.close()


def test_a_server_is_trusted_by_its_authority_or_a_fingerprint(
    secured_node: Node, authority: Authority
) -> None:
    """By the fingerprint of the authority or of the node; by none of another."""
    node = authority.folder / "node.crt"
    for trusted in (
        Certificates(ca_file=authority.certificate),
        Certificates(fingerprint=fingerprint(authority.certificate)),
        Certificates(fingerprint=fingerprint(node)),
    ):
        assert isinstance(indexes(secured_node.url, trusted), list)
        assert isinstance(indexes(secured_node.url.replace("127.0.0.1", "localhost"), trusted), list)
    with pytest.raises(EngineError, match=r"not from an authority that is trusted here; give .* --ca-file"):
        indexes(secured_node.url, Certificates())
    with pytest.raises(EngineError, match="no certificate that it sends has the fingerprint") as failure:
        indexes(secured_node.url, Certificates(fingerprint="0" * 64))
    assert fingerprint(node) in str(failure.value)


def test_the_wrong_scheme_is_named(secured_node: Node, server_url: str) -> None:
    """Plain HTTP on a port of HTTPS, and the other way round, also with a fingerprint."""
    with pytest.raises(EngineError, match=r"speaks HTTPS; write https://"):
        indexes(secured_node.url.replace("https", "http"), Certificates())
    for trusted in (Certificates(), Certificates(fingerprint="0" * 64)):
        with pytest.raises(EngineError, match=r"speaks plain HTTP; write http://"):
            indexes(server_url.replace("http", "https"), trusted)


class Empty(http.server.BaseHTTPRequestHandler):
    """Says that there is no index."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: object) -> None:
        pass


class Quiet(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def serving(certificate: Path, clients: Path | None = None) -> Iterator[str]:
    """A server with a certificate that the node has not. clients: the authority of those that it accepts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # newer ones refuse after the handshake, in a race
    with Quiet(("127.0.0.1", 0), Empty) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_certificate_that_does_not_fit_is_a_sentence(tmp_path: Path) -> None:
    """One that has expired, and one for another host."""
    authority = Authority(tmp_path)
    trusted = Certificates(ca_file=authority.certificate)
    expired = authority.issue("expired", "IP:127.0.0.1", days=-1)
    other = authority.issue("other", "DNS:elsewhere", chain=authority.certificate.read_text())
    for certificate, said in ((expired, "has expired; renew"), (other, "is for another host name; write")):
        with serving(certificate) as url, pytest.raises(EngineError, match=said):
            indexes(url, trusted)
    with serving(other) as url:
        assert indexes(url, Certificates(fingerprint=fingerprint(authority.certificate))) == []


def test_a_copy_of_the_authority_beside_a_forged_certificate_is_not_trusted(tmp_path: Path) -> None:
    """The authority with the fingerprint must have signed the certificate of the server."""
    authority, forger = Authority(tmp_path / "true"), Authority(tmp_path / "false")
    forged = forger.issue("node", "IP:127.0.0.1", chain=authority.certificate.read_text())
    with serving(forged) as url, pytest.raises(EngineError, match="not from an authority that is trusted"):
        indexes(url, Certificates(fingerprint=fingerprint(authority.certificate)))


@pytest.mark.parametrize("pinned", [False, True])
def test_a_client_certificate_is_sent(tmp_path: Path, pinned: bool) -> None:
    """A server that requires one accepts it, in one file or two; without it there is a sentence."""
    authority = Authority(tmp_path)
    server = authority.issue("server", "IP:127.0.0.1", chain=authority.certificate.read_text())
    client, key = authority.issue("client"), tmp_path / "client.key"
    both = tmp_path / "both.pem"
    both.write_text(client.read_text() + key.read_text())
    sha256 = fingerprint(authority.certificate)

    def trusted(certificate: Path | None = None, private: Path | None = None) -> Certificates:
        if pinned:
            return Certificates(None, sha256, certificate, private)
        return Certificates(authority.certificate, None, certificate, private)

    with serving(server, authority.certificate) as url:
        assert indexes(url, trusted(client, key)) == indexes(url, trusted(both)) == []
        with pytest.raises(EngineError, match="requires one; give --client-certificate and --client-key"):
            indexes(url, trusted())


def test_a_key_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    """One that is encrypted, and one of another certificate; nothing asks for a passphrase."""
    authority = Authority(tmp_path)
    client, other = authority.issue("client"), authority.issue("other")
    encrypted = tmp_path / "encrypted.key"
    line = f"openssl pkey -in client.key -aes256 -passout pass:word -out {encrypted}"
    subprocess.run(line.split(), cwd=tmp_path, check=True, capture_output=True)
    for key, said in (
        (encrypted, "its key is encrypted; decrypt it with `openssl pkey"),
        (other.with_suffix(".key"), "the key of --client-key belongs to another certificate"),
        (authority.folder / "extensions", "must be in PEM form"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            open_engine(Connection("https://one", certificates=Certificates(None, None, client, key)))
