"""Which columns of a table never change within an account, and the word that they get."""

import numpy as np
import pandas as pd
import pytest

from powerml.config.experiment import ExperimentSpec
from powerml.config.project import bare_project
from powerml.sources.tables.features import read_features
from powerml.tables import NamedColumns
from powerml.training.screening import plan_screening
from powerml.training.static_columns import static_columns
from powerml.training.table_rows import table_rows


def read(tmp_path, accounts=40, months=6, *, time="day"):
    """Usage moves; the country and the score that was written in afterwards do not."""
    rng = np.random.default_rng(21)
    left, noise = rng.random(accounts) < 0.4, rng.normal(size=accounts)
    parts = [
        pd.DataFrame(
            {
                "customer_id": [f"C{i:03d}" for i in range(accounts)],
                "day": day,
                "usage": rng.poisson(9, accounts),
                "country": np.where(np.arange(accounts) % 3 == 0, "DE", "FR"),
                "risk": np.where(left, 2.0, 0.0) + noise,
                "churned": left.astype(int),
            }
        )
        for day in pd.date_range("2025-01-01", periods=months, freq="MS").strftime("%Y-%m-%d")
    ]
    path = tmp_path / "t.csv"
    pd.concat(parts).to_csv(path, index=False)
    return table_rows(read_features(path, NamedColumns("churned", None, time, None)), bare_project("nowhere", name="t"))


def test_columns_that_never_change_are_named_the_strongest_first(tmp_path):
    data = read(tmp_path)
    assert set(static_columns(data)) == {"country", "risk"}
    (said,) = [note for note in plan_screening(ExperimentSpec(), data).notes if note.startswith("Static columns")]
    assert said.startswith("Static columns, the same at every date of an account: risk (AUROC 0.")
    assert "country (AUROC 0." in said
    assert "usage" not in said


@pytest.mark.parametrize("how", [{"accounts": 9}, {"months": 1}])
def test_where_few_accounts_have_several_dates_nothing_is_said(tmp_path, how):
    assert static_columns(read(tmp_path, **how)) == ()
