"""Runs of one project at the same time: nothing is lost, and the one that has to wait waits."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pandas as pd
import pytest

from powerml.config.project import load_project
from powerml.tracking import registry
from powerml.tracking.store import connected
from powerml.workflows.snapshot import write_snapshots
from tests.tracking.small_session import log_small, model

pytestmark = pytest.mark.slow

SESSION = """
import sys
from pathlib import Path
from powerml.tracking import registry
from powerml.tracking.pseudonyms import load_pseudonyms
from powerml.tracking.runs import SessionRun, log_session
from powerml.tracking.store import Store
from tests.tracking.small_session import model, scorer_run
store = Store(Path(sys.argv[1]))
run = scorer_run(model("engagement"), load_pseudonyms(store.folder))
logged = log_session(store, "golden", session=SessionRun(sys.argv[2], {}, {}), scorers=[run])
run = logged.scorers["engagement"]
registry.register(store, "golden", run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags={})
"""
READ = """
import sys
from pathlib import Path
from powerml.tracking import registry
from powerml.tracking.store import Store
for _ in range(20):
    store = Store(Path(sys.argv[1]))
    registry.load_version(store, registry.find_version(store, "golden", "@challenger"))
"""


@pytest.fixture(scope="module")
def after(tmp_path_factory):
    """A store with one version, on which two sessions were logged at once while a third process read from it."""
    store, session = log_small(tmp_path_factory.mktemp("project"), model("engagement"))
    run = session.scorers["engagement"]
    registry.register(store, "golden", run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags={})
    commands = [(SESSION, "first"), (SESSION, "second"), (READ, "")]
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(store.folder), name], stderr=subprocess.PIPE, text=True)
        for code, name in commands
    ]
    said = [run.communicate()[1] for run in runs]
    return store, [run.returncode for run in runs], said


def test_two_sessions_and_a_reader_all_end_well(after):
    _, statuses, said = after
    assert statuses == [0, 0, 0], said


def test_both_sessions_are_whole_and_both_versions_are_there(after):
    store, _, _ = after
    with connected(store) as client:
        experiment = client.get_experiment_by_name("golden").experiment_id
        runs = client.search_runs([experiment])
        parents = sorted(run.info.run_name for run in runs if "mlflow.parentRunId" not in run.data.tags)
        states = {run.info.status for run in runs}
    assert parents == ["first", "second", "session"]
    assert states == {"FINISHED"}  # the later one did not take the earlier one's runs for killed ones
    versions = registry.registered_versions(store, "golden")
    assert [version.number for version in versions] == [3, 2, 1]
    assert versions[0].aliases == ("challenger",)
    for version in versions:
        registry.load_version(store, version)


def test_two_snapshots_of_a_night_are_both_whole_and_the_same(tmp_path):
    rows = pd.DataFrame({"user_id": ["ada", "ben"] * 500, "event": "click"})
    rows["time"] = pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(range(1000), unit="h") * 0.5
    rows.to_parquet(tmp_path / "events.parquet")
    (tmp_path / "powerml.yaml").write_text("tables: {events: {files: events.parquet}}\nvocabulary: {}\n")
    code = (
        "import sys; from datetime import date; from pathlib import Path\n"
        "from powerml.config.project import load_project\n"
        "from powerml.workflows.snapshot import write_snapshots\n"
        "write_snapshots(load_project('powerml.yaml'), Path(sys.argv[1]), cache=True, as_of=[date(2026, 3, 20)])"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code, name], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        for name in ("one.csv", "two.csv")
    ]
    said = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    write_snapshots(load_project(tmp_path / "powerml.yaml"), tmp_path / "cold.csv", as_of=[date(2026, 3, 20)])
    cold = (tmp_path / "cold.csv").read_text()
    assert (tmp_path / "one.csv").read_text() == cold
    assert (tmp_path / "two.csv").read_text() == cold
