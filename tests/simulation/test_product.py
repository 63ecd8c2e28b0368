"""The simulated product as a whole: same bytes, exact labels, counted duplicates, rates near their targets."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from powerml.config.metrics import metrics_from
from powerml.config.project import load_project
from powerml.errors import UsageError
from powerml.simulation import PRESETS, simulate, write_product
from powerml.tables import TABLES

if TYPE_CHECKING:
    from pathlib import Path

PLANS = {"free": 0, "starter": 1, "pro": 2, "enterprise": 3}
DAY = pd.Timedelta(days=1)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def product():
    return simulate("validation", users=1000, months=14, seed=3)


def test_the_same_seed_gives_the_same_bytes_whatever_the_chunk_or_the_workers(tmp_path):
    write_product(tmp_path / "one", users=2300, months=4, seed=11, workers=1, chunk=1)
    write_product(tmp_path / "all", users=2300, months=4, seed=11, workers=1, chunk=50)
    write_product(tmp_path / "two", users=2300, months=4, seed=11, workers=2, chunk=2)
    write_product(tmp_path / "other", users=2300, months=4, seed=12)
    one = digests(tmp_path / "one")
    assert "truth/labels.parquet" in one
    assert one == digests(tmp_path / "all") == digests(tmp_path / "two")
    assert one != digests(tmp_path / "other")


def test_more_users_leave_the_first_blocks_as_they_were():
    few = simulate(users=1000, months=3, seed=5).tables["events"]
    more = simulate(users=1100, months=3, seed=5).tables["events"]
    pd.testing.assert_frame_equal(few, more.iloc[: len(few)])
    assert len(more) > len(few)


def test_files_hold_what_memory_holds(tmp_path):
    manifest = write_product(tmp_path / "p", users=200, months=6, seed=2)
    memory = simulate(users=200, months=6, seed=2)
    for name, frame in memory.tables.items():
        path = tmp_path / "p" / ("events" if name == "events" else f"{name}.parquet")
        written = pd.read_parquet(path)
        assert len(written) == len(frame) == manifest.rows[name]
        assert list(written.columns) == list(frame.columns)
    written = pd.read_parquet(tmp_path / "p" / "truth" / "labels.parquet")
    pd.testing.assert_frame_equal(written, memory.truth["labels"])
    assert json.loads((tmp_path / "p" / "truth" / "manifest.json").read_text())["duplicates"] == manifest.duplicates


def label_of(rows: list[dict], as_of: pd.Timestamp, observed_until: pd.Timestamp) -> str:
    """A contract label, in plain loops over one account's subscription rows."""

    def state(instant: pd.Timestamp) -> tuple[float, float, int]:
        live = [r for r in rows if r["start"] < instant and (pd.isna(r["end"]) or r["end"] >= instant)]
        plan = max((PLANS[r["plan"]] for r in live), default=-1)
        return sum(r["mrr"] for r in live), sum(r["seats"] for r in live), plan

    mrr, seats, plan = state(as_of)
    if mrr <= 0:
        return "ineligible"
    if as_of + 120 * DAY > observed_until:
        return "immature"
    end = as_of + 90 * DAY
    paying = [r for r in rows if r["mrr"] > 0]
    for stop in (r["end"] for r in paying if pd.notna(r["end"]) and as_of <= r["end"] < end):
        if not any(r["start"] <= stop + 30 * DAY and (pd.isna(r["end"]) or r["end"] > stop) for r in paying):
            return "churn"
    later_mrr, later_seats, later_plan = state(end)
    return "expand" if later_mrr > mrr * 1.02 or later_seats > seats or later_plan > plan else "stay"


def test_labels_from_the_subscriptions_are_the_truth(product):
    until = pd.Timestamp(product.project["observed_until"])
    rows = {key: part.to_dict("records") for key, part in product.tables["subscriptions"].groupby("account_id")}
    truth = product.truth["labels"]
    computed = [label_of(rows.get(row.account_id, []), row.as_of, until) for row in truth.itertuples()]
    assert computed == truth["label"].tolist()
    assert set(computed) == {"ineligible", "immature", "churn", "stay", "expand"}


