"""Night after night from the cache: what lies far back is folded, and every snapshot equals a cold one."""

from __future__ import annotations

import random
from datetime import timedelta

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from powerml.config.project import load_project
from powerml.snapshots.cache import history
from powerml.snapshots.cache import rollups as cache
from powerml.workflows.project import open_project
from tests.oracle.project import NUMBERS, TIMES, Project, write_project
from tests.oracle.runs import tried
from tests.oracle.world import worlds

NIGHTS = (-40, -19, -12, 0, 30)  # days before and after the world's cutoff
LATE = 0.03  # the share of events that arrive a few nights after their time


def arrivals(project: Project, nights, seed: int) -> dict:
    """Night -> the events that its file brings."""
    chance = random.Random(seed)
    files: dict = {night: [] for night in nights}
    for row in project.rows("events"):
        came = [night for night in nights if project.settings.midnight(night) > row["time"]]
        if came:
            late = chance.randrange(len(came)) if chance.random() < LATE else 0
            files[came[min(late, len(came) - 1)]].append(row)
    return files


def write_night(project: Project, rows, path) -> None:
    kinds = {name: pa.timestamp("us", tz="UTC") for name in TIMES} | {name: pa.float64() for name in NUMBERS}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in project.columns["events"]])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def night_by_night(project: Project, cutoff, seed: int, folder, *, entity: str = "user") -> list[int | None]:
    """Builds every night cold and from the cache, compares, and gives the base day of the fold after each."""
    path = write_project(project, folder, entity=entity, parquet=True)
    for old in (folder / "events").iterdir():
        old.unlink()
    nights = [cutoff + timedelta(days=days) for days in NIGHTS]
    bases = []
    for number, (night, rows) in enumerate(arrivals(project, nights, seed).items()):
        if not rows:
            continue
        write_night(project, rows, folder / "events" / f"{number:03}.parquet")
        spec = load_project(path)
        opened = open_project(spec, cache=True)
        warm = opened.build([night]).frame
        cold = open_project(spec, cache=False).build([night]).frame
        pd.testing.assert_frame_equal(warm, cold, rtol=1e-12)
        kept = opened.rollups.store.get("history")
        bases.append(kept and kept["day"])
        opened.inputs.engine.backend.con.close()
    return bases


@pytest.mark.slow
@tried(1 / 20)
@given(world=worlds(events=200), seed=st.integers(0, 2**32 - 1))
def test_every_night_equals_a_cold_run(world, seed, tmp_path_factory):
    assume("known_at" not in world.project.columns["events"])
    bases = night_by_night(world.project, world.cutoffs[0], seed, tmp_path_factory.mktemp("nights"))
    assert any(base is not None for base in bases)
    assert len(set(bases)) > 1  # made, and made anew


def months(folder, rows: dict[str, list[tuple[str, str, str]]]):
    """A project of Parquet files: name -> (user, event, time)."""
    for name, events in rows.items():
        table = pd.DataFrame(events, columns=["user_id", "event", "time"])
        table["time"] = pd.to_datetime(table["time"], utc=True)
        (folder / "events").mkdir(exist_ok=True)
        table.to_parquet(folder / "events" / f"{name}.parquet", index=False)
    path = folder / "powerml.yaml"
    path.write_text("project: nights\ntables: {events: {files: events}}\nvocabulary: {}\n")
    return load_project(path)


def day(number: int, hour: int = 9) -> str:
    return f"{pd.Timestamp('2026-01-01') + pd.Timedelta(days=number, hours=hour)}"


def visits(user: str, days) -> list[tuple[str, str, str]]:
    return [(user, "seen", day(d, hour)) for d in days for hour in (8, 12, 16)]


def build(spec, number: int):
    opened = open_project(spec, cache=True)
    frame = opened.build([pd.Timestamp(day(number)).date()]).frame.set_index("user_id")
    kept = opened.rollups.store.get("history")
    opened.inputs.engine.backend.con.close()
    return frame, kept


@pytest.mark.slow
def test_a_streak_runs_on_from_the_fold(tmp_path):
    spec = months(tmp_path, {"a": visits("ada", range(60))})
    frame, kept = build(spec, 60)
    assert kept["day"] == (pd.Timestamp(day(60)) - pd.Timestamp("1970-01-01")).days - history.TAIL_DAYS
    assert frame.loc["ada", ["active_week_streak", "active_week_ratio"]].tolist() == [9, 1]
    months(tmp_path, {"b": visits("ada", range(60, 120))})
    frame, later = build(spec, 120)
    assert later["day"] == kept["day"] + 60
    assert frame.loc["ada", ["active_week_streak", "active_week_ratio"]].tolist() == [18, 1]


def test_a_row_from_before_the_fold_drops_it(tmp_path):
    spec = months(tmp_path, {"a": visits("ada", range(60))})
    _frame, kept = build(spec, 60)
    months(tmp_path, {"b": visits("bo", [3])})
    frame, again = build(spec, 61)
    assert again["day"] == kept["day"] + 1
    assert frame.loc["bo", "account_age_days"] > 57


def test_an_earlier_cutoff_reads_every_day_and_leaves_the_fold(tmp_path):
    spec = months(tmp_path, {"a": visits("ada", range(60))})
    _frame, kept = build(spec, 60)
    frame, still = build(spec, 10)
    assert still == kept
    assert frame.loc["ada", "active_week_streak"] == 2


def test_accounts_have_none(tmp_path):
    spec = months(tmp_path, {"a": visits("ada", range(60))}).model_copy(update={"entity": "account"})
    opened = open_project(spec, cache=True)
    assert opened.build([pd.Timestamp(day(60)).date()]).frame.empty
    assert opened.rollups.store.get("history") is None


def test_a_night_that_goes_wrong_in_the_engine_leaves_the_cache_as_it_was(tmp_path, monkeypatch):
    spec = months(tmp_path, {"a": visits("ada", range(60))})
    build(spec, 60)
    months(tmp_path, {"b": visits("ada", range(60, 62)) + visits("bo", [61])})
    monkeypatch.setattr(cache, "session_days", lambda rows, gap, **_: rows.select(ent=rows.ent.cast("string") + "x"))
    opened = open_project(spec, cache=True)
    with pytest.raises(duckdb.Error):
        opened.build([pd.Timestamp(day(62)).date()])
    opened.inputs.engine.backend.con.close()
    monkeypatch.undo()
    kept = duckdb.connect(spec.state / "cache" / "rollups.duckdb")
    assert kept.execute("select max(day) from days").fetchone()[0] == 20454 + 59
    assert kept.execute("select count(*) from uid").fetchone()[0] == 1
    kept.close()
    frame, _fold = build(spec, 62)
    cold = open_project(spec, cache=False).build([pd.Timestamp(day(62)).date()]).frame
    pd.testing.assert_frame_equal(frame, cold.set_index("user_id"), rtol=1e-12)


@pytest.mark.slow
def test_new_kinds_of_event_and_users_without_a_break_equal_a_cold_run(tmp_path):
    spec = months(tmp_path, {"a": visits("ada", range(60)) + visits("bo", [3, 50])})
    build(spec, 60)
    late = [("ada", "made", day(60)), ("cy", "made", day(61))]  # a new kind, a new user
    for number, rows in ((61, visits("ada", [60]) + late[:1]), (62, visits("ada", [61]) + late[1:])):
        months(tmp_path, {f"b{number}": rows})
        frame, _fold = build(spec, number)
        cold = open_project(spec, cache=False).build([pd.Timestamp(day(number)).date()]).frame
        pd.testing.assert_frame_equal(frame, cold.set_index("user_id"), rtol=1e-12)
