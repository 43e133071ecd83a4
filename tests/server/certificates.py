"""Certificates for tests, made by openssl: an authority, and what it signs."""

import hashlib
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

_AUTHORITY = (
    "-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign "
    "-addext subjectKeyIdentifier=none"
)


class Authority:
    """A certificate authority in a folder: ca.crt and ca.key. Skips the test where openssl is missing."""

    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.certificate = folder / "ca.crt"
        self._run(
            f"req -x509 -newkey rsa:2048 -nodes -days 30 {_AUTHORITY} -keyout ca.key -out ca.crt -subj",
            f"/CN={name}",
        )

    def issue(self, name: str, alternatives: str = "", *, days: int = 20, chain: str = "") -> Path:
        """Make NAME.crt and NAME.key. alternatives: as in `DNS:localhost,IP:127.0.0.1`. Answers the .crt.

        days: negative for one that has expired. chain: the text of further certificates to send with it.
        """
        lines = ["basicConstraints=CA:FALSE", "authorityKeyIdentifier=none"]
        if alternatives:
            lines.append(f"subjectAltName={alternatives}")
        (self.folder / "extensions").write_text("\n".join(lines))
        self._run(f"req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj", f"/CN={name}")
        self._run(
            f"x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days {days} "
            f"-extfile extensions -out {name}.crt"
        )
        made = self.folder / f"{name}.crt"
        made.write_text(made.read_text() + chain)
        return made

    def _run(self, line: str, *more: str) -> None:
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("openssl, which makes certificates, is not here.")
        command = [openssl, *line.split(), *more]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)


def fingerprint(certificate: Path) -> str:
    """The SHA-256 fingerprint of the first certificate of a file, as hexadecimal digits."""
    first, end, _ = certificate.read_text().partition("-----END CERTIFICATE-----")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first + end)).hexdigest()
