"""Each brake on a prepared fault, and none where all is as ever."""

from datetime import date

import pandas as pd
import pytest

from powerml.config.project import NightSpec
from powerml.monitoring.brakes import KnownNight, brakes

SPEC, TODAY = NightSpec(), date(2026, 3, 2)
FINE = pd.DataFrame({"events_30d": [5.0] * 10, "seats": [1.0, *[None] * 9]})


def known(day, frame=FINE, age=0.5):
    return KnownNight(date.fromisoformat(day), frame, age)


def moves(share):
    return pd.DataFrame({"steps": [1 if i < 10 * share else 0 for i in range(10)]})


def held(now, before=None, moved=None, due_by=None, today=TODAY):
    return brakes(SPEC, now, before, moved, due_by=due_by, today=today)


def test_a_night_as_ever_is_not_held():
    assert held(known("2026-03-02"), known("2026-03-01"), moves(0.2), due_by=TODAY) == ()
    assert held(known("2026-03-02")) == ()


@pytest.mark.parametrize(
    ("now", "moved", "due_by", "said"),
    [
        (known("2026-03-02", age=2.1), None, None, r"newest event is 2\.1 days old at 2026-03-02 \(stale_days: 2\)"),
        (known("2026-03-02", age=None), None, None, "No event before 2026-03-02 is known"),
        (known("2026-03-02", FINE.head(7)), None, None, "7 entities, 30 % fewer than the 10 of 2026-03-01"),
        (known("2026-03-02"), moves(0.3), None, r"30 % of 10 changed band since 2026-03-01 \(moved: 20 %\)"),
        (known("2026-03-02", FINE.assign(seats=float("nan"))), None, None, "seats had values on 2026-03-01"),
        (known("2026-03-02"), None, date(2025, 8, 31), "to be recalibrated by 2025-08-31, 183 days ago"),
    ],
)
def test_each_brake_holds_with_its_sentence(now, moved, due_by, said):
    (sentence,) = held(now, known("2026-03-01"), moved, due_by)
    assert pd.Series([sentence]).str.contains(said).all(), sentence


def test_a_night_long_ago_is_no_measure():
    assert held(known("2026-03-02", FINE.head(2)), known("2026-02-01"), moves(1.0)) == ()
