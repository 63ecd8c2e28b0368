"""CSV as people write it, Parquet of several shapes, queries."""

from __future__ import annotations

import gzip
from datetime import datetime

import pyarrow as pa
import pytest

from powerml.errors import DataError
from tests.sources.reading import bad, counts, rows

HEADER = "user_id,event,time\n"
ADA = "ada,signed_in,2026-03-01\n"
MARCH = datetime(2026, 3, 1)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_byte_order_mark_line_ends_and_quotes(opened, tmp_path, delimiter):
    d = delimiter
    text = f'user_id{d} event {d}time\r\n"a{d}da"{d}"says ""hi""\r\nthere"{d}2026-03-01\r\n'
    (tmp_path / "e.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert rows(opened(events="e.csv"), "events") == [(f"a{d}da", 'says "hi"\r\nthere', MARCH, 0)]


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".csv.zst"])
def test_plain_and_compressed(opened, tmp_path, ending):
    text = (HEADER + ADA * 3).encode()
    packed = {".csv": text, ".csv.gz": gzip.compress(text), ".csv.zst": pa.Codec("zstd").compress(text, asbytes=True)}
    (tmp_path / f"e{ending}").write_bytes(packed[ending])
    assert counts(opened(events=f"e{ending}"), "events") == (3, 3, 0, 0)


def test_rows_of_other_lengths_are_set_aside_and_rows_after_them_keep_their_number(opened, tmp_path):
    (tmp_path / "e.csv").write_text(HEADER + ADA + "bo,x\n" + ADA + "a,b,2026-03-02,d\n" + "zed,x,soon\n")
    loaded = opened(events={"files": "e.csv", "max_bad_rows": 1})
    assert bad(loaded) == [
        ("e.csv", 2, "wrong number of columns", "", "bo,x"),
        ("e.csv", 4, "wrong number of columns", "", "a,b,2026-03-02,d"),
        ("e.csv", 5, "not a time", "time", "soon"),
    ]
    assert counts(loaded, "events") == (5, 2, 3, 0)


@pytest.mark.parametrize("before", ["\n", "\r\n", "\n\n", "\ufeff\n", "sep=,\n", "\ufeffSep=,\r\n", "\nsep=,\n\n"])
def test_what_stands_before_the_header_is_no_row(opened, tmp_path, before):
    end = "\r\n" if "\r" in before else "\n"
    text = before + (HEADER + ADA + "bo,x\n" + "zed,x,soon\n").replace("\n", end)
    (tmp_path / "e.csv").write_bytes(text.encode())
    loaded = opened(events={"files": "e.csv", "max_bad_rows": 1})
    assert bad(loaded) == [
        ("e.csv", 2, "wrong number of columns", "", "bo,x"),
        ("e.csv", 3, "not a time", "time", "soon"),
    ]
    assert counts(loaded, "events") == (3, 1, 2, 0)


@pytest.mark.parametrize("header", [HEADER, '"user_id", "event" , "time"\n'])
def test_quotes_behind_a_blank_are_quotes(opened, tmp_path, header):
    (tmp_path / "e.csv").write_text(header + '"ada", "says ""hi"", twice" , "2026-03-01"\nbo, 5" tv, 2026-03-01\n')
    assert rows(opened(events="e.csv"), "events", "user_id, event") == [("ada", 'says "hi", twice'), ("bo", '5" tv')]


def test_a_row_that_is_not_utf8_is_set_aside(opened, tmp_path):
    (tmp_path / "e.csv").write_bytes((HEADER + ADA).encode() + b"gr\xf6\xdfe,x,2026-03-01\n" + ADA.encode())
    loaded = opened(events={"files": "e.csv", "max_bad_rows": 1})
    assert [row[:3] for row in bad(loaded)] == [("e.csv", 2, "not UTF-8")]
    assert counts(loaded, "events") == (3, 2, 1, 0)


def test_a_quote_that_swallows_the_rest_of_the_file_stops(opened, tmp_path):
    (tmp_path / "e.csv").write_text(HEADER + ADA + '"bo,x,2026-03-01\n' + ADA * 50)
    with pytest.raises(DataError, match=r"e\.csv: row 2: a quote is opened and not closed.*double quotes that stand"):
        opened(events={"files": "e.csv", "max_bad_rows": 1})


