"""Input that cannot be used: exit status 2, one clear message, no traceback, nothing half-written."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from tests.builders import csv

if TYPE_CHECKING:
    from pathlib import Path

GOOD = csv("user_id, event, time, value\n" + "ada, click, 2026-03-10T12:00:00Z, 1\n" * 20)
PROJECT = "tables: {events: {files: events.csv}}\nvocabulary: {click: {roles: [login]}}\n"


def truncated_parquet(folder: Path) -> None:
    frame = pd.DataFrame({"user_id": ["ada"] * 500, "event": "click", "time": pd.Timestamp("2026-03-10", tz="UTC")})
    frame.to_parquet(folder / "events.parquet")
    whole = (folder / "events.parquet").read_bytes()
    (folder / "events.parquet").write_bytes(whole[: len(whole) // 2])
    (folder / "powerml.yaml").write_text(PROJECT.replace("events.csv", "events.parquet"))


def with_events(text: str):
    return lambda folder: (folder / "events.csv").write_text(text)


def with_project(text: str):
    return lambda folder: (folder / "powerml.yaml").write_text(text)


def damaged_middle(folder: Path) -> None:
    truncated_parquet(folder)
    frame = pd.DataFrame({"user_id": [f"u{n}" for n in range(5000)], "event": "click", "time": "2026-03-10"})
    frame.to_parquet(folder / "events.parquet", compression="zstd")
    whole = bytearray((folder / "events.parquet").read_bytes())
    whole[40:400] = b"\0" * 360
    (folder / "events.parquet").write_bytes(bytes(whole))


def bad_users(folder: Path) -> None:
    (folder / "users.csv").write_text("user_id,created_at\nada,the other day\n")
    with_project("tables: {events: {files: events.csv}, users: {files: users.csv}}\nvocabulary: {}\n")(folder)


def undeclared_plan(folder: Path) -> None:
    (folder / "subs.csv").write_text("account_id,start,plan\nacme,2026-01-01,gold\n")
    with_project("tables: {events: {files: events.csv}, subscriptions: {files: subs.csv}}\nvocabulary: {}\n")(folder)


CASES = {
    "truncated Parquet": (truncated_parquet, ["events.parquet", "cut short", "fetch or export it again"]),
    "damaged Parquet": (damaged_middle, ["events.parquet"]),
    "empty CSV": (with_events(""), ["events.csv", "is empty", "export it again"]),
    "CSV of a header alone": (with_events("user_id,event,time\n"), ["events.csv", "has no rows"]),
    "wrong column name": (
        with_events(GOOD.replace("user_id", "userid")),
        ["events.csv", "no column 'user_id'", "did you mean 'userid'", "columns: {user_id: ITS NAME}"],
    ),
    "text in a number column": (
        with_events(GOOD.replace("Z,1\n", "Z,lots\n", 1)),
        ["events.csv", "row 1", "'value'", "'lots' is not a number", "correct the rows"],
    ),
    "unparsable date": (
        with_events(GOOD.replace("2026-03-10T", "2026-13-01T", 1)),
        ["events.csv", "row 1", "'time'", "'2026-13-01T12:00:00Z' is not a time", "time_format"],
    ),
    "unparsable date in another table": (bad_users, ["users.csv", "row 1", "'created_at'", "'the other day'"]),
    "misspelt key": (
        with_project(PROJECT + "entty: user\n"), ["powerml.yaml:3: entty: unknown key; did you mean 'entity'?"],
    ),
    "missing file": (
        with_project(PROJECT.replace("events.csv", "event.csv")), ["event.csv: no such file", "'events.csv'"],
    ),
    "missing project": (
        lambda folder: (folder / "powerml.yaml").unlink(),
        ["powerml.yaml: no such file", "check the path", "name its file with -c", "'powerml init'"],
    ),
    "broken YAML": (with_project("tables: {events: [\n"), ["powerml.yaml:2: not well-formed"]),
    "missing vocabulary": (
        with_project("tables: {events: {files: events.csv}}\nvocabulary: words.json\n"), ["words.json: no such file"],
    ),
    "missing metrics file": (with_project(PROJECT + "metrics: house.yaml\n"), ["house.yaml: no such file"]),
    "unset variable": (
        with_project(PROJECT.replace("events.csv", "'${NO_SUCH_PLACE}/events.csv'")),
        ["powerml.yaml", "NO_SUCH_PLACE", "is not set"],
    ),
    "not what its ending says": (
        lambda folder: (folder / "events.csv").write_bytes(b"PK\x03\x04" + b"\0" * 100), ["events.csv", "zip or Excel"],
    ),
    "a plan that nobody declared": (
        undeclared_plan,
        ["powerml.yaml", "plans", "'gold'", "add it"],
    ),
}  # fmt: skip


@pytest.fixture(params=CASES)
def case(request, tmp_path):
    (tmp_path / "events.csv").write_text(GOOD)
    (tmp_path / "powerml.yaml").write_text(PROJECT)
    spoil, words = CASES[request.param]
    spoil(tmp_path)
    return words


@pytest.mark.parametrize("old", [None, "what was there before"])
def test_one_message_and_nothing_half_written(case, powerml, tmp_path, old):
    output = tmp_path / "out.csv"
    if old:
        output.write_text(old)
    before = {path.name for path in tmp_path.iterdir()}
    ran = powerml("snapshot", "--as-of", "2026-04-01", "--labels", "-o", "out.csv")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("powerml: ")
    assert "Traceback" not in ran.err
    assert [word for word in case if word not in ran.err] == []
    assert len(ran.err.strip().splitlines()) <= 2  # the second says where the rows are that were set aside
    assert (output.read_text() if output.exists() else None) == old
    assert {path.name for path in tmp_path.iterdir()} - before <= {".powerml"}


def test_rows_set_aside_are_kept_with_source_row_rule_and_value(powerml, tmp_path):
    (tmp_path / "events.csv").write_text(GOOD.replace("2026-03-10T", "2026-13-01T", 1))
    (tmp_path / "powerml.yaml").write_text(PROJECT)
    ran = powerml("snapshot", "--as-of", "2026-04-01", "-o", "out.csv")
    (kept,) = (tmp_path / ".powerml" / "quarantine").iterdir()
    assert str(kept) in ran.err
    row = pd.read_csv(kept).iloc[0]
    assert (row["source"], row["row"], row["rule"], row["value"]) == (
        "events.csv", 1, "not a time", "2026-13-01T12:00:00Z",
    )  # fmt: skip


def test_a_few_bad_rows_do_not_stop_a_run(powerml, tmp_path):
    (tmp_path / "events.csv").write_text(GOOD.replace("2026-03-10T", "2026-13-01T", 1))
    (tmp_path / "powerml.yaml").write_text(PROJECT.replace("events.csv", "events.csv, max_bad_rows: 0.05"))
    ran = powerml("snapshot", "--as-of", "2026-04-01", "--json", "-o", "out.csv")
    assert ran.status == 0
    assert [ran.data["loads"][0][k] for k in ("rows", "loaded", "quarantined", "ignored")] == [20, 19, 1, 0]
    assert (tmp_path / "out.csv").exists()


def test_the_same_in_a_process_of_its_own(tmp_path):
    (tmp_path / "events.csv").write_text("")
    (tmp_path / "powerml.yaml").write_text(PROJECT)
    arguments = ["snapshot", "--as-of", "2026-04-01", "-o", "out.csv"]
    ran = subprocess.run([sys.executable, "-m", "powerml", *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("powerml: events.csv: is empty")
    assert len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "out.csv").exists()
