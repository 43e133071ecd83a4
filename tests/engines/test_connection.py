"""Options of a connection: what is read from options, variables and files, and what is refused."""

import base64
import os
from pathlib import Path

import pytest

from enricher.errors import ConfigurationError
from indexer.engines import Connection, open_engine
from indexer.engines.addresses import masked
from indexer.engines.connection import Certificates, Credentials, Given, read_connection

SERVER = "https://one:9200"
SECRET = "hunter-22-secret"


def given(*typed: str, environment: dict[str, str] | None = None, **values: object) -> Given:
    """Options with dashes as underscores; those named in `typed` come from the command line."""
    named = {"engine": SERVER, **values}
    return Given({name.replace("_", "-"): value for name, value in named.items()}, typed, environment or {})


def read(*typed: str, environment: dict[str, str] | None = None, **values: object) -> Connection:
    return read_connection(given(*typed, environment=environment, **values), lambda note: None)


def secret_file(folder: Path, content: str | bytes = SECRET, mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def basic(user: str, password: str) -> Credentials:
    return Credentials("Basic", base64.b64encode(f"{user}:{password}".encode()).decode())


def test_a_password_comes_from_its_variable_or_its_file(tmp_path: Path) -> None:
    """Line ends after it are not part of it, spaces are; the typed file wins over the variable."""
    held = {"ENRICHER_PASSWORD": "from variable "}
    assert read(user="bob", environment=held).credentials == basic("bob", "from variable ")
    path = secret_file(tmp_path, " with spaces\r\n")
    assert read(user="bob", password_file=path).credentials == basic("bob", " with spaces")
    typed = read("password-file", user="bob", password_file=path, environment=held)
    assert typed.credentials == basic("bob", " with spaces")
    assert read(user="bob", environment={"ENRICHER_PASSWORD": "密码"}).credentials == basic("bob", "密码")


def test_an_api_key_is_encoded_or_has_two_parts(tmp_path: Path) -> None:
    """Both forms in which Elasticsearch gives it are sent as one; so is a bearer token."""
    encoded = base64.b64encode(b"name:key").decode()
    for text in (encoded, "name:key", f" {encoded} \n"):
        found = read(api_key_file=secret_file(tmp_path, text)).credentials
        assert found == Credentials("ApiKey", encoded)
    assert read(environment={"ENRICHER_API_KEY": "name:key"}).credentials == Credentials("ApiKey", encoded)
    token = read(environment={"ENRICHER_BEARER_TOKEN": "abc.def-ghi"}).credentials
    assert token is not None and token.header == "Bearer abc.def-ghi"


@pytest.mark.parametrize(
    ("values", "environment", "said"),
    [
        ({"user": "bob"}, {}, "needs a user name and a password"),
        ({"user": ""}, {"ENRICHER_PASSWORD": SECRET}, "needs a user name and a password"),
        ({"user": f"bob:{SECRET}"}, {}, "takes the user name alone"),
        ({}, {"ENRICHER_PASSWORD": SECRET}, "ENRICHER_PASSWORD needs a user name"),
        (
            {"user": "bob"},
            {"ENRICHER_PASSWORD": SECRET, "ENRICHER_API_KEY": SECRET},
            "Two ways to authenticate are given: ENRICHER_USER and ENRICHER_API_KEY",
        ),
        ({}, {"ENRICHER_BEARER_TOKEN": SECRET, "ENRICHER_API_KEY": SECRET}, "Two ways to authenticate"),
        ({"user": "bob"}, {"ENRICHER_PASSWORD": f"{SECRET}\nmore"}, "must have one line"),
        ({}, {"ENRICHER_API_KEY": f"ApiKey {SECRET}"}, "one word without spaces"),
        ({}, {"ENRICHER_API_KEY": '{"encoded": "' + SECRET + '"}'}, "one word without spaces"),
        ({}, {"ENRICHER_BEARER_TOKEN": f"{SECRET}é"}, "one word without spaces"),
        ({}, {"ENRICHER_API_KEY": "\n"}, "is empty"),
        ({"password_file": "f", "user": "b"}, {"ENRICHER_PASSWORD": SECRET}, "are both set"),
        (
            {"api_key_file": "/no/such"},
            {},
            "'/no/such' of ENRICHER_API_KEY_FILE cannot be read: no such file",
        ),
        ({"api_key_file": "/"}, {}, "cannot be read: is a directory"),
        ({"api_key_file": "/dev/null"}, {}, "is empty"),
        ({"api_key_file": "/dev/zero"}, {}, "too large for a secret"),
        ({"client_key": "k"}, {}, "ENRICHER_CLIENT_KEY needs --client-certificate"),
        ({"ca_file": "c", "certificate_fingerprint": "0" * 64}, {}, "both say whom to trust"),
        ({"certificate_fingerprint": "0" * 40}, {}, "64 hexadecimal digits"),
        ({"certificate_fingerprint": "x" * 64}, {}, "64 hexadecimal digits"),
        ({"cloud_id": "a:b"}, {}, "ENRICHER_CLOUD_ID and ENRICHER_ENGINE both name a server"),
        ({"cloud_id": "a:b", "engine": None}, {}, "--cloud-id cannot be read"),
        ({"cloud_id": "密:密", "engine": None}, {}, "--cloud-id cannot be read"),
        ({"cloud_id": "n:aG9zdA==", "engine": None}, {}, "--cloud-id cannot be read"),
        *(({"request_timeout": text}, {}, "a number of seconds") for text in ("x", "0", "-1", "nan", "inf")),
        ({"header": ["no colon"]}, {}, "write 'NAME: VALUE'"),
        ({"header": ["a b: c"]}, {}, "write 'NAME: VALUE'"),
        ({"header": ["A: b\nC: d"]}, {}, "write 'NAME: VALUE'"),
        ({"header": [f"Authorization: Bearer {SECRET}"]}, {}, "the process list shows --header"),
        ({"header": ["Content-Type: x/y"]}, {}, "cannot be set"),
        ({}, {"ENRICHER_HEADERS": f"{SECRET}"}, "A header of ENRICHER_HEADERS cannot be read"),
        (
            {},
            {"ENRICHER_HEADERS": f"Authorization: X {SECRET}", "ENRICHER_API_KEY": SECRET},
            "ENRICHER_API_KEY and the header Authorization",
        ),
    ],
)
def test_options_that_make_no_sense_are_a_sentence(
    values: dict[str, object], environment: dict[str, str], said: str
) -> None:
    """It names the option or the variable, and shows no secret."""
    with pytest.raises(ConfigurationError) as failure:
        read(environment=environment, **values)
    assert said in str(failure.value) and str(failure.value).endswith(".")
    assert SECRET not in str(failure.value)


@pytest.mark.parametrize(
    ("url", "values", "environment", "said"),
    [
        ("https://bob:word-of-bob@one", {}, {"ENRICHER_API_KEY": SECRET}, "The engine URL contains a user"),
        ("https://bob@one", {"user": "zoe"}, {"ENRICHER_PASSWORD": SECRET}, "The engine URL contains a user"),
        ("http://one:1", {"certificate_fingerprint": "0" * 64}, {}, "(--certificate-fingerprint) need HTTPS"),
        ("https://one,http://two", {"ca_file": "c"}, {}, "https:// instead of 'http://two:9200'"),
        (
            "http://one",
            {"client_certificate": "c", "client_key": "k"},
            {},
            "(--client-certificate, --client-key)",
        ),
        ("tantivy:x", {"user": "bob"}, {"ENRICHER_PASSWORD": SECRET}, "no server, so --user has no effect"),
        ("tantivy:x", {}, {"ENRICHER_API_KEY": SECRET}, "so --api-key-file has no effect"),
        ("tantivy:x", {}, {"ENRICHER_BEARER_TOKEN": SECRET}, "so --bearer-token-file has no effect"),
        ("tantivy:x", {"request_timeout": "5", "header": ["A: b"]}, {}, "--request-timeout, --header has no"),
        ("tantivy:x", {"ca_file": "c"}, {}, "so --ca-file has no effect"),
        ("https://one", {"ca_file": "/no/such"}, {}, "'/no/such' of --ca-file cannot be read: no such file"),
        ("https://one", {"ca_file": __file__}, {}, "contains no certificate in PEM form"),
        ("https://one", {"client_certificate": "/no/such"}, {}, "of --client-certificate cannot be read"),
        (
            "https://one",
            {"client_certificate": __file__},
            {},
            "cannot be used: it must contain certificate and",
        ),
    ],
)
def test_options_that_contradict_the_engine_are_a_sentence(
    url: str, values: dict[str, object], environment: dict[str, str], said: str
) -> None:
    """When the engine is opened, before any request."""
    connection = read(environment=environment, **{**values, "engine": url})
    with pytest.raises(ConfigurationError) as failure:
        open_engine(connection)
    assert said in str(failure.value)
    assert SECRET not in str(failure.value) and "word-of-bob" not in str(failure.value)


def test_a_connection_shows_no_secret() -> None:
    """Neither in its repr, nor anywhere in a masked text, in the forms that exceptions give it."""
    password = 'quo"te\\back 密码'
    connection = read(
        user="bob",
        environment={"ENRICHER_PASSWORD": password, "ENRICHER_HEADERS": "X-Key: longer-value\nX-B: no"},
    )
    assert connection.credentials is not None
    sent = connection.credentials.value
    assert connection.headers == {"x-key": "longer-value", "x-b": "no"}
    for shown in (repr(connection), masked(f"{password} {password!r} {sent} longer-value")):
        assert not [part for part in (password, password.split()[1], sent, "longer-value") if part in shown]
    assert masked("no") == "no"


def test_a_secret_that_others_can_read_is_noted(tmp_path: Path) -> None:
    """Once, with the command that mends it; a private file and a pipe are not."""
    notes: list[str] = []
    path = secret_file(tmp_path, mode=0o644)
    read_connection(given(api_key_file=path), notes.append)
    assert len(notes) == 1 and f"chmod 600 {path}" in notes[0] and SECRET not in notes[0]
    notes.clear()
    path.chmod(0o640)
    read_connection(given(api_key_file=path), notes.append)
    receiver, sender = os.pipe()
    os.write(sender, SECRET.encode())
    os.close(sender)
    found = read_connection(given(api_key_file=f"/dev/fd/{receiver}"), notes.append)
    os.close(receiver)
    assert not notes and found.credentials == Credentials("ApiKey", SECRET)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """A mark of UTF-8 at the start is not part of the secret."""
    with pytest.raises(ConfigurationError, match="not UTF-8 text"):
        read(api_key_file=secret_file(tmp_path, b"\xff\xfe\x00"))
    found = read(api_key_file=secret_file(tmp_path, b"\xef\xbb\xbfabc\n"))
    assert found.credentials == Credentials("ApiKey", "abc")


def test_a_cloud_id_is_a_url() -> None:
    """The port is that of the cloud ID, or 443; the name before the colon is not used."""
    for decoded, url in (
        ("eu.example.org$deployment$kibana", "https://deployment.eu.example.org:443"),
        ("eu.example.org:9243$deployment", "https://deployment.eu.example.org:9243"),
    ):
        cloud_id = f"name:{base64.b64encode(decoded.encode()).decode()}"
        assert read(engine="tantivy:./index", cloud_id=cloud_id).url == url


def test_certificates_time_out_and_headers_are_read() -> None:
    """Colons and letters of a fingerprint may be as any tool prints them; a typed header wins."""
    found = read(
        certificate_fingerprint=":".join(["AB"] * 32),
        client_certificate="~/c.pem",
        request_timeout="2.5",
        header=["X-One: typed", "X-Two: 2"],
        environment={"ENRICHER_HEADERS": "\nx-one: variable\nx-three: 3\n"},
    )
    home = Path("~").expanduser()
    assert found.certificates == Certificates(fingerprint="ab" * 32, client_certificate=home / "c.pem")
    assert found.timeout == 2.5
    assert found.headers == {"x-one": "typed", "x-two": "2", "x-three": "3"}
