"""The numbers of the page are those of the commands: its own tables are read back and set beside `--json`."""

from __future__ import annotations

import json
from datetime import date
from html import unescape

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from powerml.cli import root
from powerml.simulation import write_product
from tests.workflows.test_report import rows_of

pytestmark = pytest.mark.slow
AT = date(2024, 10, 1)


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """A small product with a history by document D's card: a month each, then two nights a week apart."""
    folder = tmp_path_factory.mktemp("shop") / "product"
    write_product(folder, "validation", users=80, months=11, seed=21)
    path = folder / "powerml.yaml"
    declared = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(declared | {"owners": {"collaboration": "Eve"}}, sort_keys=False))
    months = ["--from", "2024-03-01", "--to", "2024-09-01", "--every", "month"]
    for more in (months, ["--as-of", "2024-09-24", "--force"], ["--as-of", str(AT), "--force"]):
        done = CliRunner().invoke(root, ["night", "-c", str(path), *more])
        assert done.exit_code == 0, done.output
    return path


def said(product, *arguments):
    done = CliRunner().invoke(root, [*arguments, "-c", str(product), "--json"])
    assert done.exit_code in (0, 1), done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def judged(product):
    return said(product, "alerts", "--judge")


@pytest.fixture(scope="module")
def page(product, judged, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "r.html"
    told = said(product, "report", "-o", str(file))
    assert told["from_history"] is True
    return file.read_text(encoding="utf-8")


def same(shown, rows, columns):
    """Cells as the page keeps them against those of a command, numbers as numbers, nothing as nothing."""
    assert len(shown)
    rows = pd.DataFrame(rows).head(len(shown))
    for name in columns:
        if name not in shown:
            assert rows[name].isna().all(), name
            continue
        for ours, theirs in zip(map(unescape, shown[name]), rows[name], strict=True):
            if theirs is None or theirs != theirs:
                assert ours == "", name
            elif isinstance(theirs, (int, float)) and not isinstance(theirs, bool):
                assert float(ours) == pytest.approx(theirs, rel=1e-9, abs=1e-9), name
            else:
                assert ours.split("T")[0] == str(theirs).split("T")[0], name


@pytest.mark.parametrize("name", ["at_risk", "candidates", "slipping", "no_invite_yet"])
def test_a_list_is_that_of_the_list_command(product, page, name):
    rows = said(product, "list", name)["rows"]
    if not rows:
        assert f'data-table="list {name}"' not in page
        return
    columns = ["rank", "account_id", "user_id", "score", "band", "change_7d", "change_30d", "mrr"]
    same(rows_of(page, f"list {name}"), rows, [each for each in columns if each in rows[0]])


def test_alerts_are_those_of_the_alerts_command(product, page):
    rows = said(product, "alerts", "--since", "2024-09-24")["rows"]
    if rows:
        same(rows_of(page, "alerts"), rows, ["alert", "fired_at", "account_id", "because", "action", "team"])
    else:
        assert "Nothing rang in the week before this night." in page


def test_the_scorecard_is_that_of_alerts_judge(judged, page):
    same(rows_of(page, "alert_card"), judged["rules"], ["alert", "fired", "came", "base_rate", "lift", "low", "high"])


def test_the_tree_is_that_of_the_tree_command(product, page):
    rows = said(product, "tree")["rows"]
    same(rows_of(page, "tree"), rows, ["branch", "metric", "contribution", "before", "change", "from_movers", "owner"])


def test_scores_are_those_of_the_history(product, page):
    first = rows_of(page, "top").iloc[0]
    told = said(product, "history", first["user_id"])
    newest = told["rows"][-1]
    assert float(first["score"]) == pytest.approx(newest["score"])
