import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from powerml.cli import root
from powerml.config.project import load_project
from powerml.errors import PowermlError, StoreError, UsageError
from powerml.scoring.load import load_weights
from powerml.scoring.model import ScoringModel
from powerml.tracking import registry
from powerml.tracking.runs import ScorerRun, SessionRun, log_session
from powerml.tracking.scorers import from_registry
from powerml.tracking.store import Store, store_of
from powerml.workflows.night.work import main_scorer
from powerml.workflows.promote import promote

GOLDEN = Path(__file__).parents[1] / "golden"
NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with two runs: `engagement` with skill is version 1, `activity` without is logged only."""
    import pandas as pd

    folder = tmp_path_factory.mktemp("project")
    (folder / "powerml.yaml").write_text("project: golden\ntables: {events: {files: e.csv}}\nvocabulary: {}\n")
    store = Store(folder / ".powerml")
    rows = pd.read_csv(GOLDEN / "metrics.csv")
    runs = [
        ScorerRun(
            model=ScoringModel(load_weights(name).fit(rows)).with_reference(rows),
            shares={"logins_30d": 100.0, "mrr": 0.0},
            native={},
            metrics={"skill/overall": 0.2},
            by_cutoff={},
            ranking=pd.DataFrame({"rank": [1]}),
            example=rows.head(2),
            tags={
                "powerml.verdict": verdict,
                "powerml.verdict.churn": verdict,
                "powerml.config": "c",
                "powerml.vocabulary": "v",
                "powerml.trained_until": "2025-11-01",
            },
        )
        for name, verdict in (("engagement", "skill"), ("activity", "no skill"))
    ]
    session = log_session(store, "golden", session=SessionRun("s", {}, {}), scorers=runs)
    run = session.scorers["engagement"]
    tags = {registry.VERDICT: "skill", registry.SCORER: "engagement", "powerml.kind": "documented"}
    registry.register(store, "golden", run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags=tags)
    return folder, session


@pytest.fixture
def project(trained, tmp_path):
    """A copy of the project's database; the model files are shared."""
    folder, _ = trained
    shutil.copytree(folder, tmp_path / "copy")
    return load_project(tmp_path / "copy" / "powerml.yaml")


def test_a_version_with_skill_becomes_champion_and_is_recorded(project):
    done = promote(project, "1", now=NOW)
    assert done.version.aliases == ("challenger", "champion")
    assert done.before is None
    assert done.due == "2026-07-01"
    assert from_registry(project, None).shown == "golden@1"
    (record,) = [json.loads(line) for line in done.record.read_text().splitlines()]
    assert record["version"] == 1
    assert record["verdict"] == "skill"
    assert record["figures"]["skill/overall"] == 0.2
    assert record["weights"] == {"logins_30d": 100.0}
    assert record["fingerprints"]["config"] == "c"
    assert record["forced"] is False


def test_a_promotion_that_was_killed_is_completed_by_the_next(project):
    store, version = Store(project.state), registry.find_version(Store(project.state), "golden", "1")
    done = promote(project, "1", now=NOW)
    whole = done.record.read_text()
    registry.tag_version(store, version, {"powerml.promoted_at": "before the kill"})
    again = promote(project, "1", now=NOW)
    assert again.record.read_text() == whole  # the record of the killed run is not told as a promotion of its own
    assert again.before is None
    done.record.write_text(whole + whole[:40])  # an earlier version could leave half a line
    assert len(promote(project, "1", now=NOW).record.read_text().splitlines()) == 2


def test_records_that_are_none_are_said_and_not_lost(project):
    record = promote(project, "1", now=NOW).record
    record.write_text("[1]\n" + record.read_text())
    with pytest.raises(StoreError, match=r"calibration_records\.jsonl: line 1 is no record"):
        promote(project, "1", now=NOW)


def test_each_promotion_adds_a_record(project):
    promote(project, "1", now=NOW)
    done = promote(project, "1", now=NOW)
    assert done.before == 1
    assert len(done.record.read_text().splitlines()) == 2


def test_without_skill_it_is_refused_and_nothing_changes(project, trained):
    run = trained[1].scorers["activity"].run_id
    with pytest.raises(UsageError, match=r"version 2 \(activity\) has the verdict 'no skill', not 'skill'.*--force"):
        promote(project, run, now=NOW)
    assert "champion" not in registry.aliases(Store(project.state), "golden")
    assert not (project.state / "calibration_records.jsonl").exists()


def test_force_promotes_a_run_by_its_id_and_says_so_in_the_record(project, trained):
    run = trained[1].scorers["activity"].run_id
    done = promote(project, run[:12], force=True, now=NOW)
    assert done.version.number == 2
    assert done.version.tags["powerml.vocabulary"] == "v"  # so that a change of it is told later
    assert done.version.tags["powerml.trained_until"] == "2025-11-01"  # so that it can be recalibrated
    assert done.version.tags["powerml.verdict.churn"] == "no skill"
    assert done.version.aliases == ("champion",)  # the challenger stays who it was
    assert registry.aliases(Store(project.state), "golden") == {"challenger": 1, "champion": 2}
    assert json.loads(done.record.read_text())["forced"] is True


