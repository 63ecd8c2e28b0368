"""YAML and JSON into specs: every problem of a file at once, with its line."""

from __future__ import annotations

import json

import pytest

from powerml.config.base import Spec
from powerml.config.reading import load, read_document, validated
from powerml.errors import ConfigError, DataError


class Step(Spec):
    points: float
    quote: str | None = None


class Part(Spec):
    metric: str
    missing: float = 0
    steps: tuple[Step, ...]


class Card(Spec):
    name: str
    switch: str = ""
    parts: dict[str, Part] = {}


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "card.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path, model=Card) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(model, path)
    return str(caught.value).splitlines()


def test_all_problems_at_once_each_with_file_line_and_field(written):
    path = written(
        """\
nam: engagement
parts:
  recency:
    metric: days_since_last_active
    mising: 0
    steps:
      - {points: ten}
      - {points: 3, quot: "Used"}
"""
    )
    assert problems(path) == [
        "card.yaml:1: 'name' is missing; add it",
        "card.yaml:1: nam: unknown key; did you mean 'name'?",
        "card.yaml:5: parts.recency.mising: unknown key; did you mean 'missing'?",
        "card.yaml:7: parts.recency.steps.0.points: expected a number, got 'ten'",
        "card.yaml:8: parts.recency.steps.1.quot: unknown key; did you mean 'quote'?",
    ]


def test_an_unknown_key_that_resembles_none_is_to_be_removed(written):
    assert problems(written("name: a\nzzz: 1\n")) == ["card.yaml:2: zzz: unknown key; remove it"]


def test_duplicate_keys_name_both_lines(written):
    path = written("name: a\nswitch: x\nname: b\nparts:\n  p: {metric: m, metric: n, steps: []}\n")
    assert problems(path) == [
        "card.yaml:3: name: duplicate key, first on line 1; keep one of them",
        "card.yaml:5: parts.p.metric: duplicate key, first on line 5; keep one of them",
    ]


@pytest.mark.parametrize("word", ["on", "no", "off", "yes", "y", "2026-04-01", "12:30"])
def test_words_that_old_yaml_turns_into_something_else_stay_text(written, word):
    assert load(Card, written(f"name: {word}\n")).name == word
    assert read_document(written(f"{word}: {word}\n")).data == {word: word}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("False", False), ("12", 12), ("-3", -3), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0),
        ("-2.5E-1", -0.25), ("null", None), ("~", None), ("'12'", "12"), ("010", 10), ("08", 8), ("1_000", "1_000"),
    ],
)  # fmt: skip
def test_plain_values_are_those_of_yaml_1_2(written, text, value):
    found = read_document(written(f"a: {text}\n")).data["a"]
    assert (found, type(found)) == (value, type(value))


def test_a_json_file_reads_the_same(written):
    data = {"name": "a", "parts": {"p": {"metric": "m", "steps": [{"points": 1.5}]}}}
    text = json.dumps(data, indent="\t")
    assert load(Card, written(text, "card.json")) == load(Card, written(json.dumps(data), "card.yaml"))
    assert load(Card, written(text, "card.json")).parts["p"].steps[0].points == 1.5


@pytest.mark.parametrize("name", ["naïve", "tab\there", 'quote"slash\\', "a/b", "party 🎉", "日本"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_texts_come_back_as_they_were_written(written, name, ascii_only):
    path = written(json.dumps({"name": name}, ensure_ascii=ascii_only), "card.json")
    assert load(Card, path).name == name


def test_problems_of_a_json_file_carry_their_lines_too(written):
    path = written('{\n\t"name": "a",\n\t"parts": {\n\t\t"p": {"metric": 3, "steps": []}\n\t}\n}', "card.json")
    assert problems(path) == ["card.json:4: parts.p.metric: expected a text, got 3"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("name: a\nparts: {p: [}\n", 2, "not well-formed"),
        ("name: a\n\tparts: 1\n", 2, "not well-formed"),
        ("name: 'a\n", 2, "not well-formed"),
        ("name: *nobody\n", 1, "undefined alias"),
        ("name: a\n---\nname: b\n", 2, "another document"),
        ("name: \x01\n", 1, "not well-formed"),
        ("name: {{ jinja }}\n", 1, "not well-formed"),
        ("name: a\n? [x, y]\n: 1\n", 2, "not well-formed"),
    ],
)
def test_broken_yaml_names_the_line(written, text, line, words):
    (message,) = problems(written(text))
    assert message.startswith(f"card.yaml:{line}: ")
    assert words in message


def test_no_python_object_is_ever_made(written):
    (message,) = problems(written("name: !!python/object/apply:os.getcwd []\n"))
    assert message.startswith("card.yaml:1: name: ")


def test_an_anchor_can_be_merged_and_overridden(written):
    path = written("a: &base {points: 1, quote: one}\nb: {<<: *base, points: 2}\n")
    assert load(dict[str, Step], path) == {"a": Step(points=1, quote="one"), "b": Step(points=2, quote="one")}


def test_an_empty_file_and_one_of_another_kind(written):
    assert problems(written("")) == ["card.yaml:1: 'name' is missing; add it"]
    assert problems(written("- a\n- b\n")) == ["card.yaml:1: expected keys and values, got ['a', 'b']"]
    assert problems(written("hello\n")) == ["card.yaml:1: expected keys and values, got 'hello'"]


def test_a_list_may_be_the_whole_file(written):
    assert load(list[Step], written("- {points: 1}\n- {points: 2}\n")) == [Step(points=1), Step(points=2)]
    path = written("- {points: 1}\n- {point: 2}\n")
    assert problems(path, list[Step]) == [
        "card.yaml:2: 1: 'points' is missing; add it",
        "card.yaml:2: 1.point: unknown key; did you mean 'points'?",
    ]


def test_long_values_are_cut_in_messages(written):
    (message,) = problems(written(f"name: a\nparts: {{p: {{metric: m, steps: {'x' * 500}}}}}\n"))
    assert len(message) < 150


def test_a_part_of_a_document(written):
    document = read_document(written("cards:\n  one: {name: a}\n  two:\n    nme: b\n"))
    assert validated(Card, document, ("cards", "one")).name == "a"
    with pytest.raises(ConfigError, match=r"card\.yaml:4: cards\.two\.nme: unknown key; did you mean 'name'\?"):
        validated(Card, document, ("cards", "two"))


def test_files_that_cannot_be_read(written, tmp_path):
    with pytest.raises(DataError, match=r"no\.yaml: no such file; check the path"):
        load(Card, tmp_path / "no.yaml")
    with pytest.raises(DataError, match="is a folder; name the file in it"):
        load(Card, tmp_path)
    with pytest.raises(DataError, match="check the path"):
        load(Card, written("name: a\n") / "under.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: café\n".encode("latin-1"))
    with pytest.raises(DataError, match="is not UTF-8 text"):
        load(Card, tmp_path / "latin.yaml")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    (tmp_path / "card.yaml").write_bytes(b"\xef\xbb\xbfname: a\n")
    assert load(Card, tmp_path / "card.yaml").name == "a"
