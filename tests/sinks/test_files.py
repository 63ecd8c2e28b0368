"""Tables into files: whole or not at all."""

from __future__ import annotations

import stat
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from powerml.errors import DataError, UsageError
from powerml.sinks import files
from powerml.sinks.files import check_target, dates_plain, write_table

FRAME = pd.DataFrame(
    {"as_of": pd.to_datetime(["2026-04-01", "2026-05-01"]), "user_id": ["ada", "ben"], "score": [1.5, float("nan")]}
)


def test_csv_carries_plain_dates_and_empty_nulls(tmp_path):
    write_table(FRAME, tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").read_text() == "as_of,user_id,score\n2026-04-01,ada,1.5\n2026-05-01,ben,\n"


def test_parquet_carries_plain_dates_and_nulls(tmp_path):
    write_table(FRAME, tmp_path / "scores.parquet")
    found = pd.read_parquet(tmp_path / "scores.parquet")
    assert found["as_of"].tolist() == [date(2026, 4, 1), date(2026, 5, 1)]
    assert found["score"].isna().tolist() == [False, True]


def test_the_frame_given_is_left_as_it_was(tmp_path):
    before = FRAME.copy()
    write_table(FRAME, tmp_path / "scores.csv")
    pd.testing.assert_frame_equal(FRAME, before)
    assert dates_plain(FRAME)["as_of"].tolist() == [date(2026, 4, 1), date(2026, 5, 1)]
    assert dates_plain(FRAME[["score"]]).equals(FRAME[["score"]])


def test_an_old_file_is_replaced_and_nothing_else_stands_there(tmp_path):
    (tmp_path / "scores.csv").write_text("old")
    write_table(FRAME, tmp_path / "scores.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]
    assert "ada" in (tmp_path / "scores.csv").read_text()
    assert stat.S_IMODE((tmp_path / "scores.csv").stat().st_mode) & 0o400


@pytest.mark.parametrize("old", [None, "old"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch, old, ending):
    target = tmp_path / f"scores.{ending}"
    if old:
        target.write_text(old)

    def full(self, path, **options):
        Path(path).write_text("half a table")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, f"to_{ending}", full)
    with pytest.raises(DataError, match=r"cannot be written \(No space left on device\); check space and rights"):
        write_table(FRAME, target)
    assert [path.read_text() for path in tmp_path.iterdir()] == ([old] if old else [])


def test_other_errors_leave_nothing_behind_either(tmp_path, monkeypatch):
    monkeypatch.setattr(files.os, "replace", lambda *paths: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        write_table(FRAME, tmp_path / "scores.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_could_not_be_written_is_refused_before_any_work(tmp_path):
    with pytest.raises(UsageError, match=r"cannot tell the format; end the name in \.parquet or \.csv"):
        check_target(tmp_path / "scores.xlsx")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UsageError, match="is a folder; name a file in it"):
        check_target(tmp_path / "folder.csv")
    with pytest.raises(UsageError, match=r"the folder .* does not exist; make it first"):
        check_target(tmp_path / "none" / "scores.csv")
    check_target(tmp_path / "scores.csv")
