"""The snapshots that are taken beside the mature ones, so that a month earlier is known whatever the spacing."""

from datetime import date, timedelta

import pytest

from powerml.training.snapshot_rows import earlier_cutoffs

QUARTERS = [date(2025, month, 1) for month in (1, 4, 7, 10)]


def test_every_quarter_gets_its_month_before_and_tests_their_early_warning():
    added = earlier_cutoffs(QUARTERS, first_day=date(2024, 1, 1), gap_days=90)
    for quarter in QUARTERS:
        assert min(abs((quarter - day).days - 30) for day in added) <= 10
    for quarter in QUARTERS[1:]:  # those that are tests; 90 days before lies the quarter before
        for days in (30, 60, 90, 120):
            assert min(abs((quarter - day).days - days) for day in (*added, *QUARTERS)) <= 10
    assert len(added) <= 3 * len(QUARTERS)


def test_monthly_cutoffs_serve_themselves():
    months = [date(2025, month, 1) for month in range(1, 13)]
    assert earlier_cutoffs(months, first_day=date(2025, 1, 1), gap_days=90) == []


@pytest.mark.parametrize("step", [1, 7, 45, 182])
def test_every_cutoff_has_its_month_before_whatever_the_spacing(step):
    mature = [date(2025, 1, 1) + timedelta(days=step * n) for n in range(max(4, 400 // step))]
    every = [*mature, *earlier_cutoffs(mature, first_day=date(2024, 1, 1), gap_days=90)]
    for day in mature:
        assert min(abs((day - other).days - 30) for other in every) <= 10
    for days in (60, 90, 120):
        assert min(abs((mature[-1] - other).days - days) for other in every) <= 10


def test_nothing_is_taken_before_the_first_event():
    added = earlier_cutoffs(QUARTERS, first_day=date(2024, 12, 20), gap_days=90)
    assert min(added) > date(2024, 12, 20)