def test_other_aliases_can_be_given(project):
    assert promote(project, "@challenger", alias="q2-2026", now=NOW).version.aliases == ("challenger", "q2-2026")


@pytest.mark.parametrize("alias", ["latest", "v3", "a b"])
def test_aliases_that_mlflow_does_not_allow_are_refused(project, alias):
    with pytest.raises(UsageError, match="not an alias MLflow allows"):
        promote(project, "1", alias=alias, now=NOW)


def test_an_unknown_version_is_said_with_those_there_are(project):
    with pytest.raises(StoreError, match=r"golden has no version or run '9'; its versions are 1 \(@challenger\)"):
        promote(project, "9", now=NOW)


def test_score_names_the_challenger_while_there_is_no_champion(project):
    with pytest.raises(StoreError, match=r"golden has no champion yet; score with its challenger \(version 1\)"):
        from_registry(project, None)
    assert from_registry(project, "golden@challenger").shown == "golden@1"


@pytest.mark.parametrize(
    ("verdict", "way"),
    [
        ("skill", "golden version 1 is there, make it the champion: powerml promote 1"),
        ("ranks only", "make it the champion although the verdict on it is 'ranks only': powerml promote 1 --force"),
        ("no skill", "'powerml train' and 'powerml promote' make one"),
    ],
)
def test_a_night_without_a_champion_says_how_there_is_one(project, verdict, way):
    store = store_of(project)
    version = registry.find_version(store, "golden", "1")
    registry.tag_version(store, version, {registry.VERDICT: verdict})
    (said,) = main_scorer(project).remarks
    assert said.endswith(way)
    if verdict != "no skill":
        with pytest.raises(StoreError) as refused:
            from_registry(project, None)
        assert str(refused.value).endswith(version_way(project))


def version_way(project):
    return registry.find_version(store_of(project), "golden", "1").promoted()


def test_the_command_says_who_is_champion_now(project, tmp_path):
    config = project.base / "powerml.yaml"
    done = CliRunner().invoke(root, ["promote", "1", "-c", str(config), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["alias"] == "champion"
    output = tmp_path / "scores.csv"
    arguments = ["score", "-c", str(config), "--metrics", str(GOLDEN / "metrics.csv"), "-o", str(output)]
    scored = CliRunner().invoke(root, arguments)
    assert scored.exit_code == 0, scored.output
    assert "by golden@1" in scored.output


def test_the_ui_s_command_is_printed(project):
    done = CliRunner().invoke(root, ["ui", "-c", str(project.base / "powerml.yaml"), "--print"])
    assert done.exit_code == 0
    assert done.output.startswith("mlflow ui --backend-store-uri sqlite:///")


def test_the_ui_of_an_untrained_project_says_what_to_do(tmp_path):
    (tmp_path / "powerml.yaml").write_text("tables: {events: {files: e.csv}}\nvocabulary: {}\n")
    done = CliRunner().invoke(root, ["ui", "-c", str(tmp_path / "powerml.yaml"), "--print"])
    assert isinstance(done.exception, PowermlError)
    assert "nothing is tracked here yet; run 'powerml train' first" in str(done.exception)


@pytest.mark.parametrize(("answer", "stops"), [("worse", True), ("better", False), ("cannot tell", False)])
def test_a_worse_challenger_does_not_take_the_champion_s_place(project, trained, monkeypatch, answer, stops):
    run = trained[1].scorers["activity"].run_id
    promote(project, run, force=True, now=NOW)  # version 2
    promote(project, "1", now=NOW)
    monkeypatch.setattr("powerml.workflows.promote._against", lambda *_, **__: (answer, "On 300 rows: so it is."))
    record = project.state / "calibration_records.jsonl"
    lines = [one for one in record.read_text().splitlines() if json.loads(one)["version"] != 2]
    record.write_text("\n".join(lines) + "\n")  # as if it had never been champion
    registry.tag_version(
        store_of(project), registry.find_version(store_of(project), "golden", "2"), {registry.VERDICT: "skill"}
    )
    if stops:
        with pytest.raises(UsageError, match=r"On 300 rows: so it is\. So it is not promoted; insist with --force"):
            promote(project, "2", now=NOW)
        assert registry.aliases(store_of(project), "golden")["champion"] == 1
        assert json.loads(promote(project, "2", force=True, now=NOW).record.read_text().splitlines()[-1])["forced"]
    else:
        done = promote(project, "2", now=NOW)
        assert (done.before, done.answer, done.compared) == (1, answer, "On 300 rows: so it is.")


def test_who_was_champion_comes_back_and_what_cannot_be_read_stops_nothing(project, trained):
    promote(project, "1", now=NOW)
    promote(project, trained[1].scorers["activity"].run_id, force=True, now=NOW)
    back = promote(project, "1", now=NOW)
    assert (back.before, back.version.number) == (2, 1)
    assert back.compared.startswith("golden version 1 and golden version 2 are not compared: ")
