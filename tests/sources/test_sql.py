"""DuckDB's errors in our words."""

from __future__ import annotations

import duckdb
import pytest

from powerml.errors import DataError
from powerml.sources.sql import array, data_errors, name, text


def test_names_and_texts_are_quoted():
    odd = name('it"s')
    with duckdb.connect() as con:
        wanted = f"a.{odd}, {text(chr(39) + '; DROP')}, {array(['x', chr(39)])}"
        row = con.execute(f"SELECT {wanted} FROM (SELECT 1 AS {odd}) a").fetchone()
    assert row == (1, "'; DROP", ["x", "'"])


def test_an_error_becomes_one_line_that_names_the_file():
    message = r"^e\.csv: cannot be read \(.*nope.*\); check the file$"
    with duckdb.connect() as con, pytest.raises(DataError, match=message), data_errors("e.csv"):
        con.execute("SELECT nope")


def test_too_little_memory_names_the_setting():
    message = r"e\.csv: does not fit \(.*\); raise 'memory_limit' in the project"
    with pytest.raises(DataError, match=message), data_errors("e.csv"):
        raise duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate 10 GiB")
