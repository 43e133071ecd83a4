"""The settings, the health check and the variables of docker/compose.elasticsearch.yaml, on a real node."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, RunCommand
from tests.server.distribution import MAIN
from tests.server.node import Node

USER, PASSWORD = "keeper", "right-password"


def test_the_node_of_the_compose_file_becomes_healthy_and_lets_the_service_in(
    server_home: Path, server_folder: Path, run: RunCommand, models: Path
) -> None:
    """With security on and HTTP; the check needs no password, and fails while the node is away."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed.")
    text = (ROOT / "docker" / "compose.elasticsearch.yaml").read_text(encoding="utf-8")
    services = yaml.safe_load(text)["services"]
    server, service = services["elasticsearch"], services["enricher"]
    assert server["image"] == f"elasticsearch:{MAIN.version}"
    settings = {name: value for name, value in server["environment"].items() if name != "ELASTIC_PASSWORD"}
    node = Node(server_home, server_folder / "node-compose", settings, user=USER, password=PASSWORD)
    command = server["healthcheck"]["test"]
    assert "http://127.0.0.1:9200" in command
    check = ["sh", "-c", command.replace("http://127.0.0.1:9200", node.url)]
    assert subprocess.run(check, check=False).returncode == 1
    node.start()
    try:
        assert subprocess.run(check, check=False).returncode == 0
        changed = {"ENRICHER_ENGINE": node.url, "ENRICHER_USER": USER, "ENRICHER_PASSWORD": PASSWORD}
        assert changed.keys() == service["environment"].keys()
        free = ("--check", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
        done = run("--models", models, "serve", *free, **changed)
        assert done.returncode == 0, done.stderr
        refused = run("--models", models, "serve", *free, **changed | {"ENRICHER_PASSWORD": "left-password"})
        assert refused.returncode == 1 and "left-password" not in refused.stderr
    finally:
        node.stop()
