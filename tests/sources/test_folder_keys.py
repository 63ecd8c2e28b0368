"""Keys that folders name are columns, whatever the files are; the files' own columns come first."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from datetime import date

import duckdb
import pytest

from powerml.config.project import load_project
from powerml.workflows.init import init
from powerml.workflows.project import open_project
from tests.sources.reading import bad, rows

DAYS = ("2026-03-01", "2026-03-02", "2026-03-03")
SELECT = "SELECT 'u' || (i % 3) AS user_id, 'e' || i AS event_id, 'go' AS event{more} FROM range({low}, {high}) t(i)"


def write(folder, ending, day, n, *, more=""):
    """Ten events of a day, in a folder that the day names."""
    home = folder / f"region=EU%20west/date={day}"
    home.mkdir(parents=True, exist_ok=True)
    select = SELECT.format(more=more, low=10 * n, high=10 * n + 10)
    target = home / f"part.{ending}"
    if ending == "parquet":
        duckdb.execute(f"COPY ({select}) TO '{target}'")
    elif ending == "csv":
        duckdb.execute(f"COPY ({select}) TO '{target}' (HEADER)")
    else:
        found = duckdb.execute(select).fetchall()
        target.write_text("".join(json.dumps({"user_id": u, "event_id": e, "event": v}) + "\n" for u, e, v in found))


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_a_folders_keys_fill_columns(opened, tmp_path, ending):
    for n, day in enumerate(DAYS):
        write(tmp_path / "events", ending, day, n)
    loaded = opened(events={"files": "events", "columns": {"time": "date", "account_id": "region"}})
    found = rows(loaded, "events", 'event_id, account_id, "time"')
    assert len(found) == 30
    assert {(account, f"{at:%Y-%m-%d}") for _, account, at in found} == {("EU west", day) for day in DAYS}
    assert {e for e, _, at in found if at.day == 2} == {f"e{i}" for i in range(10, 20)}


def test_in_a_zip_and_in_one_file(opened, tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for day in DAYS:
            archive.writestr(f"log/date={day}/a.csv", "user_id,event\nada,go\n")
    loaded = opened(events={"files": "export.zip", "columns": {"time": "date"}})
    assert sorted(f"{at:%Y-%m-%d}" for (at,) in rows(loaded, "events", '"time"')) == list(DAYS)
    (tmp_path / "date=2026-03-09").mkdir()
    (tmp_path / "date=2026-03-09" / "a.csv").write_text("user_id,event\nada,go\n")
    loaded = opened(events={"files": "date=2026-03-09/a.csv", "columns": {"time": "date"}})
    assert [f"{at:%Y-%m-%d}" for (at,) in rows(loaded, "events", '"time"')] == ["2026-03-09"]


def test_a_folder_for_nulls_and_a_bad_key_are_set_aside_with_file_and_row(opened, tmp_path):
    for day in ("2026-03-01", "__HIVE_DEFAULT_PARTITION__", "someday"):
        write(tmp_path / "events", "parquet", day, 0)
    loaded = opened(events={"files": "events", "columns": {"time": "date", "event_id": None}, "max_bad_rows": 1})
    found = bad(loaded)
    assert len(found) == 20
    home = "events/region=EU%20west/date"
    assert (f"{home}=someday/part.parquet", 1, "not a time", "time", "someday") in found
    assert {source for source, *_ in found} == {
        f"{home}=__HIVE_DEFAULT_PARTITION__/part.parquet", f"{home}=someday/part.parquet"
    }  # fmt: skip


def test_what_stands_in_the_files_is_not_hidden_by_a_folder(opened, tmp_path):
    for n, day in enumerate(DAYS):
        write(tmp_path / "events", "parquet", day, n, more=", TIMESTAMP '2026-02-01 10:00:00' AS date")
    loaded = opened(events={"files": "events", "columns": {"time": "date"}})
    assert {f"{at:%Y-%m-%d %H}" for (at,) in rows(loaded, "events", '"time"')} == {"2026-02-01 10"}


def test_roll_ups_are_the_same_with_and_without_a_cache_when_a_folder_comes_or_is_renamed(tmp_path):
    config = tmp_path / "powerml.yaml"
    config.write_text(
        "project: p\nentity: user\noutcome: {kind: behavioural}\nvocabulary: {}\ntables:\n  events:\n"
        "    files: log\n    columns: {time: at, account_id: region}\n"
    )

    def day(n, at):
        write(tmp_path / "log", "parquet", at, n, more=f", TIMESTAMPTZ '{at} 10:00:00Z' AS at")

    def built(cache):
        data = open_project(load_project(config), cache=cache)
        return replace(data, metrics={"events_30d": data.metrics["events_30d"]}).build([date(2026, 3, 25)]).frame

    for n, at in enumerate(DAYS):
        day(n, at)
    built(True)
    day(3, "2026-03-20")
    (tmp_path / "log" / "region=EU%20west").rename(tmp_path / "log" / "region=north")
    again = built(True)
    assert again.equals(built(False))
    assert set(again["account_id"]) == {"north"}


def test_init_reads_what_the_rows_say_before_what_the_folder_is_called(tmp_path):
    for n, day in enumerate(DAYS):
        write(tmp_path / "log" / "events", "parquet", day, n, more=f", TIMESTAMPTZ '{day} 10:00:00Z' AS occurred_at")
    begun = init([tmp_path / "log"], tmp_path / "powerml.yaml")
    assert "timezone: UTC (times name their zone; days begin at its midnight)" in begun.guessed
    events = load_project(tmp_path / "powerml.yaml").tables["events"]
    assert events.columns["time"] == "occurred_at"
    assert set(events.ignored) == {"region", "date"}
