"""Old sessions go with their files; what an alias, a night or a way back needs stays."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.project import load_project
from powerml.tracking import registry
from powerml.tracking.pseudonyms import load_pseudonyms
from powerml.tracking.runs import SessionRun, log_session
from powerml.tracking.sending import log_and_register
from powerml.tracking.store import Store, connected
from powerml.tracking.unsent import Registration
from powerml.workflows.prune import prune
from tests.tracking.small_session import ROWS, empty_database, model, scorer_run

NOW = datetime.now(UTC) + timedelta(days=100)  # runs are dated by the clock, so the tests' day comes after it
SESSIONS = 4


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Four sessions of one scorer, version 1 to 4; version 2 is champion and took the place of version 1."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "powerml.yaml").write_text("project: golden\ntables: {events: {files: e.csv}}\nvocabulary: {}\n")
    store = Store(folder / ".powerml")
    store.folder.mkdir()
    shutil.copy(empty_database(), store.database)
    run = scorer_run(model("activity", full_scale=50), load_pseudonyms(store.folder))
    for number in range(SESSIONS):
        session = SessionRun(f"session {number + 1}", {}, {})
        log_and_register(
            store,
            "golden",
            write=lambda at, session=session: log_session(at, "golden", session=session, scorers=[run]),
            order=Registration("golden", "activity", {registry.VERDICT: "skill"}),
        )
    registry.set_alias(store, registry.find_version(store, "golden", "2"), "champion")
    record = {"model": "golden", "version": 2, "alias": "champion", "replaces_version": 1}
    (store.folder / "calibration_records.jsonl").write_text(json.dumps(record) + "\n")
    return folder


@pytest.fixture
def project(made, tmp_path):
    shutil.copytree(made, tmp_path / "copy")
    return load_project(tmp_path / "copy" / "powerml.yaml")


def numbers(project):
    return sorted(v.number for v in registry.registered_versions(Store(project.state), "golden"))


def test_what_nothing_needs_is_gone_from_registry_runs_and_disk(project):
    store = Store(project.state)
    before = sum(path.stat().st_size for path in store.artifacts.rglob("*") if path.is_file())
    done = prune(project, keep=0, now=NOW)
    assert [one.name for one in done.sessions] == ["session 3"]  # 4 is challenger, 2 champion, 1 the way back
    assert done.sentences[0] == (f"Removed 1 sessions (2 runs, 1 versions, {done.bytes / 1e6:.1f} MB); 3 stay.")
    assert done.needed == {
        "an alias": ("golden version 4", "golden version 2"), "a way back": ("golden version 1",),
    }  # fmt: skip
    assert numbers(project) == [1, 2, 4]
    after = sum(path.stat().st_size for path in store.artifacts.rglob("*") if path.is_file())
    assert before - after == done.bytes > 100_000
    folders = [*store.artifacts.iterdir(), *(store.artifacts / "models").iterdir()]
    assert len(folders) == 1 + 3 + 3  # `models`, a scorer's run and a model per session: its own run holds no file
    with connected(store) as client:
        from mlflow.entities import ViewType

        everything = client.search_runs(["1"], run_view_type=ViewType.ALL)
        assert len(everything) == 6
    for number in (1, 2, 4):
        found = registry.load_version(store, registry.find_version(store, "golden", str(number)))
        assert len(found.score(ROWS)) == len(ROWS)


def test_a_trial_says_the_same_and_removes_nothing(project):
    would = prune(project, keep=0, is_tried=True, now=NOW)
    assert would.sentences[0].startswith("Would remove 1 sessions (2 runs, 1 versions, ")
    assert numbers(project) == [1, 2, 3, 4]
    assert prune(project, keep=0, now=NOW).bytes == would.bytes


def test_the_newest_and_the_young_stay(project):
    assert prune(project, now=NOW).sessions == ()  # ten stay
    assert prune(project, keep=2, now=NOW).sessions == ()  # 4 and 3 are the newest
    young = datetime.now(UTC) + timedelta(days=10)
    assert prune(project, older_than_days=30, now=young).sessions == ()
    assert [one.name for one in prune(project, older_than_days=30, is_tried=True, now=NOW).sessions] == ["session 3"]


def test_what_a_kill_left_half_removed_goes_with_the_next(project):
    store = Store(project.state)
    with connected(store) as client:
        third = registry.find_version(store, "golden", "3")
        run = client.get_run(third.run_id)
        client.delete_model_version("golden", "3")
        for gone in (third.run_id, run.data.tags["mlflow.parentRunId"]):
            client.delete_run(gone)  # and the kill comes before its files are removed
        client.delete_logged_model(run.outputs.model_outputs[0].model_id)
        registry.set_alias(store, registry.find_version(store, "golden", "1"), "challenger")
    assert [one.name for one in prune(project, keep=0, now=NOW).sessions] == ["session 4"]
    assert len([*(store.artifacts / "models").iterdir()]) == 2


def test_the_command_says_what_went(project):
    arguments = ["prune", "--keep", "0", "--json", "-c", str(project.base / "powerml.yaml")]
    done = CliRunner().invoke(root, arguments)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["runs"], told["versions"], told["left"]) == (2, ["golden version 3"], 3)
    nothing = CliRunner().invoke(root, [*arguments[:3], "-c", str(project.base / "powerml.yaml")])
    assert "Removed 0 sessions (0 runs, 0 versions, 0 bytes); 3 stay." in nothing.output


def test_a_project_without_runs_has_nothing_to_prune(tmp_path):
    (tmp_path / "powerml.yaml").write_text("tables: {events: {files: e.csv}}\nvocabulary: {}\n")
    done = prune(load_project(tmp_path / "powerml.yaml"), now=NOW)
    assert (done.sessions, done.left) == ((), 0)
    assert not (tmp_path / ".powerml").exists()
