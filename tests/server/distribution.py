"""Where a server comes from: its Maven artefact, kept in a cache folder, and the Java that runs it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Release:
    """A release of the server. java: the oldest that runs it. variable: names the URL of one that runs."""

    version: str
    java: int
    variable: str

    @property
    def artifact(self) -> str:
        return f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{self.version}:zip"


MAIN = Release("8.19.21", 17, "ELASTICSEARCH_URL")
"""What all of these tests run on."""
NEWER = Release("9.4.5", 21, "ELASTICSEARCH_9_URL")
"""What some run on as well."""

JAVA_FOLDERS = (
    "/usr/lib/jvm/*", "/usr/java/*", "/opt/java/*", "/opt/*jdk*", "~/.sdkman/candidates/java/*", "~/.jdks/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home", "/opt/homebrew/opt/openjdk*",
)  # fmt: skip
"""Where installations of Java are, beside what ES_JAVA_HOME, JAVA_HOME and PATH name."""


class ServerMissing(Exception):
    """A sentence: why no server can be started here."""


def java_home(release: Release = MAIN) -> Path:
    """The folder of the first Java that runs the server."""
    for home in _java_homes():
        if java_version(home) >= release.java:
            return home
    raise ServerMissing(
        f"There is no Java {release.java} or newer for Elasticsearch {release.version}; install one, name "
        f"its folder in ES_JAVA_HOME, or set {release.variable}."
    )


def _java_homes() -> Iterator[Path]:
    for variable in ("ES_JAVA_HOME", "JAVA_HOME"):
        if os.environ.get(variable):
            yield Path(os.environ[variable])
    on_path = shutil.which("java")
    if on_path is not None:
        yield Path(on_path).resolve().parent.parent
    for pattern in JAVA_FOLDERS:
        place = Path(pattern).expanduser()
        yield from sorted(Path(place.anchor).glob(str(place.relative_to(place.anchor))))


@cache
def java_version(home: Path) -> int:
    """The first number of the version that a Java says it is, 8 for 1.8; 0 where there is none."""
    try:
        done = subprocess.run(
            [home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(found[1]) if found else 0


def archive(release: Release = MAIN) -> Path:
    """The zipped server, fetched on first use."""
    default = Path.home() / ".cache" / "enricher-tests"
    folder = Path(os.environ.get("ENRICHER_TEST_CACHE") or default)
    kept = folder / f"elasticsearch-{release.version}.zip"
    if kept.exists():
        return kept
    maven = shutil.which("mvn")
    if maven is None:
        raise ServerMissing(
            f"There is no Maven to fetch the server with; install it or set {release.variable}."
        )
    arriving = folder / f"arriving-{os.getpid()}"
    arriving.mkdir(parents=True, exist_ok=True)
    try:
        command = [maven, "-q", "-B", "dependency:copy", f"-Dartifact={release.artifact}"]
        done = subprocess.run(
            [*command, f"-DoutputDirectory={arriving}"],
            capture_output=True,
            text=True,
            timeout=600,
            cwd=arriving,
        )
        if done.returncode:
            lines = (done.stdout + done.stderr).strip().splitlines() or ["no message"]
            raise ServerMissing(f"Maven could not fetch {release.artifact}: {lines[0]}")
        next(arriving.glob("*.zip")).rename(kept)
    finally:
        shutil.rmtree(arriving)
    return kept


def unpack(folder: Path, release: Release = MAIN) -> Path:
    """Unpack a copy of the server into a folder, and answer its home."""
    shutil.unpack_archive(archive(release), folder)
    home = next(folder.glob(f"elasticsearch-{release.version}*"))
    for program in (home / "bin").iterdir():
        program.chmod(0o755)
    return home
