"""Queries as sources: one SELECT that only reads, stopped where it does not end."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from powerml.errors import DataError
from powerml.sources.sql import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator

# functions of a SELECT that write files, change the database, or run text that is not read here
FORBIDDEN = frozenset(
    {
        "checkpoint", "force_checkpoint", "copy_database", "import_database", "enable_logging", "disable_logging",
        "truncate_duckdb_logs", "write_log", "enable_profile", "enable_profiling", "add_parquet_key", "setseed",
        "json_execute_serialized_sql", "query", "query_table",
    }
)  # fmt: skip


def check_query(con: duckdb.DuckDBPyConnection, query: str, *, where: str) -> str:
    """The query without its final semicolon; raises DataError for what is not one SELECT that only reads."""
    try:
        statements = con.extract_statements(query)
    except duckdb.Error as error:
        raise _refused(where, first_line(error)) from None
    if len(statements) != 1:
        counted = "it is empty" if not statements else f"it holds {len(statements)} statements"
        raise _refused(where, f"{counted}; a source is one SELECT")
    if (kind := statements[0].type.name) != "SELECT":
        raise _refused(where, f"it is {kind}; a source is one SELECT that only reads")
    text = statements[0].query.strip().rstrip(";").rstrip()
    told = con.execute("SELECT json_serialize_sql(?)", [text]).fetchone()
    tree = json.loads(told[0]) if told else {"error": True}
    if tree.get("error"):
        raise _refused(where, str(tree.get("error_message", "it is no plain SELECT")))
    if used := sorted(FORBIDDEN & _functions(tree)):
        raise _refused(where, f"it calls {used[0]}(), which does more than read")
    return text


@contextmanager
def time_limit(con: duckdb.DuckDBPyConnection, seconds: float, *, where: str) -> Iterator[None]:
    """Interrupts what runs on the connection after `seconds`; raises DataError that says so."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        con.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (DataError, duckdb.Error, KeyboardInterrupt):
        if not late.is_set():
            raise
    finally:
        timer.cancel()
    if late.is_set():
        raise DataError.in_file(
            where, f"ran longer than {seconds:g} s and was stopped", "make it smaller, or raise 'query_timeout'"
        )


def _refused(where: str, why: str) -> DataError:
    fix = "correct the query; relative file names start at the project's folder"
    return DataError.in_file(where, f"does not run ({why})", fix)


def _functions(tree: Any) -> set[str]:
    """The names of all functions in a parsed query, in small letters."""
    found: set[str] = set()
    stack = [tree]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            if isinstance(name := here.get("function_name"), str):
                found.add(name.lower())
            stack += here.values()
        elif isinstance(here, list):
            stack += here
    return found
