"""Which files a declaration means, and files that are not what their name says."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from powerml.errors import DataError
from powerml.sources.files import resolve

if TYPE_CHECKING:
    from pathlib import Path

TEXT = b"user_id,event,time\nada,signed_in,2026-03-01T09:30:00Z\n"


def write(path: Path, content: bytes = TEXT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(folder: Path, *patterns: str) -> list[str]:
    return [file.shown for file in resolve(patterns, folder, declared_in="powerml.yaml")]


def test_globs_lists_and_folders_come_in_natural_order_and_each_once(tmp_path):
    for name in ("day10.csv", "day2.csv", "deep/day1.csv.gz", "_SUCCESS", ".hidden.csv", "readme.md"):
        write(tmp_path / "events" / name, gzip.compress(TEXT) if name.endswith("gz") else TEXT)
    ordered = ["events/day2.csv", "events/day10.csv"]
    assert names(tmp_path, "events/*.csv") == ordered
    assert names(tmp_path, "events/day10.csv", "events/day2.csv", "events/day*.csv") == ordered
    assert names(tmp_path, "events") == [*ordered, "events/deep/day1.csv.gz"]


def test_variables_expand_and_outside_files_show_their_whole_path(tmp_path, monkeypatch):
    outside = write(tmp_path / "shared" / "events.csv")
    monkeypatch.setenv("SHARED", str(outside.parent))
    (tmp_path / "project").mkdir()
    assert names(tmp_path / "project", "${SHARED}/events.csv") == [str(outside)]
    with pytest.raises(DataError, match=r"\$\{NOT_SET\} is used, but that environment variable is not set; set it"):
        names(tmp_path, "${NOT_SET}/events.csv")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("evnts.csv", r"evnts\.csv: no such file; did you mean 'events\.csv'\?"),
        ("2026.parquet", r"2026\.parquet: no such file; check the path"),
        ("data/events.csv", r"no such file: the folder .*data is absent; check the path"),
        ("*.parquet", r"\*\.parquet: matches no file; check the pattern"),
        ("empty", r"empty: is a folder without data files; put CSV, Parquet or JSON lines"),
        ("s3://bucket/a.csv", r"powerml\.yaml: s3://bucket/a\.csv is no file on this machine; download it"),
        ("odd.dat", r"odd\.dat: cannot tell the format from its name; end it in \.csv, \.parquet or \.jsonl"),
    ],
)
def test_what_is_not_there_is_named_with_the_fix(tmp_path, pattern, message):
    write(tmp_path / "events.csv")
    write(tmp_path / "odd.dat")
    write(tmp_path / "empty" / "readme.md")
    with pytest.raises(DataError, match=message):
        names(tmp_path, pattern)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"a\.csv: is empty \(0 bytes\); export it again"),
        ("a.parquet", TEXT, r"a\.parquet: is not Parquet although its name says so; it seems to be text"),
        ("a.parquet", b"\0\1\2\3" * 9, r"a\.parquet: is not Parquet although its name says so; rename"),
        ("a.parquet", b"PAR1" + b"\0" * 40, r"a\.parquet: is Parquet cut short: its footer is missing; fetch"),
        (
            "a.parquet.gz",
            gzip.compress(b"PAR1", mtime=0),
            r"a\.parquet\.gz: is a Parquet file packed as gzip; unpack it",
        ),
        ("a.csv", b"PAR1 PAR1", r"a\.csv: is Parquet, not CSV as its name says; rename"),
        ("a.jsonl", gzip.compress(TEXT, mtime=0), r"a\.jsonl: is gzip, not JSON lines as its name says"),
        ("a.csv", b"PK\x03\x04....", r"a\.csv: is a zip or Excel file, not CSV"),
        ("a.csv", TEXT.decode().encode("utf-16"), r"a\.csv: is text in UTF-16; save it as UTF-8"),
        ("a.csv.gz", TEXT, r"a\.csv\.gz: is not gzip although its name says so"),
    ],
)
def test_a_file_that_is_not_what_its_ending_says(tmp_path, name, content, message):
    write(tmp_path / name, content)
    with pytest.raises(DataError, match=message):
        names(tmp_path, name)


@pytest.mark.parametrize("cut", [1, 4, 9, 20])
def test_a_compressed_file_cut_short_is_noticed_wherever_it_is_cut(tmp_path, cut):
    long = TEXT * 200
    write(tmp_path / "a.csv.gz", gzip.compress(long)[:-cut])
    write(tmp_path / "a.csv.zst", pa.Codec("zstd").compress(long, asbytes=True)[:-cut])
    for file in resolve(("a.csv.*",), tmp_path, declared_in="powerml.yaml"):
        with pytest.raises(DataError, match=rf"{file.shown}: is cut short or damaged .*; fetch or export it again"):
            file.verify()


def test_a_whole_compressed_file_verifies_also_when_it_is_two_in_one(tmp_path):
    write(tmp_path / "a.csv.gz", gzip.compress(TEXT) + gzip.compress(TEXT))
    (file,) = resolve(("a.csv.gz",), tmp_path, declared_in="powerml.yaml")
    file.verify()
    assert file.head() == TEXT + TEXT


def test_parquet_whose_name_tells_the_compression_inside_is_parquet(tmp_path):
    write(tmp_path / "events.parquet.zst", b"PAR1" + b"\0" * 40 + b"PAR1")
    (file,) = resolve(("events.parquet.zst",), tmp_path, declared_in="powerml.yaml")
    assert (file.format, file.compression) == ("parquet", None)
