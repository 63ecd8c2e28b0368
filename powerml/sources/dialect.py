"""How a CSV file is written: what parts its cells, and what its first line calls the columns."""

from __future__ import annotations

import csv
import io

DELIMITERS = ",;\t|"


def dialect(start: str, declared: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Delimiter (the one declared, or what parts the first line) and column names of a file that is not blank.

    >>> dialect("user;logins (7 d)\\nu1;3\\n")
    (';', ('user', 'logins (7 d)'))
    >>> dialect('user, "logins (7 d)"\\n')
    (',', ('user', 'logins (7 d)'))
    """
    start = start.lstrip("\r\n")
    bare = "".join(start.split("\n", 1)[0].split('"')[::2])
    delimiter = declared or max(DELIMITERS, key=lambda d: (bare.count(d), -DELIMITERS.index(d)))
    header = next(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, skipinitialspace=True))
    return delimiter, tuple(column.strip() for column in header)
