"""HTTPS and API keys: who is answered, and what changes without a restart."""

import json
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from enricher.errors import ConfigurationError
from enricher.gateway.keys import ApiKeys, new_key
from tests.conftest import RunCommand
from tests.gateway.conftest import Served, fill
from tests.server.certificates import Authority, fingerprint


def configured(folder: Path, **settings: object) -> Path:
    """A file enricher.toml with the table [serve]."""
    lines = [f"{name} = {json.dumps(str(value))}" for name, value in settings.items()]
    path = folder / "enricher.toml"
    path.write_text("\n".join(["[serve]", *lines]))
    return path


def test_every_request_needs_a_key(models: Path, tmp_path: Path, run: RunCommand) -> None:
    """But those of probes; a key that is added or removed counts at once, and no key stands in the log."""
    fill(f"tantivy:{tmp_path / 'index'}", models)
    done = run("serve", "--new-key", "shop")
    first, line = done.stdout.strip(), done.stderr.strip().splitlines()[-1]
    second, other = new_key("other")
    (tmp_path / "keys").write_text(f"# keys\n{line}\n")
    configured(tmp_path, api_keys=tmp_path / "keys")
    served = Served.start(models, f"tantivy:{tmp_path / 'index'}", tmp_path)
    served.description = {"paths": {}, "components": {"schemas": {"ErrorAnswer": {}}}}
    for headers in (
        {},
        {"Authorization": "ApiKey wrong"},
        {"Authorization": first},
        {"Authorization": "Basic YTpi"},
    ):
        refused = served.ask("search", query="事务", headers=headers, **{"in": "docs"})
        assert (refused.status, refused.json["error"]["type"]) == (401, "no_key")
        assert refused.headers["WWW-Authenticate"] == "ApiKey"
    assert served.ask("metrics", base=served.admin).status == 401
    assert served.ask("livez").status == served.ask("readyz").status == 200
    for scheme in ("ApiKey", "apikey", "Bearer"):
        with_key = {"Authorization": f"{scheme} {first}"}
        assert served.ask("search", query="事务", headers=with_key, **{"in": "docs"}).status == 200
    assert served.ask("metrics", base=served.admin, headers=with_key).status == 200
    (tmp_path / "keys").write_text(f"{other}\n")
    assert served.ask("models", headers=with_key).status == 401
    assert served.ask("models", headers={"Authorization": f"ApiKey {second}"}).status == 200
    (tmp_path / "keys").write_text("nonsense\n")
    assert served.ask("models", headers={"Authorization": f"ApiKey {second}"}).status == 200
    log = served.stop()
    assert first not in log and second not in log


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "has no key"), ("name\n", "Line 1"), ("# x\nname abc\n", "Line 2"), ("\xff", "not UTF-8")],
)
def test_a_wrong_file_of_keys_is_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    """As is a missing one, and a name that is no word."""
    path = tmp_path / "keys"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=said):
        ApiKeys(path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        ApiKeys(tmp_path / "none")
    with pytest.raises(ConfigurationError, match="only letters"):
        new_key("a b")


def test_https_with_a_certificate_that_is_replaced(models: Path, tmp_path: Path) -> None:
    """New connections get the new certificate; a broken file changes nothing."""
    fill(f"tantivy:{tmp_path / 'index'}", models)
    authority = Authority(tmp_path / "authority")
    made = [authority.issue(f"server{number}", "IP:127.0.0.1") for number in range(2)]
    certificate, key = tmp_path / "used.crt", tmp_path / "used.key"

    def use(number: int) -> None:
        key.write_bytes(made[number].with_suffix(".key").read_bytes())
        certificate.write_bytes(made[number].read_bytes())

    use(0)
    configured(tmp_path, certificate=certificate, key=key)
    served = Served.start(models, f"tantivy:{tmp_path / 'index'}", tmp_path)
    assert served.url.startswith("https://") and served.admin.startswith("https://")
    context = ssl.create_default_context(cafile=str(authority.certificate))
    address = served.url.removeprefix("https://").split(":")

    def seen() -> str:
        url = f"{served.url}/_enricher/livez"
        with urllib.request.urlopen(url, timeout=30, context=context) as answer:
            assert answer.status == 200
        text = ssl.get_server_certificate((address[0], int(address[1])), ca_certs=str(authority.certificate))
        (tmp_path / "seen.crt").write_text(text)
        return fingerprint(tmp_path / "seen.crt")

    assert seen() == fingerprint(made[0])
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{served.url}/_enricher/livez", timeout=30)
    certificate.write_text("broken")
    time.sleep(3)
    assert seen() == fingerprint(made[0])
    use(1)
    deadline = time.monotonic() + 30
    while seen() != fingerprint(made[1]):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    served.stop()


@pytest.mark.parametrize("files", [("none.crt", "none.key"), ("broken", None), ("server.crt", "other.key")])
def test_a_wrong_certificate_is_a_sentence(
    run: RunCommand, models: Path, tmp_path: Path, files: tuple[str, str | None]
) -> None:
    """Missing, broken, or with the key of another; before anything is served."""
    authority = Authority(tmp_path / "authority")
    authority.issue("server", "IP:127.0.0.1")
    authority.issue("other", "IP:127.0.0.1")
    (authority.folder / "broken").write_text("broken")
    settings = dict(zip(("certificate", "key"), files, strict=True))
    config = configured(
        tmp_path, **{name: authority.folder / file for name, file in settings.items() if file}
    )
    done = run("--models", models, "--config", config, "serve", "--check")
    assert done.returncode == 2 and "cannot be used" in done.stderr and files[0] in done.stderr


def test_an_expired_certificate_is_said(run: RunCommand, models: Path, tmp_path: Path) -> None:
    """By the check, and by the log of the service, which serves all the same until a new one is there."""
    fill(f"tantivy:{tmp_path / 'index'}", models)
    authority = Authority(tmp_path / "authority")
    expired = authority.issue("expired", "IP:127.0.0.1", days=-1)
    valid = authority.issue("valid", "IP:127.0.0.1")
    used = tmp_path / "used.pem"

    def use(made: Path) -> None:
        used.write_bytes(made.read_bytes() + made.with_suffix(".key").read_bytes())

    use(expired)
    config = configured(tmp_path, certificate=used)
    done = run("--models", models, "--config", config, "serve", "--check")
    assert done.returncode == 2 and "has expired" in done.stderr and str(used) in done.stderr
    served = Served.start(models, f"tantivy:{tmp_path / 'index'}", tmp_path)
    context = ssl.create_default_context(cafile=str(authority.certificate))
    url = f"{served.url}/_enricher/livez"
    with pytest.raises(urllib.error.URLError, match="expired"):
        urllib.request.urlopen(url, timeout=30, context=context)
    use(valid)
    for _ in range(150):
        try:
            assert urllib.request.urlopen(url, timeout=30, context=context).status == 200
            break
        except urllib.error.URLError:
            time.sleep(0.2)
    (fault,) = (line for line in map(json.loads, served.stop().splitlines()) if "reason" in line)
    assert fault["event"] == "certificate_fault" and "has expired" in fault["reason"]
