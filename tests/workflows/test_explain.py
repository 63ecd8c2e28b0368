from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from powerml.config.metrics import catalogue
from powerml.config.project import load_project
from powerml.errors import DataError, MissingColumns, UsageError
from powerml.history.alarms import Alarms
from powerml.history.ledger import open_ledger
from powerml.history.store import NightHistory
from powerml.scoring.documented.base import DocumentedScorer
from powerml.scoring.explain.explainable import Explainable
from powerml.scoring.model import ScoringModel
from powerml.scoring.named import NamedScorer
from powerml.scoring.outcome.model import NestedOutcomeModel
from powerml.workflows.explain import around, explain, from_metrics
from powerml.workflows.explain_group import explain_group
from powerml.workflows.frames import explained
from tests.builders import write_project
from tests.history.kept import keep, night

GOLDEN = Path(__file__).parents[1] / "golden" / "metrics.csv"


def explain_metrics(entity, path, **options):
    return explain(entity, from_metrics(path, **options))


AB = {"max_features": 20, "max_advanced": 5}


@pytest.fixture
def two_dates(tmp_path):
    """Everybody on 1 March; on 1 April the first 200, with a ticket more each."""
    march = pd.read_csv(GOLDEN)
    april = march.head(200).assign(tickets_unresolved=lambda t: t["tickets_unresolved"] + 1)
    path = tmp_path / "metrics.csv"
    pd.concat([march.assign(as_of="2026-03-01"), april.assign(as_of="2026-04-01")]).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("weights", "settings"),
    [("engagement", {}), ("power_user", AB), ("activity", {}), ("power_user_rule", {}), ("power_user_signals", {})],
)
def test_the_reasons_add_up_to_the_score(weights, settings):
    done = explain_metrics("u00007", GOLDEN, weights=weights, settings=settings)
    assert done.baseline + done.reasons["contribution"].sum() == pytest.approx(done.row["score"], abs=1e-9)
    assert done.reasons["contribution"].abs().is_monotonic_decreasing
    assert done.recipe is not None
    assert done.changes is None


def test_the_score_is_that_of_the_scores_table():
    """Ranks are those among all rows of the table, not of the one row explained."""
    done = explain_metrics("u00001", GOLDEN, weights="power_user_signals")
    golden = pd.read_csv(GOLDEN.with_name("signals.csv")).set_index("user_id")
    assert done.row["signals"] == golden.loc["u00001", "signals"]
    assert 0 < done.row["percentile"] < 100


def test_what_changed_since_last_time_adds_up(two_dates):
    done = explain_metrics("u00001", two_dates, weights="engagement")
    assert (done.as_of, done.before) == (date(2026, 4, 1), date(2026, 3, 1))
    assert done.changes["change"].sum() == pytest.approx(done.row["score"] - done.score_before, abs=1e-9)
    first = done.changes.iloc[0]
    assert first[["metric", "change"]].tolist() == ["tickets_unresolved", -5]
    assert first["value"] == first["value_before"] + 1


def test_an_earlier_date_has_nothing_before_it(two_dates):
    done = explain_metrics("u00001", two_dates, weights="engagement", as_of=date(2026, 3, 1))
    assert done.changes is None
    assert done.score_before is None


class TestWords:
    def test_an_unknown_id(self):
        with pytest.raises(UsageError, match="no user_id 'u0007' among 400; did you mean 'u00"):
            explain_metrics("u0007", GOLDEN, weights="engagement")

    def test_a_date_without_the_entity(self, two_dates):
        with pytest.raises(
            UsageError, match="u00300 is not in the snapshot of 2026-04-01; it is in those of 2026-03-01"
        ):
            explain_metrics("u00300", two_dates, weights="engagement", as_of=date(2026, 4, 1))

    def test_two_rows_without_a_date(self, tmp_path):
        path = tmp_path / "metrics.csv"
        pd.concat([pd.read_csv(GOLDEN).head(1)] * 2).to_csv(path, index=False)
        with pytest.raises(DataError, match=r"row 3: 'u00000' stands there a second time; .* their dates 'as_of'"):
            explain_metrics("u00000", path, weights="engagement")

    def test_too_young(self, tmp_path):
        path = tmp_path / "metrics.csv"
        pd.read_csv(GOLDEN).assign(enough_history=False).to_csv(path, index=False)
        with pytest.raises(UsageError, match="u00000: too young to be scored at that date"):
            explain_metrics("u00000", path, weights="engagement")

    def test_a_missing_metric(self, tmp_path):
        path = tmp_path / "metrics.csv"
        pd.read_csv(GOLDEN).drop(columns="plan_tier").to_csv(path, index=False)
        with pytest.raises(MissingColumns, match="needs column 'plan_tier'"):
            explain_metrics("u00000", path, weights="power_user", settings=AB)


