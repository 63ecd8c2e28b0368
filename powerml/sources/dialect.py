"""How a CSV file is written: what parts its cells, what its header calls the columns, what stands before it."""

from __future__ import annotations

import csv
import io
import re
from typing import NamedTuple

DELIMITERS = ",;\t|"
_BEFORE = re.compile(r"[\r\n]*(?:sep=(.)\r?\n[\r\n]*)?", re.IGNORECASE)  # blank lines, and a line for Excel


class Dialect(NamedTuple):
    """What parts the cells, the names of the columns, and how many lines stand before them."""

    delimiter: str
    columns: tuple[str, ...]
    before: int

    @property
    def headless(self) -> bool:
        """Whether there is no header: nothing stands in the file but blanks."""
        return self.columns in ((), ("",))


def dialect(start: str, declared: str | None = None) -> Dialect:
    """How a file that is not blank is written, by its first lines; the delimiter is the one declared, else theirs.

    >>> dialect("user;logins (7 d)\\nu1;3\\n")
    Dialect(delimiter=';', columns=('user', 'logins (7 d)'), before=0)
    >>> dialect('sep=|\\nuser|"a;b;c"\\n')
    Dialect(delimiter='|', columns=('user', 'a;b;c'), before=1)
    """
    stands = _BEFORE.match(start)
    assert stands is not None
    start = start[stands.end() :]
    bare = "".join(start.split("\n", 1)[0].split('"')[::2])
    delimiter = declared or stands[1] or max(DELIMITERS, key=lambda d: (bare.count(d), -DELIMITERS.index(d)))
    header = next(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter, skipinitialspace=True), [])
    return Dialect(delimiter, tuple(column.strip() for column in header), len(stands[0].splitlines()))
