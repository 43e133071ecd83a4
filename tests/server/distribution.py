"""Where the server comes from: its Maven artefact, kept in a cache folder."""

import os
import shutil
import subprocess
from pathlib import Path

VERSION = "8.19.21"
ARTIFACT = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"


class ServerMissing(Exception):
    """A sentence: why no server can be started here."""


def java_home() -> Path:
    """The folder of the Java that runs the server."""
    named = os.environ.get("ES_JAVA_HOME") or os.environ.get("JAVA_HOME")
    if named and (Path(named) / "bin" / "java").exists():
        return Path(named)
    java = shutil.which("java")
    if java is None:
        raise ServerMissing("There is no Java; install Java 17 or set ELASTICSEARCH_URL.")
    return Path(java).resolve().parent.parent


def archive() -> Path:
    """The zipped server, fetched on first use."""
    default = Path.home() / ".cache" / "enricher-tests"
    cache = Path(os.environ.get("ENRICHER_TEST_CACHE") or default)
    kept = cache / f"elasticsearch-{VERSION}.zip"
    if kept.exists():
        return kept
    maven = shutil.which("mvn")
    if maven is None:
        raise ServerMissing(
            "There is no Maven to fetch the server with; install it or set ELASTICSEARCH_URL."
        )
    arriving = cache / f"arriving-{os.getpid()}"
    arriving.mkdir(parents=True, exist_ok=True)
    try:
        command = [maven, "-q", "-B", "dependency:copy", f"-Dartifact={ARTIFACT}"]
        done = subprocess.run(
            [*command, f"-DoutputDirectory={arriving}"],
            capture_output=True,
            text=True,
            timeout=600,
            cwd=arriving,
        )
        if done.returncode:
            lines = (done.stdout + done.stderr).strip().splitlines() or ["no message"]
            raise ServerMissing(f"Maven could not fetch {ARTIFACT}: {lines[0]}")
        next(arriving.glob("*.zip")).rename(kept)
    finally:
        shutil.rmtree(arriving)
    return kept


def unpack(folder: Path) -> Path:
    """Unpack a copy of the server into a folder, and answer its home."""
    shutil.unpack_archive(archive(), folder)
    home = next(folder.glob("elasticsearch-*"))
    for program in (home / "bin").iterdir():
        program.chmod(0o755)
    return home
