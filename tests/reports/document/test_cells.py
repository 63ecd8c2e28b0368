"""How a column is printed whose kind nobody gave."""

import pandas as pd
import pytest

from powerml.reports.document.cells import cell, kind_of


@pytest.mark.parametrize(
    ("name", "shown"), [("p_churn", "1.0 %"), ("share", "1.0 %"), ("p_value", "0.01"), ("p_holm", "0.01")]
)
def test_probabilities_are_shares_and_p_values_are_none(name, shown):
    column = pd.Series([0.01, 0.963])
    assert cell(column[0], kind_of(name, column)).shown == shown
