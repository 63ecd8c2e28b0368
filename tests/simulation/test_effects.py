"""The table of documented against achieved effects, on frames small enough to add up by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from powerml.errors import MissingColumns
from powerml.simulation.effects import METRICS, achieved_rates, churner_path, effect_table, ripe


def frame(labels: list[str], **metrics: list[float]) -> pd.DataFrame:
    rows = pd.DataFrame({"label": labels, "enough_history": True})
    for name in METRICS:
        rows[name] = metrics.get(name, [1.0] * len(labels))
    return rows


def test_shares_and_means_are_those_of_the_two_groups():
    rows = frame(
        ["churn", "churn", "stay", "expand"],
        usage_change_90d=[-0.5, np.nan, -0.2, -0.21],
        tickets_unresolved=[2.0, 4.0, 0.0, 1.0],
        team_size=[1.0, 2.0, 1.0, 5.0],
    )
    table = effect_table(rows).set_index("effect")
    declining = table.loc["usage declines"]
    assert (declining["achieved_with"], declining["achieved_without"]) == (1.0, 0.5)  # nulls count for neither side
    tickets = table.loc["unresolved tickets"]
    assert (tickets["achieved_with"], tickets["achieved_without"]) == (3.0, 0.5)
    assert tickets["ratio_with"] == pytest.approx(3.0 / 2.4)
    assert not tickets["within_15_percent"]
    alone = table.loc["churn of single-user accounts"]
    assert (alone["achieved_with"], alone["achieved_without"]) == (0.5, 0.5)


def test_limits_and_features_count_against_everybody_who_did_not_expand():
    rows = frame(
        ["expand", "expand", "stay", "churn"],
        limit_utilisation=[0.9, 0.89, 0.95, 0.1],
        distinct_features_30d=[8.3, 8.3, 3.1, 3.1],
    )
    table = effect_table(rows).set_index("effect")
    assert table.loc["at the plan's limits", ["achieved_with", "achieved_without"]].tolist() == [0.5, 0.5]
    assert table.loc["features used", "within_15_percent"]


def test_unripe_rows_and_newcomers_do_not_count():
    rows = frame(["churn", "immature", "ineligible", "stay"])
    rows.loc[3, "enough_history"] = False
    assert ripe(rows)["label"].tolist() == ["churn"]
    rates = achieved_rates(rows, (0.2, 0.6, 0.2)).set_index("outcome")
    assert rates.loc["churn", "points_off"] == pytest.approx(80.0)


def test_a_missing_metric_is_named():
    with pytest.raises(MissingColumns, match="the table of effects needs column 'team_size'"):
        effect_table(frame(["churn", "stay"]).drop(columns="team_size"))


def test_the_path_of_churners_counts_back_from_the_month_they_left():
    months = pd.to_datetime([f"2024-{m:02d}-01" for m in range(1, 8)])
    scores = pd.concat(
        [
            pd.DataFrame({"as_of": months, "user_id": "ada", "account_id": "a", "score": [70, 62, 58, 51, 42, 31, 19]}),
            pd.DataFrame({"as_of": months, "user_id": "bob", "account_id": "b", "score": 50}),
            pd.DataFrame({"as_of": months[4:], "user_id": "new", "account_id": "a", "score": 5}),
        ]
    )
    left = pd.to_datetime(["2024-07-15", "2024-07-20", None], utc=True)
    endings = pd.DataFrame({"account_id": ["a", "b", "c"], "churned_at": left, "visible": [True, False, None]})
    path = churner_path(scores, endings)
    assert path["month"].tolist() == [-6, -5, -4, -3, -2, -1]
    assert path["visible"].tolist() == [62, 58, 51, 42, 31, 19] == path["documented"].tolist()
    assert path["all"].tolist() == [56, 54, 50.5, 46, 40.5, 34.5]
    assert set(path["n_visible"]) == {1}
    assert set(path["n_all"]) == {2}
