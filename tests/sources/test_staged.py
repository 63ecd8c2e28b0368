"""Tables read once: source order, row numbers, rows that read alike from every format."""

from __future__ import annotations

import pytest

from tests.sources.reading import bad, counts, rows


def test_row_is_the_place_in_source_order_over_all_files(opened, tmp_path):
    for day, users in ((10, "cd"), (2, "ab")):
        lines = "".join(f"{user},2026-03-01,5\n" for user in users)
        (tmp_path / f"day{day}.csv").write_text("user_id,time,nps\n" + lines)
    loaded = opened(surveys="day*.csv")
    assert rows(loaded, "surveys", "user_id, _row") == [("a", 0), ("b", 1), ("c", 2), ("d", 3)]


def test_the_order_of_the_source_holds_however_many_threads_read(opened, tmp_path):
    """A join in the reading query, which DuckDB makes of a long IN, gave these rows in any order."""
    for file in range(2):
        lines = "".join(f"u{i},2026-03-01,5\n" for i in range(file * 400_000, (file + 1) * 400_000))
        (tmp_path / f"day{file}.csv").write_text("user_id,time,nps\n" + lines)
    loaded = opened(surveys="day*.csv")
    out_of_place = "SELECT count(*) FROM surveys WHERE _row <> substr(user_id, 2)::BIGINT"
    assert loaded.con.execute(out_of_place).fetchone() == (0,)


def test_places_and_row_numbers_hold_over_many_rows_read_by_several_threads(opened, tmp_path):
    lines = [f"u{i},2026-03-01,{11 if i % 50_000 == 7 else 5}" for i in range(200_000)]
    lines[100_000] = "cut"
    (tmp_path / "s.csv").write_text("user_id,time,nps\n" + "\n".join(lines) + "\n")
    loaded = opened(surveys="s.csv")
    assert [row[1] for row in bad(loaded)] == [8, 50_008, 100_001, 100_008, 150_008]
    assert counts(loaded, "surveys") == (200_000, 199_995, 5, 0)
    moved = "CASE WHEN _row >= 100000 THEN 1 ELSE 0 END"
    out_of_place = f"SELECT count(*) FROM surveys WHERE _row <> substr(user_id, 2)::BIGINT - {moved}"
    assert loaded.con.execute(out_of_place).fetchone() == (0,)


@pytest.mark.parametrize("table", ["surveys", "events"])
def test_bad_rows_are_left_out_of_what_is_read_once(opened, tmp_path, table):
    column = {"surveys": "nps", "events": "event"}[table]
    (tmp_path / "t.csv").write_text(f"user_id,time,{column}\na,2026-03-01,5\nb,soon,5\nc,2026-03-01,5\n")
    loaded = opened(**{table: {"files": "t.csv", "max_bad_rows": 1}})
    assert rows(loaded, table, "user_id, _row") == [("a", 0), ("c", 2)]
