import os
import stat

import pytest

from powerml.errors import StoreError
from powerml.tracking.pseudonyms import Pseudonyms, load_pseudonyms


def test_the_key_is_made_once_and_is_the_owner_s_alone(tmp_path):
    first = load_pseudonyms(tmp_path / ".powerml")
    again = load_pseudonyms(tmp_path / ".powerml")
    assert first == again
    mode = stat.S_IMODE((tmp_path / ".powerml" / "pseudonym.key").stat().st_mode)
    assert mode == 0o600


def test_a_key_that_is_there_is_read_where_nothing_may_be_written(tmp_path, monkeypatch):
    key = load_pseudonyms(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    assert load_pseudonyms(tmp_path) == key


def test_projects_give_the_same_person_different_words(tmp_path):
    one, other = load_pseudonyms(tmp_path / "one"), load_pseudonyms(tmp_path / "other")
    assert one.of("ada") == one.of("ada")
    assert one.of("ada") != other.of("ada")
    assert one.of("ada") != one.of("grace")


def test_the_key_does_not_show_when_printed():
    assert "secret" not in repr(Pseudonyms(b"secret"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", r"pseudonym\.key: cannot be used \(is empty\); put a copy of it back, or remove it"),
        ("\n", "is empty"),
        ("00" * 31, r"holds 62 of 64 digits"),
        ("0" * 63, "is no row of hexadecimal digits"),
        ("not a key", "is no row of hexadecimal digits"),
        ("é" * 64, "is no row of hexadecimal digits"),
    ],
)
def test_a_key_that_is_none_is_refused_and_not_used(tmp_path, content, words):
    (tmp_path / "pseudonym.key").write_text(content, encoding="utf-8")
    with pytest.raises(StoreError, match=words):
        load_pseudonyms(tmp_path)
    assert (tmp_path / "pseudonym.key").read_text(encoding="utf-8") == content
