"""A project's rows: those who paid once and pay no longer stand in no list, and no rank is taken among them."""

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from powerml.config.experiment import WeightSetEntry
from powerml.config.project import load_project
from powerml.statistics.ranks import Ranks
from powerml.training.beside_the_verdict import call_list, totals
from powerml.training.candidates import Candidate
from powerml.workflows.backtest import run_backtest
from powerml.workflows.project import gather, open_project, ranked

GOLDEN = Path(__file__).parents[1] / "golden" / "raw"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The golden project by user, of whose 33 users 12 had left by the latest snapshot."""
    folder = tmp_path_factory.mktemp("raw") / "raw"
    shutil.copytree(GOLDEN, folder)
    return load_project(folder / "powerml.yaml")


@pytest.fixture(scope="module")
def data(project):
    return gather(project, None)


@pytest.fixture(scope="module")
def model(data):
    candidate = Candidate(WeightSetEntry(weights="engagement"), data, 7)
    return candidate.make(data.labelled, data.current.reset_index(drop=True))


def test_who_has_left_is_told_for_each_date(project):
    opened = open_project(project)
    days = [date(2025, 3, 1), date(2025, 10, 1)]
    frame = opened.build(days).frame
    left = opened.left(frame)
    for day in days:
        at = frame["as_of"] == pd.Timestamp(day)
        assert left[at].tolist() == opened.left(frame[at]).tolist()
    gone = set(frame.loc[left & frame["as_of"].eq(pd.Timestamp(days[1])), "user_id"])
    assert gone
    assert not gone & set(frame.loc[left & frame["as_of"].eq(pd.Timestamp(days[0])), "user_id"])
    paying = frame.loc[left, "mrr"].fillna(0.0)
    assert (paying == 0).all()


def test_those_who_have_left_are_not_active(data):
    used = data.latest["events_30d"].gt(0)
    assert (used & data.left).sum() > 5  # they still log in
    assert not data.latest.loc[data.left, "active"].any()
    assert (data.latest.loc[~data.left, "active"] == used[~data.left]).all()
    assert set(data.current["user_id"]) == set(data.latest.loc[~data.left & data.latest["enough_history"], "user_id"])


def test_no_stored_reference_counts_them(data, model):
    rows = data.latest[data.latest["enough_history"].astype(bool)]
    theirs = rows[~data.left[rows.index] & rows["events_30d"].gt(0)]
    expected = Ranks.of(np.asarray(model.scorer.predict_score(theirs), dtype=float))
    np.testing.assert_allclose(model.reference.values, expected.values)
    assert model.reference.at_or_below[-1] == len(theirs)


def test_no_list_and_no_total_counts_them(data, model):
    listed = call_list(model, data, None, capacities=(50,)).set_index("list")
    accounts = data.current.loc[data.current["label"].ne("ineligible"), "account_id"].nunique()
    assert listed.loc["as asked", "n"] == accounts
    assert set(totals(model, data, seed=0)["n"]) == {int(data.current["label"].ne("ineligible").sum())}


def test_a_backtest_does_not_list_them(project):
    opened, day = open_project(project), date(2025, 10, 1)
    frame = opened.build([day]).frame
    gone = set(frame.loc[opened.left(frame), "user_id"])
    rows = run_backtest(project, day, weights="engagement", top=50).result.rows
    assert gone
    assert not gone & set(rows["user_id"])


def test_nothing_changes_where_contracts_are_not_known():
    frame = pd.DataFrame({"active": [True, False]})
    assert ranked(frame, None) is frame
    assert ranked(frame, pd.Series([True, True]))["active"].tolist() == [False, False]
