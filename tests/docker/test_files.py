"""The files that start the service: they are valid, safe, and fit the program and each other."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import compose_spec
import kubernetes_validate
import pytest
import yaml

from enricher.settings import SETTINGS, read_configuration
from tests.conftest import ROOT, RunCommand
from tests.docker.dockerfile import copied, instructions

DOCKER = ROOT / "docker"
COMPOSE_FILES = ("compose.yaml", "compose.elasticsearch.yaml")
MANIFESTS = sorted((DOCKER / "kubernetes").glob("*.yaml"))
UNIT = DOCKER / "search-enricher.service"
LOCK = re.compile(r"([a-z0-9-]+)==[\w.]+")
KUBERNETES = ("1.31", "1.37")
"""The oldest and the newest version whose schemas the manifests must fit."""


def _arguments(name: str) -> list[str]:
    return [text for found, text in instructions() if found == name]


def _variables() -> set[str]:
    """All environment variables of the program."""
    return {name for one in SETTINGS for name in (one.variable, one.secret) if name}


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


# ---------------------------------------------------------------------- Dockerfile


def test_the_linter_finds_nothing_in_the_dockerfile() -> None:
    """hadolint, which also checks the shell commands."""
    linter = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([linter, DOCKER / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_dockerfile_only_runs_scripts_and_copies_what_is_there() -> None:
    """And nothing that is copied is left out of the context."""
    context = (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert context[0] == "*"
    available = {line.removeprefix("!") for line in context if line.startswith("!")}
    for text in _arguments("COPY"):
        sources, _, stage = copied(text)
        for source in sources:
            assert stage is not None or (ROOT / source).exists(), source
            assert stage is not None or source.partition("/")[0] in available, source
    scripts = [shlex.split(part)[0] for text in _arguments("RUN") for part in text.split("&&")]
    assert len(scripts) == 4
    for script in scripts:
        file = DOCKER / Path(script).name
        assert file.stat().st_mode & 0o111, script
        assert subprocess.run(["sh", "-n", str(file)], check=False).returncode == 0


def test_the_image_is_small_and_its_user_is_not_root() -> None:
    """The last stage has no compiler, and a health check."""
    names = [name for name, _ in instructions()]
    assert all("slim" in text for text in _arguments("FROM")) and len(_arguments("FROM")) == 2
    assert names.index("USER") > max(place for place, name in enumerate(names) if name in ("RUN", "COPY"))
    (user,) = _arguments("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert {"HEALTHCHECK", "ENTRYPOINT", "VOLUME"} <= set(names)
    assert re.search(r"--from=build", " ".join(_arguments("COPY")))


def test_the_image_has_the_versions_that_are_tested() -> None:
    """Its lock has every dependency, at the version of the development's lock, and no registry."""
    lines = (DOCKER / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert all(LOCK.fullmatch(line) for line in lines)
    assert set(lines) <= set((ROOT / "requirements-dev.lock").read_text(encoding="utf-8").splitlines())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[^\w-]", one, maxsplit=1)[0].lower() for one in project["dependencies"]}
    locked = {line.partition("==")[0] for line in lines}
    assert needed <= locked
    assert set((DOCKER / "training-only.txt").read_text(encoding="utf-8").split()) < locked


# ---------------------------------------------------------------------- compose


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_a_compose_file_follows_the_specification(name: str) -> None:
    """And the check refuses a wrong key."""
    text = (DOCKER / name).read_text(encoding="utf-8")
    assert "enricher" in compose_spec.PyCompose.from_yaml(text).service_names()
    with pytest.raises(ValueError, match="read_onli"):
        compose_spec.PyCompose.from_yaml(text.replace("restart:", "read_onli:"))


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_every_container_has_limits_a_health_check_and_no_secret(name: str) -> None:
    """The health check of the service is in its image. Secrets come from the environment."""
    document = _load(DOCKER / name)
    base = _load(DOCKER / COMPOSE_FILES[0])["services"]["enricher"]
    for title, written in document["services"].items():
        service = base | written if "extends" in written else written
        assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"]), title
        assert "no-new-privileges:true" in service["security_opt"]
        assert title == "enricher" or service["healthcheck"]["test"]
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable or "KEY" in variable:
                assert value.startswith("${") and ":?" in value, variable
            assert not variable.startswith("ENRICHER_") or variable in _variables()
        for mount in service["volumes"]:
            assert mount.partition(":")[0] in document["volumes"], mount
    assert base["read_only"] is True and base["tmpfs"] and base["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in base["ports"]), "published to this machine alone"
    build = base["build"]
    assert (DOCKER / build["context"] / build["dockerfile"]).resolve() == DOCKER / "Dockerfile"


# ---------------------------------------------------------------------- Kubernetes


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_fits_the_schema_of_kubernetes(path: Path, version: str) -> None:
    """Strictly: unknown keys are refused."""
    manifest = _load(path)
    kubernetes_validate.validate(manifest, version, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest | {"sepc": {}}, version, strict=True)


def test_the_manifests_fit_each_other_and_the_image(tmp_path: Path) -> None:
    """Names, ports, paths, user and configuration; and the pod is as closed as it can be."""
    found = {manifest["kind"]: manifest for manifest in map(_load, MANIFESTS)}
    assert set(found) == {"ConfigMap", "Deployment", "PersistentVolumeClaim", "Service"}
    template = found["Deployment"]["spec"]["template"]
    pod, (container,) = template["spec"], template["spec"]["containers"]
    selector = template["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == selector
    assert found["Service"]["spec"]["selector"] == selector
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert sorted(ports.values()) == sorted(map(int, " ".join(_arguments("EXPOSE")).split()))
    assert found["Service"]["spec"]["ports"][0]["targetPort"] in ports
    for probe, endpoint in (
        ("startupProbe", "livez"),
        ("livenessProbe", "livez"),
        ("readinessProbe", "readyz"),
    ):
        assert container[probe]["httpGet"] == {"path": f"/_enricher/{endpoint}", "port": "http"}
    assert {"requests", "limits"} <= set(container["resources"])
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" in _arguments(
        "USER"
    )
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: volumes.pop(mount["name"]) for mount in container["volumeMounts"]}
    assert (
        not volumes
        and mounts["/data"]["persistentVolumeClaim"]["claimName"]
        == (found["PersistentVolumeClaim"]["metadata"]["name"])
    )
    assert mounts["/configuration"]["configMap"]["name"] == found["ConfigMap"]["metadata"]["name"]
    assert mounts["/secrets"]["secret"]["secretName"] == "search-enricher"
    for variable in container["env"]:
        assert variable["name"] in _variables()
        assert "valueFrom" not in variable, "secrets are files"
    (tmp_path / "enricher.toml").write_text(found["ConfigMap"]["data"]["enricher.toml"], encoding="utf-8")
    assert read_configuration(tmp_path / "enricher.toml").serve.api_keys == "/secrets/api-keys"
    grace = pod["terminationGracePeriodSeconds"]
    assert grace >= 30 + int(container["lifecycle"]["preStop"]["exec"]["command"][1])


# ---------------------------------------------------------------------- systemd


def _unit() -> list[tuple[str, str]]:
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    return [(name, value) for name, _, value in (line.partition("=") for line in lines if "=" in line[1:])]


def test_the_unit_starts_a_command_that_the_program_knows(run: RunCommand, models: Path) -> None:
    """Its options are accepted, up to where it would listen."""
    (command,) = [value for name, value in _unit() if name == "ExecStart"]
    program, *words = shlex.split(command)
    assert program.endswith("/bin/enricher")
    free = ("--check", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
    done = run("--models", models, *words, *free)
    assert done.returncode == 0 and "Ready to serve" in done.stdout


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """With a program in the place of the installed one; it is also rated as well protected."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed.")
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", text), encoding="utf-8")
    done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and unit.name not in done.stderr, done.stderr
    rating = [analyze, "security", "--offline=true", "--threshold=25", str(unit)]
    done = subprocess.run(rating, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
