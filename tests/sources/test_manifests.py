from __future__ import annotations

import json

import pytest

from powerml.errors import DataError
from powerml.sources.files import resolve


def export(folder, name, manifest=None):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text('{"user_id": "ada"}\n')
    if manifest is not None:
        (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_manifest_is_no_data_and_marks_what_is_whole(tmp_path):
    export(tmp_path / "events" / "1", "a.jsonl", {"files": ["exports/events/1/a.jsonl"]})
    found = resolve(("events",), tmp_path, declared_in="powerml.yaml")
    assert [file.shown for file in found] == ["events/1/a.jsonl"]
    assert [file.shown for file in resolve(("events/1/*.json*",), tmp_path, declared_in="p")] == ["events/1/a.jsonl"]


def test_a_folder_without_any_manifest_is_taken_as_it_is(tmp_path):
    export(tmp_path / "events", "a.jsonl")
    assert len(resolve(("events",), tmp_path, declared_in="powerml.yaml")) == 1


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"files": ["b.jsonl"]}, r"events: is half-written: manifest\.json names 'b\.jsonl', which is not there; wait"),
        (["a.jsonl", {"path": "x/b.jsonl"}], r"names 'b\.jsonl'"),
    ],
)
def test_a_file_that_a_manifest_names_is_missing(tmp_path, manifest, words):
    export(tmp_path / "events", "a.jsonl", manifest)
    with pytest.raises(DataError, match=words):
        resolve(("events",), tmp_path, declared_in="powerml.yaml")


def test_a_run_whose_neighbours_are_finished_is_half_written(tmp_path):
    export(tmp_path / "events" / "1", "a.jsonl", {"files": ["a.jsonl"]})
    export(tmp_path / "events" / "2", "a.jsonl")
    with pytest.raises(DataError, match=r"events: is half-written: 2 has no manifest\.json, and other folders have"):
        resolve(("events",), tmp_path, declared_in="powerml.yaml")


def test_a_manifest_cut_short(tmp_path):
    export(tmp_path / "events", "a.jsonl")
    (tmp_path / "events" / "manifest.json").write_text('{"files": [')
    with pytest.raises(DataError, match=r"half-written: manifest\.json cannot be read"):
        resolve(("events",), tmp_path, declared_in="powerml.yaml")
