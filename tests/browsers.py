"""The browser in which pages are tested."""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
IS_REQUIRED = os.environ.get("CI") == "true" or os.environ.get("ENRICHER_REQUIRE_SERVER") == "1"

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and not IS_REQUIRED, reason="Pages are tested in chromium, which is not installed."
)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A browser without a window; it reaches this machine only."""
    from playwright.sync_api import sync_playwright

    assert CHROMIUM is not None, "The tests of pages need chromium."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
