"""What is kept between runs is found again as it was, by whoever opens the folder next."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import ibis
import pytest

from powerml.snapshots.aggregations import Atom
from powerml.snapshots.cache.store import RollupStore
from powerml.snapshots.engine.duckdb import DuckDBEngine


@pytest.fixture
def opened(tmp_path):
    """Opens the cache of the folder anew, whatever was open before being closed."""
    engines = []

    def again() -> RollupStore:
        if engines:
            engines[-1].wait()
            engines[-1].backend.con.close()
        engines.append(DuckDBEngine.on(duckdb.connect()))
        store = RollupStore.open(engines[-1], tmp_path / "cache")
        assert store is not None
        return store

    yield again
    engines[-1].wait()
    engines[-1].backend.con.close()


def rows(store, name):
    store.engine.wait()
    return store.engine.frame(store.table(name), order=("day",))


def numbers(store, *days):
    """A table of days and ten times their number, in the store's engine."""
    name = f"given_{'_'.join(map(str, days))}"
    rows = ", ".join(f"({day}, {10 * day})" for day in days)
    store.engine.run(
        f"create or replace temp table {name} as select day::int as day, n::int as n from (values {rows}) t(day, n)"
    )
    return store.engine.table(name)


def test_tables_and_values_are_found_again(opened):
    store = opened()
    assert store.tables() == set()
    assert store.get("files") is None
    store.keep(numbers(store, 3, 1, 2), "days", order="day")
    store.add(numbers(store, 7), "days")
    store.put("files", [["a", 1, 2]])
    store = opened()
    assert store.tables() == {"days"}
    assert rows(store, "days")["day"].tolist() == [1, 2, 3, 7]
    assert store.table("days").schema() == ibis.schema({"day": "int32", "n": "int32"})
    assert store.get("files") == [["a", 1, 2]]


def test_a_kept_table_is_replaced_with_its_columns(opened):
    store = opened()
    store.keep(numbers(store, 1), "days")
    store.keep(numbers(store, 2).mutate(more=ibis.literal("x")), "days")
    assert rows(store, "days").to_dict("records") == [{"day": 2, "n": 20, "more": "x"}]
    assert "more" in opened().table("days").columns


def test_rows_are_added_by_the_names_of_their_columns(opened):
    store = opened()
    store.keep(numbers(store, 1), "days")
    store.add(numbers(store, 5).select("n", "day"), "days")
    assert rows(store, "days").to_dict("records") == [{"day": 1, "n": 10}, {"day": 5, "n": 50}]


def test_what_is_dropped_or_forgotten_is_gone(opened):
    store = opened()
    store.keep(numbers(store, 1), "days")
    store.keep(numbers(store, 2), "pieces")
    store.put("signature", "s")
    store.drop("pieces")
    assert store.tables() == {"days"}
    store.forget_all()
    assert store.get("signature") is None
    store = opened()
    assert store.tables() == set()
    assert store.get("signature") is None


def test_atoms_are_remembered_as_they_were(opened):
    store = opened()
    atoms = [Atom("count", (("role", ("login", "share")),), None, None), Atom("sum", (), "value", None)]
    store.remember_atoms(atoms)
    assert opened().atoms() == atoms


def test_a_transaction_that_is_rolled_back_keeps_what_was_there(opened):
    store = opened()
    store.keep(numbers(store, 1), "days")
    store.engine.wait()
    store.engine.run("begin transaction")
    store.add(numbers(store, 2), "days")
    store.engine.wait()
    store.engine.run("rollback")
    assert rows(opened(), "days")["day"].tolist() == [1]


def test_a_run_goes_without_where_another_holds_the_cache(opened, tmp_path):
    opened()
    code = (
        "import duckdb, sys; from pathlib import Path; from powerml.snapshots.cache.store import RollupStore;"
        "from powerml.snapshots.engine.duckdb import DuckDBEngine;"
        "print(RollupStore.open(DuckDBEngine.on(duckdb.connect()), Path(sys.argv[1])))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "cache")], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == "None"
