"""What runs the plans: temporary tables kept and freed, and the few functions of the dialect."""

from __future__ import annotations

import gc
import sys

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.snapshots.engine.base import planning
from powerml.snapshots.engine.duckdb import FEW_CELLS, DuckDBEngine
from powerml.snapshots.engine.words import bit_count, epoch_us, hash64

SCHEMA = pa.schema([("c", pa.int32()), ("id", pa.string()), ("at", pa.int64())])


@pytest.fixture
def engine() -> DuckDBEngine:
    return DuckDBEngine.on(duckdb.connect())


def kept(engine: DuckDBEngine) -> int:
    return engine.run("select count(*) from duckdb_tables() where temporary")[0][0]


def test_a_frame_goes_in_and_comes_out(engine):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [1.5, float("nan")]})
    found = engine.frame(engine.bring(frame, "frame").order_by("a"))
    assert found["a"].tolist() == [1, 2]
    assert found["b"].isna().tolist() == [False, True]
    assert engine.rows(engine.bring(frame, "frame").filter(ibis._.a == 1))[0]["b"] == "x"


def test_what_is_kept_is_run_once_and_can_be_dropped(engine):
    one = engine.bring(pd.DataFrame({"a": [1, 2, 3]}), "numbers")
    two = engine.keep(one.filter(ibis._.a > 1), "large")
    assert kept(engine) == 2
    engine.drop(one)
    assert kept(engine) == 1
    assert len(engine.frame(two)) == 2
    engine.drop(one)  # what is gone is gone
    assert kept(engine) == 1


def test_scratch_is_freed_at_its_end_even_after_an_error(engine):
    before = engine.bring(pd.DataFrame({"a": [1]}), "numbers")
    with engine.scratch():
        engine.bring(pd.DataFrame({"a": [1]}), "numbers")
        assert kept(engine) == 2
    assert kept(engine) == 1
    with pytest.raises(duckdb.CatalogException), engine.scratch():
        engine.run(f"select * from {engine.bring(pd.DataFrame({'a': [1]}), 'numbers').get_name()}_")
    assert kept(engine) == 1
    assert len(engine.frame(before)) == 1


def test_an_error_of_the_worker_is_raised_where_rows_are_read_and_what_comes_after_is_sound(engine):
    numbers = engine.bring(pd.DataFrame({"a": ["1", "x"]}), "numbers")
    wrong = engine.keep(numbers.select(a=numbers.a.cast("int64")), "wrong")
    with pytest.raises(duckdb.ConversionException, match="x"):
        engine.rows(wrong)
    assert len(engine.rows(numbers)) == 2
    engine.keep(numbers.select(a=numbers.a.cast("int64")), "wrong")
    engine.give_up()
    assert len(engine.rows(numbers)) == 2


def test_what_comes_after_an_error_is_left_out_until_it_is_raised(engine):
    engine.later("create table wrong as select 1 / x", "create table a (x integer)")
    rows = engine.ask("select 1")
    engine.later("create table b (x integer)")
    with pytest.raises(duckdb.BinderException):
        rows()
    with pytest.raises(duckdb.BinderException):
        engine.wait()
    assert engine.run("select table_name from duckdb_tables()") == []
    assert engine.ask("select 1")() == [(1,)]


def test_a_transaction_is_finished_by_the_worker_and_rolled_back_after_an_error(engine):
    engine.run("create table numbers (x integer)")
    for wrong in ("", "insert into numbers values ('no number')"):
        engine.run("begin transaction")
        engine.later("insert into numbers values (1)", *([wrong] if wrong else []))
        engine.finish()
        if wrong:
            with pytest.raises(duckdb.ConversionException):
                engine.wait()
        engine.run("begin transaction")  # the one before is over
        engine.run("rollback")
        assert engine.run("select x from numbers") == [(1,)]


@pytest.mark.parametrize("rows", [0, 2, FEW_CELLS])
def test_frames_brought_as_sql_or_registered_have_the_same_rows_and_types(engine, rows):
    texts = (["o'clock", None] * rows)[:rows]
    frame = pd.DataFrame({"n": range(rows), "flag": [True] * rows, "text": texts})
    frame = frame.astype({"n": "int32", "flag": bool, "text": "string"})
    table = engine.bring(frame, "frame")
    pd.testing.assert_frame_equal(engine.frame(table.order_by("n")), frame, check_dtype=False, check_column_type=False)
    kinds = engine.run(f"select column_name, data_type from duckdb_columns() where table_name = '{table.get_name()}'")
    assert kinds == [("n", "INTEGER"), ("flag", "BOOLEAN"), ("text", "VARCHAR")]


def test_a_text_that_would_end_the_statement_is_brought_whole(engine):
    frame = pd.DataFrame({"text": ["a\0b"]})
    assert engine.rows(engine.bring(frame, "frame")) == [{"text": "a\0b"}]


def test_planning_leaves_the_interpreter_as_it_was():
    before = gc.isenabled(), sys.getswitchinterval()
    with planning():
        assert not gc.isenabled()
        with planning():
            assert sys.getswitchinterval() <= before[1]
        assert not gc.isenabled()
    assert (gc.isenabled(), sys.getswitchinterval()) == before


def test_functions_of_the_dialect(engine):
    frame = pd.DataFrame({"t": pd.to_datetime(["2026-03-08T07:00:00.000001"]), "mask": [(1 << 61) | 5], "id": ["ada"]})
    table = engine.bring(frame, "values")
    row = engine.rows(table.select(t=epoch_us(table.t), bits=bit_count(table.mask), h=hash64(table.id)))[0]
    assert row["t"] == 1_772_953_200_000_001
    assert row["bits"] == 3
    assert row["h"] == engine.rows(table.select(h=hash64(table.id)))[0]["h"]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3),
            st.integers(),
        ),
        max_size=30,
    )
)
def test_a_frame_comes_in_the_order_of_some_columns_texts_by_their_bytes(rows):
    frame = pd.DataFrame(
        {"c": [c for c, _text, _n in rows], "id": [text for _c, text, _n in rows], "at": range(len(rows))}
    ).astype({"c": "int32", "id": "object", "at": "int64"})
    engine = DuckDBEngine.on(duckdb.connect())
    kept = engine.bring(pa.Table.from_pandas(frame, schema=SCHEMA, preserve_index=False), "rows")
    found = engine.frame(kept, order=["c", "id", "at"])
    by_bytes = sorted(range(len(rows)), key=lambda i: (rows[i][0], rows[i][1] is None, (rows[i][1] or "").encode(), i))
    assert found["at"].tolist() == by_bytes