def test_a_score_of_a_date_that_the_scorer_learned_from_says_so(two_dates, monkeypatch):
    monkeypatch.setattr(DocumentedScorer, "learned_until", property(lambda _: "2026-03-15"))
    told = explain_metrics("u00007", two_dates, weights="engagement", as_of=date(2026, 3, 1)).caution
    assert told.startswith("engagement@1 was fitted on snapshots up to 2026-03-15 and knows outcomes of this date")
    assert explain_metrics("u00007", two_dates, weights="engagement").caution is None


def fitted():
    """A model of near-copies of two metrics, and rows of two dates."""
    rng = np.random.default_rng(7)
    days = rng.poisson(8, 400).astype(float)
    tickets = rng.poisson(1.0, 400).astype(float)
    X = pd.DataFrame({"active_days_30d": days, "logins_30d": 2 * days + rng.poisson(2, 400), "nps_latest": np.nan})
    X = X.assign(tickets_unresolved=tickets, tickets_opened_90d=tickets + rng.poisson(0.2, 400))
    X.loc[::2, "nps_latest"] = rng.integers(0, 11, 200).astype(float)
    y = np.where(rng.random(400) < 1 / (1 + np.exp(days / 2 - tickets - 2)), "churn", "stay")
    model = ScoringModel(NestedOutcomeModel("logistic").fit(X, y)).with_families(X)
    ids = [f"u{i}" for i in range(200)]
    both = X.assign(user_id=[*ids, *ids], as_of=[pd.Timestamp("2026-03-01")] * 200 + [pd.Timestamp("2026-04-01")] * 200)
    return Explainable(
        both.assign(enough_history=True), NamedScorer(model, "fitted", "1"), "user_id", catalogue(), None, {}
    )


def test_of_a_fitted_model_metrics_that_say_the_same_are_one_reason():
    given = fitted()
    done = explain("u5", given)
    members = [{row["metric"], *(m["metric"] for m in row["with"])} for _, row in done.reasons.iterrows()]
    assert {"active_days_30d", "logins_30d"} in members
    assert {"tickets_unresolved", "tickets_opened_90d"} in members
    assert done.baseline + done.reasons["contribution"].sum() == pytest.approx(done.row["score"], abs=1e-6)
    assert done.reasons["usual"].ne("").all()
    (nps,) = done.reasons.loc[done.reasons["metric"] == "nps_latest", "said"]
    assert nps == "no survey answer in 365 days"
    assert done.changes["change"].sum() == pytest.approx(done.row["score"] - done.score_before, abs=1e-6)
    assert len(done.changes) == len(done.reasons)
    everybody = explain_group(given)
    assert set(everybody.tree["branch"]) <= {"score", "baseline", *given.scorer.model.families.leads, "nps_latest"}


def test_all_rows_hold_reasons_beside_the_metrics_that_shap_shows():
    every = explained(fitted())
    assert every.values.shape == (200, 5)
    assert every.shap().values.shape == (200, 5)
    assert every.reasons.shape == (200, 3)
    np.testing.assert_allclose(every.reasons.sum(axis=1), every.values.sum(axis=1), atol=1e-9)


def test_what_a_night_knows_around_one(tmp_path):
    """Ada and Bob share an account; a rule rang for Bob, another for the account, a third for somebody else."""
    project = load_project(write_project(tmp_path, "user_id,event,time\nada,open,2026-02-01T00:00:00Z\n"))
    history = NightHistory.of(project)
    assert around(project, "ada") is None
    who = {"ada": {"score": 80.0, "account_id": "acme"}, "bob": {"score": 20.0, "account_id": "acme"},
           "cyd": {"score": 50.0, "account_id": "other"}}  # fmt: skip
    keep(history, night("2026-03-01"), who)
    people = pd.DataFrame({"user_id": ["ada", "bob"], "account_id": "acme", "name": ["Ada", "Bob"], "owner": "Eve"})
    history.keep_table(date(2026, 3, 1), "people", people.assign(account_name=None))
    assert around(project, "ada").alerts is None
    rang = pd.DataFrame({"alert": ["a", "b", "c"], "id": ["bob", "acme", "cyd"], "user_id": ["bob", None, "cyd"],
                         "account_id": ["acme", "acme", "other"], "because": "x", "action": "y",
                         "fired_at": "2026-03-01"})  # fmt: skip
    with open_ledger(project.state) as ledger:
        now = datetime(2026, 3, 1, tzinfo=UTC)
        Alarms.on(ledger.con).write_night(date(2026, 3, 1), {}, rang, [], project="p", now=now)
    found = around(project, "bob")
    assert found.alerts["alert"].tolist() == ["a", "b"]
    assert found.members[["user_id", "name", "score"]].to_numpy().tolist() == [
        ["bob", "Bob", 20.0],
        ["ada", "Ada", 80.0],
    ]
    assert found.facts == {"owner": "Eve", "money a month": "100"}
    assert around(project, "nobody") is None