def test_some_accounts_lapse_and_come_back_without_having_churned(product):
    rows = product.tables["subscriptions"].sort_values(["account_id", "start"])
    gap = rows.groupby("account_id")["start"].shift(-1) - rows["end"]
    lapsed = gap[gap > pd.Timedelta(0)]
    assert len(lapsed) > 0
    assert lapsed.max() <= 30 * DAY


def test_duplicates_are_exact_copies_and_counted(product):
    events = product.tables["events"]
    repeated = events[events.duplicated("event_id")]
    assert len(repeated) == product.counts["duplicates"] > 0
    assert int(events.duplicated().sum()) == len(repeated)
    assert sorted(repeated["event_id"]) == sorted(product.truth["duplicates"]["event_id"])
    assert len(events) == product.counts["events"] + product.counts["duplicates"]


def test_some_rows_are_late_some_days_are_lost_and_bots_never_sleep(product):
    events = product.tables["events"].drop_duplicates("event_id")
    behind = events["time"].cummax() - events["time"]
    assert 0.5 < (behind >= DAY).sum() / product.counts["late"] <= 1.0
    lost = product.truth["lost_days"]["day"]
    assert len(lost) > 0
    assert not events["time"].dt.floor("D").isin(lost).any()
    bots = product.truth["people"].query("bot")["user_id"]
    polled = events[events["user_id"].isin(bots)].groupby(events["time"].dt.hour).size()
    assert polled.min() > 0.8 * polled.max()


def test_tables_hold_only_canonical_columns_and_every_required_value(product):
    for name, frame in product.tables.items():
        assert set(frame.columns) <= set(TABLES[name].names)
        assert frame[list(TABLES[name].required)].notna().all().all()
        if TABLES[name].key:
            assert not frame.duplicated(list(TABLES[name].key)).any()
    users = product.tables["users"].set_index("user_id")
    assert (users["deactivated_at"].dropna() >= users["created_at"][users["deactivated_at"].notna()]).all()
    assert product.tables["events"]["time"].max() < pd.Timestamp(product.project["observed_until"])


def test_true_probabilities_are_calibrated():
    labels = simulate("validation", users=4000, months=12, seed=4).truth["labels"]
    known = labels[labels["label"].isin(["churn", "stay", "expand"])]
    high = known["p_churn"] > known["p_churn"].median()
    for part in (known[high], known[~high]):
        assert (part["label"] == "churn").mean() == pytest.approx(part["p_churn"].mean(), abs=0.025)
        assert (part["label"] == "expand").mean() == pytest.approx(part["p_expand"].mean(), abs=0.025)


@pytest.mark.parametrize("preset", list(PRESETS))
def test_every_preset_writes_a_project_that_loads(tmp_path, preset):
    manifest = write_product(tmp_path / "p", preset, users=120, months=7, seed=1)
    project = load_project(tmp_path / "p" / "powerml.yaml")
    assert manifest.rows["users"] == 120
    assert project.entity == "user"
    assert set(project.meanings) >= set(pd.read_parquet(tmp_path / "p" / "events")["event"])
    own = metrics_from(project.base / path for path in project.metrics)
    assert list(own) == (["ledger_balance_30d", "success_pulse_30d"] if preset == "leak" else [])


def test_a_taken_folder_is_refused_and_left_alone(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="is there already; name a new folder"):
        write_product(tmp_path / "p", users=10, months=2)
    assert [path.name for path in tmp_path.rglob("*")] == ["p", "mine.txt"]


def test_user_errors_say_what_to_do(tmp_path):
    with pytest.raises(UsageError, match="no preset 'validaton'; did you mean 'validation'"):
        simulate("validaton", users=10, months=2)
    with pytest.raises(UsageError, match="starts on the first of a month, got 2024-01-05; use 2024-01-01"):
        simulate(users=10, months=2, start=date(2024, 1, 5))
    with pytest.raises(UsageError, match=r"the folder .* does not exist; make it first"):
        write_product(tmp_path / "no" / "where", users=10, months=2)
