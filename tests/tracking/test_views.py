"""The two links of `powerml ui`: what they keep in the store; `test_browser` sees what a browser makes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.tracking.pseudonyms import load_pseudonyms
from powerml.tracking.runs import SessionRun, log_session
from powerml.tracking.store import Store, connected
from powerml.tracking.views import AXES, BESIDE, SHARED, SHOWN_COLUMNS, prepare_views
from tests.tracking.small_session import model, scorer_run

NAMES = ("engagement", "power_user", "activity", "engagement, heavier tickets")
PARAMS = {"power_user": {"max_features": 30, "max_advanced": 8}, "activity": {"full_scale": 50}}
FIGURES = {"skill/overall": 0.2, "churn/auroc": 0.8, "expand/auroc": 0.7, "skill/log_loss": 0.6}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose store holds a session of four weight sets, two of them one set under two names."""
    folder = tmp_path_factory.mktemp("viewed")
    (folder / "powerml.yaml").write_text("project: golden\ntables: {events: {files: e.csv}}\nvocabulary: {}\n")
    store = Store(folder / ".powerml")
    names = load_pseudonyms(store.folder)
    models = [model(name.split(",")[0], **PARAMS.get(name, {})) for name in NAMES]
    runs = [
        replace(scorer_run(one, names), name=name, metrics=FIGURES) for name, one in zip(NAMES, models, strict=True)
    ]
    tags = {"powerml.model": "golden", "powerml.verdict": "skill"}
    session = log_session(store, "golden", session=SessionRun("eight", tags, {}), scorers=runs)
    return folder, store, session


def kept(store, link):
    key = parse_qs(urlsplit(link.removeprefix("/#")).query)["viewStateShareKey"][0]
    with connected(store) as client:
        return json.loads(client.get_experiment_by_name("golden").tags[f"{SHARED}{key}"])


def test_two_entries_of_one_set_have_runs_of_their_own(project):
    _, store, session = project
    assert list(session.scorers) == list(NAMES)
    with connected(store) as client:
        found = {name: client.get_run(run.run_id).info.run_name for name, run in session.scorers.items()}
    assert found == {name: name for name in NAMES}


def test_the_table_has_the_columns_that_are_read(project):
    _, store, _ = project
    views = prepare_views(store, "golden")
    assert kept(store, views.table)["selectedColumns"] == list(SHOWN_COLUMNS)
    for link in (views.table, views.comparison):  # else the UI opens on prompts and judges
        assert "workflowType=machine_learning" in link


def test_the_comparison_has_the_weights_that_differ_and_three_metrics(project):
    _, store, session = project
    views = prepare_views(store, "golden")
    state = kept(store, views.comparison)
    (chart,) = state["compareRunCharts"]
    axes = chart["selectedMetrics"]
    assert axes[-3:] == list(BESIDE)
    weights = axes[:-3]
    assert 2 <= len(weights) <= AXES
    with connected(store) as client:
        held = [client.get_run(run.run_id).data.metrics for run in session.scorers.values()]
    spread = [max(run[w] for run in held) - min(run[w] for run in held) for w in weights]
    assert spread == sorted(spread, reverse=True)
    assert spread[-1] > 0
    assert session.run_id in state["searchFilter"]


def test_without_a_session_there_is_nothing_to_open(tmp_path):
    store = Store(tmp_path / ".powerml")
    with connected(store):
        pass
    assert prepare_views(store, "golden") is None


def test_the_command_prints_both_links(project):
    folder, _, _ = project
    ran = CliRunner().invoke(root, ["ui", "--print", "--config", str(folder / "powerml.yaml"), "--json"])
    assert ran.exit_code == 0, ran.output
    assert set(json.loads(ran.stdout)["links"]) == {"runs", "comparison"}
