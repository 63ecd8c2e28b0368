"""Mapping of columns and their types."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from powerml.errors import DataError
from powerml.sources import open_sources
from powerml.sources.ids import normal_ids
from tests.sources.conftest import NOW
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


IDS = [
    ("42::BIGINT", "42"),
    ("42.0::DOUBLE", "42"),  # pandas makes floats of integers with a gap
    ("42.0::FLOAT", "42"),
    ("42.5::DOUBLE", "42.5"),
    ("42::DECIMAL(38,9)", "42"),  # NUMERIC of warehouses
    ("42.500::DECIMAL(9,3)", "42.5"),
    ("100::DECIMAL(9,0)", "100"),
    ("100::HUGEINT", "100"),
    ("'42.0'", "42"),
    ("'42.000'", "42"),
    ("' -42.0 '", "-42"),
    ("'007'", "007"),
    ("'007.0'", "007.0"),  # no float looks so
    ("'1.10'", "1.10"),
    ("'v1.0'", "v1.0"),
    ("'100'", "100"),
    ("' ada '", "ada"),
    ("E'ada\\t\\r\\n'", "ada"),
    ("'a b'", "a b"),
    ("'Null'", "Null"),  # a name
    ("'0190a2b4-7c1d-7000-8000-000000000000'::UUID", "0190a2b4-7c1d-7000-8000-000000000000"),
    ("'\\xC3\\xBC'::BLOB", "ü"),
    ("'42.0'::BLOB", "42"),
    ("'ada'::ENUM('ada', 'bo')", "ada"),
    ("true", "true"),
]


@pytest.mark.parametrize(("sql", "expected"), IDS)
@pytest.mark.parametrize("how", ["files", "query"])
def test_ids_of_any_type_become_the_same_text(opened, parquet, sql, expected, how):
    parquet("e.parquet", f"SELECT {sql} AS user_id, 'x' AS event, DATE '2026-03-01' AS time")
    entry = {"files": "e.parquet"} if how == "files" else {"query": "FROM 'e.parquet'"}
    assert rows(opened(events=entry), "events", "user_id") == [(expected,)]


@pytest.mark.parametrize("text", ["42.0", " ada", "ada\t", "007", "1.10", "NULL", r"\N", "nan", "NaN", "None", "", " "])
@pytest.mark.parametrize("name", ["e.csv", "e.jsonl", "e.parquet"])
def test_texts_of_any_file_become_the_same_id(opened, tmp_path, name, text):
    frame = pd.DataFrame({"user_id": ["u"], "event": ["x"], "time": ["2026-03-01"], "account_id": [text]})
    if name == "e.csv":
        frame.to_csv(tmp_path / name, index=False)
    elif name == "e.jsonl":
        frame.to_json(tmp_path / name, orient="records", lines=True)
    else:
        frame.to_parquet(tmp_path / name, index=False)
    want = {"42.0": "42", "007": "007", "1.10": "1.10"}.get(text, "ada" if "ada" in text else None)
    assert rows(opened(events=name), "events", "account_id") == [(want,)]
    assert normal_ids(pd.Series([text])).tolist() == [want]


@pytest.mark.parametrize("sql", ["'NULL'", "' '", "'nan'::DOUBLE", "''::BLOB", "'None'::BLOB", r"'\N'"])
def test_a_row_without_an_id_is_set_aside(opened, parquet, sql):
    parquet("e.parquet", f"SELECT {sql} AS user_id, 'x' AS event, DATE '2026-03-01' AS time")
    loaded = opened(events={"files": "e.parquet", "max_bad_rows": 1})
    assert [row[1:4] for row in bad(loaded)] == [(1, "missing", "user_id")]


def test_bytes_that_are_no_text_are_set_aside(opened, parquet):
    parquet("e.parquet", f"{ONE}, '\\xFF\\xFE'::BLOB AS account_id")
    loaded = opened(events={"files": "e.parquet", "max_bad_rows": 1})
    assert [row[1:] for row in bad(loaded)] == [(1, "not UTF-8", "account_id", r"\xFF\xFE")]


@pytest.mark.parametrize("name", ["e.csv", "e.parquet"])
def test_case_counts_unless_the_project_says_otherwise(project, tmp_path, name):
    frame = pd.DataFrame({"user_id": ["Ada", "ADA"], "event": ["x", "X"], "time": ["2026-03-01"] * 2})
    (frame.to_csv if name == "e.csv" else frame.to_parquet)(tmp_path / name, index=False)
    spec = project(events=name)
    assert rows(open_sources(spec, now=NOW), "events", "user_id") == [("Ada",), ("ADA",)]
    folded = open_sources(spec.model_copy(update={"ids": "casefold"}), now=NOW)
    assert rows(folded, "events", "user_id, event") == [("ada", "x"), ("ada", "X")]


@pytest.mark.parametrize("word", ["NULL", r"\N", "NaN", "None", " "])
def test_null_words_are_null_in_times_numbers_and_closed_lists(opened, tmp_path, word):
    (tmp_path / "t.csv").write_text(
        f"ticket_id,opened_at,resolved_at,csat,sentiment\n1,2026-03-01,{word},{word},{word}\n"
    )
    assert rows(opened(tickets="t.csv"), "tickets", "resolved_at, csat, sentiment") == [(None, None, None)]


def test_outer_blanks_of_texts_go_too(opened, tmp_path):
    (tmp_path / "e.csv").write_text("user_id, event, time\nada, signed_in , 2026-03-01 10:00\n")
    assert rows(opened(events="e.csv"), "events", "event, time") == [("signed_in", datetime(2026, 3, 1, 10))]


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
    assert loaded.columns["events"] == (
        "user_id", "event", "time", "own 0 cost", "own 0 colour", "own 0 due", "own 0 list",
    )  # fmt: skip
    assert rows(loaded, "events", '"own 0 cost", "own 0 colour", "own 0 due", "own 0 list"') == [
        (3.0, "red", datetime(2026, 2, 1), "[1]")
    ]
    (tmp_path / "e.csv").write_text("user_id,event,time,cost,colour\nada,x,2026-03-01,007, \n")
    assert rows(opened(events="e.csv", extra=asked), "events", '"own 0 cost", "own 0 colour"') == [("007", None)]


def test_a_column_of_canonical_name_that_is_not_to_be_read(opened, tmp_path):
    (tmp_path / "events.csv").write_text("user_id,event,time,value\nada,report,2026-03-01,ten\n")
    loaded = opened(events={"files": "events.csv", "columns": {"value": None}})
    assert loaded.columns["events"] == ("user_id", "event", "time")
    assert loaded.unused["events"] == ()


def test_columns_that_are_ignored_by_name_are_known(opened, tmp_path):
    (tmp_path / "events.csv").write_text("user_id,event,time,colour,size\nada,report,2026-03-01,red,7\n")
    loaded = opened(events={"files": "events.csv", "ignored": ["colour"]})
    assert loaded.unused["events"] == ("size",)


def test_a_constant_stands_for_a_column(opened, tmp_path, parquet):
    (tmp_path / "buys.csv").write_text("user_id,time\nada,2026-03-01\n")
    (tmp_path / "buys.jsonl").write_text('{"user_id": "bo", "time": "2026-03-02"}\n')
    for files in (
        ["buys.csv", "buys.jsonl"],
        [str(parquet("b.parquet", "SELECT 'cy' AS user_id, now()::DATE - 1000 AS time"))],
    ):
        loaded = opened(events={"files": files, "columns": {"event": "=it's bought"}})
        assert loaded.con.execute("SELECT DISTINCT event FROM events").fetchall() == [("it's bought",)]
        assert loaded.unused["events"] == ()


def test_money_as_a_spreadsheet_writes_it(opened, tmp_path):
    (tmp_path / "events.csv").write_text("user_id,event,time\nada,report,2026-03-01\n")
    (tmp_path / "subs.csv").write_text("account_id;start;mrr\na1;01.02.2026;1.234,50 €\na2;2026-02-01;99 €\n")
    entry = {"files": "subs.csv", "decimal": ",", "currency": "€", "time_format": ["%d.%m.%Y", "iso"]}
    loaded = opened(events="events.csv", subscriptions=entry)
    assert loaded.con.execute("SELECT mrr FROM subscriptions ORDER BY account_id").fetchall() == [(1234.5,), (99.0,)]


@pytest.mark.parametrize("column", ["user_id", "value"])
def test_decimals_that_duckdb_misreads_are_refused_where_they_are_read(opened, tmp_path, column):
    """DuckDB gives 16944988160 for 1010, without a word; BigQuery writes its BIGNUMERIC so."""
    wide = pa.array([Decimal(1010)], pa.decimal256(50, 2))
    table = pa.table({"user_id": ["ada"], "event": ["x"], "time": ["2026-03-01"], "value": [1.0]})
    pq.write_table(table.append_column("amount", wide), tmp_path / "e.parquet")
    assert rows(opened(events="e.parquet"), "events", "user_id, value") == [("ada", 1)]
    message = r"e\.parquet: column 'amount' is a DECIMAL of more than 38 digits, which cannot be read; write it as"
    with pytest.raises(DataError, match=message):
        opened(events={"files": "e.parquet", "columns": {column: "amount"}})
