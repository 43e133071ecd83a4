"""Read the Dockerfile, and carry out its instructions in a folder, without a container engine."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT

DOCKERFILE = ROOT / "docker" / "Dockerfile"
ABSOLUTE = re.compile(r"(?<![\w$.:/])/(?=\w)")
"""The first slash of an absolute path in a command."""
COPY_OPTION = re.compile(r"--(\w+)=(\S+)")


def instructions() -> Iterator[tuple[str, str]]:
    """Name and arguments of every instruction, with continued lines joined."""
    text = DOCKERFILE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, arguments = line.partition(" ")
            yield name, " ".join(arguments.split())


def copied(arguments: str) -> tuple[list[str], str, str | None]:
    """Sources, destination, and the stage that is copied from, of a COPY."""
    options = dict(COPY_OPTION.findall(arguments))
    assert options.keys() <= {"from"}
    *sources, destination = COPY_OPTION.sub("", arguments).split()
    return sources, destination, options.get("from")


@dataclass
class Image:
    """What the instructions leave: a folder in the place of `/`, and how a container is started.

    path: folders that are searched for programs before those of the machine. Both stages share the folder, so
    an installation stays where it was made; every run starts from the working folder of its stage.
    """

    root: Path
    path: str
    arguments: Mapping[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = Path("/")
    user: int = 0
    entry: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    @classmethod
    def build(cls, root: Path, python: Path, **arguments: str) -> "Image":
        """Carry out all instructions. python: stands for that of the base image."""
        image = cls(root, f"{root}/usr/local/bin{os.pathsep}{python.parent}", arguments)
        for name, text in instructions():
            getattr(image, f"_{name.lower()}")(text)
        return image

    def place(self, path: str) -> Path:
        """A path of the image, which may be relative to its working folder."""
        return self.root / path.removeprefix("/") if path.startswith("/") else self.folder / path

    def variables(self, **more: str) -> dict[str, str]:
        """The environment of a process of the image."""
        path = f"{self.path}{os.pathsep}{os.environ['PATH']}"
        passed = {name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_")}
        own = {name: ABSOLUTE.sub(f"{self.root}/", value) for name, value in self.environment.items()}
        own["PATH"] = own.get("PATH", "$PATH").replace("$PATH", path)
        return passed | own | more

    def _from(self, text: str) -> None:
        self.environment, self.folder, self.user = {}, self.root, 0

    def _arg(self, text: str) -> None:
        name, _, default = text.partition("=")
        self.environment[name] = self.arguments.get(name, default)

    def _env(self, text: str) -> None:
        self.environment |= dict(pair.split("=", 1) for pair in shlex.split(text))

    def _workdir(self, text: str) -> None:
        self.folder = self.place(text)
        self.folder.mkdir(parents=True, exist_ok=True)

    def _copy(self, text: str) -> None:
        sources, destination, stage = copied(text)
        target = self.place(destination)
        for source in sources:
            if stage is not None:
                assert self.place(source) == target and target.exists(), "a stage is copied to the same place"
                continue
            into = target / Path(source).name if destination.endswith("/") else target
            into.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, into, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, target)

    def _run(self, text: str) -> None:
        command = ABSOLUTE.sub(f"{self.root}/", text)
        done = subprocess.run(
            ["sh", "-c", command], cwd=self.folder, env=self.variables(), capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"

    def _user(self, text: str) -> None:
        self.user = int(text.partition(":")[0])

    def _command(self, text: str) -> list[str]:
        first, *others = re.findall(r'"([^"]*)"', text)
        return [str(self.place(first)), *others]

    def _entrypoint(self, text: str) -> None:
        self.entry = self._command(text)

    def _healthcheck(self, text: str) -> None:
        self.health = self._command(text.partition("CMD ")[2])

    def _volume(self, text: str) -> None:
        (folder,) = re.findall(r'"([^"]*)"', text)
        assert self.place(folder).stat().st_uid != 0, "the user owns the volume"

    def _expose(self, text: str) -> None:
        assert text == "9280 9281"
