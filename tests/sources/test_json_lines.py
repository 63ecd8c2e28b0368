"""JSON lines: values of any type, keys that come and go, and the line that is broken."""

from __future__ import annotations

import gzip

import pytest

from powerml.errors import DataError
from tests.sources.reading import bad, rows

ADA = '{"user_id": "ada", "event": "x", "time": "2026-03-01T00:00:00Z"'


def test_numbers_texts_nulls_and_keys_that_come_late(opened, tmp_path):
    lines = [
        '{"user_id": 1, "event": "x", "time": "2026-03-01", "value": null}',
        "",
        ADA + ', "value": "2.5", "properties": {"plan": ["a"]}}',
        ADA + ', "value": "lots"}',
    ]
    (tmp_path / "e.jsonl").write_text("\n".join(lines) + "\n")
    loaded = opened(events={"files": "e.jsonl", "max_bad_rows": 1})
    assert loaded.columns["events"] == ("user_id", "event", "time", "value", "properties")
    assert rows(loaded, "events", "user_id, value, properties") == [("1", None, None), ("ada", 2.5, '{"plan":["a"]}')]
    assert bad(loaded) == [("e.jsonl", 3, "not a number", "value", "lots")]


def test_gzip_and_one_array(opened, tmp_path):
    (tmp_path / "e.jsonl.gz").write_bytes(gzip.compress((ADA + "}\n").encode()))
    (tmp_path / "f.json").write_text(f"[{ADA}}},\n {ADA}}}]")
    assert len(rows(opened(events=["e.jsonl.gz", "f.json"]), "events")) == 3


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ADA + "}\n{oops}\n" + ADA + "}\n", r"line 2: is not JSON \(.*\): '\{oops\}'; correct or remove the line"),
        (ADA + "}\n" + ADA, r"line 2: is not JSON \(.*\); the file may be cut short: "),
        (ADA + "}\n[1, 2]\n", r"line 2: is JSON but no object: '\[1, 2\]'"),
        ("user_id,event,time\nada,x,2026-03-01\n", r"line 1: is not JSON"),
        ("\ufeff" + ADA + "}\n", r"begins with a byte order mark; save it as UTF-8 without one"),
        ("\n \n", r"is empty; export it again"),
        ('{\n "x": {}\n}\n', r"is one JSON document over several lines, and JSON lines hold an object in each line; "),
    ],
)
def test_broken_lines_are_named(opened, tmp_path, text, message, packed):
    name = "e.jsonl.gz" if packed else "e.jsonl"
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    with pytest.raises(DataError, match=rf"^{name}: {message}"):
        opened(events=name)


def test_a_line_that_is_not_utf8_is_named(opened, tmp_path):
    (tmp_path / "e.jsonl").write_bytes((ADA + "}\n").encode() + b'{"user_id": "gr\xf6\xdfe"}\n')
    with pytest.raises(DataError, match=r"e\.jsonl: line 2: is not UTF-8"):
        opened(events="e.jsonl")
