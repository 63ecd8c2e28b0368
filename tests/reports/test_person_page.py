from datetime import date

import pandas as pd
import pytest

from powerml.reports.person_page import Beside, person_page
from powerml.scoring.explain.explanation import Explanation
from powerml.scoring.explain.next_band import NextBand
from tests.workflows.test_report import rows_of

EVIL = "<script>alert(1)</script>"
REASONS = pd.DataFrame({
    "metric": ["logins_30d", "mrr", "seats"], "branch": "", "value": [1.0, 50.0, 2.0], "said": ["1 login", EVIL, ""],
    "usual": ["9", "", ""], "contribution": [-20.0, 5.0, 0.0], "with": [[], [{"metric": "plan_tier"}], []],
})  # fmt: skip
CHANGES = pd.DataFrame({"metric": ["logins_30d"], "value_before": [float("nan")], "value": [1.0], "before": [2.0],
                        "after": [-20.0], "change": [-22.0]})  # fmt: skip
ROW = pd.Series({"score": 45.0, "band": "At Risk", "p_churn": 0.4, "p_expand": float("nan")})
RECIPE = NextBand(45.0, "At Risk", "Stable", 50.0, 52.0, ("log in 3 times",), reached=True)
RECORD = pd.DataFrame(
    {"as_of": [date(2026, 2, 1), date(2026, 3, 1)], "score": [67.0, 45.0], "band": ["Stable", "At Risk"]}
)


def page(**more):
    told = {"recipe": RECIPE, "record": RECORD, "changes": CHANGES} | more
    record, beside = told.pop("record"), told.pop("beside", None)
    done = Explanation(EVIL, date(2026, 3, 1), "crm@1", ROW, REASONS, 60.0, date(2026, 2, 1), 67.0, **told)
    return person_page(done, record, beside)


def test_reasons_lead_from_the_baseline_to_the_score():
    html = page()
    table = rows_of(html, "reasons")
    assert 60.0 + table["contribution"].astype(float).sum() == pytest.approx(45.0)
    assert table["with"].tolist() == ["", "plan_tier"]
    assert '"name": "score"' in html
    assert "Since 2026-02-01: 67.0 to 45.0 (-22.0)." in html
    assert rows_of(html, "record")["score"].tolist() == ["67", "45"]
    assert "log in 3 times" in html
    assert rows_of(html, "changes")["value_before"].tolist() == [""]
    assert EVIL not in html.split('<script type="application/json"')[0]


def test_what_is_not_known_is_said():
    html = page(recipe=None, record=None, changes=None)
    assert html.count('<p class="missing">') == 5
    assert "expanding" not in html


def test_what_rang_and_who_stands_beside():
    alerts = pd.DataFrame({"alert": ["score_drop"], "fired_at": ["2026-02-27"], "because": [EVIL]})
    members = pd.DataFrame({"user_id": ["bob", EVIL], "score": [20.0, 45.0], "band": ["High Risk", "At Risk"]})
    html = page(beside=Beside(date(2026, 3, 1), alerts, "acme", members, {"owner": EVIL}))
    assert rows_of(html, "alerts")["alert"].tolist() == ["score_drop"]
    assert rows_of(html, "members")["user_id"][0] == "bob"
    assert "acme has 2 scored people at 2026-03-01." in html
    assert EVIL not in html.split('<script type="application/json"')[0]
    assert "Nothing rang up to 2026-03-01." in page(beside=Beside(date(2026, 3, 1), alerts.head(0)))
