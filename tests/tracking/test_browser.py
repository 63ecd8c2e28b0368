"""What `powerml ui` opens, in a real browser: a default session and one of eight weight sets, trained as anybody would.

`POWERML_SCREENSHOTS=FOLDER` keeps a picture of each page.
"""

from __future__ import annotations

import contextlib
import html
import os
import re
import subprocess
import sys
from typing import NamedTuple

import pytest

from powerml.config.experiment import load_experiment
from powerml.config.project import ProjectSpec, load_project
from powerml.simulation import write_product
from powerml.tracking.store import Store, connected, environment, store_of
from powerml.tracking.views import BESIDE, Views, prepare_views
from powerml.workflows.train import TrainResult, train
from tests.tracking.browser import CHROMIUM, seen
from tests.tracking.servers import answers_at, end, free_port, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; .ci/run installs Debian's"),
]
CARD = """
name: house_card
kind: points
bands: {70: Healthy, 30: Stable, 0: At Risk}
parts:
  frequency: {metric: active_days_per_week_28d, missing: 0, steps: [{from: 3, points: 60}, {points: 0}]}
  recency: {metric: days_since_last_active, missing: 0, steps: [{from: 14, points: 0}, {points: 40}]}
limits: {max: 100, min: 0}
"""
COMPOSITE = """
name: house_composite
kind: composite
dimensions:
  habit: {weight: 0.7, terms: [{metric: active_week_ratio, weight: 1}]}
  limits: {weight: 0.3, terms: [{metric: limit_utilisation, weight: 1, at_least: 0.8}]}
"""
ACTIONS = """
name: house_actions
kind: activity
actions: {logins_30d: 1, reports_generated_30d: 5}
window_days: 30
full_scale: auto
"""
EIGHT = (
    "engagement", "power_user", "power_user_rule", "power_user_signals", "activity",
    "house_card", "house_composite", "house_actions",
)  # fmt: skip
COLUMNS = (
    "powerml.verdict", "powerml.kind", "skill/overall", "churn/auroc", "expand/auroc", "skill/log_loss",
    "calibration/churn_slope",
)  # fmt: skip


class Shown(NamedTuple):
    """A served store, its links, and the two sessions in it."""

    at: str
    views: Views
    default: TrainResult
    eight: TrainResult
    store: Store
    project: ProjectSpec


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browsed") / "product"
    write_product(folder, "validation", users=300, months=14, seed=21)
    for name, text in (("house_card", CARD), ("house_composite", COMPOSITE), ("house_actions", ACTIONS)):
        (folder / f"{name}.yaml").write_text(text)
    entries = [{"weights": f"{n}.yaml" if n.startswith("house") else n} for n in EIGHT]
    (folder / "eight.yaml").write_text(f"question: Which of eight published and house scores?\nscorers: {entries}\n")
    project = load_project(folder / "powerml.yaml")
    default = train(project)
    eight = train(project, load_experiment(folder / "eight.yaml"))
    store = store_of(project)
    with served(folder, store) as at:
        yield Shown(at, prepare_views(store, project.project), default, eight, store, project)


@contextlib.contextmanager
def served(folder, store):
    """MLflow's server as `powerml ui` starts it."""
    port, nowhere = free_port(), subprocess.DEVNULL
    command = [sys.executable, "-m", "mlflow", *store.command(port=port)]
    env = {**os.environ, **environment()}
    server = subprocess.Popen(command, cwd=folder, env=env, stdout=nowhere, stderr=nowhere, start_new_session=True)
    try:
        wait_until(lambda: answers_at(f"http://127.0.0.1:{port}/health"), "mlflow server")
        yield f"http://127.0.0.1:{port}"
    finally:
        end(server)


def experiment_of(shown):
    with connected(shown.store) as client:
        return client.get_experiment_by_name(shown.project.project).experiment_id


def test_the_table_of_runs_has_the_columns_that_are_read(shown):
    page = seen(shown.at + shown.views.table, "runs")
    for name in EIGHT:
        assert f">{name}<" in page, name
    for column in COLUMNS:
        assert column in page, column
    assert ">Judges<" not in page  # the training view, not the one for language models


def test_the_comparison_is_a_line_for_each_of_eight_sets(shown):
    page = seen(shown.at + shown.views.comparison, "comparison")
    assert "Scorers of the newest session" in page
    assert "No charts in this section" not in page
    for axis in BESIDE:
        assert axis in page
    axes = set(re.findall(r">(weight[./][\w./]*)<", html.unescape(page)))  # the picture shortens long names
    assert len(axes) >= 5, axes
    for name in EIGHT:
        assert f">{name}<" in page, name


def test_a_session_shows_its_note_picture_and_page(shown):
    number, run = experiment_of(shown), shown.eight.session.run_id
    at = f"{shown.at}/#/experiments/{number}/runs/{run}"
    note = seen(at, "session")
    assert "Which of eight published and house scores?" in note
    assert shown.eight.challenger in note
    assert "parallel.svg" in seen(f"{at}/artifacts/scorers/parallel.svg", "session_picture")
    default = shown.default.session.scorers["logistic"].run_id
    at = f"{shown.at}/#/experiments/{number}/runs/{default}"
    assert "logistic" in seen(at, "scorer")
    assert "report.html" in seen(f"{at}/artifacts/bands/report.html", "scorer_bands")
    assert "beeswarm.svg" in seen(f"{at}/artifacts/reasons/beeswarm.svg", "scorer_reasons")


def test_top_lists_stand_side_by_side(shown):
    page = seen(f"{shown.at}{shown.views.comparison.replace('CHART', 'ARTIFACT')}", "side_by_side")
    assert "ranking/top20.json" in page
    assert len(set(re.findall(r">(e-[0-9a-f]{16})<", page))) >= 3  # pseudonyms stand in the columns


def test_the_model_says_what_it_is_for(shown):
    name = shown.eight.version.model
    page = seen(f"{shown.at}/#/models/{name}", "model")
    assert "Description" in page
    assert name in page
    seen(f"{shown.at}/#/models/{name}/versions/{shown.eight.version.number}", "version")
