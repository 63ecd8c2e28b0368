"""Whole pages in a real browser: of a demo, of crm6 and git_brew where they are, of a product of events alone."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.project import load_project
from powerml.config.shipped import configs
from powerml.simulation import write_product
from powerml.workflows.report import make_report
from tests.reports.browsing import CHROMIUM, chromium, opened
from tests.reports.lean import without
from tests.workflows.test_report import IDS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; .ci/run installs Debian's"),
]
NOW = datetime(2026, 11, 27, tzinfo=UTC)
WIDTHS = (380, 1280, 2560)
SHARED = {"crm6": date(2025, 11, 1), "git_brew": date(2026, 6, 1)}
DEMO_USERS = 150


@dataclass
class Pages:
    """The files of pages by name, made when they are first asked for."""

    folder: Path

    def of(self, name: str) -> Path:
        file = self.folder / f"{name}.html"
        if not file.exists():
            file.write_text(getattr(self, f"_{name}")(), encoding="utf-8")
        return file

    def _demo(self) -> str:
        folder = self.folder / "demo"
        done = CliRunner().invoke(root, ["demo", "--users", str(DEMO_USERS), "--out", str(folder)])
        assert done.exit_code == 0, done.output
        return (folder / "report.html").read_text(encoding="utf-8")

    def _events_alone(self) -> str:
        folder = self.folder / "events_alone"
        write_product(folder, "validation", users=80, months=8, seed=21)
        project = load_project(folder / "powerml.yaml")
        lean = without(project, set(project.tables) - {"events"})
        return make_report(lean, weights="engagement", now=NOW).html

    def _crm6(self) -> str:
        return self._shared("crm6")

    def _git_brew(self) -> str:
        return self._shared("git_brew")

    def _shared(self, name: str) -> str:
        if "POWERML_SHARED" not in os.environ:
            pytest.skip("POWERML_SHARED names no shared folder")
        path = self.folder / f"{name}.yaml"
        shutil.copy(configs() / "projects" / f"{name}.yaml", path)
        return make_report(load_project(path), as_of=SHARED[name], weights="engagement", now=NOW).html


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    return Pages(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.mark.parametrize("name", ["demo", "events_alone", "crm6", "git_brew"])
def test_it_is_drawn_at_every_width_light_dark_and_printed_and_asks_nobody(pages, browser, name):
    file = pages.of(name)
    for width in WIDTHS:
        with opened(browser, file, width=width) as seen:
            page = seen.page
            assert seen.ids() == list(IDS)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                seen.keep(f"{name}-{width}-{scheme}")
            charts = page.query_selector_all(".chart")
            assert [one for one in charts if one.query_selector("svg") is None] == []
            page.emulate_media(media="print", color_scheme="light")
            assert not page.query_selector("nav").is_visible()
            seen.keep(f"{name}-{width}-print")
            if width == 1280:
                assert page.pdf(format="A4").startswith(b"%PDF")
            assert seen.console == []
            assert seen.asked == []


@pytest.mark.parametrize("name", ["demo", "events_alone"])
def test_axe_finds_nothing_serious(pages, browser, name):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    file = pages.of(name)
    for width in (380, 1280):
        with opened(browser, file, width=width, bypass=True) as seen:
            for scheme in ("light", "dark"):
                seen.page.emulate_media(color_scheme=scheme)
                found = axe.run(seen.page).response["violations"]
                told = [
                    (one["id"], one["nodes"][0]["html"][:200], one["nodes"][0].get("failureSummary", ""))
                    for one in found
                    if one["impact"] in ("serious", "critical")
                ]
                assert told == []


def test_charts_answer_hover_and_keyboard(pages, browser):
    with opened(browser, pages.of("events_alone"), width=1280) as seen:
        page = seen.page
        chart = page.query_selector("#distribution .chart")
        chart.scroll_into_view_if_needed()
        bar = max(chart.query_selector_all("svg .mark-rect path"), key=lambda one: one.bounding_box()["height"])
        bar.hover()
        page.wait_for_selector("#vg-tooltip-element.visible")
        hovered = page.inner_text("#vg-tooltip-element")
        assert re.search(r"\d", hovered)
        page.mouse.move(5, 5)
        chart.focus()
        page.keyboard.press("ArrowRight")
        first = page.inner_text("#tip")
        page.keyboard.press("ArrowRight")
        second = page.inner_text("#tip")
        assert first != second
        assert re.search(r"\w+: ", first)
        page.keyboard.press("ArrowLeft")
        assert page.inner_text("#tip") == first
        page.keyboard.press("Enter")
        table = page.query_selector("#distribution details")
        assert table.evaluate("one => one.open") is True
        page.keyboard.press("Escape")
        assert not page.query_selector("#tip").is_visible()


def test_tables_sort_filter_and_copy_by_mouse_and_keyboard(pages, browser):
    with opened(browser, pages.of("events_alone"), width=1280) as seen:
        page = seen.page
        box = page.query_selector('[data-table="top"]')
        ids = [cell.inner_text() for cell in box.query_selector_all("tbody tr td:first-child")]
        head = box.query_selector('th[data-id="user_id"] button')
        head.click()
        assert [cell.inner_text() for cell in box.query_selector_all("tbody tr td:first-child")] == sorted(ids)
        head.press("Enter")
        turned = [cell.inner_text() for cell in box.query_selector_all("tbody tr td:first-child")]
        assert turned == sorted(ids, reverse=True)
        box.query_selector("input").fill(ids[0])
        there = [row for row in box.query_selector_all("tbody tr") if row.is_visible()]
        assert len(there) == 1
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        button = box.query_selector(".copy")
        button.click()
        page.wait_for_timeout(300)
        assert button.inner_text() == "Copied"
        copied = page.evaluate("navigator.clipboard.readText()")
        lines = copied.splitlines()
        assert len(lines) == 2
        assert lines[1].startswith(ids[0])


def test_how_a_number_was_made_is_said_on_hover_and_focus(pages, browser):
    with opened(browser, pages.of("events_alone"), width=1280) as seen:
        page = seen.page
        figure = page.query_selector("#monday .figures li")
        figure.hover()
        assert re.match(r"At \d{4}-\d\d-\d\d, by engagement", page.inner_text("#tip"))
        page.mouse.move(5, 5)
        page.query_selector('#top th[data-id="score"] button').focus()
        assert page.inner_text("#tip").startswith("0 to 100")
