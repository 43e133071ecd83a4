"""Where a server comes from: its Maven artefacts, kept in a cache folder, and the Java that runs it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ELASTICSEARCH, OPENSEARCH = "elasticsearch", "opensearch"


@dataclass(frozen=True)
class Release:
    """A release of a server. java: the oldest that runs it. variable: names the URL of one that runs.

    with_knn: whether an OpenSearch has the plug-in for vectors.
    """

    family: str
    version: str
    java: int
    variable: str
    with_knn: bool = True

    @property
    def name(self) -> str:
        """Family, version and what is missing, for folders and the ids of tests."""
        return f"{self.family}-{self.version}{'' if self.with_knn else '-without-knn'}"

    @property
    def artifact(self) -> str:
        group = f"org.{self.family}.distribution.integ-test-zip"
        return f"{group}:{self.family}:{self.version}:zip"

    @property
    def variables_prefix(self) -> str:
        """The beginning of the names of the variables that the server reads."""
        return {ELASTICSEARCH: "ES", OPENSEARCH: "OPENSEARCH"}[self.family]


MAIN = Release(ELASTICSEARCH, "8.19.21", 17, "ELASTICSEARCH_URL")
"""What all tests of servers pass on before a change is accepted."""
NEWER = Release(ELASTICSEARCH, "9.4.5", 21, "ELASTICSEARCH_9_URL")
OPENSEARCH_2 = Release(OPENSEARCH, "2.19.1", 17, "OPENSEARCH_URL")
OPENSEARCH_3 = Release(OPENSEARCH, "3.3.2", 21, "OPENSEARCH_3_URL")
RELEASES = (MAIN, NEWER, OPENSEARCH_2, OPENSEARCH_3)
"""The servers that are supported."""
UNDER_TEST = next(one for one in RELEASES if one.name == os.environ.get("ENRICHER_TEST_SERVER", MAIN.name))
"""What the tests of servers run on."""
WITHOUT_KNN = Release(OPENSEARCH, "2.19.1", 17, "OPENSEARCH_WITHOUT_KNN_URL", with_knn=False)

JAVA_FOLDERS = (
    "/usr/lib/jvm/*", "/usr/java/*", "/opt/java/*", "/opt/*jdk*", "~/.sdkman/candidates/java/*", "~/.jdks/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home", "/opt/homebrew/opt/openjdk*",
)  # fmt: skip
"""Where installations of Java are, beside what ES_JAVA_HOME, JAVA_HOME and PATH name."""

ASM = tuple(
    f"org.ow2.asm:{name}:9.7" for name in ("asm", "asm-util", "asm-tree", "asm-commons", "asm-analysis")
)
ANTLR = "org.antlr:antlr4-runtime:4.13.1"


class ServerMissing(Exception):
    """A sentence: why no server can be started here."""


def java_home(release: Release = MAIN) -> Path:
    """The folder of the first Java that runs the server."""
    for home in _java_homes():
        if java_version(home) >= release.java:
            return home
    raise ServerMissing(
        f"There is no Java {release.java} or newer for {release.name}; install one, name "
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


def fetched(artifact: str, variable: str) -> Path:
    """The file of GROUP:NAME:VERSION[:TYPE], fetched on first use.

    variable: the way out without Maven.
    """
    _, name, version, *kind = artifact.split(":")
    default = Path.home() / ".cache" / "enricher-tests"
    folder = Path(os.environ.get("ENRICHER_TEST_CACHE") or default)
    kept = folder / f"{name}-{version}.{kind[0] if kind else 'jar'}"
    if kept.exists():
        return kept
    maven = shutil.which("mvn")
    if maven is None:
        raise ServerMissing(f"There is no Maven to fetch the server with; install it or set {variable}.")
    arriving = folder / f"arriving-{os.getpid()}"
    arriving.mkdir(parents=True, exist_ok=True)
    try:
        command = [maven, "-q", "-B", "dependency:copy", f"-Dartifact={artifact}"]
        done = subprocess.run(
            [*command, f"-DoutputDirectory={arriving}"],
            capture_output=True,
            text=True,
            timeout=600,
            cwd=arriving,
        )
        if done.returncode:
            lines = (done.stdout + done.stderr).strip().splitlines() or ["no message"]
            raise ServerMissing(f"Maven could not fetch {artifact}: {lines[0]}")
        next(arriving.glob(f"*{kept.suffix}")).rename(kept)
    finally:
        shutil.rmtree(arriving)
    return kept


def unpack(folder: Path, release: Release = MAIN) -> Path:
    """Unpack a copy of the server into a folder, and answer its home."""
    shutil.unpack_archive(fetched(release.artifact, release.variable), folder)
    home = next(folder.glob(f"{release.family}-{release.version}*"))
    if release.family == OPENSEARCH:
        _add_modules(home, release)
    for program in (home / "bin").iterdir():
        program.chmod(0o755)
    return home


def _add_modules(home: Path, release: Release) -> None:
    """Add what every downloaded OpenSearch has and the artefact lacks: scripts, analyzers and vectors."""
    plugins = "org.opensearch.plugin"
    painless = (
        f"{plugins}:lang-painless:{release.version}",
        f"{plugins}:opensearch-scripting-painless-spi:{release.version}",
        ANTLR,
        *ASM,
    )
    rights = ("createClassLoader", "getClassLoader")
    kind = "Plugin" if release.version.startswith("2.") else "ModulePlugin"
    _add_module(home, release, "lang-painless", f"org.opensearch.painless.Painless{kind}", painless, rights)
    _add_module(
        home,
        release,
        "analysis-common",
        f"org.opensearch.analysis.common.CommonAnalysis{kind}",
        (f"{plugins}:analysis-common:{release.version}",),
        ("getClassLoader",),
        extends="lang-painless",
    )
    if release.with_knn:
        archive = fetched(f"{plugins}:opensearch-knn:{release.version}.0:zip", release.variable)
        shutil.unpack_archive(archive, home / "plugins" / "opensearch-knn")


def _add_module(
    home: Path,
    release: Release,
    name: str,
    main: str,
    artifacts: Sequence[str],
    rights: Sequence[str],
    *,
    extends: str = "",
) -> None:
    """Make a module of jars. main: its class. rights: of the runtime, which it needs."""
    folder = home / "modules" / name
    folder.mkdir()
    for artifact in artifacts:
        shutil.copy(fetched(artifact, release.variable), folder)
    described = {
        "description": name,
        "version": release.version,
        "name": name,
        "classname": main,
        "java.version": "11",
        "opensearch.version": release.version,
        "extended.plugins": extends,
        "has.native.controller": "false",
    }
    lines = "".join(f"{key}={value}\n" for key, value in described.items())
    (folder / "plugin-descriptor.properties").write_text(lines)
    granted = "".join(f'permission java.lang.RuntimePermission "{right}"; ' for right in rights)
    (folder / "plugin-security.policy").write_text(f"grant {{ {granted}}};\n")
