"""Where a project's store is, and that a login in its address is nowhere said."""

from __future__ import annotations

import re

import pytest

from powerml.config.project import load_project
from powerml.errors import DataError
from powerml.tracking.address import TRACKING_URI, hide_secrets, named_address, without_secrets
from powerml.tracking.elsewhere import store_sentence
from powerml.tracking.store import Store, store_of

SECRET = "postgresql://ada:s3c%72et@db.example.org:5432/mlflow?sslpassword=hush"


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.delenv(TRACKING_URI, raising=False)

    def made(**settings):
        lines = "".join(f"{key}: {value}\n" for key, value in settings.items())
        (tmp_path / "powerml.yaml").write_text(
            f"project: golden\ntables: {{events: {{files: e.csv}}}}\nvocabulary: {{}}\n{lines}"
        )
        return load_project(tmp_path / "powerml.yaml")

    return made


def test_it_is_the_project_s_own_by_default(project):
    assert store_of(project()).is_own


def test_the_project_names_it_and_else_the_environment(project, monkeypatch):
    monkeypatch.setenv(TRACKING_URI, "http://from.environment:5000")
    monkeypatch.setenv("MLFLOW_HOST", "tracking")
    assert store_of(project()).address == "http://from.environment:5000"
    assert store_of(project(tracking_uri="http://${MLFLOW_HOST}.example.org")).address == "http://tracking.example.org"


def test_a_variable_that_is_not_set_is_named(project, monkeypatch):
    monkeypatch.delenv("NO_SUCH_STORE", raising=False)
    with pytest.raises(DataError, match=r"\$\{NO_SUCH_STORE\} is used, but that environment variable is not set"):
        store_of(project(tracking_uri="${NO_SUCH_STORE}"))


def test_its_own_file_by_its_address_is_its_own(project, tmp_path):
    assert store_of(project(tracking_uri="sqlite:///.powerml/mlflow.db")).is_own
    other = store_of(project(tracking_uri="sqlite:///shared/mlflow.db"))
    assert other.address == f"sqlite:///{tmp_path}/shared/mlflow.db"


def test_files_go_where_it_is_said(project, tmp_path):
    postgres = store_of(project(tracking_uri="postgresql://db/mlflow", artifact_location="runs"))
    assert postgres.artifact_root == (tmp_path / "runs").as_uri()
    server = store_of(project(tracking_uri="http://mlflow.example.org", artifact_location="s3://bucket/runs"))
    assert server.artifact_root == "s3://bucket/runs"
    assert store_of(project(tracking_uri="http://mlflow.example.org")).artifact_root is None


def test_postgresql_is_spoken_with_the_driver_that_is_there(project):
    pytest.importorskip("psycopg")
    assert named_address(project(tracking_uri="postgres://db/mlflow"), Store(project().state).database) == (
        "postgresql+psycopg://db/mlflow"
    )


@pytest.mark.parametrize("said", [
    f"could not translate {SECRET}", "login ada:s3c%72et@ refused", "password s3cret is wrong", "s3c%72et",
    "?sslpassword=hush",
])  # fmt: skip
def test_no_message_holds_the_login(said):
    hidden = hide_secrets(said, SECRET)
    assert not [secret for secret in ("s3cret", "s3c%72et", "hush") if secret in hidden]
    assert not [secret for secret in ("s3cret", "s3c%72et", "hush") if secret in store_sentence(SECRET, said)]


def test_neither_does_the_store_itself(tmp_path):
    store = Store(tmp_path, SECRET)
    assert "s3c" not in repr(store)
    assert store.shown == without_secrets(SECRET) == "postgresql://db.example.org:5432/mlflow"
    assert not [word for word in [*store.command(), *store.served_address_shown] if "s3c" in word]


@pytest.mark.parametrize(("said", "why"), [
    ("Max retries exceeded ... [Errno 111] Connection refused", r"cannot be reached \(connection refused\)"),
    ("Read timed out. (read timeout=10)", r"cannot be reached \(no answer in time\)"),
    ("[Errno -2] Name or service not known", r"cannot be reached \(no such host\)"),
    ("API request to endpoint /api failed with error code 403 != 200", "refuses the login"),
    ('connection failed: FATAL:  password authentication failed for user "ada"', "refuses the login"),
    ("Detected out-of-date database schema (found version a, but expected b)", "was made by another MLflow"),
    ("Run 'e4017f2' not found", "MLflow cannot do this"),
])  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence_with_a_fix(said, why):
    told = store_sentence(SECRET, said)
    assert re.match(rf"postgresql://db\.example\.org:5432/mlflow: {why}.*(; |MLFLOW_TRACKING)", told)
