"""`powerml export`: what it says and what it leaves."""

from __future__ import annotations

from tests.builders import write_project


def test_a_folder_per_table(powerml, tmp_path):
    write_project(tmp_path, "user_id,event,time\nu1,click,2026-03-01T12:00:00Z\n")
    ran = powerml("export", "--canonical", "out", "--json")
    assert (ran.status, ran.data["folder"]) == (0, "out")
    assert [row["loaded"] for row in ran.data["tables"]] == [1]
    assert (tmp_path / "out" / "events" / "part-0.parquet").is_file()
    again = powerml("export", "--canonical", "out")
    assert again.status == 2
