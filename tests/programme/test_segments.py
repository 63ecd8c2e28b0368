import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerml.config.bands import BandsSpec
from powerml.config.claims import load_claims
from powerml.config.reading import load
from powerml.config.shipped import find
from powerml.errors import MissingColumns
from powerml.programme.segments import (
    SEGMENTS,
    revenue_fifths,
    segment_table,
    segment_users,
    tier_shares,
    yearly_revenue,
)
from powerml.statistics.intervals import wilson


def test_the_shares_of_the_document():
    """Of 100: 15 power users, the next 24, the lowest 16, and the 45 between."""
    scores = np.arange(100)
    named = segment_users(scores, scores >= 85)
    assert [int((named == name).sum()) for name in SEGMENTS] == [15, 24, 45, 16]
    assert named[84] == "Emerging Power"
    assert named[60] == "Active Users"
    assert named[0] == "Casual Users"


def test_power_users_by_rule_need_no_high_score():
    named = segment_users([1.0, 50.0, 60.0, 70.0, 80.0], [True, False, False, False, False])
    assert named[0] == "Power Users"
    assert named[1] == "Casual Users"  # the lowest of the rest


def test_equal_scores_stay_together():
    named = segment_users([10.0] * 6 + [90.0], [False] * 7)
    assert set(named[:6]) == {"Casual Users"}
    assert named[6] == "Emerging Power"


def test_without_a_score_no_segment():
    assert segment_users([np.nan, np.nan, 3.0], [True, False, False]).tolist() == ["Power Users", None, "Casual Users"]


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=40))
def test_segments_follow_the_score_whatever_the_row_order(rows):
    scores, power = np.array([s for s, _ in rows], dtype=float), np.array([p for _, p in rows])
    named = segment_users(scores, power)
    assert (named[power] == "Power Users").all()
    order = {"Casual Users": 0, "Active Users": 1, "Emerging Power": 2}
    rest = pd.DataFrame({"score": scores[~power], "rank": [order[name] for name in named[~power]]})
    assert rest.sort_values("score", kind="stable")["rank"].is_monotonic_increasing
    assert (rest.groupby("score")["rank"].nunique() == 1).all()
    assert (segment_users(scores[::-1], power[::-1]) == named[::-1]).all()


def test_an_accounts_revenue_is_shared_among_its_users():
    frame = pd.DataFrame(
        {
            "as_of": pd.Timestamp("2026-04-01"),
            "user_id": ["ada", "bob", "cyd", "dan"],
            "account_id": ["acme", "acme", "solo", None],
            "mrr": [100.0, 100.0, 30.0, np.nan],
        }
    )
    assert yearly_revenue(frame).tolist()[:3] == [600, 600, 360]
    assert np.isnan(yearly_revenue(frame)[3])


def test_an_account_bears_its_own_revenue():
    frame = pd.DataFrame({"account_id": ["acme", "solo"], "mrr": [100.0, 30.0]})
    assert yearly_revenue(frame).tolist() == [1200, 360]


def labelled():
    """40 power users of one account each: 2 churn, 30 expand; 10 casual ones: 5 churn; 3 not ripe."""
    labels = ["churn"] * 2 + ["expand"] * 30 + ["stay"] * 8 + ["churn"] * 5 + ["stay"] * 5 + ["immature"] * 3
    n = len(labels)
    frame = pd.DataFrame(
        {"as_of": pd.Timestamp("2026-04-01"), "account_id": [f"a{i}" for i in range(n)], "label": labels, "mrr": 10.0}
    )
    return frame, np.array(["Power Users"] * 40 + ["Casual Users"] * 13, dtype=object)


def test_rates_come_with_n_and_interval():
    frame, names = labelled()
    table = segment_table(frame, names).set_index("segment")
    power, casual = table.loc["Power Users"], table.loc["Casual Users"]
    assert (power["n"], power["n_labelled"], casual["n"], casual["n_labelled"]) == (40, 40, 13, 10)
    assert power["rate_churn"] == pytest.approx(0.05)
    assert (power["low_churn"], power["high_churn"]) == pytest.approx(tuple(float(e) for e in wilson(2, 40)))
    assert casual["rate_churn"] == pytest.approx(0.5)
    assert power["revenue_per_year"] == 120
    assert table["share"].sum() == pytest.approx(1)
    assert table.loc["Emerging Power", "n"] == 0
    assert np.isnan(table.loc["Emerging Power", "rate_churn"])


def test_users_of_one_account_widen_the_interval():
    frame, names = labelled()
    wide = frame.assign(user_id=frame["account_id"], account_id=[f"a{i // 5}" for i in range(len(frame))])
    one = segment_table(frame, names).set_index("segment").loc["Power Users"]
    many = segment_table(wide, names).set_index("segment").loc["Power Users"]
    assert one["rate_expand"] == many["rate_expand"]
    assert many["high_expand"] - many["low_expand"] > one["high_expand"] - one["low_expand"]


def test_the_documents_table_stands_beside():
    frame, names = labelled()
    printed = load_claims(find("claims", "power_user_rule")).segments
    table = segment_table(frame, names, document=printed).set_index("segment")
    assert table.loc["Power Users", "document_churn"] == 0.03
    assert table["document_share"].tolist() == [0.15, 0.24, 0.45, 0.16]
    assert table["document_revenue"].tolist() == [8400, 4200, 2800, 1800]


def test_the_table_needs_labels():
    with pytest.raises(MissingColumns, match="the segment table needs column 'label'"):
        segment_table(pd.DataFrame({"account_id": ["acme"]}), ["Power Users"])


def test_tiers_against_the_expected_shares():
    """30 of 100 are Champions where 5 % are expected; 15 Power Users, as expected."""
    bands = load(BandsSpec, find("bands", "power_user"))
    tiers = ["Champions"] * 30 + ["Power Users"] * 15 + ["Rising Stars"] * 20 + ["Standard Users"] * 35 + [None] * 9
    table = tier_shares(tiers, bands).set_index("tier")
    assert table["n"].tolist() == [30, 15, 20, 35]
    assert table["share"].tolist() == pytest.approx([0.30, 0.15, 0.20, 0.35])
    assert table["against"].tolist()[:2] == ["above", "as expected"]
    assert table["against"].isna().tolist() == [False, False, True, True]
    assert (table["low"] < table["share"]).all()


def test_too_few_champions_are_told():
    bands = load(BandsSpec, find("bands", "power_user"))
    assert tier_shares(["Standard Users"] * 500, bands)["against"].tolist()[:2] == ["below", "below"]


def test_fifths_of_revenue_count_each_account_once():
    """Of five accounts whose money is known the first has four users, and is one account still."""
    frame = pd.DataFrame({
        "user_id": [f"u{i}" for i in range(9)],
        "account_id": ["a"] * 4 + ["b", "c", "d", "e", "f"],
        "mrr": [1.0] * 4 + [2.0, 3.0, 4.0, 5.0, np.nan],
    })  # fmt: skip
    named = revenue_fifths(frame)
    told = [each and each.split(" (")[0] for each in named[3:]]
    assert told == ["fifth 1", "fifth 2", "fifth 3", "fifth 4", "fifth 5", None]
