"""Mapping of columns and their types."""

from __future__ import annotations

from datetime import datetime

import pytest

from powerml.errors import DataError
from tests.sources.reading import bad, rows

MARCH = datetime(2026, 3, 1)
ONE = "SELECT 'ada' AS user_id, 'x' AS event, DATE '2026-03-01' AS time"


def test_mapped_columns_are_renamed_and_others_are_listed_as_unused(opened, tmp_path):
    (tmp_path / "e.csv").write_text("who,what,at,colour\nada,x,2026-03-01,red\n")
    columns = {"user_id": "who", "event": "what", "time": "at", "account_id": "who"}
    loaded = opened(events={"files": "e.csv", "columns": columns})
    assert rows(loaded, "events", "user_id, account_id, event, time") == [("ada", "ada", "x", MARCH)]
    assert loaded.columns["events"] == ("user_id", "event", "time", "account_id")
    assert loaded.unused["events"] == ("colour",)


def test_a_mapping_beats_a_column_of_the_canonical_name(opened, tmp_path):
    (tmp_path / "e.csv").write_text("user_id,event,time,when\nada,x,soon,2026-03-01\n")
    assert rows(opened(events={"files": "e.csv", "columns": {"time": "when"}}), "events", "time") == [(MARCH,)]


@pytest.mark.parametrize("file", ["e.csv", "e.parquet"])
def test_a_misspelt_source_column_is_refused_also_for_an_optional_one(opened, tmp_path, parquet, file):
    (tmp_path / "e.csv").write_text("user_id,event,time,acct\nada,x,2026-03-01,a\n")
    parquet("e.parquet", f"{ONE}, 'a' AS acct")
    message = (
        rf"{file}: no column 'acctt', which 'columns' gives for events\.account_id "
        r"\(there are user_id, event, time, acct\); did you mean 'acct'\?"
    )
    with pytest.raises(DataError, match=message):
        opened(events={"files": file, "columns": {"account_id": "acctt"}})


@pytest.mark.parametrize(("header", "near"), [("User_ID,event,time", "User_ID"), ("userid,event,time", "userid")])
def test_a_required_column_that_is_absent(opened, tmp_path, header, near):
    (tmp_path / "e.csv").write_text(f"{header}\nada,x,2026-03-01\n")
    message = (
        rf"e\.csv: no column 'user_id', which events needs \(there are {header.replace(',', ', ')}\); "
        rf"did you mean '{near}'\?; map one with 'columns: \{{user_id: ITS NAME\}}'"
    )
    with pytest.raises(DataError, match=message):
        opened(events="e.csv")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("42::BIGINT", "42"),
        ("42.0::DOUBLE", "42"),  # pandas makes floats of integers with a gap
        ("42.5::DOUBLE", "42.5"),
        ("'007'", "007"),
        ("' ada '", " ada "),
        ("'0190a2b4-7c1d-7000-8000-000000000000'::UUID", "0190a2b4-7c1d-7000-8000-000000000000"),
    ],
)
@pytest.mark.parametrize("how", ["files", "query"])
def test_ids_of_any_type_become_text_and_are_not_trimmed(opened, parquet, sql, expected, how):
    parquet("e.parquet", f"SELECT {sql} AS user_id, 'x' AS event, DATE '2026-03-01' AS time")
    entry = {"files": "e.parquet"} if how == "files" else {"query": "FROM 'e.parquet'"}
    assert rows(opened(events=entry), "events", "user_id") == [(expected,)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("7::UTINYINT", 7.0),
        ("7.25::DECIMAL(9,2)", 7.25),
        ("true", 1.0),
        ("' 7.5 '", 7.5),
        ("'1e3'", 1000.0),
        ("'nan'", None),
        ("'nan'::DOUBLE", None),
        ("' '", None),
        ("NULL::DOUBLE", None),
    ],
)
def test_numbers_become_doubles_and_blanks_null(opened, parquet, sql, expected):
    parquet("e.parquet", f"{ONE}, {sql} AS value")
    assert rows(opened(events="e.parquet"), "events", "value") == [(expected,)]


@pytest.mark.parametrize("sql", ["'seven'", "'inf'::DOUBLE", "'1,5'", "'inf'"])
def test_what_is_no_number_is_set_aside(opened, parquet, sql):
    parquet("e.parquet", f"{ONE}, {sql} AS value")
    loaded = opened(events={"files": "e.parquet", "max_bad_rows": 1})
    assert [row[2:4] for row in bad(loaded)] == [("not a number", "value")]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (f"{ONE}, DATE '2026-03-01' AS value", r"column 'value' holds DATE, and value must be a number; map another"),
        (
            "SELECT 'a' AS user_id, 'x' AS event, 1772357400 AS time",
            r"column 'time' holds INTEGER, and time must be a time; say time_format: epoch_s, epoch_ms",
        ),
        ("SELECT 'a' AS user_id, 'x' AS event, true AS time", r"column 'time' holds BOOLEAN.* convert it in a query"),
    ],
)
def test_a_type_that_cannot_be_the_column(opened, parquet, sql, message):
    parquet("e.parquet", sql)
    with pytest.raises(DataError, match=rf"e\.parquet: {message}"):
        opened(events="e.parquet")


def test_extra_columns_keep_numbers_and_times_and_are_text_in_text_files(opened, tmp_path, parquet):
    parquet("e.parquet", f"{ONE}, 3 AS cost, 'red' AS colour, DATE '2026-02-01' AS due, [1] AS list, 9 AS unasked")
    asked = {"events": ["cost", "colour", "due", "list", "absent", "event"]}
    loaded = opened(events="e.parquet", extra=asked)
    assert loaded.columns["events"] == ("user_id", "event", "time", "cost", "colour", "due", "list")
    assert rows(loaded, "events", "cost, colour, due, list") == [(3.0, "red", datetime(2026, 2, 1), "[1]")]
    (tmp_path / "e.csv").write_text("user_id,event,time,cost,colour\nada,x,2026-03-01,007, \n")
    assert rows(opened(events="e.csv", extra=asked), "events", "cost, colour") == [("007", None)]
