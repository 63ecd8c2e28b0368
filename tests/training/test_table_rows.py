import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerml.config.experiment import ExperimentSpec
from powerml.config.project import bare_project
from powerml.errors import DataError, MissingColumns, UsageError
from powerml.sources.tables.features import read_features
from powerml.tables import NamedColumns
from powerml.training.folds import held_out
from powerml.training.screening import plan_screening
from powerml.training.table_rows import table_rows
from powerml.validation.verdict import CROSS_FITTED

HOME = bare_project("nowhere", name="table")


def table(n=60, seed=7):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customerID": [f"C-{i:04d}" for i in range(n)],
            "tenure": rng.integers(0, 70, n),
            "contract": rng.choice(["monthly", "yearly"], n),
            "churned": rng.choice(["Yes", "No"], n),
        }
    )


def read(tmp_path, frame, *columns, **named):
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    return table_rows(read_features(path, NamedColumns(*(columns or ("churned",)), **named)), HOME)


def test_numbers_and_texts_are_features_and_the_id_is_found(tmp_path):
    frame = table()
    data = read(tmp_path, frame.assign(same="x", total=[" ", *map(str, range(len(frame) - 1))]))
    assert data.available == ["tenure", "contract", "total"]
    assert data.texts == ("contract",)
    assert data.provenance.scores_ids == "customerID"
    assert data.labelled.ids[:2].tolist() == ["C-0000", "C-0001"]
    assert data.outcomes == ("churn", "stay")
    assert data.labelled.y.tolist() == frame["churned"].map({"Yes": "churn", "No": "stay"}).tolist()
    assert "Taken by itself: customerID as --id." in data.provenance.remarks
    assert "Not used: same (the same in every row)." in data.provenance.remarks
    assert "Blank cells count as unknown: total (1)." in data.provenance.remarks
    assert data.labelled.frame["total"].isna().sum() == 1


@given(st.sampled_from([("1", "0"), ("yes", "no"), ("TRUE", "False"), ("churn", "stay"), (" Yes", "no ")]))
def test_every_way_to_say_churn(tmp_path_factory, words):
    frame = table().assign(churned=[words[i % 2] for i in range(60)])
    data = read(tmp_path_factory.mktemp("said"), frame)
    assert data.labelled.y.tolist() == ["churn", "stay"] * 30


def test_three_outcomes_and_rows_that_are_not_ripe(tmp_path):
    words = ["churn", "stay", "expand", "immature", "ineligible", ""]
    data = read(tmp_path, table().assign(churned=[words[i % 6] for i in range(60)]))
    assert data.outcomes == ("churn", "stay", "expand")
    assert len(data.labelled.frame) == 30
    assert (
        "Left out of t.csv: 10 rows without a 'churned', 10 ineligible rows, 10 immature rows."
        in data.provenance.remarks
    )


def test_without_times_five_folds_spread_outcomes_evenly_and_count_as_cross_fitted(tmp_path):
    split = (data := read(tmp_path, table(200))).split(seed=7)
    assert len(split.folds) == 5
    assert split.variance_factor == CROSS_FITTED
    assert sorted(np.concatenate([test for _, test in split.folds])) == list(range(200))
    rates = [(data.labelled.y[test] == "churn").mean() for _, test in split.folds]
    assert max(rates) - min(rates) < 0.06
    assert data.provenance.remarks[-1].startswith("Held out by 5 folds by customerID: no fold is later than another")


def test_rows_of_a_group_are_held_out_together(tmp_path):
    frame = table(200).assign(company=[f"c{i % 40}" for i in range(200)])
    data = read(tmp_path, frame, group="company")
    for train, test in data.split(seed=7).folds:
        assert not set(data.labelled.accounts[train]) & set(data.labelled.accounts[test])
    assert len(set(data.labelled.accounts)) == 40
    assert "company" not in data.available


def monthly(n=40, months=12):
    days = pd.date_range("2025-01-01", periods=months, freq="MS")
    parts = [table(n, seed=k).assign(day=day.strftime("%Y-%m-%d")) for k, day in enumerate(days)]
    return pd.concat(parts, ignore_index=True)


def test_with_times_rows_are_held_out_forward_in_time_with_a_gap(tmp_path):
    data = read(tmp_path, monthly(), time="day")
    split = data.split(seed=7)
    assert split.variance_factor == 1
    assert split.words == "forward in time"
    assert len(split.folds) == 3
    for train, test in split.folds:
        assert data.labelled.times[train].max() + np.timedelta64(90, "D") <= data.labelled.times[test].min()
    assert data.provenance.scores_ids == "customerID"  # it repeats over the months
    assert data.trained_until == "2025-12-01"


