import pandas as pd
import pytest

from powerml.errors import DataError, MissingColumns
from powerml.sources.tables.metrics import read_metric_table

METRICS = ("events_30d", "logins_30d", "tickets_unresolved")


def read(path):
    return read_metric_table(path, metrics=METRICS)


def csv(folder, text):
    path = folder / "metrics.csv"
    path.write_text(text)
    return path


def test_ids_stay_text_and_nulls_stay_null(tmp_path):
    table = read(csv(tmp_path, "user_id,logins_30d,comment\n007,3,x\nada,,y\nNA,null,z\n"))
    assert table.id_column == "user_id"
    assert list(table.frame["user_id"]) == ["007", "ada", "NA"]
    assert list(table.frame["logins_30d"].isna()) == [False, True, True]
    assert "comment" not in table.frame


def test_quotes_behind_a_blank_are_quotes(tmp_path):
    table = read(csv(tmp_path, '"user_id", "logins_30d", "comment"\n"u1", "3", "x, y"\nu2, 4, z\n'))
    assert table.frame[["user_id", "logins_30d"]].values.tolist() == [["u1", 3], ["u2", 4]]


def test_a_bare_table_is_all_scored(tmp_path):
    table = read(csv(tmp_path, "user_id,logins_30d\na,1\n"))
    assert not table.has_history
    assert list(table.frame["enough_history"]) == [True]


def test_history_and_activity_are_read_where_given(tmp_path):
    table = read(csv(tmp_path, "user_id,logins_30d,enough_history,active\na,1,True,0\nb,1,false,1\n"))
    assert table.has_history
    assert list(table.frame["enough_history"]) == [True, False]
    assert list(table.frame["active"]) == [False, True]


def test_activity_follows_events_where_it_is_not_given(tmp_path):
    table = read(csv(tmp_path, "user_id,events_30d\na,0\nb,1\nc,\n"))
    assert list(table.frame["active"]) == [False, True, False]


def test_csv_and_parquet_read_alike(tmp_path):
    frame = pd.DataFrame({"account_id": ["x", "y"], "events_30d": [3, 0], "tickets_unresolved": [1.0, None]})
    frame.to_csv(tmp_path / "metrics.csv", index=False)
    frame.to_parquet(tmp_path / "metrics.parquet")
    from_csv, from_parquet = read(tmp_path / "metrics.csv"), read(tmp_path / "metrics.parquet")
    pd.testing.assert_frame_equal(from_csv.frame, from_parquet.frame)
    assert from_csv.id_column == "account_id"


def test_whole_number_ids_of_a_parquet_file_read_as_in_a_csv(tmp_path):
    pd.DataFrame({"user_id": [1, 2], "events_30d": [1, 2]}).to_parquet(tmp_path / "metrics.parquet")
    assert list(read(tmp_path / "metrics.parquet").frame["user_id"]) == ["1", "2"]


def test_a_text_in_a_number_column_names_its_row(tmp_path):
    with pytest.raises(
        DataError, match=r"metrics\.csv: row 3: column 'logins_30d': 'many' is not a number \(and 1 more"
    ):
        read(csv(tmp_path, "user_id,logins_30d\na,1\nb,many\nc,few\n"))


def test_an_infinite_number_is_no_number(tmp_path):
    with pytest.raises(DataError, match=r"row 2: column 'logins_30d': 'inf' is not a number"):
        read(csv(tmp_path, "user_id,logins_30d\na,inf\n"))


def test_an_empty_id_names_its_row(tmp_path):
    with pytest.raises(DataError, match=r"row 3: column 'user_id': '' is empty; every row needs an id"):
        read(csv(tmp_path, "user_id,logins_30d\na,1\n,2\n"))


def test_a_table_without_an_id_is_refused_with_a_hint(tmp_path):
    with pytest.raises(MissingColumns, match="needs column 'user_id'; did you mean 'userid'"):
        read(csv(tmp_path, "userid,logins_30d\na,1\n"))


@pytest.mark.parametrize("before", ["sep=;\n", "\n\n", "\nSEP=;\r\n"])
def test_lines_before_the_header_are_no_rows(tmp_path, before):
    table = read(csv(tmp_path, f"{before}user_id;logins_30d;events_30d\na;1;2\nb;3;\n"))
    assert table.frame["logins_30d"].tolist() == [1, 3]


def test_a_table_without_metrics_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"no column carries a metric's name \(it has user_id, logins\)"):
        read(csv(tmp_path, "user_id,logins\na,1\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("user_id,logins_30d\n", "has no rows"),
        ('user_id,logins_30d\na,"1\n', "no well-formed CSV"),
        ("user_id,logins_30d,events_30d\na,1,2\n\nb,3\nc,4,\n", "row 3 has fewer cells than the header's 3 names"),
        ("user_id,logins_30d,events_30d\na,1,2,5\n", "row 2 has more cells than the header's 3 names"),
    ],
)
def test_broken_csv_files(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read(csv(tmp_path, text))


def test_a_last_cell_may_be_empty(tmp_path):
    table = read(csv(tmp_path, 'user_id,logins_30d,events_30d\na,1,\n  \n"b\nc",2,""\n'))
    assert table.frame["logins_30d"].tolist() == [1, 2]


def test_a_truncated_parquet_file(tmp_path):
    path = tmp_path / "metrics.parquet"
    pd.DataFrame({"user_id": ["a"] * 1000, "events_30d": range(1000)}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"metrics\.parquet: cannot be read .*; it is cut short or no Parquet file"):
        read(path)


@pytest.mark.parametrize(("name", "message"), [("none.csv", "no such file"), ("", "is a folder")])
def test_files_that_are_none(tmp_path, name, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path / name)


def test_an_unknown_ending(tmp_path):
    path = tmp_path / "metrics.xlsx"
    path.write_text("x")
    with pytest.raises(DataError, match=r"neither \.csv nor \.parquet"):
        read(path)
