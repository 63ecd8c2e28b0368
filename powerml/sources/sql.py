"""The few spellings of DuckDB's SQL that all readers share, and its errors in our words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from powerml.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BLANKS = (
    r"E' \t\r\n'",
    "chr(160)",
    "chr(8203)",
    "chr(65279)",
)  # blanks; one that breaks no line; two that nobody sees
BLANKS = f"({' || '.join(_BLANKS)})"
"""SQL: what is cut from the ends of a text."""
_ASCII = "chr(127)"  # what begins before it begins with none of the rarer blanks


def name(identifier: str) -> str:
    """A quoted identifier.

    >>> print(name('a "b"'))
    "a ""b\"""
    """
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """A quoted string.

    >>> print(text("it's"))
    'it''s'
    """
    return "'" + value.replace("'", "''") + "'"


def among(field: str, words: Iterable[str]) -> str:
    """SQL: whether a text is one of some words; null for null.

    Not `IN`: from some six words on DuckDB makes it a join, and a read with a join in it comes in any order.

    >>> print(among("plan", ["free", "trial"]))
    list_contains(['free', 'trial'], plan)
    """
    return f"list_contains([{', '.join(map(text, words))}], {field})"


def array(values: Iterable[str]) -> str:
    """A list of quoted strings."""
    return "[" + ", ".join(map(text, values)) + "]"


def is_blank(field: str) -> str:
    """Whether a text field is null, empty or white space (trimming is dear, so only what begins low is trimmed)."""
    begun = f"{field} >= '!' AND {field} < {_ASCII}"
    return f"CASE WHEN {begun} THEN false ELSE COALESCE(trim({field}, {BLANKS}) = '', true) END"


def unpadded(field: str) -> str:
    """Whether a text surely begins and ends with what is no blank; of a null it is null."""
    blanks = ("' '", r"E'\t'", r"E'\r'", r"E'\n'", *_BLANKS[1:])
    ends = " AND ".join(f"NOT suffix({field}, {blank})" for blank in blanks)
    return f"({field} >= '!' AND {field} < {_ASCII} AND {ends})"


def filled(field: str) -> str:
    """The text without outer blanks, or null where nothing is left."""
    return f"CASE WHEN {unpadded(field)} THEN {field} ELSE NULLIF(trim({field}, {BLANKS}), '') END"


@contextmanager
def data_errors(where: str, *, fix: str = "check the file") -> Iterator[None]:
    """Turns whatever DuckDB says while it reads `where` into one DataError of one line."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise DataError(f"{where}: does not fit ({first_line(error)}); raise 'memory_limit' in the project") from None
    except duckdb.InterruptException:  # so DuckDB calls Ctrl-C
        raise KeyboardInterrupt from None
    except duckdb.Error as error:
        if "state machine" in str(error):
            raise DataError.in_file(where, "mixes kinds of line ends", "save it with one kind (LF or CRLF)") from None
        raise DataError(f"{where}: cannot be read ({first_line(error)}); {fix}") from None


def first_line(error: Exception) -> str:
    """The first line of DuckDB's message without its kind and the final stop."""
    line = str(error).strip().split("\n", 1)[0]
    return line.split("Error: ", 1)[-1].rstrip(". ")
