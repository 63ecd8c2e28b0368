"""UTC instants from every way of writing a time; zones against Python's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.sources.times import Clock, Instant, from_native, time_from_text


def evaluate(instant: Instant | None, kind: str, value: object) -> datetime | None:
    assert instant is not None
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        step = f"SELECT raw, {instant.digits} AS digits FROM (SELECT $1::{kind} AS raw)"
        row = con.execute(f"SELECT {instant.value('digits')} FROM ({step})", [value]).fetchone()
    return row[0] if row else None


@pytest.mark.parametrize(
    ("written", "hour", "minute"),
    [
        ("2026-03-01T09:30:00Z", 9, 30),
        ("2026-03-01T09:30:00+02:00", 7, 30),
        ("2026-03-01 09:30:00+0200", 7, 30),
        ("2026-03-01 09:30:00-05", 14, 30),
        ("2026-03-01T09:30Z", 9, 30),
        ("2026-03-01t09:30z", 9, 30),
        ("2026-03-01T09:30+02:00", 7, 30),
        ("2026-03-01 09:30:00 UTC", 9, 30),
        (" 2026-03-01T09:30:00Z ", 9, 30),
        ("2026-03-01 09:30:00", 14, 30),  # naive: New York, five hours behind
        ("2026-03-01T09:30", 14, 30),
        ("2026-03-01", 5, 0),
    ],
)
def test_iso_8601_with_and_without_a_zone(written, hour, minute):
    assert evaluate(time_from_text("raw", Clock("America/New_York")), "VARCHAR", written) == datetime(
        2026, 3, 1, hour, minute
    )


@pytest.mark.parametrize(
    "written", ["2026-13-01", "01-03-2026", "20260301", "1772357400", "soon", "infinity", "", None]
)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_what_is_no_time_is_null(written, zone):
    assert evaluate(time_from_text("raw", Clock(zone)), "VARCHAR", written) is None


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("named", ["EST", "Europe/Berlin", "Etc/GMT+5"])
def test_a_zone_that_one_row_names_is_no_other_rows(zone, named):
    written = [f"2026-03-01 09:30:00 {named}", "2026-03-01 09:30:00", "2026-03-01", "2026-03-01T09:30Z"]
    instant = time_from_text("raw", Clock(zone))
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        step = f"SELECT raw, {instant.digits} AS digits FROM (SELECT unnest($1) AS raw)"
        found = [row[0] for row in con.execute(f"SELECT {instant.value('digits')} FROM ({step})", [written]).fetchall()]
    assert found == [evaluate(instant, "VARCHAR", one) for one in written]


def test_fractions_are_kept_to_the_microsecond():
    instant = time_from_text("raw", Clock())
    assert evaluate(instant, "VARCHAR", "2026-03-01T09:30:00.123456789Z") == datetime(2026, 3, 1, 9, 30, 0, 123456)


@pytest.mark.parametrize(
    ("zone", "written", "expected"),
    [
        ("America/New_York", "2026-03-08 02:30:00", datetime(2026, 3, 8, 7, 30)),  # skipped: offset before the change
        ("America/New_York", "2025-11-02 01:30:00", datetime(2025, 11, 2, 5, 30)),  # twice: the first
        ("Europe/Berlin", "2026-03-29 02:30:00", datetime(2026, 3, 29, 1, 30)),
        ("Australia/Lord_Howe", "2026-04-05 01:45:00", datetime(2026, 4, 4, 14, 45)),
        ("Asia/Kolkata", "2026-03-01 00:00:00", datetime(2026, 2, 28, 18, 30)),
    ],
)
def test_local_times_that_do_not_exist_or_occur_twice(zone, written, expected):
    assert evaluate(time_from_text("raw", Clock(zone)), "VARCHAR", written) == expected
    assert (
        evaluate(from_native("raw", "TIMESTAMP", Clock(zone)), "TIMESTAMP", datetime.fromisoformat(written)) == expected
    )


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["America/New_York", "Europe/London", "Africa/Casablanca", "Pacific/Apia", "America/Sao_Paulo"]),
    st.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1)),
)
def test_zones_agree_with_pythons(zone, local):
    expected = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
    assert evaluate(from_native("raw", "TIMESTAMP", Clock(zone)), "TIMESTAMP", local) == expected


def test_utc_is_free_so_that_scans_can_skip_by_time():
    instant = from_native("raw", "TIMESTAMP", Clock("UTC"))
    assert instant is not None
    assert instant.value(instant.digits) == "raw"


@pytest.mark.parametrize(
    ("fmt", "written", "expected"),
    [
        ("%d-%m-%Y", "01-03-2026", datetime(2026, 3, 1, 5)),
        ("%d.%m.%Y %H:%M", "01.03.2026 09:30", datetime(2026, 3, 1, 14, 30)),
        ("%d.%m.%Y %H:%M %z", "01.03.2026 09:30 +0200", datetime(2026, 3, 1, 7, 30)),
        ("epoch_s", "1772357400", datetime(2026, 3, 1, 9, 30)),
        ("epoch_s", "1772357400.25", datetime(2026, 3, 1, 9, 30, 0, 250000)),
        ("epoch_ms", "1772357400123", datetime(2026, 3, 1, 9, 30, 0, 123000)),
        ("epoch_us", "1772357400123456", datetime(2026, 3, 1, 9, 30, 0, 123456)),
        ("epoch_s", "1e40", None),
        ("epoch_s", "nan", None),
        ("%d-%m-%Y", "2026-03-01", None),
    ],
)
def test_a_declared_format(fmt, written, expected):
    assert evaluate(time_from_text("raw", Clock("America/New_York", fmt)), "VARCHAR", written) == expected


@pytest.mark.parametrize(
    ("kind", "value", "fmt", "expected"),
    [
        ("DATE", "2026-03-01", None, datetime(2026, 3, 1, 5)),
        ("TIMESTAMP", "2026-03-01 09:30:00", None, datetime(2026, 3, 1, 14, 30)),
        ("TIMESTAMP_NS", "2026-03-01 09:30:00", None, datetime(2026, 3, 1, 14, 30)),
        ("TIMESTAMP WITH TIME ZONE", "2026-03-01 09:30:00+00", None, datetime(2026, 3, 1, 9, 30)),
        ("BIGINT", "1772357400", "epoch_s", datetime(2026, 3, 1, 9, 30)),
        ("DOUBLE", "1772357400000", "epoch_ms", datetime(2026, 3, 1, 9, 30)),
        ("BIGINT", "1772357400000000000", "epoch_ns", datetime(2026, 3, 1, 9, 30)),
    ],
)
def test_typed_columns(kind, value, fmt, expected):
    assert evaluate(from_native("raw", kind, Clock("America/New_York", fmt)), kind, value) == expected


def test_a_number_is_a_time_only_where_a_format_says_so():
    assert from_native("raw", "BIGINT", Clock()) is None
    assert from_native("raw", "BIGINT", Clock(time_format="%Y")) is None


def test_instants_before_and_after_a_change_differ_by_what_elapsed():
    """One minute before and at the spring change are one minute apart, though the wall clock says 61."""
    native = from_native("raw", "TIMESTAMP", Clock("Europe/Berlin"))
    before = evaluate(native, "TIMESTAMP", datetime(2026, 3, 29, 1, 59))
    after = evaluate(native, "TIMESTAMP", datetime(2026, 3, 29, 3, 0))
    assert before is not None
    assert after is not None
    assert after - before == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("03/04/2026", datetime(2026, 4, 3, 4, 0)),  # 3 April, midnight in New York
        ("2026-04-03T10:00:00Z", datetime(2026, 4, 3, 10, 0)),
        ("2026-04-03", datetime(2026, 4, 3, 4, 0)),
        ("1775210400000", datetime(2026, 4, 3, 10, 0)),
        ("04-03", None),
    ],
)
def test_several_formats_are_tried_in_order(written, expected):
    clock = Clock("America/New_York", ("%d/%m/%Y", "iso", "epoch_s", "epoch_ms"))
    assert evaluate(time_from_text("raw", clock), "VARCHAR", written) == expected


def test_a_column_of_numbers_takes_the_unit_among_several_formats():
    instant = from_native("raw", "BIGINT", Clock(time_format=("%d/%m/%Y", "epoch_ms")))
    assert evaluate(instant, "BIGINT", 1_772_357_400_000) == datetime(2026, 3, 1, 9, 30)
