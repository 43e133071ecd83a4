"""Typed settings: the global options with their environment variables, and `enricher.toml`.

Nothing else reads the environment. docs/settings.md and docs/enricher.schema.json are generated from these
tables.
"""

import fnmatch
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from enricher.decoding import TOML, DecodingError, decode
from enricher.errors import ConfigurationError, SourceError
from enricher.lines import read_text

CONFIG_FILE = Path("enricher.toml")
WORDS = "tokens"
"""The enrichment without which nothing can be searched."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A global option: `--name`, its environment variable, default and help.

    variable: empty if no variable has the value of the option. secret: the variable that holds the content of
    the file which the option names. Secrets are never values of options, which the process list shows.
    """

    name: str
    variable: str
    default: str
    help: str
    secret: str = ""

    @property
    def option(self) -> str:
        return f"--{self.name}"


def _secret(name: str, variable: str, text: str) -> Setting:
    help_ = f"File with {text}. Or set {variable} to the content."
    return Setting(name, f"{variable}_FILE", "", help_, variable)


MODELS = Setting("models", "ENRICHER_MODELS", "./models", "Folder of the model bundles.")
ENGINE = Setting(
    "engine",
    "ENRICHER_ENGINE",
    "tantivy:./index",
    "Search engine: tantivy:FOLDER, or http(s)://[user:pass@]host:port, several comma-separated. With "
    "elasticsearch+ or opensearch+ before it, the server is not asked of which family it is.",
)
CONFIG = Setting(
    "config",
    "ENRICHER_CONFIG",
    "./enricher.toml where it exists",
    "Configuration file: which plug-ins run on which index.",
)
CLOUD_ID = Setting("cloud-id", "ENRICHER_CLOUD_ID", "", "Elastic Cloud deployment, instead of --engine.")
USER = Setting("user", "ENRICHER_USER", "", "User name for basic authentication, with a password.")
PASSWORD = _secret("password-file", "ENRICHER_PASSWORD", "the password of the user")
API_KEY = _secret("api-key-file", "ENRICHER_API_KEY", "an API key, encoded or as id:key")
BEARER_TOKEN = _secret("bearer-token-file", "ENRICHER_BEARER_TOKEN", "a bearer token")
CA_FILE = Setting(
    "ca-file", "ENRICHER_CA_FILE", "", "PEM file with the certificates of the authority (CA) of the server."
)
CERTIFICATE_FINGERPRINT = Setting(
    "certificate-fingerprint",
    "ENRICHER_CERTIFICATE_FINGERPRINT",
    "",
    "SHA-256 fingerprint of the certificate of the server or of its CA, instead of --ca-file.",
)
CLIENT_CERTIFICATE = Setting(
    "client-certificate", "ENRICHER_CLIENT_CERTIFICATE", "", "PEM file with a client certificate."
)
CLIENT_KEY = Setting(
    "client-key",
    "ENRICHER_CLIENT_KEY",
    "",
    "PEM file with the key of --client-certificate, if it is not in it.",
)
REQUEST_TIMEOUT = Setting(
    "request-timeout", "ENRICHER_REQUEST_TIMEOUT", "30", "Time-out of a request to the server, in seconds."
)
HEADER = Setting(
    "header", "", "", "HTTP header for every request, as 'NAME: VALUE'. Not for secrets. Repeatable."
)
HEADERS = _secret("headers-file", "ENRICHER_HEADERS", "more HTTP headers, one a line")
CONNECTION = (
    CLOUD_ID,
    USER,
    PASSWORD,
    API_KEY,
    BEARER_TOKEN,
    CA_FILE,
    CERTIFICATE_FINGERPRINT,
    CLIENT_CERTIFICATE,
    CLIENT_KEY,
    REQUEST_TIMEOUT,
    HEADER,
    HEADERS,
)
"""How to reach a server: who asks, whom to trust, how long to wait."""
SETTINGS = (MODELS, ENGINE, CONFIG, *CONNECTION)


Name = Annotated[str, Meta(min_length=1)]
UNIQUE = {"uniqueItems": True}


