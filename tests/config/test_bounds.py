"""Declarations that would take all memory or time to read: refused at once, with the line."""

import pytest

from powerml.config.bounds import DEEPEST, LARGEST_BYTES
from powerml.config.reading import read_document
from powerml.errors import ConfigError, DataError

DOUBLINGS = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}}}\n" for n in range(1, 26))
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 26))
LISTS = "l0: &l0 [" + ", ".join("x" * 10) + "]\n" + "".join(
    f"l{n}: &l{n} [" + ", ".join([f"*l{n - 1}"] * 10) + "]\n" for n in range(1, 12)
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (DOUBLINGS, "stands for more than 1,000,000 values"),
        (MERGES, "stands for more than 1,000,000 values"),
        (LISTS, "stands for more than 1,000,000 values"),
        ("a: &a [*a]\n", "1: contains itself"),
        ("b: 1\na: &a {b: {c: *a}}\n", "2: contains itself"),
        ("a: &a {<<: *a}\n", "1: contains itself"),
        ("a: " + "[" * (DEEPEST + 5) + "]" * (DEEPEST + 5), "nested more than"),
        ("a: " + "[" * 100_000, "not well-formed"),
        ("- " * 100_000 + "a", "not well-formed"),
        ('a: "\\ud83d\\ude00"\nb: ' + "[" * 3000 + "]" * 3000, "nested more than"),  # read by PyYAML's own parser
    ],
)
def test_it_is_refused(tmp_path, text, words):
    file = tmp_path / "bomb.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_document(file)


def test_references_that_stay_small_are_read(tmp_path):
    file = tmp_path / "fine.yaml"
    file.write_text("base: &base {x: 1}\none: {<<: *base, y: 2}\ntwo: [*base, *base]\n")
    assert read_document(file).data == {"base": {"x": 1}, "one": {"x": 1, "y": 2}, "two": [{"x": 1}, {"x": 1}]}


def test_a_file_of_data_is_no_declaration(tmp_path):
    file = tmp_path / "events.yaml"
    with file.open("w") as handle:
        handle.truncate(LARGEST_BYTES + 1)
    with pytest.raises(DataError, match="is larger than a declaration may be"):
        read_document(file)
