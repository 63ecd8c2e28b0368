"""Each chart shows itself in a notebook, and what is shown there is what the page and MLflow hold, by specification."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

import powerml
from powerml.charts.writing import specification, specification_text
from powerml.reports.document.blocks import Page, PageTable, Picture, Section
from powerml.reports.document.render import render
from tests.charts.test_all import EVERY

ROOT = Path(__file__).parents[2]
TABLE = PageTable(pd.DataFrame({"n": [1]}), "numbers")


def plain(spec):
    """A specification without what names its grammar and how wide it is shown."""
    return {name: value for name, value in spec.items() if name not in ("$schema", "usermeta")}


def drawn_in(html):
    """The specification that a notebook's output hands to Vega."""
    return json.JSONDecoder().raw_decode(html, html.rindex("})({") + 3)[0]


@pytest.mark.slow
def test_every_chart_shows_itself_in_a_notebook():
    sources = ["from tests.charts.test_all import EVERY", *(f"EVERY[{name!r}]" for name in EVERY)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}}).execute()
    for name, told in zip(EVERY, notebook.cells[1:], strict=True):
        shown = drawn_in(told.outputs[0]["data"]["text/html"])
        assert plain(shown) == plain(json.loads(specification_text(EVERY[name]))), name


def test_the_page_and_mlflow_hold_the_same_specification():
    pictures = tuple(Picture(chart, TABLE) for chart in EVERY.values())
    page = render(Page("t", (), (Section("one", "One?", "One", pictures),)))
    held = json.loads(re.search(r'id="charts">(.*?)</script>', page, flags=re.DOTALL)[1])
    for chart, spec in zip(EVERY.values(), held, strict=True):
        ours = specification(chart)
        assert json.loads(specification_text(chart)) == ours
        ours.pop("title")  # the page's caption tells it
        assert spec == json.loads(json.dumps(ours))


def test_no_other_library_draws():
    for file in Path(powerml.__file__).parent.rglob("*.py"):
        assert not re.search(r"^\s*(import|from) (matplotlib|plotly|seaborn)", file.read_text(), flags=re.MULTILINE), (
            file
        )
