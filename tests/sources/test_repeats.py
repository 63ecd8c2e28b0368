"""Repeats of event_id count once: the first in source order."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.sources.repeats import cuts_for, find_repeats, standing_in
from powerml.sources.repeats_cache import repeats_with_memory
from tests.sources.reading import counts, rows

LINES = [
    "e1,ada,first,2026-03-02",
    "e2,ada,x,2026-03-01",
    "e1,bo,second,2026-03-04",  # another time and user: a repeat all the same
    ",ada,x,2026-03-01",
    ",ada,x,2026-03-01",
    " ,ada,x,2026-03-01",
    "e3,ada,x,soon",  # bad, so the next one is the first
    "e3,ada,x,2026-03-03",
    "e1,cy,third,2026-03-05",
]


@pytest.mark.parametrize("how", ["csv", "parquet", "two files", "query"])
def test_the_earliest_of_repeated_ids_stays_and_blank_ids_never_repeat(opened, tmp_path, parquet, how):
    (tmp_path / "e.csv").write_text("event_id,user_id,event,time\n" + "\n".join(LINES) + "\n")
    cast = "event_id, user_id, event, TRY_CAST(time AS TIMESTAMP) AS time"
    read = f"SELECT {cast} FROM read_csv('{tmp_path}/e.csv', all_varchar=true)"
    parquet("e.parquet", read)
    parquet("1.parquet", f"{read} LIMIT 2")
    parquet("2.parquet", f"{read} OFFSET 2")
    origin = {
        "csv": {"files": "e.csv"},
        "parquet": {"files": "e.parquet"},
        "two files": {"files": ["1.parquet", "2.parquet"]},
        "query": {"query": "FROM 'e.parquet'"},
    }[how]
    loaded = opened(events={**origin, "max_bad_rows": 1})
    assert counts(loaded, "events") == (9, 6, 1, 2)
    assert loaded.report.set_index("table").loc["events", "duplicates"] == 1
    kept = rows(loaded, "events", "event_id, event, user_id")
    assert sorted(row for row in kept if row[0]) == [("e1", "first", "ada"), ("e2", "x", "ada"), ("e3", "x", "ada")]
    assert sum(row[0] is None for row in kept) == 3


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from("abcdefgh"), max_size=30), st.sampled_from([1, 2, 5]))
def test_counts_agree_with_counting_in_one_or_in_parts(ids, cuts):
    with duckdb.connect() as con, pytest.MonkeyPatch.context() as patch:
        patch.setattr("powerml.sources.repeats.cuts_for", lambda _con, _rows: cuts)
        con.execute("CREATE TABLE t (place BIGINT, event_id VARCHAR)")
        if ids:
            con.executemany("INSERT INTO t VALUES (?, ?)", list(enumerate(ids)))
        found = find_repeats(con, "FROM t WHERE true", rows=len(ids), place="place", into="again")
        counted = Counter(ids)
        assert found == (sum(n > 1 for n in counted.values()), sum(n - 1 for n in counted.values()))
        if found[1]:
            places = {place for (place,) in con.execute('SELECT place FROM "again"').fetchall()}
            assert places == {i for i, letter in enumerate(ids) if letter in ids[:i]}


@pytest.mark.parametrize("how", ["csv", "parquet"])
def test_the_copy_that_was_known_first_counts(opened, tmp_path, parquet, how):
    lines = [
        "e1,ada,late,2026-03-01,2026-04-01",
        "e1,ada,early,2026-03-01,",
        "e2,bo,later,2026-03-05,",
        "e2,bo,x,2026-03-02,",
    ]
    (tmp_path / "e.csv").write_text("event_id,user_id,event,time,known_at\n" + "\n".join(lines) + "\n")
    times = "TRY_CAST(time AS TIMESTAMP) AS time, TRY_CAST(known_at AS TIMESTAMP) AS known_at"
    parquet(
        "e.parquet", f"SELECT event_id, user_id, event, {times} FROM read_csv('{tmp_path}/e.csv', all_varchar=true)"
    )
    loaded = opened(events={"files": f"e.{how}"})
    assert sorted(rows(loaded, "events", "event_id, event")) == [("e1", "early"), ("e2", "x")]


@pytest.mark.parametrize("size", [0, 1, 2, 4095, 4096, 4097, 20_000])
@pytest.mark.parametrize("high", [5_000, 2**64 - 1])
def test_hashes_that_stand_among_sorted_others_are_found(size, high):
    random = np.random.default_rng(size)
    others = np.sort(random.integers(0, high, size, dtype=np.uint64, endpoint=True))
    new = np.sort(np.concatenate([random.integers(0, high, 500, dtype=np.uint64, endpoint=True), others[::7]]))
    assert standing_in(new, others).tolist() == new[np.isin(new, others)].tolist()


def test_hashes_are_cut_by_the_memory_there_is():
    with duckdb.connect() as con:
        con.execute("SET memory_limit = '1GB'")
        assert [cuts_for(con, rows) for rows in (0, 1_000_000, 60_000_000, 100_000_000)] == [1, 1, 2, 4]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abcdefghijkl"), max_size=12), min_size=1, max_size=4), st.sampled_from([1, 3])
)
def test_what_is_remembered_in_parts_finds_the_same(nights, cuts):
    every = [one for ids in nights for one in ids]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("powerml.sources.repeats_cache.cuts_for", lambda _con, _rows: cuts)
        for last in range(1, len(nights) + 1):
            ids = [(file, one) for file, some in enumerate(nights[:last]) for one in some]
            with duckdb.connect() as con:
                con.execute("CREATE TABLE t (place BIGINT, file INT, event_id VARCHAR)")
                if ids:
                    con.executemany("INSERT INTO t VALUES (?, ?, ?)", [(i, *one) for i, one in enumerate(ids)])
                found = repeats_with_memory(
                    con, Path(folder), [str(n) for n in range(last)], place="place", into="again", rows=len(ids),
                    rows_of=lambda files: f"FROM t WHERE file IN ({', '.join(map(str, files))})",
                )  # fmt: skip
                counted = Counter(one for _file, one in ids)
                assert found == (sum(n > 1 for n in counted.values()), sum(n - 1 for n in counted.values()))
                places = {place for (place,) in con.execute('SELECT place FROM "again"').fetchall()}
                assert places == {i for i, (_f, one) in enumerate(ids) if one in every[:i]}
