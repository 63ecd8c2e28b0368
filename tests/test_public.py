"""The public functions as a notebook calls them: public names alone, plain frames in, results that show themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import powerml
from powerml.errors import UsageError
from tests.tracking.small_session import ROWS

mpl.use("Agg")
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SCALE = {"full_scale": 50}
AT = date(2024, 4, 1)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return powerml.simulate(users=60, months=5, folder=tmp_path_factory.mktemp("shop") / "product")


@pytest.fixture(scope="module")
def rows(project):
    return powerml.snapshot(project, AT, labels=True).frame


@pytest.mark.parametrize("name", powerml.__all__)
def test_every_name_says_what_it_does_by_an_example(name):
    assert ">>>" in (getattr(powerml, name).__doc__ or "")


def test_a_simulated_folder_is_a_project(project):
    assert project.tables.keys() >= {"events", "users"}
    with pytest.raises(UsageError, match="is there already"):
        powerml.simulate(users=60, months=5, folder=project.base)


def test_snapshots_of_one_date_of_several_and_monthly(project, rows, tmp_path):
    several = powerml.snapshot(project, [date(2024, 3, 1), AT], output=tmp_path / "rows.csv").frame
    monthly = powerml.snapshot(project, monthly=(date(2024, 3, 1), AT)).frame
    pd.testing.assert_frame_equal(several, monthly)
    assert len(pd.read_csv(tmp_path / "rows.csv")) == len(several)
    assert several["as_of"].nunique() == 2
    assert {"label", "treated"} <= set(rows) - set(several)
    with pytest.raises(UsageError, match="cutoffs and monthly exclude each other"):
        powerml.snapshot(project, AT, monthly=(AT, AT))


def test_labels_are_those_of_the_snapshot(project, rows):
    assert powerml.labels(project, [AT])["label"].tolist() == rows["label"].tolist()


def test_a_project_scores_as_its_snapshot_does(project, rows):
    columns = ["user_id", "score", "band"]
    of_project, of_rows = (
        powerml.score(project, "engagement", as_of=AT, now=NOW),
        powerml.score(rows, "engagement", now=NOW),
    )
    pd.testing.assert_frame_equal(of_project[columns], of_rows[columns])
    known = of_project["status"].replace(
        "left", "scored"
    )  # who paid once and pays no longer: a frame knows no contracts
    assert known.tolist() == of_rows["status"].tolist()
    assert of_project["status"].eq("left").sum() == 3


def test_what_metrics_add_adds_up_to_the_score(rows):
    why = powerml.explain(rows, "engagement")
    scores = powerml.score(rows, "engagement", now=NOW).set_index("user_id")["score"]
    added = why.values.sum(axis=1) + why.baseline
    np.testing.assert_allclose(added, scores.loc[why.keys["user_id"]], atol=1e-9)
    one = powerml.explain(rows, "engagement", entity=str(why.keys["user_id"].iloc[3]))
    assert one.reasons["contribution"].sum() + one.baseline == pytest.approx(float(added.iloc[3]))
    band = powerml.explain(rows, "engagement", band=str(one.row["band"]))
    assert band.n >= 1
    with pytest.raises(UsageError, match="entity and band exclude each other"):
        powerml.explain(rows, "engagement", entity="u1", band="Healthy")


def test_a_cutoff_is_chosen_among_the_rows(rows):
    later = rows.assign(as_of=rows["as_of"] + pd.Timedelta(days=30))
    both = pd.concat([rows, later], ignore_index=True)
    assert powerml.explain(both, "engagement", as_of=AT).keys["as_of"].unique().tolist() == [pd.Timestamp(AT)]
    assert powerml.explain(both, "engagement").keys["as_of"].min() == later["as_of"].max()
    with pytest.raises(UsageError, match="no row of 2020-01-01; there are 2024-04-01, 2024-05-01"):
        powerml.explain(both, "engagement", as_of=date(2020, 1, 1))


@pytest.mark.parametrize("weights", ["engagement", "power_user", "power_user_rule", "power_user_signals", "activity"])
def test_shap_draws_what_a_documented_score_is_made_of(weights):
    settings = {"max_features": 20, "max_advanced": 5} if weights == "power_user" else None
    why = powerml.explain(ROWS, weights, settings=settings)
    drawn(why.shap(), why)


def test_shap_draws_what_a_fitted_score_is_made_of():
    from powerml.scoring.model import ScoringModel
    from powerml.scoring.outcome.model import NestedOutcomeModel
    from powerml.workflows.frames import Explained
    from tests.scoring.outcome.test_model import snapshots

    frame, y, _ = snapshots(600)
    fitted = NestedOutcomeModel("logistic").fit(frame, y, groups=frame["account_id"], times=frame["as_of"])
    fitted_model = ScoringModel(fitted)
    why = Explained("fitted", frame[["account_id"]], frame, fitted_model.contributions(frame))
    explanation = why.shap()
    np.testing.assert_allclose(
        explanation.values.sum(axis=1) + explanation.base_values, fitted.predict_score(frame), atol=1e-6
    )
    drawn(explanation, why)


def drawn(explanation, why):
    """shap's own plots take it, and it holds what was explained."""
    import matplotlib.pyplot as plt
    import shap

    assert explanation.values.shape == explanation.data.shape == why.values.shape
    assert list(explanation.feature_names) == list(map(str, why.values))
    assert explanation.base_values.tolist() == [why.baseline] * len(why.values)
    shap.plots.waterfall(explanation[0], show=False)
    plt.close("all")
    shap.plots.beeswarm(explanation, show=False, plot_size=None)
    names = {label.get_text() for label in plt.gca().get_yticklabels()}
    plt.close("all")
    assert set(map(str, why.mean.index[:3])) <= names


