"""Reasons as JSON text: what a parser reads back, in order of size, categories, nulls and families included."""

import json

import numpy as np
import pandas as pd
import pytest

from powerml.config.metrics import MetricSpec, catalogue
from powerml.scoring.contributions import Contributions
from powerml.scoring.explain.missing import UNKNOWN
from powerml.scoring.explain.text import NOT_LEARNT, _Metric, _with, reasons_json
from powerml.scoring.families import Families

DAYS = MetricSpec(name="days", table="events", measure="days", window_days=30, unit="days")


def reason_text(metric, value, contribution, *, unit="", usual=NOT_LEARNT, missing=UNKNOWN, others=()):
    """One reason in words, as `reasons_json` puts it beside the numbers."""
    value = float(value) if isinstance(value, int) else value
    return _Metric(metric, unit, missing, usual).sentence(value, contribution, _with(others))


def test_a_reason_says_value_usual_value_effect_and_what_goes_with_it():
    assert reason_text("tickets_unresolved", 3, -15, unit="tickets") == "tickets unresolved: 3 (-15.0 points)"
    told = reason_text("active_days_30d", 12, 4.25, unit="days", usual=7.0, others=["logins_30d"])
    assert told == "active days 30d: 12 days, usually 7 (+4.2 points, with logins 30d)"
    told = reason_text("nps_latest", None, -0.5, usual=8.0, missing="no survey answer yet")
    assert told == "nps latest: no survey answer yet (-0.5 points)"


def told(top):
    frame = pd.DataFrame({"days": [3.0, np.nan], "plan": ['a "b"\nü', None], "seats": [5, 7]}, index=[4, 9])
    values = pd.DataFrame({"days": [-2.5, 0.0], "plan": [4.0, -1.0], "seats": [0.25, -0.0]}, index=[4, 9])
    given = Families().reasons(Contributions(values, 50.0), frame)
    return frame, values, reasons_json(given, frame, top=top, metrics={"days": DAYS})


@pytest.mark.parametrize("top", [1, 2, 3, None])
def test_a_parser_reads_what_a_slow_writer_would_have_written(top):
    frame, values, texts = told(top)
    assert texts.index.tolist() == [4, 9]
    for row in texts.index:
        ranked = sorted(values, key=lambda name: -abs(values.loc[row, name]))[:top]
        expected = []
        for name in ranked:
            value, size = frame.loc[row, name], float(values.loc[row, name])
            if top is not None and size == 0:
                continue
            shown = None if pd.isna(value) else value.strip() if isinstance(value, str) else float(value)
            how = {"unit": "days", "missing": "no event in 30 days"} if name == "days" else {}
            text = reason_text(name, shown, size, **how)
            expected.append({"metric": name, "value": shown, "contribution": size + 0.0, "text": text})
        assert json.loads(texts[row]) == expected
        assert texts[row] == json.dumps(expected, ensure_ascii=False)


def test_nothing_to_tell_is_an_empty_list():
    frame = pd.DataFrame({"days": [3.0]})
    given = Families().reasons(Contributions(pd.DataFrame({"days": [0.0]}), 50.0), frame)
    assert reasons_json(given, frame, top=3).tolist() == ["[]"]


def test_a_family_is_one_reason_that_says_value_usual_value_and_effect_with_the_others_inside():
    values = pd.DataFrame({"logins": [2.0, -1.0], "days": [-0.5, -3.0], "seats": [0.25, 0.0]})
    frame = pd.DataFrame({"logins": [40.0, 2.0], "days": [12.0, 1.0], "seats": [3.0, 1.0]})
    families = Families((("logins", "days"),), {"logins": 10.0, "days": 6.0, "seats": 3.0})
    texts = reasons_json(families.reasons(Contributions(values, 60.0), frame), frame, top=2, metrics={"days": DAYS})
    assert json.loads(texts[0]) == [
        {
            "metric": "logins", "value": 40.0, "usual": 10.0, "contribution": 1.5,
            "text": "logins: 40, usually 10 (+1.5 points, with days)",
            "with": ["days"],
        },
        {
            "metric": "seats", "value": 3.0, "usual": 3.0, "contribution": 0.25,
            "text": "seats: 3, as usual (+0.2 points)",
        },
    ]  # fmt: skip
    (second,) = json.loads(texts[1])  # named by the other member, which took more; seats give nothing and are not told
    assert (second["metric"], second["contribution"]) == ("days", -4.0)
    assert second["text"] == "days: 1 day, usually 6 (-4.0 points, with logins)"


def test_what_is_unknown_is_named_as_what_is_missing():
    frame = pd.DataFrame({"nps_latest": [np.nan], "plan": [None]})
    given = Contributions(pd.DataFrame({"nps_latest": [-0.5], "plan": [0.2]}), 60.0)
    families = Families((), {"nps_latest": 8.0, "plan": "pro"})
    (text,) = reasons_json(families.reasons(given, frame), frame, top=2, metrics=catalogue())
    said = [reason["text"] for reason in json.loads(text)]
    assert said == ["nps latest: no survey answer in 365 days (-0.5 points)", "plan: not known (+0.2 points)"]


def test_what_most_rows_do_not_know_is_usually_missing():
    how = {"usual": None, "missing": "no survey answer yet"}
    assert reason_text("nps_latest", 9.0, 0.5, **how) == "nps latest: 9, usually no survey answer yet (+0.5 points)"
    assert reason_text("nps_latest", None, -0.1, **how) == "nps latest: no survey answer yet, as usual (-0.1 points)"


@pytest.mark.parametrize(
    ("value", "usual", "unit", "words"),
    [
        (12345.6, 999.0, "currency", "12,346, usually 999"),
        (0.0909, 0.262, "ratio", "9.1%, usually 26%"),
        (-1.0, 0.666, "change", "-100%, usually +67%"),
        (4.0, 0.0, "change", "+400%, usually 0%"),
        (41.62, 691.2, "days", "41.6 days, usually 691"),
        (1.0, -0.0001, "weeks", "1 week, usually 0"),
        (1.0, 3.72, "people", "1 person, usually 3.72"),
        (2.0, 2.0004, "seats", "2, as usual"),
        ("pro", "basic", "", "pro, usually basic"),
        ("pro", "pro", "", "pro, like most"),
    ],
)
def test_numbers_are_written_as_people_read_them(value, usual, unit, words):
    assert reason_text("metric", value, -1.0, unit=unit, usual=usual) == f"metric: {words} (-1.0 points)"


def test_a_unit_is_not_said_twice():
    assert reason_text("account_age_days", 58.0, -8.3, unit="days") == "account age: 58 days (-8.3 points)"
