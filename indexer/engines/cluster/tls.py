"""TLS: whom to trust, the certificate of this client, and sentences for handshakes that fail."""

import hashlib
import re
import socket
import ssl
from pathlib import Path
from typing import Any

from enricher.errors import ConfigurationError
from enricher.settings import CA_FILE, CERTIFICATE_FINGERPRINT, CLIENT_CERTIFICATE, CLIENT_KEY
from indexer.engines.connection import Certificates

_UNMATCHED = "no certificate has the fingerprint"
_EXPIRED = re.compile(r"certificate has expired", re.I)
_NOT_YET = re.compile(r"certificate is not yet valid", re.I)
_OTHER_NAME = re.compile(r"hostname mismatch|IP address mismatch|doesn't match", re.I)
_UNKNOWN_CA = re.compile(
    r"unable to get (local )?issuer|self.signed certificate|CERTIFICATE_VERIFY_FAILED", re.I
)
_CLOSED = re.compile("EOF occurred", re.I)
_CERTIFICATE_WANTED = re.compile(
    r"alert (certificate required|bad certificate|handshake failure|unknown ca|certificate unknown)|"
    r"CERTIFICATE_REQUIRED|UNKNOWN_CA|BAD_CERTIFICATE",
    re.I,
)


def certificate_options(certificates: Certificates) -> dict[str, Any]:
    """The options for certificates that the clients of both families share, without that of a fingerprint.

    Raises ConfigurationError if a file cannot be read or is not PEM, or if a key is that of another one.
    """
    options: dict[str, Any] = {}
    if certificates.ca_file is not None:
        _check_authorities(certificates.ca_file)
        options["ca_certs"] = str(certificates.ca_file)
    _load_client(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificates)
    if certificates.client_certificate is not None:
        options["client_cert"] = str(certificates.client_certificate)
        if certificates.client_key is not None:
            options["client_key"] = str(certificates.client_key)
    return options


def _check_authorities(path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        path.open("rb").close()  # ssl names no reason
        context.load_verify_locations(cafile=str(path))
    except ssl.SSLError:
        raise ConfigurationError(
            f"The file {str(path)!r} of {CA_FILE.option} contains no certificate in PEM form "
            "(-----BEGIN CERTIFICATE-----)."
        ) from None
    except OSError as error:
        raise _unreadable(path, CA_FILE.option, error) from None


def _load_client(context: ssl.SSLContext, certificates: Certificates) -> None:
    """Load the certificate of this client into a context."""
    certificate, key = certificates.client_certificate, certificates.client_key
    if certificate is None:
        return
    for path, option in ((certificate, CLIENT_CERTIFICATE.option), (key, CLIENT_KEY.option)):
        try:
            if path is not None:
                path.open("rb").close()
        except OSError as error:
            raise _unreadable(path, option, error) from None
    named = f"{CLIENT_CERTIFICATE.option} {str(certificate)!r}"
    asked: list[bool] = []

    def no_passphrase() -> str:
        asked.append(True)
        return ""  # else OpenSSL asks for it on the terminal

    try:
        context.load_cert_chain(certificate, key, password=no_passphrase)
    except (ssl.SSLError, OSError, ValueError) as error:
        if asked:
            reason = "its key is encrypted; decrypt it with `openssl pkey -in KEY -out PLAIN_KEY`"
        elif "MISMATCH" in str(error).upper():
            reason = f"the key of {CLIENT_KEY.option} belongs to another certificate"
        elif key is None:
            reason = (
                f"it must contain certificate and key in PEM form, or give the key with {CLIENT_KEY.option}"
            )
        else:
            reason = f"it and the file of {CLIENT_KEY.option} must be in PEM form"
        raise ConfigurationError(f"{named} cannot be used: {reason}.") from None


def _unreadable(path: Path | None, option: str, error: OSError) -> ConfigurationError:
    reason = (error.strerror or type(error).__name__).lower()
    return ConfigurationError(f"The file {str(path)!r} of {option} cannot be read: {reason}.")


def pinned_pool_options(
    host: str, port: int, certificates: Certificates, timeout: float | None
) -> dict[str, Any]:
    """The options of an HTTPSConnectionPool of urllib3 that trusts the fingerprint of the certificates alone.

    Libraries compare a fingerprint with all certificates that the server sends, and verify no signature: a
    server that sends a copy of the certificate of the authority beside a forged one passes. Here the
    authority with the fingerprint becomes the only trust anchor. Raises SSLError, TimeoutError and OSError.
    """
    sent = _sent_certificates(host, port, certificates, timeout)
    found = {hashlib.sha256(one).hexdigest(): one for one in sent}
    anchor = found.get(certificates.fingerprint or "")
    if anchor is None:
        raise ssl.SSLError(f"{_UNMATCHED}; the server sends {', '.join(found)}")
    context = _context(certificates)
    context.check_hostname = False
    options: dict[str, Any] = {"ssl_context": context, "assert_hostname": False, "cert_reqs": "CERT_REQUIRED"}
    if anchor == sent[0]:  # each handshake proves that the server has the key of this very certificate
        context.verify_mode = ssl.CERT_NONE
        return options | {"cert_reqs": "CERT_NONE", "assert_fingerprint": certificates.fingerprint}
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=anchor)
    return options


def _context(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_client(context, certificates)
    return context


def _sent_certificates(
    host: str, port: int, certificates: Certificates, timeout: float | None
) -> list[bytes]:
    """The certificates that a server sends, in DER form, its own first. Nothing is sent to it."""
    context = _context(certificates)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        own, chain = secured.getpeercert(binary_form=True) or b"", _chain(secured)
    return list(dict.fromkeys([own, *chain]))


def _chain(secured: Any) -> list[bytes]:
    if hasattr(secured, "get_unverified_chain"):  # Python 3.13
        return list(secured.get_unverified_chain() or [])
    chain: list[Any] = getattr(secured._sslobj, "get_unverified_chain", list)() or []
    return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in chain]


def explain_tls(message: str) -> str:
    """Why a handshake failed and the way out, as the end of a sentence. message: of the TLS library."""
    if _UNMATCHED in message:
        sent = message.partition("the server sends ")[2]
        return (
            f"no certificate that it sends has the fingerprint of {CERTIFICATE_FINGERPRINT.option}, but "
            f"{sent}; if you trust the server, give one of these, or the authority with {CA_FILE.option}"
        )
    if _EXPIRED.search(message):
        return "its certificate has expired; renew the certificate of the server"
    if _NOT_YET.search(message):
        return "its certificate is not valid yet; check the clocks of the server and of this machine"
    if _OTHER_NAME.search(message):
        return (
            "its certificate is for another host name; write a name of the certificate in the engine URL, or "
            f"trust the certificate itself with {CERTIFICATE_FINGERPRINT.option}"
        )
    if _CERTIFICATE_WANTED.search(message):
        return (
            "it does not accept the certificate of this client, or requires one; give "
            f"{CLIENT_CERTIFICATE.option} and {CLIENT_KEY.option}"
        )
    if _CLOSED.search(message):
        return (
            "it closes the connection; if it requires a certificate of this client, give "
            f"{CLIENT_CERTIFICATE.option} and {CLIENT_KEY.option}"
        )
    if _UNKNOWN_CA.search(message):
        return (
            "its certificate is not from an authority that is trusted here; give the certificate of the "
            f"authority with {CA_FILE.option}, or its fingerprint with {CERTIFICATE_FINGERPRINT.option}"
        )
    line = " ".join(message.split()).rstrip(".")
    return line if len(line) <= 400 else line[:400] + "…"
