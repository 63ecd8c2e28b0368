"""A page in a real browser: drawn without an error, asking nobody for anything, tables that sort, filter and copy."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import socket
import subprocess
import threading

import pandas as pd
import pytest

from powerml.reports.document.blocks import Figure, Figures, Page, PageTable, Picture, Section, Told
from powerml.reports.document.render import render
from tests.charts.test_all import EVERY
from tests.reports.document.test_render import HOSTILE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; .ci/run installs Debian's"),
]
WHO = ["b", "a", "=cmd|' /C calc'!A0", *HOSTILE]
SCORES = pd.DataFrame({"user_id": WHO, "score": [5.0, 70.25, -3.0, *range(20, 29)]})
TRIED = """
const box = document.querySelector('[data-table="scores"]'), said = {};
box.querySelectorAll("th button")[1].click();
said.sorted = powermlTable("scores");
const field = box.querySelector("input");
field.value = "CMD";
field.dispatchEvent(new Event("input"));
said.filtered = powermlTable("scores");
document.querySelector("[data-tip]").focus();
said.tip = document.getElementById("tip").textContent;
said.wide = document.documentElement.scrollWidth <= innerWidth;
document.body.dataset.said = JSON.stringify(said);
"""


@pytest.fixture(scope="module")
def page():
    pictures = [Picture(chart, PageTable(SCORES, f"of {name}")) for name, chart in EVERY.items()]
    first = (
        Told(HOSTILE[0]),
        Figures((Figure("scored", "12", "how it was made"),)),
        PageTable(SCORES, "scores", first=3),
    )
    return render(Page("t", (), (Section("one", "One?", "One", first), Section("two", "Two?", "Two", tuple(pictures)))))


def opened(page, folder, *, width=1280, more=()):
    """The page after it was drawn, what it said on the console, and who asked for what beside the file."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0.2)
        done = threading.Event()
        thread = threading.Thread(target=listen, args=(proxy, done, asked))
        thread.start()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                 "--virtual-time-budget=15000", "--disable-background-networking", "--disable-sync",
                 "--disable-component-update", "--no-first-run",
                 f"--proxy-server=127.0.0.1:{proxy.getsockname()[1]}", f"--user-data-dir={folder / 'profile'}",
                 f"--window-size={width},2000", *more]  # fmt: skip
        command = [CHROMIUM, *flags, "--dump-dom", file.as_uri()]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
        done.set()
        thread.join()
    console = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
    own = [line for line in asked if b"google" not in line and b"gvt1" not in line]  # a browser's own, not a page's
    return ran.stdout, console, own


def listen(proxy, done, asked):
    while not done.is_set():
        try:
            connection, _ = proxy.accept()
        except TimeoutError:
            continue
        with connection:
            connection.settimeout(1)
            asked.append(connection.recv(300).split(b"\r\n")[0])


@pytest.mark.parametrize(
    ("width", "more"), [(500, ()), (1280, ("--blink-settings=preferredColorScheme=0",)), (2560, ())]
)
def test_every_chart_is_drawn_and_nobody_is_asked_for_anything(page, tmp_path, width, more):
    dom, console, asked = opened(page, tmp_path, width=width, more=more)
    assert console == []
    assert asked == []
    seen = dom.split("<script")[0]
    assert seen.count("<svg") == len(EVERY)
    assert "could not be drawn" not in seen


def test_tables_sort_filter_and_copy_and_the_page_is_no_wider_than_its_window(page, tmp_path):
    digest = base64.b64encode(hashlib.sha256(TRIED.encode()).digest()).decode()
    tried = page.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    place = tried.rindex("</body>")
    dom, console, _ = opened(f"{tried[:place]}<script>{TRIED}</script>{tried[place:]}", tmp_path, width=500)
    assert console == []
    said = json.loads(re.search(r'data-said="(.*?)">', dom)[1].replace("&quot;", '"').replace("&amp;", "&"))
    lines = said["sorted"].splitlines()
    assert lines[0] == "user_id,score"
    assert lines[1] == "a,70.25"  # the highest first, as it is kept
    filtered = said["filtered"].splitlines()[1:]
    assert sorted(filtered) == ["'=cmd|' /C calc'!A0,-3", "'=cmd|' /C calc'!A0,25"]  # never a formula
    assert said["tip"] == "how it was made"
    assert said["wide"] is True
