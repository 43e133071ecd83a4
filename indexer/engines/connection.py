"""How to reach a server: URL, credentials, certificates, time-out and headers, from the global options."""

import base64
import binascii
import math
import re
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from enricher.errors import ConfigurationError
from enricher.files import user_path
from enricher.settings import (
    API_KEY,
    BEARER_TOKEN,
    CA_FILE,
    CERTIFICATE_FINGERPRINT,
    CLIENT_CERTIFICATE,
    CLIENT_KEY,
    CLOUD_ID,
    CONNECTION,
    ENGINE,
    HEADER,
    HEADERS,
    PASSWORD,
    REQUEST_TIMEOUT,
    USER,
    Setting,
)
from indexer.engines.addresses import Addresses, hide, keep_secret, parse_addresses

DEFAULT_TIMEOUT_SECONDS = float(REQUEST_TIMEOUT.default)
MAX_TIMEOUT_SECONDS = 86_400.0
MAX_SECRET_BYTES = 65_536
"""Maximum size of a file with a secret."""

AUTHORIZATION = "authorization"
_SECRET_HEADERS = frozenset({AUTHORIZATION, "proxy-authorization", "cookie"})
_CLIENT_HEADERS = frozenset(
    {"accept", "connection", "content-encoding", "content-length", "content-type", "transfer-encoding"}
)
"""Headers that the client of the server sets for each request."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t -~\xa1-\xff]+")
_TOKEN = re.compile(r"[!-~]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MASKED_HEADER_LENGTH = 8
"""Minimum characters of a header value that is masked in messages: shorter ones are ordinary words."""

Note = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Credentials:
    """The value of the header Authorization: a scheme (Basic, ApiKey, Bearer) and what it proves."""

    scheme: str
    value: str = field(repr=False)

    @property
    def header(self) -> str:
        return f"{self.scheme} {self.value}"


@dataclass(frozen=True, slots=True)
class Certificates:
    """Whom to trust, and the certificate of this client.

    ca_file: PEM file; None for the authorities of the system. fingerprint: SHA-256 of the certificate of the
    server or of one of its authorities, 64 hexadecimal digits in lower case. client_key: None if
    `client_certificate` contains the key.
    """

    ca_file: Path | None = None
    fingerprint: str | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """All that is needed to open an engine. Its repr shows no secret.

    url: selects the kind of engine; may contain user and password. timeout: of a request, in seconds.
    headers: sent with every request, names in lower case.
    """

    url: str = field(repr=False)
    credentials: Credentials | None = None
    certificates: Certificates = Certificates()
    timeout: float = DEFAULT_TIMEOUT_SECONDS
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def addresses(self) -> Addresses:
        """The nodes of the server. Raises ConfigurationError if options contradict the URL."""
        addresses = parse_addresses(self.url)
        if addresses.user is not None and (self.credentials or AUTHORIZATION in self.headers):
            raise ConfigurationError(
                "The engine URL contains a user, and another way to authenticate is given; remove one."
            )
        plain = [host for host in addresses.hosts if host.startswith("http:")]
        if plain and self.certificates != Certificates():
            raise ConfigurationError(
                f"The options of certificates ({_names(self._certificate_settings())}) need HTTPS; write "
                f"https:// instead of {plain[0]!r} in the engine URL."
            )
        return addresses

    def without_server(self) -> None:
        """Raise ConfigurationError if there are options which only a server can use."""
        settings = [*self._certificate_settings()]
        if self.credentials is not None:
            settings.append({"Basic": USER, "ApiKey": API_KEY}.get(self.credentials.scheme, BEARER_TOKEN))
        if self.timeout != DEFAULT_TIMEOUT_SECONDS:
            settings.append(REQUEST_TIMEOUT)
        if self.headers:
            settings.append(HEADER)
        if settings:
            raise ConfigurationError(
                f"The embedded engine has no server, so {_names(settings)} has no effect; remove the option "
                f"or its variable, or name a server with {ENGINE.option}."
            )

    def _certificate_settings(self) -> Iterator[Setting]:
        held = self.certificates
        pairs = (
            (CA_FILE, held.ca_file),
            (CERTIFICATE_FINGERPRINT, held.fingerprint),
            (CLIENT_CERTIFICATE, held.client_certificate),
            (CLIENT_KEY, held.client_key),
        )
        return (setting for setting, value in pairs if value is not None)


def _names(settings: Collection[Setting] | Iterator[Setting]) -> str:
    return ", ".join(setting.option for setting in settings)


@dataclass(frozen=True, slots=True)
class Given:
    """The global options as the user gave them.

    values: name of a setting → its value, from the command line or from its variable. typed: the names of
    those that are on the command line. environment: the variables of the process, which hold secrets.
    """

    values: Mapping[str, object] = field(repr=False)
    typed: Collection[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def text(self, setting: Setting) -> str | None:
        """The value of a setting; None if it is not given."""
        value = self.values.get(setting.name)
        return None if value is None else str(value).strip()

    def path(self, setting: Setting) -> Path | None:
        value = self.text(setting)
        return None if value is None else user_path(value)

    def source(self, setting: Setting) -> str:
        """Where the value of a setting comes from, for messages."""
        if setting.name in self.typed or not setting.variable:
            return setting.option
        return setting.secret if self._in_variable(setting) else setting.variable

    def has(self, setting: Setting) -> bool:
        return bool(self.values.get(setting.name)) or self._in_variable(setting)

    def secret(self, setting: Setting, note: Note) -> str | None:
        """The content of a secret: of its file or of its variable, without line ends after it.

        Registers it for `masked`. Raises ConfigurationError if it cannot be read, is empty, or is given
        twice.
        """
        path, held = self.path(setting), self.environment.get(setting.secret)
        if path is not None and held and setting.name not in self.typed:
            raise ConfigurationError(
                f"{setting.secret} and {setting.variable} are both set; remove one of them."
            )
        if path is not None:
            content = _read_secret(path, self.source(setting), note)
        elif held:
            content = held.rstrip("\r\n")
        else:
            return None
        hide(content, *content.splitlines())
        if not content.strip():
            raise ConfigurationError(f"The secret of {self.source(setting)} is empty.")
        return content

    def _in_variable(self, setting: Setting) -> bool:
        return bool(
            setting.secret
            and setting.name not in self.typed
            and self.values.get(setting.name) is None
            and self.environment.get(setting.secret)
        )


def read_connection(given: Given, note: Note) -> Connection:
    """Read the options of a connection, and the files that hold its secrets.

    note: called with a sentence if other users can read a secret. Raises ConfigurationError, whose message
    contains no secret.
    """
    url = _url(given)
    keep_secret(url)
    headers = _headers(given, note)
    credentials = _credentials(given, note)
    if credentials is not None and AUTHORIZATION in headers:
        raise ConfigurationError(
            f"Two ways to authenticate are given: {', '.join(_ways(given))} and the header Authorization; "
            "keep one of them."
        )
    return Connection(url, credentials, _certificates(given), _timeout(given), headers)


def read_target(url: str, environment: Mapping[str, str], note: Note) -> Connection:
    """Read the connection of a second server from the environment.

    Each variable of a connection stands for the option of the second server if its name begins with
    ENRICHER_TARGET_ instead of ENRICHER_. Raises ConfigurationError.
    """
    settings = [one for one in CONNECTION if one is not ENGINE]
    values: dict[str, object] = {ENGINE.name: url}
    for setting in settings:
        if (value := environment.get(_of_target(setting.variable))) is not None and setting.variable:
            values[setting.name] = value
    secrets = {one.secret: environment.get(_of_target(one.secret), "") for one in settings if one.secret}
    try:
        return read_connection(Given(values, environment=secrets), note)
    except ConfigurationError as error:
        raise ConfigurationError(_of_target(str(error))) from error


def _of_target(text: str) -> str:
    """A name of a variable, or a sentence with such names, with those of the second server."""
    return text.replace("ENRICHER_", "ENRICHER_TARGET_")


def _url(given: Given) -> str:
    cloud_id = given.text(CLOUD_ID)
    if cloud_id is None:
        return given.text(ENGINE) or ENGINE.default
    if given.values.get(ENGINE.name) not in (None, ENGINE.default):
        raise ConfigurationError(
            f"{given.source(CLOUD_ID)} and {given.source(ENGINE)} both name a server; remove one of them."
        )
    return _cloud_url(cloud_id)


def _cloud_url(cloud_id: str) -> str:
    """The URL of Elasticsearch in `NAME:BASE64`. The decoded form is `DOMAIN[:PORT]$ELASTICSEARCH$KIBANA`."""
    try:
        encoded = cloud_id.rpartition(":")[2].encode("ascii")
        domain, deployment, *_ = base64.b64decode(encoded, validate=True).decode("ascii").split("$")
    except (UnicodeError, binascii.Error, ValueError):
        domain = deployment = ""
    if not (re.fullmatch(r"[\w.-]+(:\d+)?", domain) and re.fullmatch(r"[\w-]+", deployment)):
        raise ConfigurationError(
            f"{CLOUD_ID.option} cannot be read; copy the whole cloud ID, NAME:LETTERS, from the page of the "
            "deployment."
        )
    host, _, port = domain.partition(":")
    return f"https://{deployment}.{host}:{port or 443}"


# ------------------------------------------------------------------ credentials


def _ways(given: Given) -> list[str]:
    """The ways to authenticate that are given, each by the option or variable that names it."""
    basic = [setting for setting in (USER, PASSWORD) if given.has(setting)]
    others = [setting for setting in (API_KEY, BEARER_TOKEN) if given.has(setting)]
    return [given.source(setting) for setting in [*basic[:1], *others]]


def _credentials(given: Given, note: Note) -> Credentials | None:
    ways = _ways(given)
    if len(ways) > 1:
        raise ConfigurationError(
            f"Two ways to authenticate are given: {' and '.join(ways)}; keep one of them."
        )
    if given.has(API_KEY):
        return Credentials("ApiKey", _api_key(_token(given, API_KEY, note)))
    if given.has(BEARER_TOKEN):
        return Credentials("Bearer", _token(given, BEARER_TOKEN, note))
    return _basic(given, note)


def _token(given: Given, setting: Setting, note: Note) -> str:
    token = (given.secret(setting, note) or "").strip()
    if not _TOKEN.fullmatch(token):
        raise ConfigurationError(
            f"The secret of {given.source(setting)} must be one word without spaces: only the key or token, "
            "without the name of the scheme."
        )
    return token


def _api_key(text: str) -> str:
    """An API key as it is sent. text: encoded, or `id:key`."""
    name, colon, key = text.partition(":")
    if not colon:
        return text
    encoded = base64.b64encode(text.encode()).decode()
    hide(key, encoded)
    return encoded if name else text


def _basic(given: Given, note: Note) -> Credentials | None:
    user = given.text(USER)
    if user is None:
        if given.has(PASSWORD):
            raise ConfigurationError(
                f"{given.source(PASSWORD)} needs a user name: give {USER.option} or {USER.variable}."
            )
        return None
    if ":" in user:
        hide(user.partition(":")[2])
        raise ConfigurationError(
            f"{given.source(USER)} takes the user name alone, without a colon; give the password in "
            f"{PASSWORD.secret} or {PASSWORD.option}."
        )
    password = given.secret(PASSWORD, note)
    if not user or password is None:
        raise ConfigurationError(
            f"{given.source(USER)} needs a user name and a password: give the password in {PASSWORD.secret} "
            f"or {PASSWORD.option}."
        )
    if "\n" in password or "\r" in password:
        raise ConfigurationError(f"The secret of {given.source(PASSWORD)} must have one line.")
    encoded = base64.b64encode(f"{user}:{password}".encode("utf-8", "surrogateescape")).decode()
    hide(encoded)
    return Credentials("Basic", encoded)


def _read_secret(path: Path, option: str, note: Note) -> str:
    """The content of a file with a secret, without line ends after it."""
    try:
        with path.open("rb") as file:
            found = file.read(MAX_SECRET_BYTES + 1)
            mode = path.stat().st_mode
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise ConfigurationError(f"The file {str(path)!r} of {option} cannot be read: {reason}.") from None
    if len(found) > MAX_SECRET_BYTES:
        raise ConfigurationError(f"The file {str(path)!r} of {option} is too large for a secret.")
    if not found.strip():
        raise ConfigurationError(f"The file {str(path)!r} of {option} is empty.")
    if stat.S_ISREG(mode) and mode & stat.S_IROTH:
        note(f"Other users can read the file {str(path)!r}, which holds a secret; run `chmod 600 {path}`.")
    try:
        return found.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigurationError(f"The file {str(path)!r} of {option} is not UTF-8 text.") from None


# ------------------------------------------------------------------ certificates, time-out and headers


def _certificates(given: Given) -> Certificates:
    ca_file, fingerprint = given.path(CA_FILE), given.text(CERTIFICATE_FINGERPRINT)
    certificate, key = given.path(CLIENT_CERTIFICATE), given.path(CLIENT_KEY)
    if ca_file is not None and fingerprint is not None:
        raise ConfigurationError(
            f"{given.source(CA_FILE)} and {given.source(CERTIFICATE_FINGERPRINT)} both say whom to trust; "
            "remove one of them."
        )
    if key is not None and certificate is None:
        raise ConfigurationError(f"{given.source(CLIENT_KEY)} needs {CLIENT_CERTIFICATE.option}.")
    if fingerprint is not None:
        fingerprint = fingerprint.replace(":", "").lower()
        if not _SHA256.fullmatch(fingerprint):
            raise ConfigurationError(
                f"{given.source(CERTIFICATE_FINGERPRINT)} must be a SHA-256 fingerprint, 64 hexadecimal "
                "digits, as `openssl x509 -fingerprint -sha256 -noout -in ca.crt` prints it."
            )
    return Certificates(ca_file, fingerprint, certificate, key)


def _timeout(given: Given) -> float:
    text = given.text(REQUEST_TIMEOUT)
    try:
        seconds = DEFAULT_TIMEOUT_SECONDS if text is None else float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= MAX_TIMEOUT_SECONDS:
        raise ConfigurationError(
            f"{given.source(REQUEST_TIMEOUT)} must be a number of seconds, above 0 and at most "
            f"{MAX_TIMEOUT_SECONDS:.0f}, not {text!r}."
        )
    return seconds


def _headers(given: Given, note: Note) -> dict[str, str]:
    """The headers of the secret file or variable, and those of the command line, which win."""
    found: dict[str, str] = {}
    for line in (given.secret(HEADERS, note) or "").splitlines():
        if line.strip():
            name, value = _header(line, given.source(HEADERS))
            found[name] = value
    typed = given.values.get(HEADER.name)
    for line in typed if isinstance(typed, list | tuple) else ():
        name, value = _header(str(line), HEADER.option)
        if name in _SECRET_HEADERS:
            raise ConfigurationError(
                f"The header {name.title()!r} is secret, and the process list shows {HEADER.option}; write "
                f"the header to a file and give {HEADERS.option}, or set {HEADERS.secret}."
            )
        found[name] = value
    return found


def _header(line: str, option: str) -> tuple[str, str]:
    name, _, value = (part.strip() for part in line.partition(":"))
    if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
        raise ConfigurationError(f"A header of {option} cannot be read; write 'NAME: VALUE'.")
    if name.lower() in _CLIENT_HEADERS:
        raise ConfigurationError(f"The header {name!r} of {option} cannot be set; remove it.")
    hide(*(part for part in {value, value.rpartition(" ")[2]} if len(part) >= _MASKED_HEADER_LENGTH))
    return name.lower(), value