def test_a_quote_inside_a_plain_field_is_part_of_it(opened, tmp_path):
    (tmp_path / "e.csv").write_text(HEADER + '5" tv,x,2026-03-01\n')
    assert rows(opened(events="e.csv"), "events", "user_id") == [('5" tv',)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n\n", r"e\.csv: is empty; export it again"),
        (HEADER.encode(), r"e\.csv: has no rows; events are the one table that is required"),
        (b"user_id,event,time,time\na,b,2026-03-01,2026-03-01\n", r"e\.csv: the header names 'time' twice; rename"),
        (b"user_id,event,gr\xf6\xdfe\nada,x,1\n", r"e\.csv: has a header that is not UTF-8; save it as UTF-8"),
        (b"user_id,event,time\na,b,2026-03-01\na,b,2026-03-01\r\na,b,c\n", r"e\.csv: mixes kinds of line ends; save"),
    ],
)
def test_csv_files_that_cannot_be_used(opened, tmp_path, content, message):
    (tmp_path / "e.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        opened(events={"files": "e.csv", "max_bad_rows": 1})


def test_a_doubled_column_that_nobody_reads_does_no_harm(opened, tmp_path):
    (tmp_path / "e.csv").write_text("user_id,event,time,note,note\nada,x,2026-03-01,1,2\n")
    assert counts(opened(events="e.csv"), "events") == (1, 1, 0, 0)


def test_files_with_other_columns_and_formats_join_in_natural_order(opened, tmp_path, parquet):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/1.csv").write_text(HEADER + ADA)
    (tmp_path / "d/2.csv").write_text("event;time;value;user_id\nx;2026-03-02;1.5;bo\n")
    (tmp_path / "d/3.jsonl").write_text('{"user_id": 7, "event": "y", "time": "2026-03-03"}\n')
    parquet("d/10.parquet", "SELECT 8 AS user_id, 'z' AS event, DATE '2026-03-04' AS time")
    loaded = opened(events="d")
    assert rows(loaded, "events", "user_id, event, value, _row") == [
        ("ada", "signed_in", None, 0),
        ("bo", "x", 1.5, 1),
        ("7", "y", None, 2),
        ("8", "z", None, 3),
    ]
    assert loaded.sources["events"] == ("d/1.csv", "d/2.csv", "d/3.jsonl", "d/10.parquet")


def test_quarantine_names_the_file_of_many(opened, tmp_path):
    (tmp_path / "1.csv").write_text(HEADER + ADA * 2)
    (tmp_path / "2.csv").write_text(HEADER + ADA + "bo,x,soon\n")
    loaded = opened(events={"files": ["2.csv", "1.csv"], "max_bad_rows": 1})
    assert bad(loaded) == [("2.csv", 2, "not a time", "time", "soon")]


def test_a_required_column_absent_from_one_file_names_that_file(opened, tmp_path, parquet):
    parquet("1.parquet", "SELECT 'ada' AS user_id, 'x' AS event, TIMESTAMP '2026-03-01' AS time")
    parquet("2.parquet", "SELECT 'ada' AS user_id, 'x' AS event")
    with pytest.raises(
        DataError, match=r"2\.parquet: no column 'time', which events needs \(there are user_id, event\)"
    ):
        opened(events="*.parquet")


def test_parquet_files_whose_times_are_typed_differently_are_each_read_right(opened, parquet):
    parquet("1.parquet", "SELECT 'ada' AS user_id, 'x' AS event, TIMESTAMP '2026-03-01 09:00' AS time")
    parquet("2.parquet", "SELECT 'bo' AS user_id, 'x' AS event, TIMESTAMPTZ '2026-03-01 09:00:00+00' AS time")
    loaded = opened(events="*.parquet", timezone="Europe/Berlin")
    assert rows(loaded, "events", "user_id, time") == [
        ("ada", datetime(2026, 3, 1, 8)),
        ("bo", datetime(2026, 3, 1, 9)),
    ]


def test_damaged_parquet_is_one_sentence(opened, tmp_path, parquet):
    whole = parquet("e.parquet", "SELECT 'ada' AS user_id, 'x' AS event, DATE '2026-03-01' AS time").read_bytes()
    (tmp_path / "e.parquet").write_bytes(whole[:4] + b"\0" * (len(whole) - 12) + whole[-8:])
    with pytest.raises(DataError, match=r"^e\.parquet: cannot be read \(.*\); it is damaged.*again$"):
        opened(events="e.parquet")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT who AS user_id, * FROM 'deep/e.parquet'",
        "FROM read_parquet('deep/e.parquet') SELECT who AS user_id, event, time -- the end",
        "SELECT who AS user_id, * FROM read_parquet('${FOLDER}/*.parquet');",
    ],
)
def test_queries_find_files_at_the_projects_folder(opened, parquet, monkeypatch, query):
    monkeypatch.setenv("FOLDER", "deep")
    parquet("deep/e.parquet", "SELECT 'ada' AS who, 'x' AS event, DATE '2026-03-01' AS time")
    loaded = opened(events={"query": query})
    assert rows(loaded, "events") == [("ada", "x", MARCH, 0)]


@pytest.mark.parametrize("query", ["SELECT nope FROM 'e.parquet'", "FROM 'absent.parquet'", "DROP TABLE events", "?"])
def test_a_query_that_does_not_run_is_one_sentence(opened, parquet, query):
    parquet("e.parquet", "SELECT 1 AS user_id")
    with pytest.raises(
        DataError, match=r"^.*powerml\.yaml: tables\.events\.query: does not run \(.*\); correct the query"
    ):
        opened(events={"query": query})
