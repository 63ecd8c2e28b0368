"""Events that stand more than once: exact repeats of `event_id` count once, the first in source order.

Grouping 24 million text ids costs more than everything else about reading them. Their 64-bit hashes are sorted instead,
and only ids whose hashes agree are compared.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd

from powerml.sources.sql import name


def find_repeats(con: duckdb.DuckDBPyConnection, good: str, *, place: str, into: str) -> tuple[int, int]:
    """Puts `place` and `event_id` of all rows of `good` that repeat an earlier one into a new table `into`.

    `good` is what stands after FROM, with its WHERE, over rows with an `event_id`; `place` is SQL for a row's position
    in the source. Gives the number of ids that stand more than once and of rows that repeat; without any, no table.
    """
    hashes = con.execute(f"SELECT hash(event_id) AS h {good} AND event_id IS NOT NULL").fetchnumpy()["h"]
    hashes = np.sort(np.asarray(hashes, dtype=np.uint64))
    twice = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
    if not len(twice):
        return 0, 0
    candidates = "hashes that stand twice"
    frame = pd.DataFrame({"h": twice})
    con.register(candidates, frame)
    con.execute(
        f"CREATE TABLE {name(into)} AS SELECT place, event_id FROM (SELECT place, event_id,"
        f" row_number() OVER (PARTITION BY event_id ORDER BY place) AS n FROM (SELECT {place} AS place, event_id"
        f" {good} AND event_id IS NOT NULL AND hash(event_id) IN (SELECT h FROM {name(candidates)})))"
        f" WHERE n > 1 ORDER BY place"
    )
    con.unregister(candidates)
    row = con.execute(f"SELECT count(DISTINCT event_id), count(*) FROM {name(into)}").fetchone()
    return (row[0], row[1]) if row else (0, 0)