def test_days_of_a_month_are_taken_together_and_the_folds_are_said(tmp_path):
    days = pd.date_range("2024-01-01", periods=365, freq="D")
    frame = table(730).assign(day=np.tile(days, 2).astype(str))
    data = read(tmp_path, frame, time="day")
    (said,) = [remark for remark in data.provenance.remarks if remark.startswith("Held out")]
    assert "Held out forward in time by day: 3 test months (91 cutoffs, taken together by month), with a gap" in said
    split = data.split(seed=0)
    test = held_out(data, split)
    assert [str(month)[:7] for month in np.unique(test.times)] == ["2024-10", "2024-11", "2024-12"]
    for train, tested in split.folds:  # the days themselves keep the gap
        assert data.labelled.times[train].max() + np.timedelta64(90, "D") <= data.labelled.times[tested].min()


def test_a_good_target_turns_the_score_round(tmp_path):
    data = read(tmp_path, table().rename(columns={"churned": "Has Bought"}), "Has Bought", good=True)
    assert data.outcomes == ("not_has_bought", "has_bought")
    assert data.judged == ("has_bought",)
    assert data.labelled.y.tolist() == table()["churned"].map({"Yes": "has_bought", "No": "not_has_bought"}).tolist()
    assert data.model_name == "table-has_bought"
    assert all(len(set(data.labelled.y[train])) == 2 for train, _ in data.split(seed=0).folds)
    with pytest.raises(UsageError, match="holds churn, stay or expand, whose order is known; leave --good out"):
        read(tmp_path, table().assign(churned=["churn", "stay"] * 30), good=True)


def test_too_short_a_time_falls_back_to_folds_and_says_so(tmp_path):
    data = read(tmp_path, monthly(months=2), time="day")
    assert data.split(seed=7).variance_factor == CROSS_FITTED
    assert data.provenance.remarks[-1].startswith(
        "day is too short for a gap of 90 days, so held out by 5 folds by customerID"
    )
    for train, test in data.split(seed=7).folds:
        assert not set(data.labelled.ids[train]) & set(data.labelled.ids[test])


def test_a_parquet_file_s_truth_values_and_dates(tmp_path):
    frame = table().assign(paid=[i % 2 == 0 for i in range(60)], since=pd.Timestamp("2026-01-01"))
    frame["churned"] = frame["churned"].eq("Yes")
    frame.to_parquet(tmp_path / "t.parquet")
    data = table_rows(read_features(tmp_path / "t.parquet", NamedColumns("churned")), HOME)
    assert set(data.texts) == {"contract", "paid"}
    assert "Not used: since (dates)." in data.provenance.remarks
    assert set(data.labelled.y) == {"churn", "stay"}


def test_a_name_that_differs_in_most_rows_is_no_feature(tmp_path):
    data = read(
        tmp_path, table().assign(note=[f"note {i // 2}x" for i in range(60)], memo=[f"m{i % 50}" for i in range(60)])
    )
    assert "memo (50 different texts, so it says who, not what)" in "".join(data.provenance.remarks)
    assert "note" in data.available


@pytest.mark.parametrize(
    ("change", "named", "message"),
    [
        (lambda t: t, {"target": "churn"}, r"t\.csv: --target needs column 'churn'; did you mean 'churned'\?"),
        (lambda t: t, {"group": "company"}, r"t\.csv: --group needs column 'company'"),
        (lambda t: t, {"time": "day"}, r"t\.csv: --time needs column 'day'"),
        (lambda t: t, {"id_": "customer"}, r"t\.csv: --id needs column 'customer'; did you mean 'customerID'\?"),
        (lambda t: t, {"time": "churned"}, r"t\.csv: column 'churned' is named twice"),
        (
            lambda t: t.assign(churned=["maybe", "gone", "left", *t["churned"][3:]]),
            {},
            r"t\.csv: column 'churned': 3 values are no outcome \('maybe', 'gone', 'left'; first in row 2\); "
            r"use churn, "
            r"stay and expand, or 0/1 \(yes/no, true/false\) with 1 = churn, and leave unknown outcomes empty",
        ),
        (
            lambda t: t.assign(churned=["churn", "1", *["stay"] * 58]),
            {},
            r"t\.csv: row 3: column 'churned': '1' stands among churn, stay and expand; use churn",
        ),
        (
            lambda t: t.assign(churned="No"),
            {},
            r"t\.csv: column 'churned': every row is 'stay'; a model needs rows that churned and rows that did not",
        ),
        (
            lambda t: t.assign(churned=["stay", "expand"] * 30),
            {},
            r"t\.csv: column 'churned': no row is 'churn'; a model",
        ),
        (lambda t: t.assign(churned=""), {}, r"t\.csv: column 'churned' is empty; use churn, stay and expand"),
        (lambda t: t.assign(churned="immature"), {}, r"t\.csv: column 'churned': no row has an outcome; wait until"),
        (lambda t: t.head(0), {}, r"t\.csv: has no rows; write it again"),
        (
            lambda t: t[["customerID", "churned"]],
            {},
            r"t\.csv: no column is left to learn from; add columns of features",
        ),
        (lambda t: t.assign(day="soon"), {"time": "day"}, r"t\.csv: row 2: column 'day': 'soon' is not a date"),
        (
            lambda t: t.assign(firm=["", *["x"] * 59]),
            {"group": "firm"},
            r"row 2: column 'firm': '' is empty; every row",
        ),
    ],
)
def test_what_is_wrong_is_one_message(tmp_path, change, named, message):
    with pytest.raises((DataError, MissingColumns, UsageError), match=message):
        read(tmp_path, change(table()), named.pop("target", "churned"), **named)


