"""The champion behind `mlflow models serve`: both JSON forms say what `powerml score` says, bad input says why."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pandas as pd
import pytest

from powerml.tracking import registry
from powerml.tracking.store import environment
from tests.tracking.servers import answers_at, end, free_port, wait_until
from tests.tracking.small_session import ROWS, log_small, model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of a served champion, and the scorer as `powerml score` loads it."""
    folder = tmp_path_factory.mktemp("project")
    store, session = log_small(folder, model("engagement", linked=True))
    run = session.scorers["engagement"]
    version = registry.register(
        store, "golden", run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags={}
    )
    registry.set_alias(store, version, "champion")
    port = free_port()
    command = [
        *(sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/golden@champion"),
        *("--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)),
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it looks for uvicorn there
    env = {**kept, **environment(), "MLFLOW_TRACKING_URI": store.uri, "PATH": path}
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=nowhere, stderr=nowhere, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers_at(f"{address}/ping"), "mlflow models serve")
        yield address, registry.load_version(store, version)
    finally:
        end(process)


def asked(address, body):
    """Status and answer of the invocations endpoint."""
    request = urllib.request.Request(
        f"{address}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as told:
            return told.status, json.loads(told.read())
    except HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("form", ["split", "records"])
def test_both_forms_say_what_the_scorer_says(served, form):
    address, scoring = served
    rows = ROWS[list(scoring.columns)].astype(float)
    body = json.loads(rows.to_json(orient=form, double_precision=15))
    if form == "split":
        body.pop("index", None)
    status, told = asked(address, {f"dataframe_{form}": body})
    assert status == 200, told
    said, expected = pd.DataFrame(told["predictions"]), scoring.score(rows)
    assert list(said) == list(expected)
    for name in expected:
        if pd.api.types.is_numeric_dtype(expected[name]):
            assert said[name].to_numpy(float) == pytest.approx(expected[name].to_numpy(float), abs=1e-9, nan_ok=True)
        else:
            assert said[name].tolist() == expected[name].tolist()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"dataframe_records": [{"no_such_metric": 1}]}, "missing inputs"),
        ({"dataframe_records": [{"logins_30d": "many"}]}, "missing inputs|convert"),
        ({"rows": []}, "dataframe_split"),
    ],
)
def test_bad_input_is_refused_with_the_reason(served, body, why):
    status, told = asked(served[0], body)
    assert 400 <= status < 500
    assert re.search(why, told)
