"""The page of a map in a real browser: both themes, both languages, a wide and a narrow window."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from enricher.library.maps.drawing import PCA, TSNE, Map
from enricher.library.maps.groups import groups_of
from enricher.library.maps.page import data_of, page_of
from enricher.library.maps.points import Points
from enricher.library.maps.quality import Quality
from enricher.library.maps.regions import find_regions
from tests.browsers import needs_chromium
from tests.conftest import ROOT

WIDE, NARROW = (1280, 900), (390, 844)
HOSTILE = (
    "</script><script>window.broken = 1</script>",
    '<img src="x" onerror="window.broken = 1">',
    "{{script}} <!-- \u2028 & ' \\",
    "__proto__",
)
KINDS = ("小说", "poetry", "<b>law</b>")


def drawn_map(number: int) -> Map:
    """A map of items in three categories; the first four have names that are no good for a page."""
    generator = np.random.default_rng(3)
    kinds = np.arange(number) % len(KINDS)
    middles = np.array([[0.6, 0.4], [-0.6, 0.3], [0.0, -0.5]])[kinds]
    places = np.clip(middles + generator.normal(0, 0.12, (number, 2)), -1, 1)
    names = [*HOSTILE, *(f"红楼梦 volume {n}" for n in range(number - len(HOSTILE)))]
    categories = [KINDS[kind] for kind in kinds]
    points = Points("items", names, np.arange(number, 0, -1.0), categories=categories)
    regions, _ = find_regions(points, places, seed=1)
    quality = {TSNE: Quality(0.412, 0.934), PCA: Quality(0.103, 0.712)}
    return Map(points, places, {}, regions, groups_of(categories), quality, 30.0, 1, {})


class Reader:
    """An open page, and what went wrong in it."""

    def __init__(
        self, browser: Browser, file: Path, language: str, scheme: str, size: tuple[int, int]
    ) -> None:
        self.context = browser.new_context(
            locale=language,
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": size[0], "height": size[1]},
            has_touch=size == NARROW,
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda line: self.faults.append(line.text) if line.type == "error" else None)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("body[data-drawn]")

    def close(self) -> None:
        """Close it; nothing went wrong, and nothing but the file was asked for."""
        assert self.faults == []
        assert all(url.startswith(("file:", "data:")) for url in self.requests), self.requests
        assert self.page.evaluate("window.broken") is None
        self.context.close()

    def pixels(self, color: str) -> int:
        """How many pixels of the map have a color of the legend, by the name of its variable."""
        count: int = self.page.evaluate(
            """async (name) => {
                await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
                const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
                const wanted = [1, 3, 5].map((at) => parseInt(value.slice(at, at + 2), 16));
                const map = document.getElementById("map");
                const { data } = map.getContext("2d").getImageData(0, 0, map.width, map.height);
                let found = 0;
                for (let i = 0; i < data.length; i += 4)
                    if (wanted.every((part, at) => Math.abs(data[i + at] - part) < 40)) found += 1;
                return found;
            }""",
            color,
        )
        return count


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 300 items."""
    path = tmp_path_factory.mktemp("map") / "map.html"
    path.write_bytes(page_of(drawn_map(300), "Items & <i>maps</i>"))
    return path


@pytest.fixture
def reader(browser: Browser, file: Path) -> Iterator[Reader]:
    """An English reader with a wide window."""
    reader = Reader(browser, file, "en-US", "light", WIDE)
    yield reader
    reader.close()


def test_a_page_needs_nothing_else() -> None:
    """It names no host and no file, and its policy allows its own script and style alone."""
    page = page_of(drawn_map(60)).decode()
    frame = re.sub(r'(?s)<script type="application/json".*?</script>', "", page)
    assert not re.search(r"https?:|//\w|\bsrc=|@import|url\(", re.sub(r"(?m)^ *// .*$", "", frame))
    policy = re.search(r'Policy" content="([^"]+)"', page)
    assert policy is not None and "default-src 'none'" in policy[1] and "unsafe" not in policy[1]
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy[1]


def test_names_cannot_leave_their_place() -> None:
    """The data of the page are the data of the map, whatever the names are."""
    drawn = drawn_map(60)
    page = page_of(drawn).decode()
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data) == data_of(drawn) | {"title": None}
    assert json.loads(data)["names"][: len(HOSTILE)] == list(HOSTILE)
    lone = replace(drawn, points=replace(drawn.points, names=["\ud800", *drawn.points.names[1:]]))
    assert page_of(lone)


def test_places_are_compact() -> None:
    """Four bytes for a place, before base64; a rounded place is within 1/65,000 of the map."""
    drawn = drawn_map(3_000)
    whole = np.frombuffer(base64.b64decode(data_of(drawn)["places"]), "<u2").reshape(-1, 2)
    np.testing.assert_allclose(whole / 32767.5 - 1, drawn.places, atol=2e-5)


@needs_chromium
def test_the_legend_hides_categories(reader: Reader) -> None:
    """One by one, all, and none; names are text, not markup."""
    page = reader.page
    expect(page.locator("#legend li")).to_have_count(3)
    assert page.locator("#legend span:nth-of-type(2)").all_inner_texts() == sorted(KINDS)
    assert reader.pixels("--group-1") > 100
    page.get_by_label("poetry").uncheck()
    assert reader.pixels("--group-1") == 0 and reader.pixels("--group-2") > 100
    page.get_by_role("button", name="Hide all").click()
    assert reader.pixels("--group-2") == 0
    page.get_by_role("button", name="Show all").click()
    assert reader.pixels("--group-1") > 100
    expect(page.locator("h1")).to_have_text("Items & <i>maps</i>")


