import stat

from powerml.tracking.pseudonyms import Pseudonyms, load_pseudonyms


def test_the_key_is_made_once_and_is_the_owner_s_alone(tmp_path):
    first = load_pseudonyms(tmp_path / ".powerml")
    again = load_pseudonyms(tmp_path / ".powerml")
    assert first == again
    mode = stat.S_IMODE((tmp_path / ".powerml" / "pseudonym.key").stat().st_mode)
    assert mode == 0o600


def test_projects_give_the_same_person_different_words(tmp_path):
    one, other = load_pseudonyms(tmp_path / "one"), load_pseudonyms(tmp_path / "other")
    assert one.of("ada") == one.of("ada")
    assert one.of("ada") != other.of("ada")
    assert one.of("ada") != one.of("grace")


def test_the_key_does_not_show_when_printed():
    assert "secret" not in repr(Pseudonyms(b"secret"))
