"""Chromium by way of Playwright, as a reader has it: what a page says on its console, and whom it asks for anything."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCREENSHOTS = os.environ.get("POWERML_SCREENSHOTS")  # a folder in which pictures of the pages are kept
WAIT_MS = 240_000


@dataclass
class Opened:
    """A page that was opened: `console` and `asked` are what it said and whom it asked beside its own file."""

    page: Page
    console: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def keep(self, name: str) -> None:
        """A picture of the whole page, where pictures are kept."""
        if SCREENSHOTS:
            Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(SCREENSHOTS, f"{name}.png"), full_page=True)

    def ids(self) -> list[str]:
        """The ids of its sections, in their order."""
        return [str(each.get_attribute("id")) for each in self.page.query_selector_all("section")]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="there is no Playwright; pip install -e .[dev]")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium; .ci/run installs Debian's")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, file: Path, *, width: int, height: int = 1000, bypass: bool = False) -> Iterator[Opened]:
    """The file in a window of that width, once all its charts are drawn; `bypass` lets a test's own script in."""
    context = browser.new_context(viewport={"width": width, "height": height}, bypass_csp=bypass)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    seen = Opened(page)
    page.on("console", lambda message: seen.console.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: seen.console.append(f"error: {error}"))
    page.on("request", lambda request: seen.asked.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-drawn=all]", state="attached")
    seen.asked.remove(file.as_uri())
    yield seen
    context.close()
