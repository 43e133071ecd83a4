"""The console in a real browser: every view, both languages, light and dark, a wide and a narrow window."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from enricher.gateway.keys import new_key
from enricher.library.library import library_store, load_library
from enricher.library.maps.drawing import MapSettings, draw_map
from enricher.library.maps.page import page_of
from enricher.library.maps.points import points_of_pairs
from enricher.library.records import records_of
from enricher.library.training import LibrarySettings, train_library
from tests.browsers import needs_chromium
from tests.conftest import ROOT, RunCommand
from tests.gateway.conftest import Served, fill

WIDE, NARROW = (1280, 900), (390, 844)
JUDGED = "数据库 | d1 d7=2\ntide | d0\nqqqq 事务 | nothing"
pytestmark = needs_chromium


class Visitor:
    """A page of the console, and what went wrong in it."""

    def __init__(self, browser: Browser, url: str, language: str, scheme: str, size: tuple[int, int]) -> None:
        width, height = size
        self.context = browser.new_context(
            locale=language,
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": width, "height": height},
        )
        self.page: Page = self.context.new_page()
        self.faults: list[str] = []
        self.hosts: set[str] = set()
        self._url = f"{url}/_enricher/console"
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda line: self.faults.append(line.text) if line.type == "error" else None)
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))

    def open(self, view: str, **parameters: str) -> Page:
        """Show a view, and wait until it is there."""
        query = "&".join(f"{name}={quote(value)}" for name, value in parameters.items())
        self.page.goto("about:blank")
        self.page.goto(f"{self._url}#{view}?{query}")
        self.page.wait_for_selector(f"body[data-shown={view}]")
        return self.page


@pytest.fixture
def visitor(browser: Browser, served: Served) -> Iterator[Visitor]:
    """An English visitor with a wide window."""
    visitor = Visitor(browser, served.url, "en-US", "light", WIDE)
    yield visitor
    assert visitor.faults == []
    assert visitor.hosts <= {served.url.split("//")[1]}
    visitor.context.close()


def submit(page: Page, text: str) -> None:
    """Fill the first field of a view with a text, and send it."""
    page.locator("main input, main textarea").first.fill(text)
    page.locator("main button[type=submit]").click()


def test_both_searches_stand_side_by_side(visitor: Visitor, served: Served) -> None:
    """With what moved, each added term and its reason, and why others were not added."""
    page = visitor.open("search")
    expect(page.locator("#search-query")).to_be_focused()
    page.locator("#search-top").fill("5")
    submit(page, "数据库")
    page.wait_for_selector(".columns")
    found = served.ask("search", query="数据库", top=5, **{"in": "docs"}).json
    plain = served.ask("search", query="数据库", top=5, expansion="false", **{"in": "docs"}).json
    columns = page.locator(".columns > section")
    for place, answer in enumerate((plain, found)):
        titles = columns.nth(place).locator("h3").all_inner_texts()
        assert len(titles) == len(answer["hits"])
        for title, hit in zip(titles, answer["hits"], strict=True):
            assert title.startswith(hit["title"])
    moved = columns.nth(1).locator(".badge").all_inner_texts()
    before = [hit["id"] for hit in plain["hits"]]
    for rank, (hit, words) in enumerate(zip(found["hits"], moved, strict=True)):
        if hit["id"] not in before:
            assert words == "new"
        else:
            gained = before.index(hit["id"]) - rank
            assert words == (
                "same place" if not gained else f"▲ up {gained}" if gained > 0 else f"▼ down {-gained}"
            )
    added = [term for term in found["expansion"] if term["origin"] != "query"]
    table = page.get_by_role("region", name="What was added to the query")
    assert table.locator("tbody tr").count() == len({(one["term"], one["because"]) for one in added})
    assert added[0]["because"] in table.inner_text()
    page.locator("summary").click()
    assert page.get_by_role("region", name="Why other words were not added").locator("tbody tr").count()
    assert page.locator("mark:not(.added)").first.inner_text()
    terms = [{"term": "tide", "origin": "query"}, {"term": "moon", "origin": "expansion"}]
    kinds = page.evaluate(
        "async (terms) => { const { kindOfWord } = await import('./console/search.js');"
        " return ['Tides', 'Moons', 'other'].map((word) => kindOfWord(word, terms)); }",
        terms,
    )
    assert kinds == [None, "added", None]


def test_facets_filter_both_searches(visitor: Visitor) -> None:
    """A value is pressed, shown as a filter, kept in the address, and removed again."""
    page = visitor.open("search", query="tide", facet="topic")
    value = page.locator(".facet button").first
    name = value.inner_text().split()[0]
    value.click()
    expect(page.locator(".chips button")).to_have_text(f"topic={name} ×")
    expect(page.locator(".facet button")).to_have_count(1)
    assert f"filter=topic%3D{quote(name)}" in page.url
    page.reload()
    expect(page.locator(".facet button[aria-pressed=true]")).to_have_count(1)
    page.go_back()
    expect(page.locator(".facet button[aria-pressed=false]").first).to_be_visible()
    expect(page.locator(".chips button")).to_have_count(0)
    page.go_forward()
    expect(page.locator(".facet button[aria-pressed=true]")).to_have_count(1)
    page.locator("nav a", has_text="State").click()
    page.wait_for_selector("body[data-shown=state]")
    page.locator("nav a", has_text="Search").click()
    expect(page.locator(".facet button[aria-pressed=true]")).to_have_count(1)
    page.locator(".chips button").first.click()
    expect(page.locator(".chips button")).to_have_count(0)
    page.locator("#search-filter").fill("year>=2004")
    page.locator("#search-filter").press("Enter")
    expect(page.locator(".chips button")).to_have_text("year>=2004 ×")
    page.locator("#search-filter").fill("year")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#problem")).to_contain_text("year")
    visitor.faults.clear()  # the browser reports the answer 400 itself


BUSY = """
  const asked = window.fetch;
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  window.fetch = async (path, options) => {
    if (path === "indexes") await wait(400);
    return asked(path, options);
  };
  window.addEventListener("hashchange", async (event) => {
    if (event.isLate) return;
    event.stopImmediatePropagation();
    const late = new HashChangeEvent("hashchange");
    late.isLate = true;
    await wait(400);
    window.dispatchEvent(late);
  }, { capture: true });