def test_the_screen_of_a_frame_takes_its_own_columns():
    rng = np.random.default_rng(3)
    days = rng.integers(0, 20, 300)
    frame = pd.DataFrame(
        {
            "as_of": pd.Timestamp("2026-01-01"),
            "user_id": [f"u{i}" for i in range(300)],
            "active_days_30d": days,
            "events_30d": days * 5 + rng.integers(0, 9, 300),
            "label": np.where(days < 5, "churn", np.where(days > 18, "immature", "stay")),
        }
    )
    known = frame[frame["label"] != "immature"]
    by_itself = powerml.screen(frame, repeats=20)
    said = powerml.screen(
        known[["active_days_30d", "events_30d"]],
        known["label"],
        groups=known["user_id"],
        times=known["as_of"],
        repeats=20,
    )
    pd.testing.assert_frame_equal(by_itself, said)
    with pytest.raises(UsageError, match="the rows have no column 'as_of'; add it, or give it apart"):
        powerml.screen(frame.drop(columns="as_of"))


def test_weight_sets_are_compared_on_a_frame():
    found = powerml.compare(ROWS, ["engagement", "activity"])
    assert found.names == ("engagement", "activity")
    assert found.comparison is None
    with pytest.raises(UsageError, match="whose account is each row"):
        powerml.compare(["churn", "stay"], {"a": pd.DataFrame(), "b": pd.DataFrame()})


def test_a_table_without_an_outcome_is_not_trained_on():
    with pytest.raises(UsageError, match="which column of the table is the outcome"):
        powerml.train(ROWS)


def test_a_frame_is_held_against_claims():
    scores = pd.DataFrame({"user_id": [f"u{i}" for i in range(50)], "score": np.linspace(0, 100, 50), "events_30d": 1})
    seen = powerml.audit("power_user", table=scores)
    assert len(seen.checks) > len(powerml.audit("power_user").checks)


EVIL = "<script>alert(1)</script>"


def test_results_show_themselves_and_escape_what_they_show(project, rows):
    mine = ROWS.assign(user_id=[EVIL, *ROWS["user_id"][1:]])
    came = ["churn", "stay"] * 30
    p = pd.DataFrame({"p_churn": [0.4] * 60, "p_stay": [0.6] * 60})
    shown = [
        project.model_copy(update={"project": EVIL}),
        powerml.snapshot(project, AT),
        powerml.explain(mine, "activity", settings=SCALE, entity=EVIL),
        powerml.explain(mine, "activity", settings=SCALE, band="Dormant"),
        powerml.explain(mine, "activity", settings=SCALE),
        powerml.compare(ROWS, ["engagement", "activity"]),
        powerml.compare(came, {EVIL: p, "b": p}, groups=range(60)),
        powerml.band_report([10] * 30 + [90] * 30, came, bands={50: "High", 0: EVIL}),
        powerml.audit("engagement"),
        powerml.simulate(users=40, months=4),
        powerml.load_weights("engagement"),
    ]
    for result in shown:
        html = result._repr_html_()
        assert len(html) > 40, type(result)
        assert "<script>alert" not in html, type(result)
    assert sum("&lt;script&gt;" in result._repr_html_() for result in shown) >= 4
