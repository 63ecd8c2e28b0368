"""Columns that read as instants, in whatever form, and how many days they lie before their row's date."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.sources.tables.instants import days_before, epoch_unit, moments_of

MOMENT = pd.Timestamp("2025-03-04 09:30:00")
FACTORS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@settings(deadline=None)
@given(
    st.lists(st.integers(631_152_000, 4_102_444_799), min_size=1, max_size=5),
    st.sampled_from(list(FACTORS)),
    st.booleans(),
)
def test_epochs_of_any_unit_between_1990_and_2100_are_instants_as_numbers_and_as_text(seconds, unit, as_text):
    values = pd.Series([number * FACTORS[unit] for number in seconds])
    found, why = moments_of(values.astype(str) if as_text else values)
    assert why == ""
    assert found.tolist() == [pd.Timestamp(number, unit="s") for number in seconds]


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-04T09:30:00Z", "2025-03-04 09:30", "2025-03-04T09:30:00+02:00", "2025-3-4 9:30:00.0",
        "2025/03/04 09:30", "04.03.2025 09:30",
    ],
)  # fmt: skip
def test_texts_are_read_as_a_clock_on_the_wall_showed_them(text):
    values = pd.Series([text, "", "25.03.2025" if "." in text[:3] else "2025-03-25", None])
    found, why = moments_of(values)
    assert why == ""
    assert found.isna().tolist() == [False, True, False, True]
    assert found.iloc[0] == MOMENT


def test_day_and_month_are_told_apart_by_the_column_or_not_at_all():
    first, _ = moments_of(pd.Series(["04/03/2025", "25/03/2025"]))
    second, _ = moments_of(pd.Series(["04/03/2025", "03/25/2025"]))
    assert first.iloc[0] == pd.Timestamp("2025-03-04")
    assert second.iloc[0] == pd.Timestamp("2025-04-03")
    for column in (["04/03/2025", "05/06/2025"], ["2025-02-30"], ["2025-03-04 quarter:10"]):
        found, why = moments_of(pd.Series(column))
        assert found is None
        assert why in ("", "dates that cannot be read for certain; write YYYY-MM-DD")
    assert moments_of(pd.Series(["04/03/2025", "05/06/2025"]))[1].endswith("write YYYY-MM-DD")


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, 0, 12]), pd.Series([1_767_225_600, 12]), pd.Series([1.5e12, 1_767_225_600_000.5]),
        pd.Series(["basic", "2025-03-04"]), pd.Series([True, False]), pd.Series([np.nan, 0.0]), pd.Series(["", None]),
    ],
)  # fmt: skip
def test_other_columns_are_left_alone(values):
    assert moments_of(values) == (None, "")


def test_a_zero_among_epochs_stands_for_never():
    found, _ = moments_of(pd.Series([1_767_225_600, 0, np.nan]))
    assert found.isna().tolist() == [False, True, True]
    assert epoch_unit(np.array([])) is None


def test_days_are_whole_where_rows_have_dates_only_and_negative_after_them():
    moments = pd.Series(pd.to_datetime(["2025-03-01 18:00", "2025-03-04 18:00", "2025-03-05 00:00", None]))
    dates = pd.Series(pd.Timestamp("2025-03-04"), moments.index)
    assert days_before(moments, dates).tolist()[:3] == [3.0, 0.0, -1.0]
    assert np.isnan(days_before(moments, dates).iloc[3])
    noon = dates + pd.Timedelta(hours=12)
    assert days_before(moments, noon).tolist()[:2] == [2.75, -0.25]
