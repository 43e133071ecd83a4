"""One node of a real Elasticsearch or OpenSearch, run by the tests."""

import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.server.distribution import ELASTICSEARCH, MAIN, OPENSEARCH, Release, ServerMissing, java_home

OTHER_USER = 65534
"""The server refuses to run as root; then it runs as this user, to whom its folders belong."""

STARTING = 240.0

TLS = {
    "xpack.security.http.ssl.enabled": "true",
    "xpack.security.http.ssl.key": "node.key",
    "xpack.security.http.ssl.certificate": "node.crt",
}


@dataclass(frozen=True)
class User:
    """A user of the file realm."""

    password: str
    roles: tuple[str, ...]


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _hashed(password: str) -> str:
    """The password as the file realm keeps it."""
    salt = os.urandom(32)
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 10_000, 32)
    parts = ["{PBKDF2}10000", base64.b64encode(salt).decode(), base64.b64encode(made).decode()]
    return "$".join(parts)


class Node:
    """A node with its own configuration, data, logs and ports; `home` may be shared by several.

    `settings` are added to those of a single node without security. `user` and `password` make
    a superuser of the file realm, and switch security on. `users` and `roles` are further ones. With
    `certificates`, a folder with ca.crt, node.crt and node.key, the node speaks HTTPS.
    """

    def __init__(
        self,
        home: Path,
        folder: Path,
        settings: Mapping[str, object] | None = None,
        *,
        user: str = "",
        password: str = "",
        heap: str = "512m",
        release: Release = MAIN,
        users: Mapping[str, User] | None = None,
        roles: Mapping[str, object] | None = None,
        certificates: Path | None = None,
    ) -> None:
        self.home = home
        self.folder = folder
        self.http_port = free_port()
        self.transport_port = free_port()
        self.url = f"http{'s' if certificates else ''}://127.0.0.1:{self.http_port}"
        self.user = user
        self.password = password
        self.users = {user: User(password, ("superuser",)), **(users or {})} if user else {}
        self.roles = roles or {}
        self.certificates = certificates
        self.heap = heap
        self.release = release
        self.settings = {
            "cluster.name": folder.name,
            "node.name": folder.name,
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": self.http_port,
            "transport.port": self.transport_port,
            "path.data": folder / "data",
            "path.logs": folder / "logs",
            "node.store.allow_mmap": "false",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            **self._security(),
            **(settings or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def _security(self) -> dict[str, object]:
        if self.release.family != ELASTICSEARCH:
            return {}
        tls = TLS if self.certificates else {}
        return {"xpack.security.enabled": "true" if self.user else "false", **tls}

    def start(self, *, wait: bool = True) -> None:
        """Start the node, for the first time or again on the same data."""
        if not self.folder.exists():
            self._furnish()
        options = [f"-E{name}={value}" for name, value in self.settings.items() if value is not None]
        with (self.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                [str(self.home / "bin" / self.release.family), *options],
                env=self._environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                start_new_session=True,
                **self._as_user(),  # type: ignore[call-overload]
            )
        if wait:
            self.wait()

    def wait(self) -> None:
        """Wait until the node answers."""
        deadline = time.monotonic() + STARTING
        while not self._answers():
            ended = self.process is None or self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.kill()
                last = (self.folder / "output.txt").read_text(errors="replace").strip().splitlines()[-5:]
                raise ServerMissing("The server did not start: " + " | ".join(last or ["it said nothing"]))
            time.sleep(0.3)

    def stop(self) -> None:
        """End the node in order, and wait for it."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the node as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, sign: signal.Signals) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            # The launcher and the server are one session of their own.
            os.killpg(self.process.pid, sign)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def _answers(self) -> bool:
        request = urllib.request.Request(f"{self.url}/_cluster/health?timeout=1s")
        if self.user:
            word = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {word}")
        try:
            with urllib.request.urlopen(request, timeout=5, context=self._trusting()) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _furnish(self) -> None:
        (self.folder / "tmp").mkdir(parents=True)
        shutil.copytree(self.home / "config", self.folder / "config")
        config = self.folder / "config"
        if self.release.family == OPENSEARCH:  # whose files of the runtime stand below its home else
            (self.folder / "logs").mkdir()
            options = (config / "jvm.options").read_text().replace("=logs/", f"={self.folder}/logs/")
            (config / "jvm.options").write_text(options)
        if self.users:
            lines = [f"{name}:{_hashed(user.password)}\n" for name, user in self.users.items()]
            (config / "users").write_text("".join(lines))
            held = [f"{role}:{name}\n" for name, user in self.users.items() for role in user.roles]
            (config / "users_roles").write_text("".join(held))
            described = [f"{name}: {json.dumps(role)}\n" for name, role in self.roles.items()]
            (config / "roles.yml").write_text("".join(described))
        if self.certificates:
            for name in ("node.crt", "node.key"):
                shutil.copy(self.certificates / name, config / name)
        self._own()

    def _trusting(self) -> ssl.SSLContext | None:
        if self.certificates is None:
            return None
        return ssl.create_default_context(cafile=str(self.certificates / "ca.crt"))

    def _own(self) -> None:
        if os.getuid() != 0:
            return
        for path in [self.folder, *self.folder.rglob("*")]:
            os.chown(path, OTHER_USER, OTHER_USER)

    def _as_user(self) -> dict[str, int]:
        return {"user": OTHER_USER, "group": OTHER_USER} if os.getuid() == 0 else {}

    def _environment(self) -> dict[str, str]:
        prefix = self.release.variables_prefix
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            f"{prefix}_JAVA_HOME": str(java_home(self.release)),
            f"{prefix}_JAVA_OPTS": f"-Xms{self.heap} -Xmx{self.heap}",
            f"{prefix}_PATH_CONF": str(self.folder / "config"),
            "CLI_JAVA_OPTS": f"-Djava.io.tmpdir={self.folder / 'tmp'}",
            f"{prefix}_TMPDIR": str(self.folder / "tmp"),
        }


def three_nodes(home: Path, folder: Path) -> list[Node]:
    """Three nodes of one cluster, started and joined."""
    made = [Node(home, folder / f"node-{number}") for number in range(3)]
    seeds = [f"127.0.0.1:{node.transport_port}" for node in made]
    for node in made:
        node.settings |= {
            "cluster.name": "three",
            "discovery.type": None,
            "discovery.seed_hosts": ",".join(seeds),
            "cluster.initial_master_nodes": ",".join(one.folder.name for one in made),
        }
        node.start(wait=False)
    for node in made:
        node.wait()
    request = f"{made[0].url}/_cluster/health?wait_for_nodes=3&timeout=60s"
    with urllib.request.urlopen(request, timeout=90) as answer:
        assert answer.status == 200
    return made
