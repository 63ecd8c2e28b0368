"""Which snapshots a scorer learned from, and what is said where it is judged or read on them."""

import numpy as np
import pandas as pd
import pytest

from powerml.scoring.learned import UNTIMED, Learned

TIMES = np.array(["2026-01-01", "2026-02-01", "2026-03-01"], dtype="datetime64[D]")
LEARNED = Learned.of(TIMES, 90)


def test_rows_are_seen_until_the_outcomes_learned_from_end():
    days = ["2025-12-01", "2026-01-01", "2026-02-15", "2026-05-29", "2026-05-30"]  # 2026-03-01 + 90 days
    assert LEARNED.seen(days).tolist() == [False, True, True, True, False]


def test_a_card_file_tells_its_last_snapshot_only():
    card = Learned.of_card("2026-03-01")
    assert card.seen(["2020-01-01", "2026-03-01", "2026-03-02"]).tolist() == [True, True, False]
    assert Learned.of_card(None) is None


def test_a_version_keeps_it_among_its_tags():
    tags = LEARNED.to_tags()
    assert tags == {
        "powerml.trained_until": "2026-03-01",
        "powerml.trained_from": "2026-01-01",
        "powerml.trained_outcomes_until": "2026-05-30",
    }
    assert Learned.from_tags(tags) == LEARNED
    assert Learned.from_tags({}) is None
    old = Learned.from_tags({"powerml.trained_until": "2026-03-01"})  # as versions had it before
    assert old.seen(["2026-03-01", "2026-04-01"]).tolist() == [True, False]
    assert Learned(None).to_tags() == {"powerml.trained_until": UNTIMED}
    assert Learned.from_tags({"powerml.trained_until": UNTIMED}) == Learned(None)


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (
            ["2026-02-01", "2026-02-01"],
            "judged on some of them (all of the rows here), so its figures flatter it; wait.",
        ),
        (["2026-02-01", "2026-07-01"], "(1 of 2 of the rows here)"),
    ],
)
def test_words(times, words):
    said = LEARNED.caution("acme@3", times, instead="wait")
    assert said.startswith("acme@3 was fitted on snapshots up to 2026-03-01, whose outcomes reach to 2026-05-30, and")
    assert words in said


def test_nothing_is_said_of_later_rows():
    assert LEARNED.caution("acme@3", pd.to_datetime(["2026-07-01"]), instead="wait") is None
    assert LEARNED.aside("acme@3", pd.Timestamp("2026-07-01")) is None
    assert "knows outcomes of this date" in LEARNED.aside("acme@3", pd.Timestamp("2026-02-01"))


def test_of_rows_without_times_nobody_can_tell():
    assert "cannot be told" in Learned(None).caution("acme@3", TIMES, instead="wait")
    assert Learned(None).aside("acme@3", TIMES[0]) is None
