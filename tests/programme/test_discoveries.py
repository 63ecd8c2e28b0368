"""What power features, team growth and single users went with, beside document D's numbers."""

import numpy as np
import pandas as pd
import pytest

from powerml.config.claims import load_claims
from powerml.config.shipped import find
from powerml.programme.discoveries import discoveries

CLAIMS = load_claims(find("claims", "engagement")).discoveries


def snapshot():
    """Ten adopters, of whom five expand and one leaves; ten others, of whom one expands and four leave."""
    return pd.DataFrame({
        "user_id": [f"u{i}" for i in range(20)], "account_id": [f"a{i}" for i in range(20)],
        "advanced_features_30d": [2.0] * 10 + [0.0] * 10,
        "team_members_added_90d": [3.0] * 4 + [0.0] * 16,
        "team_size": [5.0] * 12 + [1.0] * 8,
        "nps_latest": [10.0, 10.0, 9.0, 3.0] + [7.0] * 16,
        "events_30d": [30.0] * 10 + [10.0] * 10,
        "label": ["expand"] * 5 + ["churn"] + ["stay"] * 4 + ["expand"] + ["churn"] * 4 + ["stay"] * 5,
    })  # fmt: skip


def found(**more):
    return discoveries(snapshot(), CLAIMS, **more).set_index(["group", "measure"])


def test_every_number_of_the_document_stands_beside_one_of_ours():
    table = found()
    adopters = table.loc[("used advanced features in 30 days", "expand")]
    assert (adopters["inside"], adopters["others"], adopters["n"], adopters["n_others"]) == (0.5, 0.1, 10, 10)
    assert adopters["times"] == pytest.approx(5.0)
    assert adopters["low_times"] < 5 < adopters["high_times"]
    assert adopters["document_times"] == 11
    kept = table.loc[("used advanced features in 30 days", "retention")]
    assert (kept["inside"], kept["others"], kept["document"], kept["document_others"]) == (0.9, 0.6, 0.91, 0.58)
    single = table.loc[("accounts of a single user", "churn")]
    assert (single["inside"], single["document"], single["document_others"]) == (0.375, 0.42, 0.11)


def test_the_score_of_promoters_is_taken_of_those_who_answered():
    """Of four who added teammates three promote and one detracts: 50."""
    row = found().loc[("added two or more teammates in 90 days", "nps")]
    assert (row["inside"], row["n"], row["document"]) == (50, 4, 72)


def test_growth_is_that_of_the_same_people_and_needs_a_year():
    row = found().loc[("used advanced features in 30 days", "usage")]
    assert np.isnan(row["inside"])
    assert row["note"] == "needs a snapshot twelve months earlier"
    before = snapshot().head(5).assign(events_30d=10.0)
    row = found(year_before=before).loc[("used advanced features in 30 days", "usage")]
    assert (row["inside"], row["n"], row["document"]) == (3.0, 5, 3.4)


def test_what_cannot_be_seen_has_nulls_and_says_why():
    table = discoveries(snapshot().drop(columns="team_size"), CLAIMS).set_index(["group", "measure"])
    row = table.loc[("accounts of a single user", "churn")]
    assert np.isnan(row["inside"])
    assert row["note"] == "team_size is not known"
    assert row["document"] == 0.42
