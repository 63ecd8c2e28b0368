import numpy as np
import pandas as pd
import pytest

from powerml.errors import DataError
from powerml.sources.tables.files import blank, check_once, dates, ids, numbers, read_table


def test_a_csv_s_cells_are_texts_and_a_parquet_s_what_they_are(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,\n2,x\n")
    assert read_table(tmp_path / "t.csv").to_dict("list") == {"a": ["1", "2"], "b": ["", "x"]}
    pd.DataFrame({"a": [1, 2]}).to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet")["a"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", None, r"t\.csv: no such file; check the path"),
        ("t.csv", b"", r"t\.csv: is empty; write it again; it needs a header and at least one row"),
        ("t.csv", b"a,b\n", r"t\.csv: has no rows; write it again; it needs at least one row below its header"),
        ("t.csv", b'a,b\n1,"2\n', r"t\.csv: is no well-formed CSV"),
        ("t.csv", b"a,b\n\xff,2\n", r"t\.csv: is not UTF-8 text; save it as UTF-8"),
        ("t.txt", b"a,b\n1,2\n", r"t\.txt: is neither \.csv nor \.parquet; save it as one of them"),
        ("t.parquet", b"PAR1", r"t\.parquet: cannot be read .*; it is cut short or no Parquet file; write it again"),
        ("t.csv.gz", b"\x1f\x8b\x08", r"t\.csv\.gz: cannot be read"),
    ],
)
def test_a_bad_file_is_one_message(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / name)


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(DataError, match=r"is a folder; name a \.csv or \.parquet file"):
        read_table(tmp_path)


def test_blanks_are_nulls_and_other_words_are_errors(tmp_path):
    cells = pd.Series(["1", " ", "NA", None, "2.5"], name="n")
    assert blank(cells).tolist() == [False, True, True, True, False]
    assert numbers(cells, tmp_path / "t.csv").tolist() == pytest.approx([1, np.nan, np.nan, np.nan, 2.5], nan_ok=True)
    with pytest.raises(DataError, match=r"t\.csv: row 3: column 'n': 'x' is not a number \(and 1 more row\); leave it"):
        numbers(pd.Series(["1", "x", "y"], name="n"), tmp_path / "t.csv")


def test_dates_and_ids_name_the_row(tmp_path):
    with pytest.raises(DataError, match=r"row 2: column 't': '1\.2\.26' is not a date; use YYYY-MM-DD"):
        dates(pd.Series(["1.2.26"], name="t"), tmp_path / "t.csv")
    assert ids(pd.Series([7.0, 8.0]), tmp_path / "t.csv").tolist() == ["7", "8"]
    with pytest.raises(DataError, match=r"row 3: column 'id': '' is empty; every row needs an id"):
        ids(pd.Series(["a", ""], name="id"), tmp_path / "t.csv")


def test_an_id_that_stands_twice_is_named_with_its_row(tmp_path):
    frame = pd.DataFrame({"user_id": ["a", "b", "a", "a"]}, index=[0, 3, 4, 5])  # rows 2 and 3 were left out before
    with pytest.raises(DataError, match=r"t\.csv: row 6: 'a' stands there a second time \(and 1 more row\); keep one"):
        check_once(frame, "user_id", tmp_path / "t.csv", fix="keep one")
    days = pd.to_datetime(["2026-01-01", "2026-01-01", "2026-01-02", "2026-01-02"])
    with pytest.raises(DataError, match="row 7: 'a' stands there a second time on 2026-01-02; keep one"):
        check_once(frame.assign(as_of=days), "user_id", tmp_path / "t.csv", fix="keep one")
    check_once(frame.assign(as_of=days)[:3], "user_id", tmp_path / "t.csv", fix="keep one")
