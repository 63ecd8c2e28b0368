"""A page stands alone: its policy lets nothing out, texts stay texts, numbers keep what they are."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from powerml import charts
from powerml.reports.document.blocks import (
    Figure,
    Figures,
    Links,
    Page,
    PageTable,
    Picture,
    Section,
    Told,
    missing,
)
from powerml.reports.document.render import render

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"'`&lt;",
    "x" * 10_000,
    "\u202eevil\u202c",
    "=cmd|' /C calc'!A0",
    "שלום 🙂",
    "{{ 7 * 7 }}",
    "]]><!--",
]


class Seen(HTMLParser):
    """The elements of a page and the texts between them."""

    def __init__(self):
        super().__init__()
        self.tags, self.scripts, self.cells, self.ids, self._in = [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]
        if tag in ("script", "td"):
            self._in.append(tag)
            (self.scripts if tag == "script" else self.cells).append("")

    def handle_endtag(self, tag):
        if tag in ("script", "td"):
            self._in.pop()

    def handle_data(self, data):
        if self._in:
            texts = self.scripts if self._in[-1] == "script" else self.cells
            texts[-1] += data


def seen(html):
    parser = Seen()
    parser.feed(html)
    return parser


@pytest.fixture(scope="module")
def page():
    frame = pd.DataFrame({"name": HOSTILE, "rate_churn": np.arange(9) / 10, "mrr": [1234.5, *[np.nan] * 8]})
    chart = charts.estimates(frame.rename(columns={"rate_churn": "value"}).assign(low=0.0, high=1.0), title=HOSTILE[0])
    blocks = [
        *(Told(text) for text in HOSTILE),
        Told(HOSTILE[1], "verdict"),
        missing(HOSTILE[0], "do this"),
        Figures((Figure(HOSTILE[0], HOSTILE[1], HOSTILE[2]),)),
        Links((("one", HOSTILE[0]),)),
        PageTable(frame, HOSTILE[2], HOSTILE[0], about={"name": HOSTILE[1]}, first=4),
        Picture(chart, PageTable(frame, "numbers")),
    ]
    two = Section("two", "And so on.", "Two", ())
    return render(Page(HOSTILE[0], (HOSTILE[1],), (Section("one", HOSTILE[1], HOSTILE[0], tuple(blocks)), two)))


def test_texts_stay_texts(page):
    found = seen(page)
    assert [tag for tag, _ in found.tags if tag == "img"] == []
    assert [attributes for tag, attributes in found.tags if tag == "script"] == [
        {"type": "application/json", "id": "charts"},
        {},
        {},
    ]
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    assert "49" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "\u202e" not in page
    assert len(max(found.cells, key=len)) < 450


def test_the_policy_allows_the_page_s_own_scripts_and_nothing_else(page):
    found = seen(page)
    policy = next(a["content"] for tag, a in found.tags if tag == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert "script-src 'unsafe-inline'" not in policy
    for script in re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    own = [value for _, a in found.tags for name, value in a.items() if name in ("src", "href")]
    assert all(value.startswith("#") for value in own)


def test_numbers_are_printed_for_reading_and_kept_for_sorting(page):
    row = next(row for row in page.split("<tr")[1:] if "cmd|" in row and "<td" in row)
    assert '<td class="n" data-v="0.5">50.0 %</td>' in row
    assert '<td class="n"></td>' in row  # nothing stands for what is not known
    assert 'data-v="1234.5">1,234<' in page


def test_long_tables_begin_with_their_first_rows(page):
    table = page[page.index("data-table") :]
    assert table.count('<tr class="rest">') >= 5
    assert "Show all 9 rows" in table


def test_a_page_without_charts_carries_no_script_for_them():
    small = render(Page("t", (), (Section("one", "Nothing to draw.", "One", (Told("x"),)),)))
    assert len(small) < 30_000
    assert "vegaEmbed =" not in small
