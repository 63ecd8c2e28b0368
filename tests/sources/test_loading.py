"""A project opened: counts that add up, shares that stop a run, and leniency for `check`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pytest

from powerml.config.project import load_project
from powerml.errors import DataError, UsageError
from powerml.sources import TooManyBadRows, open_sources, write_quarantine
from tests.sources.conftest import NOW
from tests.sources.reading import counts, rows

GOLDEN = Path(__file__).parent.parent / "golden"


def survey_lines(good: int, bad: int) -> str:
    """Answers of different people, the good ones first."""
    lines = [f"ada{i},2026-03-01,7\n" for i in range(good)] + [f"bo{i},2026-03-01,11\n" for i in range(bad)]
    return "user_id,time,nps\n" + "".join(lines)


@pytest.mark.parametrize(("folder", "events", "again"), [("raw", 21231, 201), ("raw_new_york", 19239, 209)])
def test_the_golden_projects_load_whole(folder, events, again):
    loaded = open_sources(load_project(GOLDEN / folder / "powerml.yaml"), now=datetime(2026, 11, 21, tzinfo=UTC))
    assert counts(loaded, "events") == (events, events - again, 0, again)
    report = loaded.report.set_index("table").drop("events")
    assert (report["loaded"] == report["rows"]).all()
    assert list(report.index) == ["users", "accounts", "subscriptions", "usage_limits", "tickets", "surveys"]


def test_types_are_text_utc_times_and_doubles(opened, tmp_path):
    (tmp_path / "t.csv").write_text("ticket_id,opened_at,csat\n007,2026-03-01,4\n")
    loaded = opened(tickets="t.csv", timezone="Europe/Berlin")
    described = loaded.con.execute("DESCRIBE tickets").fetchall()
    assert [row[:2] for row in described] == [
        ("ticket_id", "VARCHAR"),
        ("opened_at", "TIMESTAMP"),
        ("csat", "DOUBLE"),
        ("_row", "BIGINT"),
    ]
    assert rows(loaded, "tickets") == [("007", datetime(2026, 2, 28, 23), 4.0, 0)]


def test_a_tables_own_zone_beats_the_projects(opened, tmp_path):
    (tmp_path / "t.csv").write_text("ticket_id,opened_at\nt,2026-03-01\n")
    loaded = opened(tickets={"files": "t.csv", "timezone": "America/New_York"}, timezone="Europe/Berlin")
    assert rows(loaded, "tickets", "opened_at") == [(datetime(2026, 3, 1, 5),)]


def test_now_may_be_in_any_zone(project, tmp_path):
    (tmp_path / "e.csv").write_text("user_id,event,time\nada,x,2026-03-01T00:00:00Z\n")
    spec = project(events={"files": "e.csv", "max_bad_rows": 1})
    tokyo = timezone(timedelta(hours=9))
    assert counts(open_sources(spec, now=datetime(2026, 3, 1, 9, tzinfo=tokyo)), "events") == (1, 1, 0, 0)
    early = open_sources(spec, now=datetime(2026, 3, 1, 8, 59, tzinfo=tokyo))
    assert counts(early, "events") == (1, 0, 1, 0)


@pytest.mark.parametrize(("good", "bad"), [(99, 1), (198, 2)])
def test_one_in_a_hundred_bad_rows_passes(opened, tmp_path, good, bad):
    (tmp_path / "s.csv").write_text(survey_lines(good, bad))
    assert counts(opened(surveys="s.csv"), "surveys") == (good + bad, good, bad, 0)


def test_more_stop_the_run_and_say_which_row_which_rule_and_what_to_do(opened, tmp_path):
    (tmp_path / "s.csv").write_text(survey_lines(98, 2))
    message = (
        r"^s\.csv: row 99: column 'nps': '11' is not from 0 to 10 \(2 such rows\); surveys has 2 bad of 100 rows "
        r"\(2 %\), more than max_bad_rows \(1 %\) allows; correct the rows, or raise max_bad_rows$"
    )
    with pytest.raises(TooManyBadRows, match=message) as caught:
        opened(surveys="s.csv")
    assert counts(caught.value.loaded, "surveys") == (100, 98, 2, 0)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("bo,01-03-2026,7", r"column 'time': '01-03-2026' is not a time \(the only such row\); .*; give 'time_format'"),
        ("bo,2026-03-01,", r"row 3: column 'nps' is missing \(the only such row\); .*; fill the column or map another"),
        ("bo,2026-05-01,7", r"'2026-05-01' is in the future .*; correct the times or the table's 'timezone'"),
        ("bo,2026-03-01,7,8", r"row 3: 'bo,2026-03-01,7,8' is wrong number of columns .*; quote fields that hold"),
    ],
)
def test_the_fix_fits_the_rule(opened, tmp_path, line, words):
    (tmp_path / "s.csv").write_text(survey_lines(2, 0) + line + "\n")
    with pytest.raises(TooManyBadRows, match=words):
        opened(surveys="s.csv")


def test_all_tables_with_too_many_bad_rows_are_named_at_once(opened, tmp_path):
    (tmp_path / "s.csv").write_text(survey_lines(1, 1))
    (tmp_path / "t.csv").write_text("entity_id,time,playbook\nada,soon,call\n")
    with pytest.raises(TooManyBadRows, match=r"(?s)s\.csv: row 2.*\nt\.csv: row 1"):
        opened(surveys="s.csv", treatments="t.csv")


def test_check_goes_on_and_lists_the_problems(opened, tmp_path):
    (tmp_path / "s.csv").write_text(survey_lines(1, 1))
    (tmp_path / "t.csv").write_text("ticket_id,opend_at\nt,2026-03-01\n")
    loaded = opened(surveys="s.csv", tickets="t.csv", users="absent.csv", lenient=True)
    assert set(loaded.tables) == {"events", "surveys"}
    first, second, third = loaded.problems
    assert first.startswith("absent.csv: no such file")
    assert "no column 'opened_at'" in second
    assert "did you mean 'opend_at'" in second
    assert third.startswith("s.csv: row 2")


def test_check_goes_on_without_events(opened, tmp_path):
    (tmp_path / "e.csv").write_text("user_id,event,time\n")
    loaded = opened(events="e.csv", lenient=True)
    assert loaded.tables == {}
    assert loaded.problems == ("e.csv: has no rows; events are the one table that is required",)
    assert list(loaded.report.columns) == ["table", "rows", "loaded", "quarantined", "ignored", "duplicates"]
    assert loaded.quarantine.empty


@pytest.mark.parametrize("name", ["s.csv", "s.parquet"])
def test_other_tables_may_have_no_rows(opened, tmp_path, parquet, name):
    (tmp_path / "s.csv").write_text("user_id,time,nps\n")
    parquet("s.parquet", "SELECT 'a' AS user_id, DATE '2026-03-01' AS time, 1 AS nps LIMIT 0")
    assert counts(opened(surveys=name), "surveys") == (0, 0, 0, 0)


def test_the_quarantine_is_written_whole_though_only_part_is_shown(opened, tmp_path):
    (tmp_path / "s.csv").write_text(survey_lines(1, 10_500))
    loaded = opened(surveys={"files": "s.csv", "max_bad_rows": 1})
    assert len(loaded.quarantine) == 10_000
    folder = tmp_path / ".powerml" / "quarantine"
    assert write_quarantine(loaded, folder) == [folder / "surveys.csv"]
    written = pd.read_csv(folder / "surveys.csv")
    assert list(written.columns) == ["source", "row", "rule", "column", "value"]
    assert written["row"].tolist() == list(range(2, 10_502))
    assert [path.name for path in folder.iterdir()] == ["surveys.csv"]


def test_without_bad_rows_nothing_is_written(opened, tmp_path):
    assert write_quarantine(opened(), tmp_path / "quarantine") == []
    assert not (tmp_path / "quarantine").exists()


def test_a_table_that_is_clean_again_leaves_the_quarantine(opened, tmp_path):
    (tmp_path / "s.csv").write_text(survey_lines(1, 1))
    write_quarantine(opened(surveys={"files": "s.csv", "max_bad_rows": 1}), tmp_path / "quarantine")
    (tmp_path / "s.csv").write_text(survey_lines(1, 0))
    assert write_quarantine(opened(surveys="s.csv"), tmp_path / "quarantine") == []
    assert list((tmp_path / "quarantine").iterdir()) == []


def test_only_the_tables_asked_for_are_read_and_named_as_it_goes(project):
    said: list[str] = []
    loaded = open_sources(project(users="absent.csv"), now=NOW, tables=["events"], note=said.append)
    assert list(loaded.tables) == ["events"]
    assert said == ["reading events"]


def test_memory_and_threads_are_set(project):
    con = open_sources(project(memory_limit="1GB"), now=NOW).con
    assert con.execute("SELECT current_setting('memory_limit')").fetchone() == ("953.6 MiB",)
    with pytest.raises(
        UsageError, match=r"powerml\.yaml: memory_limit: 'lots' is no amount of memory; write it like 8GB"
    ):
        open_sources(project(memory_limit="lots"), now=NOW)


def test_a_database_without_its_address_is_refused_with_a_way_out(opened):
    with pytest.raises(UsageError, match=r"tables\.users: the environment variable URL is not set; export URL="):
        opened(users={"database": {"url_env": "URL"}, "table": "users"})


@pytest.mark.parametrize(
    ("fmt", "words"),
    [
        ("epoch", r"'epoch' holds no code; did you mean 'epoch_s'\?; use strptime's codes"),
        ("%Q", r"'%Q' is no time format; use strptime's codes, such as %d\.%m\.%Y %H:%M, or one of epoch_s"),
    ],
)
def test_a_time_format_that_is_none(opened, fmt, words):
    with pytest.raises(DataError, match=rf"powerml\.yaml: tables\.events\.time_format: {words}"):
        opened(events={"files": "events.csv", "time_format": fmt})
