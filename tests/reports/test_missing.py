"""A product that lacks an optional table: its page says what is missing and how to supply it, and invents no number."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from powerml.config.project import load_project
from powerml.simulation import write_product
from powerml.workflows.report import make_report
from tests.reports.lean import without
from tests.workflows.test_report import IDS, rows_of

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 27, tzinfo=UTC)
AT = date(2024, 7, 1)
OPTIONAL = {  # table: (what its lack is said to mean, sentences of other sections, metrics that cannot be known)
    "users": ("nobody has a name", (), ()),
    "accounts": ("accounts have no name and no owner", (), ()),
    "subscriptions": (
        "money, plans and seats are not known",
        ("Why customers left is not known: give subscriptions a column &#39;reason&#39;",),
        ("mrr", "seats", "plan_tier"),
    ),
    "usage_limits": ("nobody is seen to reach a limit", (), ("limit_utilisation",)),
    "tickets": ("trouble with support is not known", (), ("tickets_opened_90d", "tickets_unresolved")),
    "surveys": ("no answer to a survey is known", (), ("nps_latest",)),
    "treatments": ("who was touched by a playbook is known from", ("What playbooks did is not known",), ()),
}


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop") / "product"
    write_product(folder, "validation", users=60, months=8, seed=22)
    return load_project(folder / "powerml.yaml")


@pytest.fixture(scope="module")
def whole(product):
    return make_report(product, as_of=AT, weights="engagement", now=NOW).html


def missing(html):
    """What is said to be missing, by section."""
    sections = re.findall(r'<section id="([^"]*)"(.*?)</section>', html, flags=re.DOTALL)
    return {name: re.findall(r'<p class="missing"><bdi>(.*?)</bdi>', text) for name, text in sections}


@pytest.mark.parametrize("name", OPTIONAL)
def test_what_is_missing_is_said_with_the_way_to_supply_it(product, whole, name):
    lost, elsewhere, metrics = OPTIONAL[name]
    page = make_report(without(product, {name}), as_of=AT, weights="engagement", now=NOW).html
    said = missing(page)
    assert tuple(said) == IDS  # no section vanishes
    told = next(text for text in said["data"] if lost in text)
    assert f"add &#39;tables: {name}:&#39; to powerml.yaml, with " in told
    for sentence in elsewhere:
        assert any(sentence in text for texts in said.values() for text in texts), sentence
    if name in product.tables:
        assert not any(lost in text for text in missing(whole)["data"])
    absent = set(rows_of(page, "absent")["metric"]) if 'data-table="absent"' in page else set()
    assert set(metrics) <= absent
    known = rows_of(page, "metrics").set_index("metric")
    assert not [metric for metric in metrics if metric in known.index and known.loc[metric, "mean"] != ""]
    if name == "subscriptions":
        assert 'data-id="mrr"' not in page
        assert "a month at risk" not in page


def test_of_events_alone_every_section_is_there_and_says_what_it_lacks(product):
    lean = without(product, set(product.tables) - {"events"})
    said = missing(make_report(lean, as_of=AT, weights="engagement", now=NOW).html)
    assert tuple(said) == IDS
    assert len([text for text in said["data"] if text.startswith("There is no table of ")]) == len(OPTIONAL)
