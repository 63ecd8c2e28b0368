import numpy as np
import pandas as pd
import pytest

from powerml.config.claims import load_claims
from powerml.config.shipped import find
from powerml.errors import MissingColumns, UsageError
from powerml.programme.kpis import account_view, net_promoter_score, programme_kpis, time_to_power

DATES = pd.to_datetime(["2026-01-01", "2026-01-31", "2026-03-02", "2026-04-01"])


def user(name, *, born, power, account=None, mrr=10.0, nps=np.nan, labels=("stay",) * 4):
    """One row per date on which the user exists; `power` by date."""
    age = (DATES - pd.Timestamp(born)) / pd.Timedelta(days=1)
    frame = pd.DataFrame(
        {
            "as_of": DATES,
            "user_id": name,
            "account_id": account or f"of {name}",
            "account_age_days": age,
            "power_user": power,
            "mrr": mrr,
            "nps_latest": nps,
            "label": labels,
        }
    )
    return frame[age > 0]


def panel():
    """Ada was one from the start; Bob gets there at 40 days, Cyd at 71, Dan (older than the panel) not; Eve not yet."""
    return pd.concat(
        [
            user("ada", born="2025-06-01", power=[True] * 4, account="acme", mrr=100.0, nps=10),
            user("bob", born="2026-01-21", power=[False, False, True, True], account="acme", mrr=100.0, nps=9),
            user("cyd", born="2026-01-20", power=[False, False, False, True], nps=3),
            user("dan", born="2025-12-01", power=[False] * 4),
            user("eve", born="2026-02-20", power=[False] * 4, labels=("churn", "immature", "immature", "immature")),
        ],
        ignore_index=True,
    )


def test_who_had_the_status_from_the_start_is_left_out():
    ways = time_to_power(panel())
    assert ways.index.tolist() == ["bob", "cyd", "dan", "eve"]
    assert ways["days"].tolist() == [40, 71, 121, 40]
    assert ways["reached"].tolist() == [True, True, False, False]
    assert ways["entered"].tolist() == [0, 0, 31, 0]


def test_the_median_counts_those_still_waiting():
    """At 40 days 1 of 4 (Bob; Dan has entered): 0.75; at 71 one of two: 0.375, so the median is 71."""
    row = programme_kpis(panel()).set_index("kpi").loc["median_days_to_power"]
    assert (row["current"], row["n"]) == (71, 4)
    assert "2 of 4" in row["note"]


def test_the_five_kpis_with_their_goals():
    goals = load_claims(find("claims", "power_user_rule")).kpis
    table = programme_kpis(panel(), goals).set_index("kpi")
    assert table.loc["share_reaching_power", "current"] == pytest.approx(3 / 5)
    assert table.loc["share_reaching_power", ["baseline", "target"]].tolist() == [0.08, 0.15]
    assert table.loc["revenue_share_of_power_accounts", "current"] == pytest.approx(110 / 130)  # acme once, and Cyd's
    assert table.loc["power_user_nps", "current"] == pytest.approx(100 / 3)  # two promote, one detracts
    assert table.loc["power_user_retention", "current"] == 1
    assert table.loc["power_user_retention", "low"] < 1
    assert table["target"].tolist() == [0.15, 75, 0.98, 0.70, 80]


def test_what_cannot_be_told_is_null_with_a_reason():
    bare = panel()[["as_of", "user_id", "account_id", "power_user"]]
    table = programme_kpis(bare[bare["as_of"] == DATES[0]]).set_index("kpi")
    assert table["current"].notna().tolist() == [True, False, False, False, False]
    assert table.loc["power_user_nps", "note"] == "needs nps_latest"
    assert table["target"].isna().all()


def test_a_median_not_reached_says_how_far_it_got():
    waiting = [user(f"u{i}", born="2026-01-02", power=[False] * 4) for i in range(4)]
    table = programme_kpis(pd.concat([panel(), *waiting])).set_index("kpi")
    assert np.isnan(table.loc["median_days_to_power", "current"])
    assert "not half" in table.loc["median_days_to_power", "note"]


def test_a_user_twice_at_one_date_is_refused():
    with pytest.raises(UsageError, match="a user stands twice at one date"):
        programme_kpis(pd.concat([panel(), panel()]))


def test_a_missing_column_is_named():
    with pytest.raises(MissingColumns, match="the programme's KPIs needs column 'power_user'"):
        programme_kpis(panel().drop(columns="power_user"))


def test_the_net_promoter_score():
    """5 promote, 2 detract of 10: 30; the variance of -1, 0, 1 is 0.7 - 0.09 = 0.61, so +- 1.96 sqrt(0.61 / 9)."""
    value, low, high, n = net_promoter_score([9] * 5 + [7] * 3 + [6] * 2)
    assert (value, n) == (pytest.approx(30), 10)
    assert (high - low) / 2 == pytest.approx(100 * 1.959964 * np.sqrt(0.61 / 9), rel=1e-5)
    assert np.isnan(net_promoter_score([10])[1])


def test_answers_of_one_account_widen_the_interval():
    answers = [10, 10, 10, 0, 0, 0]
    alone, together = net_promoter_score(answers), net_promoter_score(answers, ["a"] * 3 + ["b"] * 3)
    assert alone[0] == together[0] == 0
    assert together[2] > alone[2]


def test_accounts_with_and_without_a_power_user():
    frame = pd.DataFrame(
        {
            "user_id": ["ada", "bob", "cyd", "dan", "eve"],
            "account_id": ["acme", "acme", "solo", "duo", None],
            "power_user": [True, False, False, False, True],
            "label": ["expand", "expand", "churn", "immature", "stay"],
        }
    )
    view = account_view(frame).set_index("power_user")
    assert view["accounts"].tolist() == [1, 2]
    assert view["n_labelled"].tolist() == [1, 1]
    assert view["rate_retention"].tolist() == [1, 0]
    assert view["rate_expand"].tolist() == [1, 0]
    assert view.loc[True, "low_retention"] < 1


def test_behavioural_labels_of_one_account_are_joined():
    frame = pd.DataFrame(
        {"account_id": ["acme"] * 3, "power_user": [True, False, False], "label": ["churn", "stay", "churn"]}
    )
    assert account_view(frame).set_index("power_user").loc[True, "rate_retention"] == 1


def test_net_revenue_retention_counts_who_pays_no_longer_as_nothing():
    """With a power user 100 become 150; without one 60 become 30, for one of two is gone."""
    first = pd.DataFrame({
        "account_id": ["a", "b", "c"], "power_user": [True, False, False], "label": ["expand", "stay", "churn"],
        "mrr": [100.0, 30.0, 30.0],
    })  # fmt: skip
    later = pd.DataFrame({"account_id": ["a", "b"], "mrr": [150.0, 30.0]})
    table = account_view(first, later).set_index("power_user")
    assert table.loc[True, "nrr"] == 1.5
    assert (table.loc[False, "nrr"], table.loc[False, "n_paying"]) == (0.5, 2)
    assert "nrr" not in account_view(first)
