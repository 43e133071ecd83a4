"""The global options that say how to reach a server. Values that are secret come from files or variables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

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
from indexer.engines.connection import Given


def _option(setting: Setting, metavar: str) -> Any:
    return typer.Option(
        setting.option,
        envvar=setting.variable or None,
        show_envvar=bool(setting.variable),
        help=setting.help,
        metavar=metavar,
    )


CloudId = Annotated[str | None, _option(CLOUD_ID, "ID")]
User = Annotated[str | None, _option(USER, "NAME")]
PasswordFile = Annotated[Path | None, _option(PASSWORD, "FILE")]
ApiKeyFile = Annotated[Path | None, _option(API_KEY, "FILE")]
BearerTokenFile = Annotated[Path | None, _option(BEARER_TOKEN, "FILE")]
CaFile = Annotated[Path | None, _option(CA_FILE, "FILE")]
CertificateFingerprint = Annotated[str | None, _option(CERTIFICATE_FINGERPRINT, "SHA256")]
ClientCertificate = Annotated[Path | None, _option(CLIENT_CERTIFICATE, "FILE")]
ClientKey = Annotated[Path | None, _option(CLIENT_KEY, "FILE")]
RequestTimeout = Annotated[str, _option(REQUEST_TIMEOUT, "SECONDS")]
Header = Annotated[list[str] | None, _option(HEADER, "HEADER")]
HeadersFile = Annotated[Path | None, _option(HEADERS, "FILE")]


def given(context: typer.Context, environment: Mapping[str, str]) -> Given:
    """The options of the connection as the user gave them, not read yet."""
    values, typed = {}, set()
    for setting in (ENGINE, *CONNECTION):
        parameter = setting.name.replace("-", "_")
        values[setting.name] = context.params.get(parameter)
        source = context.get_parameter_source(parameter)
        if source is not None and source.name == "COMMANDLINE":
            typed.add(setting.name)
    return Given(values, typed, environment)