"""
"""A busy browser: it tells the page of a new address 400 ms late, and asks for the indexes 400 ms late."""


def test_a_view_that_is_left_does_not_touch_the_address(visitor: Visitor) -> None:
    """Forward is pressed while the view that Back has asked for still waits for its indexes."""
    visitor.page.add_init_script(BUSY)
    page = visitor.open("search", query="tide", facet="topic")
    page.locator(".facet button").first.click()
    expect(page.locator(".chips button")).to_have_count(1)
    filtered = page.url
    page.evaluate("history.back(); setTimeout(() => history.forward(), 600)")
    page.wait_for_timeout(2000)
    assert page.url == filtered
    expect(page.locator(".facet button[aria-pressed=true]")).to_have_count(1)


def test_a_word_has_neighbors_related_words_and_senses(visitor: Visitor, served: Served) -> None:
    """Each can be looked up in turn; for an unknown word others are suggested."""
    page = visitor.open("words")
    submit(page, "数据库")
    page.wait_for_selector(".graph")
    neighbors = served.ask("neighbors", word="数据库").json["neighbors"]
    lists = page.locator(".scored")
    assert lists.nth(0).locator("button").all_inner_texts() == [one["word"] for one in neighbors]
    related = served.ask("related", word="数据库").json["related"]
    assert lists.nth(1).locator("button").all_inner_texts() == [one["word"] for one in related]
    assert page.locator(".graph").get_attribute("aria-label").startswith("The senses of 数据库: ")
    lists.nth(0).locator("button").first.click()
    expect(page.locator(".graph .middle")).to_have_text(neighbors[0]["word"])
    page.locator("#words-word").fill("数")
    expect(page.locator("#known-words option").first).to_be_attached()
    submit(page, "数据苦")
    expect(page.get_by_text("Did you mean:")).to_be_visible()
    page.locator(".results button").first.click()
    page.wait_for_selector(".graph")
    visitor.faults.clear()  # the browser reports the answer 404 itself


def test_a_text_has_keywords(visitor: Visitor, served: Served) -> None:
    """The longest bar is the best one; a text without words has none."""
    page = visitor.open("keywords")
    text = "数据库的事务和索引。事务保证一致。"
    submit(page, text)
    page.wait_for_selector(".scored")
    keywords = served.ask("keywords", text=text, top=15).json["keywords"]
    assert page.locator(".scored li > span:first-child").all_inner_texts() == [
        one["text"] for one in keywords
    ]
    submit(page, "!!")
    expect(page.get_by_text("The text has no keyword.")).to_be_visible()


def test_judged_queries_become_a_picture(visitor: Visitor) -> None:
    """A bar for each query; a click shows both rankings; a wrong line is named."""
    page = visitor.open("evaluation")
    submit(page, "no separator")
    expect(page.locator("#problem")).to_have_text("Line 1 has no query and ids, separated by a tab or |.")
    submit(page, JUDGED)
    page.wait_for_selector(".gains")
    assert page.locator(".gains rect").count() == 3
    assert "nDCG@10" in page.get_by_role("region", name="3 queries").inner_text()
    page.locator(".gains rect").first.click(force=True)
    expect(page.locator(".ranking")).to_have_count(2)
    page.locator(".chips button", has_text="数据库").click()
    expect(page.get_by_role("heading", name="Rankings of 数据库")).to_be_visible()


def test_the_state_shows_models_indexes_and_jobs(
    browser: Browser, models: Path, tmp_path: Path, run: RunCommand
) -> None:
    """A job appears by itself."""
    engine = f"tantivy:{tmp_path / 'index'}"
    fill(engine, models)
    service = Served.start(models, engine, tmp_path)
    visitor = Visitor(browser, service.url, "en-US", "light", WIDE)
    page = visitor.open("state")
    expect(page.locator(".notice").last).to_contain_text("Ready · tantivy")
    expect(page.get_by_role("region", name="Indexes")).to_contain_text("docs")
    expect(page.get_by_text("There are no jobs.")).to_be_visible()
    done = run("--models", models, "--engine", engine, "reindex", "start", "docs", "--to", "shown")
    assert done.returncode == 0, done.stderr
    expect(page.get_by_role("region", name="Reindex jobs")).to_contain_text("100 %", timeout=20_000)
    assert visitor.faults == []
    visitor.context.close()
    service.stop()


def test_documents_are_shown_as_text(browser: Browser, models: Path, tmp_path: Path, run: RunCommand) -> None:
    """Markup in a document is no markup of the page."""
    engine = f"tantivy:{tmp_path / 'index'}"
    bad = "<img src=x onerror=alert(1)> 数据库 <script>alert(2)</script>"
    (tmp_path / "bad.jsonl").write_text(json.dumps({"id": "<b>1</b>", "title": bad, "text": bad}))
    done = run("--models", models, "--engine", engine, "index", tmp_path / "bad.jsonl", "--to", "bad")
    assert done.returncode == 0, done.stderr
    service = Served.start(models, engine, tmp_path)
    visitor = Visitor(browser, service.url, "en-US", "light", WIDE)
    page = visitor.open("search", query="数据库 <img>", facet="title")
    page.wait_for_selector(".columns")
    assert page.locator("main img, main script, main b").count() == 0
    assert "<img src=x" in page.locator("h3").first.inner_text()
    assert visitor.faults == []
    visitor.context.close()
    service.stop()


def test_it_asks_for_an_api_key(browser: Browser, models: Path, tmp_path: Path) -> None:
    """The page is open to all; what it asks the service is not."""
    engine = f"tantivy:{tmp_path / 'index'}"
    fill(engine, models)
    key, line = new_key("people")
    (tmp_path / "keys").write_text(line)
    (tmp_path / "enricher.toml").write_text(f'[serve]\napi_keys = "{tmp_path / "keys"}"\n')
    service = Served.start(models, engine, tmp_path)
    visitor = Visitor(browser, service.url, "zh-CN", "light", WIDE)
    page = visitor.open("search", query="数据库")
    expect(page.locator("#key-form")).to_be_visible()
    page.locator("#key").fill("wrong")
    page.get_by_role("button", name="使用").click()
    expect(page.locator("#problem")).to_contain_text("not valid")
    page.locator("#key").fill(key)
    page.get_by_role("button", name="使用").click()
    page.wait_for_selector(".columns")
    page = visitor.open("state")
    expect(page.get_by_text("没有任务。")).to_be_visible()
    assert key not in page.url
    visitor.context.close()
    service.description = {"paths": {}, "components": {"schemas": {"ErrorAnswer": {}}}}
    assert service.ask("console/nothing.js").status == 404
    assert service.ask("console/..%2fsearch", query="x").status in (401, 404)
    assert key not in service.stop()


def test_items_that_go_together_and_maps(browser: Browser, models: Path, tmp_path: Path) -> None:
    """A click looks an item up; a map runs in a frame, also where the service asks for a key."""
    folder = Path(shutil.copytree(models, tmp_path / "models"))
    records = records_of([["红楼梦", "水浒传", "西游记"], ["tide", "wave", "reef"], ["红楼梦", "水浒传"]] * 9)
    store = library_store(folder)
    store.activate(train_library(store, records, LibrarySettings()))
    library = load_library(folder)
    points = points_of_pairs(library.items, np.asarray(library.word2vec.counts, float), library.pairs)
    drawn = draw_map(points, MapSettings(compare=False))
    (tmp_path / "books.html").write_bytes(page_of(drawn, "Books"))
    key, line = new_key("people")
    (tmp_path / "keys").write_text(line)
    serve = f'[serve]\nmaps = ["books.html"]\napi_keys = "{tmp_path / "keys"}"\n'
    (tmp_path / "enricher.toml").write_text(serve)
    service = Served.start(folder, f"tantivy:{tmp_path / 'index'}", tmp_path)
    visitor = Visitor(browser, service.url, "en-US", "dark", WIDE)
    page = visitor.open("library", item="红楼梦")
    page.locator("#key").fill(key)
    page.get_by_role("button", name="Use").click()
    lists = page.locator(".results .scored")
    expect(lists.nth(0).locator("button").first).to_have_text("水浒传")
    frame = page.frame_locator("iframe.map")
    expect(frame.locator("#title")).to_have_text("Books")
    expect(frame.locator("canvas")).to_have_attribute("aria-label", "Map of 6 items")
    visitor.faults.clear()  # the browser reports the answers 401 itself
    lists.nth(0).locator("button").first.click()
    expect(page.locator("#library-item")).to_have_value("水浒传")
    submit(page, "红楼")
    expect(page.locator("#problem")).to_contain_text("Closest names: 红楼梦")
    page.screenshot(path=ROOT / "build" / "console" / "library-map.png", full_page=True)
    assert [one for one in visitor.faults if "404" not in one] == []
    visitor.context.close()
    service.stop()


@pytest.mark.parametrize(
    ("language", "scheme", "size"),
    [
        ("en-US", "light", WIDE),
        ("zh-CN", "dark", WIDE),
        ("zh-CN", "light", NARROW),
        ("en-US", "dark", NARROW),
    ],
)
def test_every_view_is_accessible(
    browser: Browser, served: Served, language: str, scheme: str, size: tuple[int, int]
) -> None:
    """No violation that axe finds, nothing wider than the window, and screenshots in build/console."""
    visitor = Visitor(browser, served.url, language, scheme, size)
    folder = ROOT / "build" / "console"
    folder.mkdir(parents=True, exist_ok=True)
    for view, parameters in (
        ("search", {"query": "珊瑚礁 tide", "facet": "topic"}),
        ("keywords", {}),
        ("words", {"word": "数据库"}),
        ("library", {}),
        ("evaluation", {}),
        ("state", {}),
    ):
        page = visitor.open(view, **parameters)
        if view == "keywords":
            submit(page, "数据库的事务和索引")
            page.wait_for_selector(".scored")
        if view == "evaluation":
            submit(page, JUDGED)
            page.locator(".results .chips button").first.click()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
        page.screenshot(path=folder / f"{view}-{language}-{scheme}-{size[0]}.png", full_page=True)
        assert page.locator("html").get_attribute("lang") == ("zh-CN" if language == "zh-CN" else "en")
    visitor.context.close()


def test_language_theme_and_keyboard(visitor: Visitor) -> None:
    """The choices stay; the page can be used without a mouse."""
    page = visitor.open("search")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("h1")).to_have_text("搜索")
    colour = "getComputedStyle(document.body.parentElement).backgroundColor"
    light = page.evaluate(colour)
    page.locator("#theme").click()
    assert page.evaluate(colour) != light
    page.reload()
    expect(page.locator("h1")).to_have_text("搜索")
    assert page.evaluate(colour) != light
    page = visitor.open("state")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("nav a").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-shown=search]")
    page.locator("nav a").first.focus()
    page.keyboard.press("/")
    expect(page.locator("#search-query")).to_be_focused()
    page.keyboard.type("tide")
    page.keyboard.press("Enter")
    page.wait_for_selector(".columns")


def test_all_texts_are_in_both_languages() -> None:
    """And every text that the scripts name is there."""
    pages = ROOT / "enricher" / "gateway" / "pages"
    source = (pages / "texts.js").read_text()
    english, chinese = source[source.index("en: {") : source.index("zh: {")], source[source.index("zh: {") :]
    key = re.compile(r'(?:^|[\s,{])"?([a-z][a-z.]*)"?: "')
    names = set(key.findall(english))
    assert names == set(key.findall(chinese)) and len(names) > 80
    used = set()
    for file in pages.glob("*.js"):
        used |= set(re.findall(r'text\("([a-z.]+)"', file.read_text()))
    used |= set(re.findall(r'data-text="([a-z.]+)"', (pages / "index.html").read_text()))
    assert used <= names and len(used) > 70
