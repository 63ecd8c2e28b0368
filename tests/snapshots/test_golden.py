"""The engine against the golden vectors: every metric, every label, nulls as nulls, 1e-9."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from powerml.config.metrics import catalogue
from powerml.config.project import load_project
from powerml.workflows.project import open_project
from tests.builders import opened

GOLDEN = Path(__file__).parents[1] / "golden"
PROJECT_FILE = {"user": "powerml.yaml", "account": "powerml_account.yaml"}


def expected(folder: str, name: str) -> pd.DataFrame:
    return pd.read_csv(GOLDEN / folder / name, parse_dates=["as_of"])


@lru_cache
def snapshot(folder: str, entity: str) -> pd.DataFrame:
    """All cutoffs of the golden files at once; users with behavioural labels, accounts with those of contracts."""
    project = load_project(GOLDEN / folder / PROJECT_FILE[entity])
    if entity == "user":
        project = project.model_copy(update={"outcome": project.outcome.model_copy(update={"kind": "behavioural"})})
    cutoffs = expected(folder, f"expected_{entity}_metrics.csv")["as_of"].dt.date.unique()
    assert len(cutoffs) == 6
    return open_project(project).build(list(cutoffs), labels=True).frame


def same(ours: pd.Series, theirs: pd.Series) -> np.ndarray:
    a, b = ours.to_numpy(dtype=float), theirs.to_numpy(dtype=float)
    return (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= 1e-9 * np.maximum(1, np.abs(b)))


@pytest.mark.parametrize(
    ("folder", "entity"),
    [
        ("raw", "user"),
        ("raw", "account"),
        ("raw_new_york", "user"),
        pytest.param("raw_new_york", "account", marks=pytest.mark.slow),
    ],
)
def test_every_metric_of_every_entity(folder, entity):
    keys = ["as_of", f"{entity}_id"]
    ours, theirs = snapshot(folder, entity), expected(folder, f"expected_{entity}_metrics.csv")
    metrics = [column for column in theirs if column not in (*keys, "enough_history")]
    assert metrics == list(catalogue())
    assert len(metrics) == 60
    assert ours[keys].to_numpy().tolist() == theirs.sort_values(keys)[keys].to_numpy().tolist()
    both = ours.merge(theirs, on=keys, suffixes=("", "_expected"))
    assert len(both) == len(theirs)
    wrong = {m: int((~same(both[m], both[f"{m}_expected"])).sum()) for m in metrics}
    assert {metric: rows for metric, rows in wrong.items() if rows} == {}
    assert (both["enough_history"] == both["enough_history_expected"]).all()


@pytest.mark.parametrize("folder", ["raw", pytest.param("raw_new_york", marks=pytest.mark.slow)])
def test_contract_labels(folder):
    check_labels(snapshot(folder, "account"), expected(folder, "expected_labels.csv"), "account_id")


@pytest.mark.parametrize("folder", ["raw", "raw_new_york"])
def test_behavioural_labels(folder):
    check_labels(snapshot(folder, "user"), expected(folder, "expected_behavioural_labels.csv"), "user_id")


def test_six_hundred_subscription_histories():
    theirs = expected("contracts", "expected_labels.csv")
    data = opened(GOLDEN / "contracts" / "powerml.yaml", ["mrr"])
    ours = data.build(list(theirs["as_of"].dt.date.unique()), labels=True).frame
    assert set(theirs["label"]) == {"ineligible", "churn", "stay", "expand"}
    check_labels(ours, theirs, "account_id")


def check_labels(ours: pd.DataFrame, theirs: pd.DataFrame, key: str) -> None:
    both = theirs.merge(ours[["as_of", key, "label"]], on=["as_of", key], how="left", suffixes=("_expected", ""))
    wrong = both[both["label"] != both["label_expected"]]
    assert wrong.to_dict("records") == []
