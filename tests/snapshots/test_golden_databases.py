"""The golden vectors again, the tables in a DuckDB file and on a PostgreSQL server."""

from __future__ import annotations

import shutil
from datetime import datetime

import pytest
import yaml

from powerml.config.project import load_project
from powerml.snapshots.needs import needed_until
from powerml.workflows.project import open_project, until_when
from tests.snapshots.test_golden import GOLDEN, PROJECT_FILE, check_labels, expected, same
from tests.sources.warehouse import TABLES, fill_duckdb, fill_postgres

EARLY = "2025-04-01T00:00:00Z"  # the first date of the expected metrics


def check(folder, entity, database):
    """Metrics and labels of a copy of the golden project whose tables are in a database."""
    shutil.copy(GOLDEN / "raw" / "vocabulary.json", folder / "vocabulary.json")
    declared = yaml.safe_load((GOLDEN / "raw" / PROJECT_FILE[entity]).read_text())
    declared["tables"] = {table: {"database": database, "table": table} for table in TABLES}
    if entity == "user":
        declared["outcome"]["kind"] = "behavioural"
    (folder / "powerml.yaml").write_text(yaml.safe_dump(declared))
    theirs = expected("raw", f"expected_{entity}_metrics.csv")
    opened = open_project(load_project(folder / "powerml.yaml"))
    ours = opened.build(list(theirs["as_of"].dt.date.unique()), labels=True).frame
    keys = ["as_of", f"{entity}_id"]
    both = ours.merge(theirs, on=keys, suffixes=("", "_expected"))
    assert len(both) == len(theirs) == len(ours)
    metrics = [column for column in theirs if column not in (*keys, "enough_history")]
    wrong = {m: int((~same(both[m], both[f"{m}_expected"])).sum()) for m in metrics}
    assert {metric: rows for metric, rows in wrong.items() if rows} == {}
    labels = "expected_labels.csv" if entity == "account" else "expected_behavioural_labels.csv"
    check_labels(ours, expected("raw", labels), keys[1])


@pytest.mark.slow
@pytest.mark.parametrize("entity", ["user", "account"])
def test_a_duckdb_file(tmp_path, entity):
    fill_duckdb(tmp_path / "golden.duckdb")
    check(tmp_path, entity, {"file": "golden.duckdb"})


@pytest.mark.slow
def test_a_postgresql_server(tmp_path, monkeypatch):
    psycopg = pytest.importorskip("psycopg")
    from tests.tracking.servers import postgres

    with postgres() as address:
        monkeypatch.setenv("WAREHOUSE", address)
        with psycopg.connect(address) as con:
            fill_postgres(con)
            sent = con.execute("SELECT count(*) FROM events WHERE time IS NULL OR time < %s", [EARLY]).fetchone()
        for entity in ("user", "account"):
            (tmp_path / entity).mkdir()
            check(tmp_path / entity, entity, {"url_env": "WAREHOUSE"})
        assert check_early(tmp_path / "user") == sent


def check_early(folder):
    """The metrics of the first date, for which later rows are not asked for; gives how many were sent."""
    project, theirs = load_project(folder / "powerml.yaml"), expected("raw", "expected_user_metrics.csv")
    (day, *later) = sorted(set(theirs["as_of"].dt.date))
    assert later
    assert needed_until(project, [day], outcomes=False) == datetime.fromisoformat(EARLY[:-1])
    opened = open_project(project, until=until_when(project, [day], labels=False))
    ours = opened.build([day]).frame
    both = ours.merge(theirs, on=["as_of", "user_id"], suffixes=("", "_expected"))
    assert len(both) == len(ours) == (theirs["as_of"].dt.date == day).sum()
    metrics = [column for column in theirs if column not in ("as_of", "user_id", "enough_history")]
    assert all(same(both[m], both[f"{m}_expected"]).all() for m in metrics)
    report = opened.loaded.report.set_index("table")
    return (report.loc["events", "rows"],)
