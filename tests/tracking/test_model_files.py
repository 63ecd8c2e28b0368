"""The model in the registry: the same scores after the round trip, in a fresh process, and not after tampering."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import powerml
from powerml.errors import DataError, StoreError
from powerml.tracking import registry
from powerml.tracking.store import connected
from tests.tracking.small_session import METRICS, ROWS, log_small, model

FRESH = """
import sys
import pandas as pd
sys.path = [entry for entry in sys.path if entry not in ({checkout!r}, "")]
import mlflow.pyfunc
model = mlflow.pyfunc.load_model({folder!r})
import powerml
assert not powerml.__file__.startswith(({checkout!r}, "/usr")), powerml.__file__
assert "powerml-" in powerml.__file__, powerml.__file__
print(model.predict(pd.read_parquet({rows!r})).to_json(orient="split", double_precision=15))
"""


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    linked = model("engagement", linked=True)
    store, session = log_small(tmp_path_factory.mktemp("project"), linked)
    run = session.scorers["engagement"]
    version = registry.register(
        *(store, "golden"), run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags={"why": "test"}
    )
    return store, version, linked


def folder_of(store):
    (data,) = store.artifacts.rglob("scoring_model.json")
    return data.parents[1]


def test_the_registry_gives_back_a_scorer_with_the_same_scores(registered):
    store, version, linked = registered
    loaded = registry.load_version(store, registry.find_version(store, "golden", "@challenger"))
    pd.testing.assert_frame_equal(loaded.score(ROWS), linked.score(ROWS))
    assert version.number == 1
    assert version.aliases == ("challenger",)
    assert version.tags["why"] == "test"


def test_reading_a_version_writes_nothing_into_its_folder(registered):
    store, version, _ = registered
    folder = folder_of(store)
    before = {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))}
    registry.load_version(store, version)
    assert {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))} == before


def test_who_may_not_read_a_version_is_not_told_to_train_again(registered, monkeypatch):
    store, version, _ = registered

    def refused(folder, **_):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("powerml.tracking.model_files.manifest", refused)
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.R_OK)
    with pytest.raises(DataError, match=r"artifacts: cannot be read \(Permission denied\); give yourself the right"):
        registry.load_version(store, version)


def test_a_fresh_process_without_the_project_and_the_package_serves_it(registered, tmp_path):
    store, _, linked = registered
    rows = tmp_path / "rows.parquet"
    ROWS[METRICS].astype(float).to_parquet(rows)
    checkout = str(Path(powerml.__file__).parents[1])
    script = FRESH.format(checkout=checkout, folder=str(folder_of(store)), rows=str(rows))
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "PYTHON", "POWERML"))}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**kept, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    served = pd.DataFrame(answer["data"], columns=answer["columns"])
    expected = linked.score(ROWS[METRICS]).reset_index(drop=True)
    pd.testing.assert_frame_equal(served, expected, check_dtype=False, rtol=1e-12)


def test_the_signature_names_inputs_and_scoring_columns(registered):
    from mlflow.models import get_model_info

    store, _, linked = registered
    with connected(store):
        info = get_model_info(str(folder_of(store)))
    assert info.signature.inputs.input_names() == list(linked.columns)
    assert {kind.name for kind in info.signature.inputs.input_types()} == {"double"}
    assert info.signature.outputs.input_names() == list(linked.score(ROWS).columns)
    assert {"score", "band", "percentile", "p_churn", "churn_lift"} <= set(info.signature.outputs.input_names())


def test_it_answers_what_a_server_is_sent(registered):
    from mlflow.pyfunc import load_model
    from mlflow.pyfunc.scoring_server import infer_and_parse_data

    store, _, linked = registered
    rows = ROWS[list(linked.columns)].head(2)
    with connected(store):
        served = load_model(str(folder_of(store)))
        for sent in (
            {"dataframe_split": json.loads(rows.to_json(orient="split"))},
            {"dataframe_records": json.loads(rows.to_json(orient="records"))},
        ):
            read = infer_and_parse_data(sent, served.metadata.get_input_schema())
            assert served.predict(read)["score"].tolist() == linked.score(rows)["score"].tolist()


def test_there_is_no_pickle_in_the_model(registered):
    store, _, _ = registered
    endings = {path.suffix for path in folder_of(store).rglob("*") if path.is_file()}
    assert not endings & {".pkl", ".pickle", ".joblib", ".skops", ".cloudpickle"}


def test_it_brings_sources_and_declarations_and_nothing_that_lies_about(registered, monkeypatch, tmp_path):
    from powerml.tracking import model_files

    shipped = tmp_path / "configs"
    (shipped / "projects" / ".powerml").mkdir(parents=True)
    (shipped / "projects" / ".powerml" / "mine.yaml").write_text("secret")
    (shipped / "projects" / "crm.yaml").write_text("project: crm\n")
    (shipped / "projects" / "scores.csv").write_text("ada,99\n")
    monkeypatch.setattr(model_files, "configs", lambda: shipped)
    inside = zipfile.ZipFile(model_files._archive(tmp_path / "code.zip")).namelist()
    assert [name for name in inside if name.startswith("configs/")] == ["configs/projects/crm.yaml"]
    assert "powerml/tables.py" in inside
    store, _, _ = registered
    with zipfile.ZipFile(folder_of(store) / "artifacts" / "powerml.zip") as carried:
        assert {Path(name).suffix for name in carried.namelist()} <= {".py", ".yaml", ".typed"}


def test_a_model_is_few_files_and_its_archive_the_same_bytes_each_time(registered, tmp_path):
    from powerml.tracking import model_files

    store, _, _ = registered
    assert len([path for path in folder_of(store).rglob("*") if path.is_file()]) <= 12
    twice = [model_files._archive(tmp_path / name).read_bytes() for name in ("a.zip", "b.zip")]
    assert twice[0] == twice[1] == (folder_of(store) / "artifacts" / "powerml.zip").read_bytes()


def edited(folder):
    data = folder / "artifacts" / "scoring_model.json"
    data.write_text(data.read_text().replace('"weight": 8', '"weight": 80'))


def code_added(folder):
    (folder / "artifacts" / "extra.py").write_text("raise SystemExit('code from the model folder was run')\n")


def code_changed(folder):
    with zipfile.ZipFile(folder / "artifacts" / "powerml.zip", "a") as archive:
        archive.writestr("powerml/extra.py", "raise SystemExit('code from the model folder was run')")


def data_removed(folder):
    (folder / "artifacts" / "scoring_model.json").unlink()


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (edited, "its file 'artifacts/scoring_model.json' was changed since it was registered"),
        (code_added, "its file 'artifacts/extra.py' was added since it was registered"),
        (code_changed, "its file 'artifacts/powerml.zip' was changed since it was registered"),
        (data_removed, "its file 'artifacts/scoring_model.json' is gone since it was registered"),
    ],
)
def test_a_model_that_was_altered_is_not_used(tmp_path, tamper, message):
    store, session = log_small(tmp_path, model("activity", full_scale=50))
    run = session.scorers["activity"]
    version = registry.register(
        *(store, "golden"), run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags={}
    )
    tamper(folder_of(store))
    with pytest.raises(StoreError, match=message):
        registry.load_version(store, version)


def test_the_command_refuses_a_folder_whose_code_was_changed_and_runs_nothing_in_it(tmp_path):
    """Code is put wherever MLflow would run it, and the data are left as they were: `powerml score` still refuses."""
    (tmp_path / "powerml.yaml").write_text("project: golden\ntables: {events: {files: e.csv}}\nvocabulary: {}\n")
    store, session = log_small(tmp_path, model("activity", full_scale=50))
    run = session.scorers["activity"]
    version = registry.register(
        *(store, "golden"), run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags={}
    )
    registry.set_alias(store, version, "champion")
    folder, ran, out = folder_of(store), tmp_path / "ran", tmp_path / "scores.csv"
    planted = f"open({str(ran)!r}, 'w').close()\n"
    script = next(folder.rglob("served_model.py"))
    script.write_text(planted + script.read_text())
    with zipfile.ZipFile(folder / "artifacts" / "powerml.zip", "a") as archive:
        archive.writestr("sitecustomize.py", planted)
    ROWS.to_csv(tmp_path / "rows.csv", index=False)
    asked = ["score", "--metrics", tmp_path / "rows.csv", "-c", tmp_path / "powerml.yaml", "-o", out]
    done = subprocess.run(
        [sys.executable, "-m", "powerml", *map(str, asked)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stdout
    assert "was changed since it was registered, so it is not used" in done.stderr
    assert "Traceback" not in done.stderr
    assert not ran.exists()
    assert not out.exists()
