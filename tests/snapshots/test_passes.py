"""Any number of passes gives what one gives; who is connected is in one; how many there are follows from the limit."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerml.config.project import load_project
from powerml.snapshots import passes
from powerml.workflows import project as workflow
from powerml.workflows.project import open_project
from tests.oracle.comparison import engine_frame
from tests.oracle.runs import tried
from tests.oracle.world import worlds
from tests.snapshots.test_golden import GOLDEN, PROJECT_FILE

LIMIT = 1 << 31
NAMES = ("events_30d", "active_week_streak", "features_used_90d", "team_size", "active_team_members_30d", "mrr")


def cut_into(number, monkeypatch):
    """From here on every project is cut into so many passes."""

    def always(inputs, project, *, events, dates, users=None):
        return passes.cut_by_user(inputs, project, number, f"{dates} dates", LIMIT, events)

    monkeypatch.setattr(workflow, "passes_for", always)


def golden(entity, dates, names=NAMES):
    data = open_project(load_project(GOLDEN / "raw" / PROJECT_FILE[entity]))
    chosen = {name: data.metrics[name] for name in names if name in data.metrics}
    return replace(data, metrics=chosen).build(dates, labels=True)


@pytest.mark.parametrize("entity", ["user", "account"])
def test_golden_frames_are_the_same_in_passes(entity, monkeypatch):
    dates = [date(2025, 10, 1), date(2026, 1, 1)]
    one = golden(entity, dates)
    assert one.plan == ""
    assert len(one.frame) > 20
    cut_into(3, monkeypatch)
    several = golden(entity, dates)
    pd.testing.assert_frame_equal(several.frame, one.frame, rtol=1e-12, atol=0)
    assert several.plan.startswith("3 passes by user and account: 12 dates")
    assert several.vocabulary_counts == one.vocabulary_counts
    assert several.unmapped == one.unmapped
    pd.testing.assert_frame_equal(several.coverage, one.coverage)


@pytest.mark.slow
@pytest.mark.parametrize("entity", ["user", "account"])
@tried(1 / 10)
@given(world=worlds(), number=st.integers(2, 6))
def test_any_world_in_any_number_of_passes(world, number, entity, tmp_path_factory):
    one = engine_frame(world.project, world.cutoffs[:2], tmp_path_factory.mktemp("one"), entity=entity)
    with pytest.MonkeyPatch.context() as patch:
        cut_into(number, patch)
        several = engine_frame(world.project, world.cutoffs[:2], tmp_path_factory.mktemp("many"), entity=entity)
    pd.testing.assert_frame_equal(several, one, rtol=1e-12, atol=0)


@given(
    st.lists(st.tuples(st.integers(-1, 12), st.integers(-1, 6), st.integers(0, 9)), min_size=1, max_size=40),
    st.integers(2, 5),
)
def test_who_is_connected_is_in_one_part(rows, number):
    users, accounts, weights = (np.array(column) for column in zip(*rows, strict=True))
    keep = (users >= 0) | (accounts >= 0)
    users = pd.factorize(np.where(users < 0, np.nan, users))[0][keep]
    accounts = pd.factorize(np.where(accounts < 0, np.nan, accounts))[0][keep]
    if not keep.any():
        return
    parts, largest = passes.balanced(users, accounts, weights[keep].astype(float), number)
    many = int(users.max(initial=-1)) + 1
    assert len(parts) == many + int(accounts.max(initial=-1)) + 1
    assert set(parts) <= set(range(number))
    assert 0 <= largest <= 1
    for user, account in zip(users, accounts, strict=True):
        assert user < 0 or account < 0 or parts[user] == parts[many + account]


def test_parts_have_about_as_many_events_each():
    rng = np.random.default_rng(99)
    weights = rng.integers(1, 100, 1000).astype(float)
    parts, _ = passes.balanced(np.arange(1000), np.full(1000, -1), weights, 4)
    shares = np.bincount(parts, weights=weights) / weights.sum()
    assert abs(shares - 0.25).max() < 0.01


@pytest.mark.parametrize(
    ("limit", "cache", "dates", "number"),
    [("1GB", True, 12, 3), ("1GB", True, 1, None), (None, True, 12, None), (None, False, 12, 3)],
)
def test_nights_from_kept_roll_ups_are_not_cut(tmp_path, monkeypatch, limit, cache, dates, number):
    events = pd.DataFrame({"user_id": ["a", "b"], "event": "go", "time": pd.to_datetime(["2026-03-01", "2026-03-02"])})
    events.to_parquet(tmp_path / "events.parquet")
    said = f"memory_limit: {limit}\n" if limit else ""
    (tmp_path / "powerml.yaml").write_text(f"tables: {{events: {{files: events.parquet}}}}\nvocabulary: {{}}\n{said}")
    cut_into(3, monkeypatch)
    data = open_project(load_project(tmp_path / "powerml.yaml"), cache=cache, dates=dates)
    assert (data.passes.number if data.passes else None) == number
    data.inputs.engine.wait()


def write(folder, limit):
    rows = [(f"u{n % 300:03}", f"e{n % 7}", f"2026-03-{1 + n % 28:02}T10:00:00Z") for n in range(3000)]
    pd.DataFrame(rows, columns=["user_id", "event", "time"]).to_csv(folder / "events.csv", index=False)
    (folder / "powerml.yaml").write_text(
        f"tables: {{events: {{files: events.csv}}}}\nvocabulary: {{}}\noutcome: {{kind: behavioural}}\n{limit}"
    )
    data = open_project(load_project(folder / "powerml.yaml"), dates=2)
    return replace(data, metrics={"events_30d": data.metrics["events_30d"]})


def test_the_limit_says_how_many_and_the_plan_says_why(tmp_path, monkeypatch):
    dates = [date(2026, 3, 20), date(2026, 4, 1)]
    monkeypatch.setattr(passes, "OURS_BYTES", 0)
    monkeypatch.setattr(passes, "EVENT_BYTES", 100_000)
    whole = write(tmp_path, "")
    assert whole.passes is None
    one = whole.build(dates).frame
    data = write(tmp_path, "memory_limit: 200MB\n")
    assert data.passes.number == 3
    need = r"3,000 events of some \d+ users at 2 dates need about 0\.3 GB"
    said = rf"3 passes by user: {need}, and memory_limit gives 0\.2 GB"
    notes = []
    result = data.build(dates, note=notes.append)
    assert re.fullmatch(said, result.plan)
    pd.testing.assert_frame_equal(result.frame, one)
    assert notes[0] == "pass 1 of 3"
    assert re.fullmatch(r"pass 2 of 3, events: [\d,]+ per second", notes[1])
    ((limit,),) = data.loaded.con.execute("SELECT current_setting('memory_limit')").fetchall()
    assert limit == "133.4 MiB"  # 70 % of 200 MB
