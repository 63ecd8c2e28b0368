"""Every chart: what is drawn is what the table says, it is drawn offline, and hostile names stay names."""

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from powerml import charts
from powerml.charts.reasons import Points
from powerml.charts.writing import javascript, png, specification, specification_text, svg

EVIL = "<script>alert('x')</script>"
BANDS = ["Healthy", EVIL]
DATES = pd.date_range("2026-01-01", periods=3, freq="MS")
CURVE = pd.DataFrame({"predicted": [0.1, 0.5], "observed": [0.2, 0.4], "low": [0.1, 0.3], "high": [0.3, 0.5], "n": 50})
RATES = pd.DataFrame({
    "band": [BANDS[0]] * 2 + [BANDS[1]] * 2, "outcome": ["churn", "stay"] * 2, "n": [3, 27, 20, 10],
    "rate": [0.1, 0.9, 0.67, 0.33], "low": 0.05, "high": 0.95, "predicted": 0.2, "reference": [0.03, 0.97, 0.7, np.nan],
})  # fmt: skip
ESTIMATES = pd.DataFrame({"name": ["a", EVIL], "value": [0.2, 0.3], "low": [0.1, 0.2], "high": [0.3, 0.4], "n": 9})
SCORE = pd.DataFrame(
    {"mean_score": [20.0, 70.0], "mean_outcome": [22.0, 69.0], "low": [18, 60], "high": [30, 80], "n": 9}
)
POINTS = Points(np.array([[5.0, -2.0, 0.0], [1.0, 2.0, 0.5]]), np.array([50.0, 50.0]),
                np.array([[3.0, np.nan, 1.0], [1.0, 2.0, 1.0]]), ["logins_30d", EVIL, "mrr"])  # fmt: skip
SCORERS = pd.DataFrame({"scorer": ["a", EVIL], "logins_30d": [10.0, 40.0], "skill": [0.1, np.nan]})
SHARES = pd.DataFrame({"as_of": DATES.repeat(2), "band": BANDS * 3, "n": 5, "share": 0.5})
MONTHS = pd.DataFrame(
    {"as_of": DATES, "outcome": "churn", "auroc": [0.7, 0.8, 0.75], "low": 0.6, "high": 0.9, "events": 9}
)
PATH = pd.DataFrame({"months_before": [6, 5, 4], "n": [0, 5, 6], "mean_score": [np.nan, 50.0, 40.0], "low": 30.0,
                     "high": 60.0, "document": [62.0, 58.0, 51.0]})  # fmt: skip
FLOWS = pd.DataFrame({"from_band": [BANDS[0], EVIL], "to_band": [EVIL, EVIL], "n": [2, 7]})
EVERY = {
    "bands": charts.bands(RATES),
    "share_beside": charts.share_beside(
        pd.DataFrame({"band": BANDS, "n": [4, 6], "share": [0.4, 0.6], "expected_share": [0.5, np.nan]})
    ),
    "reliability": charts.reliability(CURVE.assign(outcome="churn")),
    "score_against_outcome": charts.score_against_outcome(SCORE),
    "estimates": charts.estimates(ESTIMATES, title=EVIL, zero=0),
    "estimates of several": charts.estimates(ESTIMATES.assign(series=["churn", "x"], reference=0.1), title="both"),
    "weights": charts.weights(pd.DataFrame({"part": ["a", EVIL], "fitted": [3.0, 5.0], "documented": [4.0, 4.0]})),
    "parallel": charts.parallel(SCORERS, ["logins_30d", "skill"]),
    "beeswarm": charts.beeswarm(POINTS),
    "waterfall": charts.waterfall(
        Points(POINTS.values[0], POINTS.base_values[:1], POINTS.data[0], POINTS.feature_names)
    ),
    "distribution": charts.distribution([10.0, 55.0, np.nan, 100.0], {50.0: "Healthy", 0.0: EVIL}),
    "trend": charts.trend(pd.DataFrame({"as_of": DATES, "mean_score": [50.0, 52.0, 51.0], "n": 9})),
    "band_shares": charts.band_shares(SHARES, BANDS),
    "flows": charts.flows(FLOWS, BANDS),
    "months": charts.months(MONTHS),
    "path": charts.path(PATH),
    "day_curve": charts.day_curve(pd.DataFrame({"days": range(1, 31), "users": 2, "share": 1 / 30})),
    "lorenz_curve": charts.lorenz_curve(
        pd.DataFrame({"users": [0, 0.5, 1], "amount": [0, 0.2, 1]}), (0.1, 0.15, 0.5, 0.8)
    ),
}


