"""Items that are used together, over HTTP."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from enricher.library.library import library_store
from enricher.library.records import records_of
from enricher.library.training import LibrarySettings, train_library
from tests.gateway.conftest import Served, fill


@pytest.fixture(scope="module")
def folder(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the models."""
    return Path(shutil.copytree(models, tmp_path_factory.mktemp("library") / "models"))


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Served]:
    """A service without a library."""
    engine = f"tantivy:{folder.parent / 'index'}"
    fill(engine, folder)
    running = Served.start(folder, engine, folder.parent)
    yield running
    running.stop()


def test_maps_are_those_that_the_operator_lists(service: Served, folder: Path) -> None:
    """They are isolated from the service; no other file can be named, and the list is read anew."""
    assert service.ask("maps").json == {"maps": []}
    config, page = folder.parent / "enricher.toml", folder.parent / "map.html"
    page.write_text("<!doctype html><title>地图</title>", encoding="utf-8")
    config.write_text('[serve]\nmaps = ["map.html", "gone.html"]\n')
    assert service.ask("maps").json == {"maps": ["map.html", "gone.html"]}
    shown = service.ask("map", name="map.html")
    assert shown.body == page.read_bytes()
    assert shown.headers["Content-Security-Policy"] == "sandbox allow-scripts; frame-ancestors 'self'"
    for name, said in (("gone.html", "No such file"), ("enricher.toml", "no map"), ("./map.html", "no map")):
        missing = service.ask("map", name=name)
        assert missing.status == 404 and said in missing.json["error"]["reason"]
        assert missing.json["error"]["type"] == "map_not_found"
    config.unlink()


def train(folder: Path, *records: list[str]) -> None:
    """Make a library of records the active one."""
    store = library_store(folder)
    store.activate(train_library(store, records_of([*records] * 20), LibrarySettings()))


def test_a_new_library_is_taken_up(service: Served, folder: Path) -> None:
    """Without a restart; items are documents in a search with `also_read`."""
    missing = service.ask("similar", item="a")
    assert missing.status == 404 and "train one with" in missing.json["error"]["reason"]
    plain = service.ask("search", query="事务", top=30, **{"in": "docs"}).json
    found = [hit["id"] for hit in plain["hits"]]
    train(folder, [found[0], found[12]], ["a", "b"])
    assert service.ask("similar", item="a").json["read_together"][0]["item"] == "b"
    boosted = service.ask("search", query="事务", top=30, also_read=0.5, **{"in": "docs"}).json
    assert [hit["id"] for hit in boosted["hits"]].index(found[12]) < 3
    train(folder, ["a", "c"], ["b", "d"])
    answer = service.ask("similar", {"item": "a", "top": 1}).json
    assert (answer["read_together"][0]["item"], len(answer["alike"])) == ("c", 1)
    unknown = service.ask("similar", item=found[0])
    assert (unknown.status, unknown.json["error"]["type"]) == (404, "unknown_item")
    wrong = service.ask("search", query="事务", also_read=2, **{"in": "docs"})
    assert wrong.status == 400
    wrong = service.ask("search", query="事务", also_read=0.9, alike=0.9, **{"in": "docs"})
    assert wrong.status == 400 and "`also_read` and `alike` are shares" in wrong.json["error"]["reason"]