@needs_chromium
def test_points_are_found_by_name(reader: Reader) -> None:
    """The best match is chosen by Enter; case and width of letters do not matter; markup is found as text."""
    page = reader.page
    page.keyboard.press("/")
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.type("ＶOLUME 7")
    expect(page.locator("#found button")).to_have_count(11)
    page.keyboard.press("Enter")
    expect(page.locator("#chosen h2")).to_have_text("红楼梦 volume 7")
    expect(page.locator("#chosen")).to_contain_text("Used 289 times")
    expect(page.locator("#chosen li")).to_have_count(10)
    page.locator("#query").fill("onerror")
    page.locator("#found button").click()
    expect(page.locator("#chosen h2")).to_have_text(HOSTILE[1])
    page.locator("#chosen li button").first.click()
    expect(page.locator("#chosen h2")).not_to_have_text(HOSTILE[1])
    page.locator("#query").fill("nothing at all")
    expect(page.locator("#found")).to_have_text("0 found")
    page.locator("#query").press("Escape")
    expect(page.locator("#found")).to_be_hidden()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#chosen")).to_be_hidden()


@needs_chromium
def test_the_map_is_moved_by_mouse_and_keys(reader: Reader) -> None:
    """Hovering names a point, a click chooses it; wheel, drag, arrows and buttons move the map."""
    page = reader.page
    canvas = page.locator("#map")
    canvas.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#chosen h2")).not_to_be_empty()
    page.keyboard.press("Escape")
    expect(page.locator("#chosen")).to_be_hidden()
    expect(page.locator("#keys")).to_contain_text("Arrows move")
    before = reader.pixels("--group-1")
    for key in "+++":
        page.keyboard.press(key)
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    assert reader.pixels("--group-1") != before
    page.keyboard.press("0")
    assert reader.pixels("--group-1") == before
    page.locator("summary", has_text="Regions").click()
    page.locator("#regions button").first.click()
    assert reader.pixels("--group-1") != before
    page.get_by_role("button", name="Whole map").click()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -600)
    assert reader.pixels("--group-1") != before
    page.mouse.down()
    page.mouse.move(box["x"] + 50, box["y"] + 50, steps=4)
    page.mouse.up()
    expect(page.locator("#chosen")).to_be_hidden()
    page.get_by_role("button", name="Whole map").click()
    place = _place_of(page, "红楼梦 volume 0")
    page.mouse.move(box["x"] + place[0], box["y"] + place[1])
    expect(page.locator("#tip")).to_contain_text("红楼梦 volume")
    page.mouse.click(box["x"] + place[0], box["y"] + place[1])
    expect(page.locator("#chosen h2")).to_contain_text("红楼梦 volume")


def _place_of(page: Page, name: str) -> list[float]:
    """Where a point is on the whole map, in pixels of the canvas, by the data of the page."""
    place: list[float] = page.evaluate(
        """(name) => {
            const data = JSON.parse(document.getElementById("data").textContent);
            const bytes = Uint8Array.from(atob(data.places), (one) => one.charCodeAt(0));
            const whole = [...new Uint16Array(bytes.buffer)].map((one) => one / 32767.5 - 1);
            const xs = whole.filter((_, at) => at % 2 === 0), ys = whole.filter((_, at) => at % 2 === 1);
            const far = (values) => Math.max(...values.map(Math.abs));
            const { width, height } = document.getElementById("map").getBoundingClientRect();
            const scale = Math.min(width / (2.3 * far(xs)), height / (2.3 * far(ys)));
            const at = data.names.indexOf(name);
            return [xs[at] * scale + width / 2, -ys[at] * scale + height / 2];
        }""",
        name,
    )
    return place


@needs_chromium
def test_theme_and_language_change(reader: Reader) -> None:
    """The map is drawn anew in the colors of the theme; the quality figures are in a table."""
    page = reader.page
    light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.get_by_role("button", name="Light / dark").click()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != light
    assert reader.pixels("--group-1") > 100
    page.get_by_role("button", name="中文").click()
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.locator("#about summary").click()
    expect(page.locator("#facts tbody tr").first).to_contain_text("0.412")
    expect(page.locator("#facts")).to_contain_text("困惑度 30")
    expect(page.locator("#map")).to_have_attribute("aria-label", "300 个条目的地图")


@needs_chromium
@pytest.mark.parametrize(
    ("language", "scheme", "size"),
    [
        ("en-US", "light", WIDE),
        ("zh-CN", "dark", WIDE),
        ("en-US", "dark", NARROW),
        ("zh-CN", "light", NARROW),
    ],
)
def test_the_page_is_accessible(
    browser: Browser, file: Path, language: str, scheme: str, size: tuple[int, int]
) -> None:
    """No violation that axe finds, nothing wider than the window, and screenshots in build/map."""
    folder = ROOT / "build" / "map"
    folder.mkdir(parents=True, exist_ok=True)
    reader = Reader(browser, file, language, scheme, size)
    page = reader.page
    page.locator("#about summary").click()
    page.locator("#regions-list summary").click()
    page.locator("#query").fill("volume 1")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    if size == NARROW:
        page.locator("#found button").first.tap()
    else:
        page.locator("#query").press("Enter")
    expect(page.locator("#chosen")).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.screenshot(path=folder / f"map-{language}-{scheme}-{size[0]}.png")
    reader.close()


@needs_chromium
def test_twenty_thousand_points_are_drawn(browser: Browser, tmp_path: Path) -> None:
    """The page opens, and shows them all."""
    path = tmp_path / "large.html"
    path.write_bytes(page_of(drawn_map(20_000)))
    reader = Reader(browser, path, "zh-CN", "light", WIDE)
    expect(reader.page.locator("h1")).to_have_text("20,000 个条目的地图")
    assert reader.pixels("--group-0") > 1_000
    reader.close()