def dated(n=40):
    """Monthly rows with instants in four forms: two before the row's date, two after it for those who leave."""
    frame = monthly(n).reset_index(drop=True)
    at = pd.to_datetime(frame["day"])
    since = at - pd.to_timedelta(np.arange(len(frame)) % 500 + 1, unit="D")
    left = frame["churned"].eq("Yes")
    late = (at + pd.to_timedelta(np.where(left, 20, -20), unit="D")).where(np.arange(len(frame)) % 5 != 0)
    seen = at - pd.to_timedelta(np.where(left, 30, 3), unit="D")
    return frame.assign(
        since=since.dt.strftime("%Y-%m-%d"),
        seen=(seen - pd.Timestamp(0)) // pd.Timedelta(milliseconds=1),
        ended=late.dt.strftime("%d.%m.%Y"),
        closed=((late - pd.Timestamp(0)) / pd.Timedelta(seconds=1)).fillna(0).astype("int64"),
    )


def test_instants_become_days_before_the_row_s_date_whatever_their_form(tmp_path):
    frame = dated()
    data = read(tmp_path, frame, time="day")
    assert data.instants == ("since", "seen", "ended", "closed")
    (said,) = [remark for remark in data.provenance.remarks if remark.startswith("Read as days before the row's date")]
    assert said.endswith("(since, seen, ended, closed); what lies after that date was not known on it.")
    rows = data.labelled.frame
    assert rows["since"].between(1, 500).all()
    assert set(rows["seen"].unique()) == {3.0, 30.0}
    np.testing.assert_array_equal(rows["ended"], rows["closed"])
    assert set(rows["ended"].dropna().unique()) == {20.0, -20.0}
    assert data.provenance.scores_time == "day"


def test_instants_after_the_row_s_date_are_suspects_and_named_as_such(tmp_path):
    plan = plan_screening(ExperimentSpec(), read(tmp_path, dated(), time="day"))
    assert set(plan.leaks) >= {"ended", "closed"}
    assert "since" not in plan.leaks
    assert plan.leaks["ended"].startswith("holds instants after its row's date, in ")
    kept = plan_screening(ExperimentSpec(screen={"force_keep": ["ended"]}), read(tmp_path, dated(), time="day"))
    assert "ended" in kept.forced


def test_without_row_dates_what_is_missing_is_said(tmp_path):
    frame = dated().drop(columns="day")
    data = read(tmp_path, frame.assign(customerID=[f"C-{i:05d}" for i in range(len(frame))]))
    assert data.instants == ()
    assert not {"since", "seen", "ended", "closed"} & set(data.available)
    assert (
        "Instants need their row's date, to be read as days before it: name its column in --time (since, seen, ended, "
        "closed)." in data.provenance.remarks
    )


def test_what_the_screen_keeps_for_want_of_better_is_not_said_to_be_told_from_noise(tmp_path):
    """One metric says something and two do not: 'only 1 of 3' must not stand below '3 of 3 are told from noise'."""
    rng = np.random.default_rng(0)
    left = rng.random(300) < 0.4
    frame = pd.DataFrame({"user_id": [f"u{i}" for i in range(300)], "churned": left.astype(int)})
    frame = frame.assign(strong=left + rng.normal(size=300), a=rng.normal(size=300), b=rng.normal(size=300))
    notes = plan_screening(ExperimentSpec(), read(tmp_path, frame)).notes
    assert "Screen (auto): 3 of 3 metrics may be fitted." in notes
    assert any(note.startswith("Screen: only 1 of 3 metrics are told from noise by any outcome") for note in notes)
