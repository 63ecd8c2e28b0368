"""What a column of a ready-made table holds."""

import pandas as pd
import pytest

from powerml.sources.tables import kinds


@pytest.mark.parametrize(
    "label", ["Jan 5, 2025", "5 January 2025", "05-Jan-25", "31/12/2024", "1.2.24 10:30", "2025-Mar-01"]
)
def test_a_date_is_one_however_it_is_written(label, tmp_path):
    values = pd.Series([label] * 3, name="when")
    assert "dates" in kinds.feature(values, tmp_path / "t.csv")[1]


@pytest.mark.parametrize("label", ["May 5", "1.2.3", "12-34", "marketing 5 2025", "10/20"])
def test_what_only_resembles_a_date_is_a_category(label, tmp_path):
    values = pd.Series([label] * 3, name="what")
    assert kinds.feature(values, tmp_path / "t.csv")[1] == ""
