import numpy as np
import pandas as pd
import pytest

from powerml.validation.leak_probe import leak_probe, suspects, values_earlier


@pytest.fixture
def rows():
    """Honest recency is strong now and a month before; `cancel_clicks` only now; `churned_flag` knows."""
    rng = np.random.default_rng(0)
    y = np.where(rng.random(2000) < 0.1, "churn", np.where(rng.random(2000) < 0.1, "expand", "stay"))
    churn = y == "churn"
    level = 2.0 * churn + rng.normal(size=2000)
    now = pd.DataFrame(
        {
            "recency": -level + 0.3 * rng.normal(size=2000),  # low where they churn: direction must not matter
            "cancel_clicks": 2.0 * churn + rng.normal(size=2000),
            "churned_flag": churn.astype(float),
            "weak": rng.normal(size=2000),
            "known_for_churners": np.where(churn, 1.0, np.nan),
        }
    )
    before = now.assign(
        recency=-0.8 * level + 0.5 * rng.normal(size=2000),
        cancel_clicks=rng.normal(size=2000),
        churned_flag=0.0,
        known_for_churners=np.nan,
    )
    return now, y, before


def test_the_leaks_are_named_and_the_strong_honest_metric_is_not(rows):
    now, y, before = rows
    probe = leak_probe(now, y, before)
    assert set(suspects(probe)) == {"cancel_clicks", "churned_flag", "known_for_churners"}
    assert probe["suspect"].iloc[:3].all()
    churn = probe[probe["outcome"] == "churn"].set_index("metric")
    assert churn.loc["recency", "auroc"] > 0.85
    assert churn.loc["recency", "auroc_earlier"] > 0.75
    assert churn.loc["cancel_clicks", "reason"].startswith("AUROC 0.9")
    assert "a month before" in churn.loc["cancel_clicks", "reason"]
    assert churn.loc["churned_flag", "reason"] == "separates the outcome perfectly"
    assert "known exactly" in churn.loc["known_for_churners", "reason"]


def test_kept_by_force(rows):
    assert "cancel_clicks" not in suspects(leak_probe(*rows), force_keep=["cancel_clicks"])


def test_without_an_earlier_snapshot_only_perfection_is_suspect(rows):
    now, y, _ = rows
    probe = leak_probe(now, y)
    assert set(suspects(probe)) == {"churned_flag", "known_for_churners"}
    assert (
        probe.set_index(["metric", "outcome"]).loc[("weak", "churn"), "reason"] == "no earlier snapshot: not applicable"
    )


def test_strong_only_where_a_month_before_is_known_is_not_enough(rows):
    """A metric that is strong among the few with a past, but not over all rows, may just forget quickly."""
    now, y, before = rows
    part = np.arange(2000) < 600
    clicks = now["cancel_clicks"].where(part, np.random.default_rng(1).normal(size=2000))
    probe = leak_probe(clicks.to_frame(), y, before.loc[part, ["cancel_clicks"]].reindex(before.index))
    assert not probe["suspect"].any()


def test_a_few_events_are_separated_by_chance():
    y = np.array(["churn"] * 3 + ["stay"] * 60)
    probe = leak_probe(pd.DataFrame({"m": np.arange(63.0)}), y)
    assert not probe["suspect"].any()
    assert "under 10 rows" in probe["reason"].iloc[0]


def test_values_of_a_month_earlier():
    months = pd.date_range("2025-01-01", periods=3, freq="MS")
    frame = pd.DataFrame(
        {"as_of": [*months, months[2]], "user_id": ["ada"] * 3 + ["bob"], "logins": [1.0, 2.0, 3.0, 9.0]}
    )
    frame.index = [7, 8, 9, 10]
    earlier = values_earlier(frame, ["logins"], id_column="user_id")
    assert earlier.index.tolist() == [7, 8, 9, 10]
    assert np.isnan(earlier["logins"].iloc[[0, 3]]).all()
    assert earlier["logins"].iloc[1:3].tolist() == [1.0, 2.0]
    quarters = frame.assign(as_of=pd.to_datetime(["2025-01-01", "2025-04-01", "2025-07-01", "2025-07-01"]))
    assert values_earlier(quarters, ["logins"], id_column="user_id").isna().all(axis=None)


def test_where_everybody_stays_nobody_is_a_suspect():
    found = leak_probe(pd.DataFrame({"x": np.arange(20.0)}), ["stay"] * 20)
    assert found.empty
    assert suspects(found) == ()
