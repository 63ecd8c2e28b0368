"""Events that stand more than once: exact repeats of `event_id` count once, the copy that was known first.

A copy written or dated later must not take the place of one that a snapshot has already seen; of copies known at the
same time the first in source order counts.

Grouping 24 million text ids costs more than everything else about reading them. Their 64-bit hashes are sorted instead,
and only ids whose hashes agree are compared.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from powerml.snapshots.engine.memory import memory_limit
from powerml.sources.ids import is_nothing
from powerml.sources.sql import name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb

Hashes = npt.NDArray[np.uint64]
_STRETCH = 4096
_HASH_BYTES = 16  # what fetching one takes at its height
_MOST_OF_LIMIT = 0.5


def known_order(columns: Iterable[str]) -> str:
    """SQL by which copies of an event are ordered: when known, when happened."""
    have = set(columns)
    if "known_at" in have:
        return 'greatest("time", known_at), "time", '
    return '"time", ' if "time" in have else ""


def find_repeats(
    con: duckdb.DuckDBPyConnection, good: str, *, rows: int, place: str, into: str, order: str = ""
) -> tuple[int, int]:
    """Puts `place` and `event_id` of all rows of `good` that repeat another one into a new table `into`.

    `good` is what stands after FROM, with its WHERE, over rows with an `event_id`, at most `rows` of them; `place` is
    SQL for a row's position in the source, `order` what of `known_order` decides before it. Gives the number of ids
    that stand more than once and of rows that repeat; without any, no table.
    """
    cuts = cuts_for(con, rows)
    twice = np.concatenate([standing_twice(id_hashes(con, good, cut=cut, of=cuts)) for cut in range(cuts)])
    if not len(twice):
        return 0, 0
    con.execute(f"CREATE TABLE {name(into)} (place BIGINT, event_id VARCHAR)")
    add_repeats(con, good, place=place, into=into, hashes=twice, order=order)
    return count_repeats(con, into)


def cuts_for(con: duckdb.DuckDBPyConnection, rows: int) -> int:
    """Into how many parts the hashes of so many ids are cut, of which each is within the memory there is."""
    limit = memory_limit(lambda sql: con.execute(sql).fetchall())
    return max(1, math.ceil(_HASH_BYTES * rows / (_MOST_OF_LIMIT * limit)))


def id_hashes(con: duckdb.DuckDBPyConnection, good: str, *, cut: int = 0, of: int = 1) -> Hashes:
    """The sorted hashes of all ids, or of one of several parts that have none in common."""
    inside = f" AND hash(event_id) % {of} = {cut}" if of > 1 else ""
    found = con.execute(f"SELECT hash(event_id) AS h {good} AND event_id IS NOT NULL{inside}").fetchnumpy()["h"]
    hashes: Hashes = np.asarray(found, dtype=np.uint64)
    hashes.sort()
    return hashes


def standing_twice(hashes: Hashes) -> Hashes:
    """The values of a sorted array that stand in it more than once, each once."""
    return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])


def standing_in(hashes: Hashes, others: Hashes) -> Hashes:
    """The values of `hashes` that stand in the sorted array `others`."""
    if not len(others):
        return hashes[:0]
    # every 4096th value says in which stretch to look; all stretches are halved together, which hides slow memory
    last, half = len(others) - 1, _STRETCH // 2
    at = np.maximum(np.searchsorted(others[::_STRETCH], hashes) - 1, 0) * _STRETCH
    while half:
        further = np.minimum(at + half, last)
        at = np.where(others[further] < hashes, further, at)
        half //= 2
    there: Hashes = hashes[(others[at] == hashes) | (others[np.minimum(at + 1, last)] == hashes)]
    return there


def add_repeats(
    con: duckdb.DuckDBPyConnection, good: str, *, place: str, into: str, hashes: Hashes, order: str = ""
) -> None:
    """Adds the rows of `good` that repeat an earlier one to the table `into`, looking only at ids of these hashes."""
    candidates = "hashes to look at"
    frame = pd.DataFrame({"h": hashes})
    con.register(candidates, frame)
    con.execute(
        f"INSERT INTO {name(into)} SELECT place, event_id FROM (SELECT place, event_id,"
        f" row_number() OVER (PARTITION BY event_id ORDER BY {order}place) AS n FROM (SELECT *, {place} AS place"
        f" {good} AND NOT {is_nothing('event_id')} AND hash(event_id) IN (SELECT h FROM {name(candidates)})))"
        f" WHERE n > 1 ORDER BY place"
    )
    con.unregister(candidates)


def count_repeats(con: duckdb.DuckDBPyConnection, table: str) -> tuple[int, int]:
    """Ids concerned and rows, of a table of repeats."""
    row = con.execute(f"SELECT count(DISTINCT event_id), count(*) FROM {name(table)}").fetchone()
    return (row[0], row[1]) if row else (0, 0)


def sorted_union(arrays: Sequence[Hashes]) -> Hashes:
    """All values of sorted arrays in one sorted array, repeats kept."""
    return np.sort(np.concatenate(arrays), kind="stable")