class IndexConfiguration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What runs on an index: one `[index."PATTERN"]` table of enricher.toml."""

    fields: (
        Annotated[
            tuple[Name, ...],
            Meta(
                min_length=1,
                description="The fields whose text is enriched, the title first.",
                extra_json_schema=UNIQUE,
            ),
        ]
        | None
    ) = None
    enrichments: Annotated[
        tuple[Name, ...],
        Meta(
            description="What is done to every document at index time: plug-ins in order.",
            extra_json_schema=UNIQUE | {"contains": {"const": WORDS}},
        ),
    ] = ("tokens", "subwords", "keywords", "expansion", "vector")
    rewriters: Annotated[
        tuple[Name, ...],
        Meta(
            description="What is done to a query at search time: plug-ins in order; `[]` for nothing.",
            extra_json_schema=UNIQUE,
        ),
    ] = ("subwords", "expansion", "relatedness", "vector")
    settings: Annotated[
        Mapping[str, Mapping[str, Any]], Meta(description="For each plug-in its own table.")
    ] = {}
    strip_html: Annotated[
        bool, Meta(description="Whether the texts are HTML, whose markup is neither indexed nor searched.")
    ] = False

    per_field: (
        Annotated[
            bool,
            Meta(
                description="Whether the words of each field are also indexed by themselves "
                "(`tokens.title`), for queries of your own. Default: as the index has them; a new index "
                "has not."
            ),
        ]
        | None
    ) = None

    def words_only(self) -> "IndexConfiguration":
        """The configuration of an index without a model: the text is only segmented."""
        return msgspec.structs.replace(self, enrichments=(WORDS,), settings={})


class ServeConfiguration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The service: the table `[serve]` of enricher.toml. Paths are relative to the working directory."""

    listen: Annotated[Name, Meta(description="Where requests are answered: HOST:PORT.")] = "127.0.0.1:9280"
    admin: Annotated[Name, Meta(description="Where operators read metrics and change state: HOST:PORT.")] = (
        "127.0.0.1:9281"
    )
    threads: Annotated[
        int,
        Meta(
            ge=1,
            le=64,
            description="Searches that each process answers at the same time. More help only while they wait "
            "for the server of the engine.",
        ),
    ] = 2
    workers: Annotated[int, Meta(ge=1, le=64, description="Processes that answer requests.")] = 1
    model_mb: Annotated[
        int,
        Meta(
            ge=0,
            description="Size of the models that each process keeps open, in MB of their files; those used "
            "last stay, and one always. Files are mapped, and processes share them.",
        ),
    ] = 4000
    certificate: (
        Annotated[
            Name,
            Meta(
                description="PEM file with the certificate of the service, for HTTPS on both addresses. It "
                "is read again when it changes."
            ),
        ]
        | None
    ) = None
    key: (
        Annotated[Name, Meta(description="PEM file with the key of the certificate, if it is not in it.")]
        | None
    ) = None
    api_keys: (
        Annotated[
            Name,
            Meta(
                description="File with the hashes of API keys, one of which every request must have. "
                "`enricher serve --new-key NAME` makes a key. It is read again when it changes."
            ),
        ]
        | None
    ) = None
    cors: Annotated[
        tuple[Name, ...],
        Meta(
            description="Origins of web pages that may ask the service, for example "
            '`["https://shop.example"]`; `*` for all.'
        ),
    ] = ()
    review: Annotated[
        tuple[Name, ...],
        Meta(
            description="Files of candidates that may be reviewed in the console of the admin address, for "
            'example `["words.tsv"]`; no others are read or written.',
            extra_json_schema=UNIQUE,
        ),
    ] = ()
    maps: Annotated[
        tuple[Name, ...],
        Meta(
            description='Pages of `enricher library map` that the console shows, for example `["map.html"]`.',
            extra_json_schema=UNIQUE,
        ),
    ] = ()
    traces: (
        Annotated[
            Name,
            Meta(
                description="Address of an OpenTelemetry collector that takes OTLP over HTTP, for example "
                "`http://127.0.0.1:4318`. It needs `pip install 'search-enricher[otel]'`."
            ),
        ]
        | None
    ) = None
    requests_per_second: (
        Annotated[
            float,
            Meta(
                gt=0,
                description="Maximum requests per second of each API key; without keys, of each address.",
            ),
        ]
        | None
    ) = None


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tables of enricher.toml: by pattern of the index name, and that of the service."""

    indexes: Annotated[
        Mapping[str, IndexConfiguration],
        Meta(description="One table for each index, or for a pattern of names (`*` and `?`)."),
    ] = msgspec.field(name="index", default_factory=dict)
    serve: Annotated[ServeConfiguration, Meta(description="The settings of the service.")] = (
        ServeConfiguration()
    )

    def table_of(self, *names: str) -> IndexConfiguration | None:
        """The table of an index by its names: the first of that very name, else the first pattern of the file
        that fits one of them; None where there is neither.
        """
        for name in names:
            if name in self.indexes:
                return self.indexes[name]
        for pattern, configuration in self.indexes.items():
            if any(fnmatch.fnmatchcase(name, pattern) for name in names):
                return configuration
        return None

    def for_index(self, *names: str) -> IndexConfiguration:
        """The table of an index by its names, or the defaults."""
        return self.table_of(*names) or IndexConfiguration()


def read_configuration(path: Path | None) -> Configuration:
    """Read enricher.toml; without a path the one in this folder where it exists.

    Raises ConfigurationError in a sentence that names the file and the key.
    """
    if path is None:
        if not CONFIG_FILE.exists():
            return Configuration()
        path = CONFIG_FILE
    try:
        tables = tomllib.loads(read_text(path))
    except SourceError as error:
        raise ConfigurationError(str(error)) from error
    except FileNotFoundError:
        raise ConfigurationError(f"There is no configuration file {str(path)!r}.") from None
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"The configuration {str(path)!r} cannot be read: {error}.") from error
    try:
        configuration = decode(Configuration, tables, TOML)
        for name, table in configuration.indexes.items():
            _check(table, ("index", name))
    except DecodingError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    return configuration


def _check(table: IndexConfiguration, path: tuple[str, ...]) -> None:
    """Raise DecodingError where an index made by a table cannot be searched, or a part of it has no use."""
    for key in ("fields", "enrichments", "rewriters"):
        names = getattr(table, key) or ()
        if twice := [name for name in names if names.count(name) > 1]:
            raise DecodingError((*path, key), f"names {twice[0]!r} twice")
    if WORDS not in table.enrichments:
        raise DecodingError((*path, "enrichments"), f"must name {WORDS!r}, the words that are searched")
    for name in table.settings:
        if name not in {*table.enrichments, *table.rewriters}:
            running = ", ".join(dict.fromkeys([*table.enrichments, *table.rewriters]))
            reason = f"has no effect: no plug-in {name!r} runs on this index, only {running}"
            raise DecodingError((*path, "settings", name), reason)
