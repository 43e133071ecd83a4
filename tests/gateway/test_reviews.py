"""The review of candidates over HTTP, and in the console of the admin address."""

import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from enricher.gateway.keys import new_key
from enricher.vocabulary.review_file import Candidate, ReviewFile, State, read_review
from tests.browsers import needs_chromium
from tests.conftest import ROOT, RunCommand
from tests.gateway.conftest import Response, Served
from tests.gateway.test_console import NARROW, WIDE, Visitor

COLUMNS = ("known", "score", "count", "cohesion", "nearest", "my notes", "example_1", "example_2")
WORDS = ("电网故障", "transformer oil", "电压", "<b>负荷</b>", "继电保护")
OPEN = {"state": "open", "author": "", "comment": "", "expiry": "", "into": ""}


def write_words(path: Path) -> None:
    """Five candidates, and one that was rejected."""
    rows = [
        Candidate(
            word,
            evidence={
                "known": "yes" if number == 1 else "no",
                "score": f"{3 - number / 7:.3f}",
                "count": str(50 - number),
                "cohesion": "4.12",
                "nearest": "变压器 0.71",
                "my notes": "ask <i>Mei</i>" if number == 3 else "",
                "example_1": f"昨夜{word.upper()}，影响很大。",
                "example_2": "The Ｔｒａｎｓｆｏｒｍｅｒ Oil is new." if number == 1 else "",
            },
        )
        for number, word in enumerate(WORDS)
    ]
    ReviewFile([*rows, Candidate("旧词", State.REJECT, "lin")], COLUMNS).write(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working directory of the service."""
    return tmp_path_factory.mktemp("reviews")


@pytest.fixture(scope="module")
def running(models: Path, folder: Path) -> Iterator[Served]:
    """One service for all tests: it reads its files again for every request."""
    served = Served.start(models, f"tantivy:{folder / 'index'}", folder)
    yield served
    served.stop()


@pytest.fixture
def service(running: Served, folder: Path) -> Served:
    """A service with two files to review, one of which is missing, and another file beside them."""
    write_words(folder / "words.tsv")
    write_words(folder / "other.tsv")
    table = f'[serve]\nreview = ["words.tsv", {json.dumps(str(folder / "none.tsv"))}]\n'
    (folder / "enricher.toml").write_text(table)
    return running


def asked(served: Served, path: str, body: object = None, **parameters: Any) -> Response:
    """Ask the admin address."""
    return served.ask(path, body, base=served.admin, **parameters)


def decision(word: str, seen: Mapping[str, str], **decided: str) -> dict[str, object]:
    """The body of a decision."""
    return {"file": "words.tsv", "word": word, "seen": dict(seen), "decision": decided}


def test_words_are_listed_and_decided(service: Served, folder: Path) -> None:
    """In the order of the file, by state and in parts; the file has what was decided."""
    first, second = asked(service, "reviews").json["files"]
    assert first["file"] == "words.tsv" and first["states"]["open"] == 5 and first["states"]["reject"] == 1
    assert second["states"] is None and "cannot be read" in second["fault"]
    found = asked(service, "reviews/words", file="words.tsv", top=2).json
    assert [one["word"] for one in found["words"]] == list(WORDS[:2]) and found["left"] == 3
    assert found["words"][0]["evidence"]["nearest"] == "变压器 0.71"
    rest = asked(service, "reviews/words", {"file": "words.tsv", "after": WORDS[1]}).json
    assert [one["word"] for one in rest["words"]] == list(WORDS[2:]) and rest["left"] == 0
    answer = asked(service, "reviews/decide", decision("电压", OPEN, state="accept", author="lin")).json
    assert answer["word"]["decision"] == OPEN | {"state": "accept", "author": "lin"}
    assert answer["states"] == {"open": 4, "accept": 1, "reject": 1, "merge": 0, "skip": 0}
    merged = decision("继电保护", OPEN, state="merge", into="保护", expiry="2020-01-01", comment="old")
    answer = asked(service, "reviews/decide", merged).json
    assert answer["word"]["state"] == "open" and answer["word"]["decision"]["into"] == "保护"
    for state, words in (("accept", ["电压"]), ("all", [*WORDS, "旧词"]), ("skip", []), ("merge", [])):
        found = asked(service, "reviews/words", file="words.tsv", state=state).json
        assert [one["word"] for one in found["words"]] == words
    assert [one.word for one in read_review(folder / "words.tsv").candidates] == [*WORDS, "旧词"]
    table = '[serve]\nreview = ["other.tsv"]\n'
    (folder / "enricher.toml").write_text(table)
    assert [one["file"] for one in asked(service, "reviews").json["files"]] == ["other.tsv"]
    assert asked(service, "reload", {}).json == {"changed": ["review"], "needs_restart": []}


def test_a_word_that_was_changed_meanwhile_is_refused(service: Served, run: RunCommand, folder: Path) -> None:
    """Also by a review in a terminal; no decision is lost where several people decide at once."""
    assert run("vocabulary", "review", folder / "words.tsv", stdin="r\nq\n").returncode == 0
    refused = asked(service, "reviews/decide", decision(WORDS[0], OPEN, state="accept"))
    assert (refused.status, refused.json["error"]["type"]) == (409, "decision_conflict")
    assert (
        "changed meanwhile" in refused.json["error"]["reason"] and "reject" in refused.json["error"]["reason"]
    )
    (shown,) = asked(service, "reviews/words", file="words.tsv", word=WORDS[0]).json["words"]
    again = decision(WORDS[0], shown["decision"], state="accept")
    assert asked(service, "reviews/decide", again).json["word"]["state"] == "accept"
    answers: list[int] = []

    def work(word: str) -> None:
        answers.append(asked(service, "reviews/decide", decision(word, OPEN, state="skip")).status)

    people = [threading.Thread(target=work, args=(word,)) for word in WORDS[1:] for _ in range(2)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert sorted(answers) == [200] * 4 + [409] * 4
    states = [one.state for one in read_review(folder / "words.tsv").candidates]
    assert states == [State.ACCEPT, *[State.SKIP] * 4, State.REJECT]


def test_only_listed_files_are_read(service: Served, folder: Path) -> None:
    """And only on the admin address, by pages of its own origin."""
    before = (folder / "other.tsv").read_text()
    for name in ("other.tsv", "./words.tsv", str(folder / "words.tsv"), "../words.tsv"):
        found = asked(service, "reviews/words", file=name)
        assert (found.status, found.json["error"]["type"]) == (404, "review_not_found")
        body = decision("电压", OPEN, state="accept") | {"file": name}
        assert asked(service, "reviews/decide", body).status == 404
    assert (folder / "other.tsv").read_text() == before
    for path in ("reviews", "reviews/words", "reviews/decide"):
        assert service.ask(path).status == service.ask(path, {}).status == 404
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            for sent in (None, b"{}"):
                answer = service.ask(path, sent, base=service.admin, headers=headers)
                assert answer.status == 403
    assert asked(service, "reviews/decide").status == 405
    for wrong, said in (
        (decision("电压", OPEN, state="perhaps"), "state"),
        (decision("电压", OPEN, state="accept", expiry="1.2.2026"), "no date like"),
        (decision("电压", OPEN, state="merge"), "name another word"),
        (decision("电压", OPEN, state="accept", author="x" * 1_001), "author"),
        (decision("电压", OPEN, state="accept") | {"path": "x"}, "path"),
        ({"file": "words.tsv"}, "word"),
    ):
        answer = asked(service, "reviews/decide", wrong)
        assert answer.status == 400 and said in answer.json["error"]["reason"]
    assert asked(service, "reviews/decide", decision("none", OPEN, state="skip")).status == 404
    assert asked(service, "reviews/words", file="words.tsv", word="none").status == 404


class Reviewer(Visitor):
    """A person who reviews words.tsv."""

    def start(self, **parameters: str) -> Page:
        """Open the review, and wait for its words."""
        page = self.open("review", **parameters)
        page.wait_for_selector(".review-words li")
        return page


@pytest.fixture
def reviewer(browser: Browser, service: Served) -> Iterator[Reviewer]:
    reviewer = Reviewer(browser, service.admin, "en-US", "light", WIDE)
    yield reviewer
    assert reviewer.faults == []
    assert reviewer.hosts <= {service.admin.split("//")[1]}
    reviewer.context.close()


@needs_chromium
def test_words_are_reviewed_by_keys(reviewer: Reviewer, folder: Path) -> None:
    """Those of the terminal; what was decided is in the file, and can be undone."""
    page, word = reviewer.start(), reviewer.page.locator(".word")
    assert page.locator("nav a").all_inner_texts() == ["Review"]
    expect(word).to_have_text(WORDS[0])
    assert page.locator("mark").all_inner_texts() == [WORDS[0]]
    page.locator("#review-author").fill("lin")
    page.locator("#review-author").press("a")  # typing decides nothing
    expect(word).to_have_text(WORDS[0])
    page.locator("#review-author").fill("lin")
    page.locator("h1").click()
    page.keyboard.press("a")
    expect(word).to_have_text(WORDS[1])
    assert page.locator("mark").all_inner_texts() == ["TRANSFORMER OIL", "Ｔｒａｎｓｆｏｒｍｅｒ Oil"]
    page.locator("#review-comment").fill("as one word")
    page.locator("h1").click()
    page.keyboard.press("m")
    expect(page.locator("#review-into")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#review-into")).to_be_hidden()
    page.keyboard.press("m")
    page.keyboard.type("Oil")
    page.keyboard.press("Enter")
    expect(word).to_have_text(WORDS[2])
    page.keyboard.press("s")
    expect(word).to_have_text(WORDS[3])
    assert page.locator("main b, main i").count() == 0, "markup in a file is no markup of the page"
    assert page.locator(".evidence").inner_text().endswith("ask <i>Mei</i>")
    page.keyboard.press("r")
    expect(word).to_have_text(WORDS[4])
    page.keyboard.press("u")
    expect(word).to_have_text(WORDS[3])
    found = read_review(folder / "words.tsv").candidates
    assert [one.state.value for one in found] == ["accept", "merge", "skip", "", "", "reject"]
    assert (found[1].into, found[1].author, found[1].comment) == ("oil", "lin", "as one word")
    expect(page.locator(".hint")).to_have_text("accepted 1 · rejected 1 · merged 1 · skipped 1 · undecided 2")
    page.reload()
    expect(page.locator("#review-author")).to_have_value("lin")
    expect(page.locator(".review-words li")).to_have_count(3)
    expect(word).to_have_text(WORDS[2])
    page.locator("#review-keys").uncheck()
    page.keyboard.press("a")
    expect(word).to_have_text(WORDS[2])
    end = "No more words in this list."
    for name, following in (("Accept", WORDS[3]), ("Accept", WORDS[4]), ("Reject", end)):
        page.get_by_role("button", name=name, exact=True).click()
        expect(word).to_have_text(following)
    expect(page.get_by_role("button", name="Accept", exact=True)).to_be_disabled()
    page.locator("#review-state").select_option("merge")
    expect(page.locator("p", has_text="merged: oil · by lin")).to_be_visible()
    assert "state=merge" in page.url


@needs_chromium
def test_what_somebody_else_has_decided_is_shown(reviewer: Reviewer, service: Served, folder: Path) -> None:
    """It is not overwritten; after that, it can be decided again."""
    page = reviewer.start()
    other = decision(WORDS[0], OPEN, state="reject", author="mei")
    assert asked(service, "reviews/decide", other).status == 200
    page.keyboard.press("a")
    expect(page.locator("#problem")).to_have_text(
        f"{WORDS[0]} was changed by somebody else meanwhile: rejected · by mei. Decide again if you disagree."
    )
    expect(page.locator(".word")).to_have_text(WORDS[0])
    expect(page.locator(".review-words .badge").first).to_have_text("rejected")
    page.keyboard.press("a")
    expect(page.locator(".word")).to_have_text(WORDS[1])
    expect(page.locator("#problem")).to_be_hidden()
    rows = read_review(folder / "words.tsv")
    ReviewFile([one for one in rows.candidates if one.word != WORDS[1]], COLUMNS).write(folder / "words.tsv")
    page.keyboard.press("a")
    expect(page.locator("#problem")).to_contain_text("no longer in the file")
    expect(page.locator(".word")).to_have_text(WORDS[2])
    page.keyboard.press("u")
    expect(page.locator(".word")).to_have_text(WORDS[0])
    expect(page.locator(".review-words .badge").first).to_have_text("rejected")
    reviewer.faults.clear()  # the browser reports the answers 409 and 404 itself


@needs_chromium
def test_many_words_come_in_parts(reviewer: Reviewer, folder: Path) -> None:
    """The next ones come with the last decision, or with a button."""
    rows = [Candidate(f"词{number}") for number in range(230)]
    ReviewFile(rows).write(folder / "words.tsv")
    page = reviewer.start()
    expect(page.locator(".review-words li")).to_have_count(100)
    page.get_by_role("button", name="More words").click()
    expect(page.locator(".review-words li")).to_have_count(200)
    page.locator(".review-words button").last.click()
    expect(page.locator(".word")).to_have_text("词199")
    page.keyboard.press("a")
    expect(page.locator(".word")).to_have_text("词200")
    expect(page.locator(".review-words li")).to_have_count(230)
    assert read_review(folder / "words.tsv").candidates[199].state is State.ACCEPT


@needs_chromium
@pytest.mark.parametrize(
    ("language", "scheme", "size"),
    [
        ("en-US", "light", WIDE),
        ("zh-CN", "dark", WIDE),
        ("zh-CN", "light", NARROW),
        ("en-US", "dark", NARROW),
    ],
)
def test_the_review_is_accessible(
    browser: Browser,
    service: Served,
    language: str,
    scheme: str,
    size: tuple[int, int],
) -> None:
    """No violation that axe finds, nothing wider than the window, and screenshots in build/console."""
    screenshots = ROOT / "build" / "console"
    screenshots.mkdir(parents=True, exist_ok=True)
    reviewer = Reviewer(browser, service.admin, language, scheme, size)
    page = reviewer.start(state="all")
    page.keyboard.press("a")
    expect(page.locator(".word")).to_have_text(WORDS[1])
    page.keyboard.press("m")
    for place in ("review", "review-end"):
        if place == "review-end":
            page.locator("#review-state").select_option("skip")
            expect(page.locator(".review-words li")).to_have_count(0)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.screenshot(path=screenshots / f"{place}-{language}-{scheme}-{size[0]}.png", full_page=True)
    reviewer.context.close()


@needs_chromium
def test_it_asks_for_a_key_and_says_what_is_missing(browser: Browser, models: Path, tmp_path: Path) -> None:
    """The page is open to all; the words are not. Without a file, it says where files are listed."""
    key, line = new_key("people")
    (tmp_path / "keys").write_text(line)
    (tmp_path / "enricher.toml").write_text(f'[serve]\napi_keys = "{tmp_path / "keys"}"\n')
    service = Served.start(models, f"tantivy:{tmp_path / 'index'}", tmp_path)
    reviewer = Reviewer(browser, service.admin, "zh-CN", "light", WIDE)
    page = reviewer.open("review")
    expect(page.locator("#key-form")).to_be_visible()
    page.locator("#key").fill(key)
    page.get_by_role("button", name="使用").click()
    expect(page.get_by_text("没有可审核的文件")).to_be_visible()
    assert quote(key) not in page.url
    reviewer.context.close()
    service.stop()
