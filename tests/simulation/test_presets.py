"""What each preset promises, seen in the tables and the truth it ships."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from powerml.errors import UsageError
from powerml.simulation import PRESETS, Simulation, simulate
from powerml.simulation.oracle import truth_skill
from powerml.simulation.presets import preset_named
from powerml.statistics.scores import auroc

KNOWN = ("churn", "stay", "expand")


def reading(product: Simulation, resource: str, days_earlier: int) -> pd.DataFrame:
    """Account labels with the mean reading of a resource in the 30 days before the cutoff, or days earlier."""
    limits = product.tables["usage_limits"].query("resource == @resource")
    labels = product.truth["labels"].query("label in @KNOWN")
    parts = []
    for as_of, rows in labels.groupby("as_of"):
        end = as_of - pd.Timedelta(days=days_earlier)
        window = limits[(limits["time"] >= end - pd.Timedelta(days=30)) & (limits["time"] < end)]
        parts.append(rows.merge(window.groupby("account_id")["used"].mean(), on="account_id"))
    return pd.concat(parts)


def strength(rows: pd.DataFrame) -> float:
    """AUROC of the reading for churn, whichever its direction."""
    value = auroc(rows["label"] == "churn", rows["used"])
    return max(value, 1 - value)


@pytest.fixture(scope="module")
def leaking():
    return simulate("leak", users=3000, months=12, seed=1)


def test_the_leak_knows_the_future_at_the_cutoff_and_little_a_month_earlier(leaking):
    assert strength(reading(leaking, "ledger", 0)) >= 0.75
    assert strength(reading(leaking, "ledger", 30)) < 0.60


def test_the_honest_strong_metric_is_strong_a_month_earlier_too(leaking):
    assert strength(reading(leaking, "success_pulse", 0)) >= 0.75
    assert strength(reading(leaking, "success_pulse", 30)) >= 0.65


def test_null_has_one_hazard_for_everybody():
    truth = simulate("null", users=500, months=8).truth
    assert truth["states"]["hazard_churn"].nunique() == 1
    assert truth["states"]["hazard_expand"].nunique() == 1


def test_interaction_turns_what_engagement_means_round_by_being_alone():
    """Among people (accounts weighed by their team): neither says much by itself, both together say most."""
    states = simulate("interaction", users=3000, months=12).truth["states"]
    busy, alone = states["engagement"] > 0, states["team"] <= 1

    def hazard(who: pd.Series) -> float:
        return float(np.average(states.loc[who, "hazard_churn"], weights=states.loc[who, "team"]))

    ratios = [hazard(side) / hazard(~side) for side in (busy, alone)]
    assert max(*ratios, *(1 / ratio for ratio in ratios)) < 2.0
    assert hazard(busy == alone) > 4 * hazard(busy != alone)


def test_drift_moves_the_hazard_over_the_months():
    states = simulate("drift", users=3000, months=24).truth["states"]
    calm = states[states["declining_months"] == 0]
    by_month = calm.groupby("month")["hazard_churn"].mean()
    assert by_month.iloc[-6:].mean() > 1.3 * by_month.iloc[:6].mean()


@pytest.mark.parametrize("name", ["history", "validation"])
def test_base_rates_are_near_the_documents(name):
    """Over users, at a few thousand of them; 50,000 come within half a point (experiments/studies/simulator)."""
    product = simulate(name, users=6000, months=18, seed=7)
    users, rows = product.tables["users"], []
    for as_of, labels in product.truth["labels"].query("label in @KNOWN").groupby("as_of"):
        here = users[(users["created_at"] < as_of) & ~(users["deactivated_at"] < as_of)]
        rows.append(here.merge(labels, on="account_id")["label"])
    shares = pd.concat(rows).value_counts(normalize=True)
    assert [shares[outcome] for outcome in KNOWN] == pytest.approx(PRESETS[name].rates, abs=0.04)


def test_fifteen_to_twenty_percent_of_churn_shows_nothing_before():
    endings = simulate("validation", users=6000, months=18).truth["accounts"].dropna(subset="churned_at")
    assert 0.12 < 1 - endings["visible"].astype(float).mean() < 0.22


def test_the_truth_is_good_but_not_perfect():
    skill = truth_skill(simulate("validation", users=3000, months=12).truth["labels"]).set_index("outcome")
    assert 0.85 < skill.loc["churn", "auroc"] < 0.97
    assert np.isclose(skill.loc["churn", "rate"], skill.loc["churn", "mean_probability"], atol=0.03)


def test_a_misspelt_preset_is_suggested():
    with pytest.raises(UsageError, match="no preset 'histroy'; did you mean 'history'"):
        preset_named("histroy")