def rows(chart, *columns):
    """The values that a chart draws and that have all of `columns`."""
    spec = specification(chart)
    found = [row for data in spec.get("datasets", {}).values() for row in data if set(columns) <= set(row)]
    return [tuple(row[name] for name in columns) for row in found]


def test_every_chart_of_the_package_is_tried():
    assert {name.split()[0] for name in EVERY} | {"svg", "png"} == set(charts.__all__)


@pytest.mark.parametrize("name", EVERY)
def test_a_chart_is_a_picture_without_network_or_display(name):
    spec = EVERY[name].to_dict()  # as a notebook shows it: checked against Vega-Lite's own schema
    assert spec["description"].startswith(spec["title"]["text"][0])
    assert "url" not in json.dumps(spec)
    drawn = svg(EVERY[name])
    assert drawn.startswith("<svg")
    assert "<script" not in drawn


def test_a_picture_in_pixels_is_a_png():
    assert png(EVERY["flows"], scale=1).startswith(b"\x89PNG")


def test_bands_are_drawn_as_they_came_beside_the_document():
    assert rows(EVERY["bands"], "band", "outcome", "rate", "reference") == [
        (BANDS[0], "churn", 0.1, 0.03),
        (BANDS[0], "stay", 0.9, 0.97),
        (EVIL, "churn", 0.67, 0.7),
        (EVIL, "stay", 0.33, None),
    ]
    told = specification(EVERY["bands"])["title"]["subtitle"]
    assert "Diamonds: the document's own table." in " ".join(told)


def test_a_curve_without_an_observation_is_not_drawn():
    curves = pd.concat([CURVE.assign(outcome="churn"), CURVE.assign(outcome="expand", observed=np.nan)])
    assert {outcome for (outcome,) in rows(charts.reliability(curves), "outcome")} == {"churn"}


def test_a_waterfall_adds_up_from_the_baseline_to_the_score():
    steps = rows(EVERY["waterfall"], "name", "points", "from", "to")
    assert [step[0] for step in steps] == ["starts at", "logins_30d = 3", EVIL, "score"]
    assert steps[0][3] + sum(points for _, points, _, _ in steps[1:-1]) == steps[-1][3] == 53.0
    assert all(before[3] == after[2] for before, after in pairwise(steps[:-1]))


def test_small_reasons_stand_together_in_a_waterfall():
    many = Points(np.array([8.0, 4.0, 1.0, 0.5]), np.array([10.0]), np.arange(4.0), list("abcd"))
    assert [step[:2] for step in rows(charts.waterfall(many, lines=2), "name", "points")][3] == ("2 others", 1.5)


def test_a_beeswarm_has_a_dot_for_every_row_and_the_weightiest_first():
    dots = rows(EVERY["beeswarm"], "feature", "points", "value")
    assert dots[:2] == [("logins_30d", 5.0, 3.0), ("logins_30d", 1.0, 1.0)]
    assert (EVIL, -2.0, None) in dots


def test_shap_s_own_explanation_is_taken():
    shap = pytest.importorskip("shap")
    given = shap.Explanation(POINTS.values, POINTS.base_values, POINTS.data, feature_names=POINTS.feature_names)
    assert rows(charts.beeswarm(given), "feature", "points") == rows(EVERY["beeswarm"], "feature", "points")
    assert rows(charts.waterfall(given[0]), "name", "to") == rows(EVERY["waterfall"], "name", "to")


def test_parallel_axes_run_from_least_to_most_and_a_lack_is_a_gap():
    found = rows(EVERY["parallel"], "scorer", "axis", "value", "place")
    assert found == [
        ("a", "logins_30d", 10.0, 0.0),
        (EVIL, "logins_30d", 40.0, 1.0),
        ("a", "skill", 0.1, 0.5),
        (EVIL, "skill", None, None),
    ]


def test_scores_are_counted_in_steps_and_none_is_lost():
    counts = rows(EVERY["distribution"], "from", "n")
    assert sum(n for _, n in counts) == 3
    assert (96.0, 1) in counts


def test_long_names_are_cut_in_pictures():
    chart = charts.estimates(ESTIMATES.assign(name=["y" * 10_000, "z"]), title="long")
    assert len(specification_text(chart)) < 6_000


def test_the_script_of_pages_is_kept_and_read(tmp_path):
    made = javascript.__wrapped__(tmp_path / "cache")
    (file,) = (tmp_path / "cache").iterdir()
    assert file.read_text(encoding="utf-8") == made == javascript.__wrapped__(None)
    file.write_text("kept", encoding="utf-8")
    assert javascript.__wrapped__(tmp_path / "cache") == "kept"
