"""What comes from data shows on a terminal and gives it no orders."""

import json
import threading

from powerml.cli.terminal import a_line_a_minute, visible, visible_json


def test_escapes_turns_and_halves_of_characters_are_written_out():
    text = "a\x1b[2Jb\x9bc\u202ed\rline\x00\ud800"
    assert visible(text) == "a\\x1b[2Jb\\x9bc\\u202ed\\rline\\x00\\ud800"


def test_lines_tabs_and_letters_of_all_languages_stay():
    text = "eins\tzwei\nΔ 日本 é –"
    assert visible(text) == text


def test_json_stays_the_same_value():
    value = {"id": "a\x1b[2J\x9b\u202e é"}
    told = visible_json(json.dumps(value, ensure_ascii=False))
    assert "\x9b" not in told
    assert "\u202e" not in told
    assert json.loads(told) == value


def test_an_error_about_a_hostile_name_is_shown_and_not_obeyed(powerml, tmp_path):
    ran = powerml("check", "-c", "no\x1b[2J\u202esuch.yaml")
    assert ran.status == 2
    assert "\x1b" not in ran.err
    assert "no\\x1b[2J\\u202esuch.yaml: no such file" in ran.err


def test_a_misspelt_option_is_shown_and_not_obeyed(powerml):
    ran = powerml("check", "--\x1b[2J")
    assert ran.status == 2
    assert "\x1b" not in ran.err


def test_long_work_gives_a_sign_of_life_and_short_work_none():
    lines, came = [], threading.Event()

    def write(line):
        lines.append(line)
        if line.startswith("rolling events up ("):
            came.set()

    with a_line_a_minute(write, seconds=0.001) as note:
        note("rolling events up")
        assert came.wait(60)
    assert lines[-1] == "rolling events up (0 min)"
    with a_line_a_minute(lines.clear, seconds=3600) as note:
        note("reading")
    assert lines
