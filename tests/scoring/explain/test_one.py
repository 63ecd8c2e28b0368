"""The reasons of one row as a table, and what moved them between two rows."""

import numpy as np
import pandas as pd
import pytest

from powerml.config.metrics import catalogue
from powerml.scoring.contributions import Contributions, change
from powerml.scoring.explain.one import by_reason, reasons_table
from powerml.scoring.families import Families

FAMILIES = Families(
    (("logins_30d", "active_days_30d"),), {"logins_30d": 9.0, "active_days_30d": 6.0, "nps_latest": None}
)
NOW = pd.DataFrame({"logins_30d": [2.0], "active_days_30d": [1.0], "nps_latest": [np.nan]})
BEFORE = pd.DataFrame({"logins_30d": [9.0], "active_days_30d": [6.0], "nps_latest": [3.0]})


def reasons(values, frame):
    return FAMILIES.reasons(Contributions(pd.DataFrame([values], columns=list(frame)), 60.0), frame)


def test_one_line_per_reason_the_largest_first_with_its_members():
    table = reasons_table(reasons([-1.0, -3.0, 0.5], NOW), NOW, catalogue())
    assert table["metric"].tolist() == ["active_days_30d", "nps_latest"]
    assert table["contribution"].tolist() == [-4.0, 0.5]
    assert table["said"].tolist() == ["1 day", "no survey answer in 365 days"]
    assert table["usual"].tolist() == ["6 days", "no survey answer in 365 days"]
    assert table["with"].tolist() == [[{"metric": "logins_30d", "value": 2.0, "contribution": -1.0}], []]


def test_moves_add_up_and_bear_the_name_of_what_moved_most():
    old, new = reasons([1.0, 1.0, 1.0], BEFORE), reasons([-4.0, -1.0, 0.5], NOW)
    moved = change(*by_reason(old, new))
    assert moved["metric"].tolist() == ["logins_30d", "nps_latest"]
    assert moved["change"].tolist() == [-7.0, -0.5]
    assert moved["change"].sum() == pytest.approx(new.effects.sum() - old.effects.sum())
