from __future__ import annotations

import gzip
import zipfile

import pyarrow as pa
import pytest

from powerml.errors import DataError

EVENTS = "user_id,event,time\nada,report,2026-03-01\n"


def rows(loaded, table="events"):
    return loaded.con.execute(f'SELECT * EXCLUDE (_row) FROM "{table}"').fetchall()


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16"])
def test_texts_in_other_encodings(opened, tmp_path, encoding):
    text = "user_id;event;time\nAndré;café;2026-03-01\n"
    (tmp_path / "events.csv").write_bytes(text.encode(encoding))
    loaded = opened(events={"files": "events.csv", "encoding": encoding})
    assert [(user, event) for user, event, _ in rows(loaded)] == [("André", "café")]
    assert loaded.sources["events"] == ("events.csv",)


def test_a_text_that_is_not_written_so(opened, tmp_path):
    (tmp_path / "events.csv").write_bytes("user_id,event,time\na\x81,b,2026-03-01\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"events\.csv: is not written in cp1252 .*; say another 'encoding'"):
        opened(events={"files": "events.csv", "encoding": "cp1252"})


def test_columns_parted_by_blanks(opened, tmp_path):
    (tmp_path / "events.txt").write_text(" user_id  time event\n 00001 20260301  buy \n 00002 20260302 buy\n")
    loaded = opened(events={"files": "events.txt", "delimiter": "blanks", "time_format": "%Y%m%d"})
    assert [row[0] for row in rows(loaded)] == ["00001", "00002"]


def test_exports_in_a_zip(opened, tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("1234/a.csv.gz", gzip.compress(EVENTS.encode()))
        archive.writestr("1234/b.csv", EVENTS.replace("ada", "bo"))
        archive.writestr("readme.md", "no data")
    loaded = opened(events="export.zip")
    assert sorted(row[0] for row in rows(loaded)) == ["ada", "bo"]
    assert loaded.sources["events"] == ("export.zip/1234/a.csv.gz", "export.zip/1234/b.csv")
    opened(events="*.zip")  # again: what was unpacked is taken
    assert len(list((tmp_path / ".powerml" / "cache" / "unpacked").iterdir())) == 1


def test_a_zip_that_is_written_anew_is_unpacked_anew(opened, tmp_path):
    for user in ("ada", "bo"):
        with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
            archive.writestr("a.csv", EVENTS.replace("ada", user * 3))
        assert rows(opened(events="export.zip"))[0][0] == user * 3
    assert len(list((tmp_path / ".powerml" / "cache" / "unpacked").iterdir())) == 1


def test_a_zip_cut_short(opened, tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("a.csv", EVENTS)
    (tmp_path / "export.zip").write_bytes((tmp_path / "export.zip").read_bytes()[:-30])
    with pytest.raises(DataError, match=r"export\.zip: is no whole zip .*; fetch or export it again"):
        opened(events="export.zip")


def test_a_zip_without_data(opened, tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("readme.md", "no data")
    with pytest.raises(DataError, match=r"export\.zip: is a zip without data files"):
        opened(events="export.zip")


def test_files_of_one_name_in_a_zip_are_not_taken_for_one_another(opened, tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for user in ("ada", "bo"):
            archive.writestr(f"{user}/a.csv", EVENTS.replace("ada", user).encode("cp1252"))
    loaded = opened(events={"files": "export.zip", "encoding": "cp1252"})
    assert sorted(row[0] for row in rows(loaded)) == ["ada", "bo"]


@pytest.mark.parametrize(
    ("files", "users"),
    [("export.zip/users/*.csv", ["ada", "bo"]), ("export.zip/users", ["ada", "bo"]), ("*.zip/users/b.csv", ["bo"])],
)
def test_some_files_of_a_zip(opened, tmp_path, files, users):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("users/a.csv", EVENTS)
        archive.writestr("users/b.csv", EVENTS.replace("ada", "bo"))
        archive.writestr("other.csv", "colour\nred\n")
    assert sorted(row[0] for row in rows(opened(events=files))) == users
    with pytest.raises(DataError, match=r"export\.zip: holds no users/c\.csv; did you mean 'users/[ab]\.csv'\?"):
        opened(events="export.zip/users/c.csv")


def test_brotli(opened, tmp_path):
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "brotli") as stream:
        stream.write(b'{"user_id": "ada", "event": "report", "time": "2026-03-01"}\n')
    (tmp_path / "events.jsonl.br").write_bytes(packed.getvalue().to_pybytes())
    assert rows(opened(events="events.jsonl.br"))[0][:2] == ("ada", "report")
