"""The oracle itself against the golden vectors: every metric, every label, nulls as nulls, 1e-9."""

from __future__ import annotations

import csv
import dataclasses
from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest

from tests.oracle.labels import labels
from tests.oracle.metrics import snapshot
from tests.oracle.project import read_project

GOLDEN = Path(__file__).parents[1] / "golden"


def expected(path: Path) -> dict[date, list[dict[str, str]]]:
    by_cutoff = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            by_cutoff[date.fromisoformat(row["as_of"])].append(row)
    return by_cutoff


def differences(ours: dict, theirs: dict[str, str]) -> list[tuple[str, object, str]]:
    bad = []
    for column, text in theirs.items():
        value = ours[column]
        if text in ("", "True", "False") or column in ("as_of", "user_id", "account_id"):
            same = ("" if value is None else str(value)) == text
        else:
            same = value is not None and abs(value - float(text)) <= 1e-9 * max(1.0, abs(value))
        if not same:
            bad.append((column, value, text))
    return bad


@pytest.mark.parametrize("entity", ["user", "account"])
@pytest.mark.parametrize("folder", ["raw", "raw_new_york"])
def test_metrics(folder, entity):
    project = read_project(GOLDEN / folder)
    wrong = []
    for as_of, rows in expected(GOLDEN / folder / f"expected_{entity}_metrics.csv").items():
        ours = {row[f"{entity}_id"]: row for row in snapshot(project, as_of, entity=entity)}
        assert len(rows[0]) == 63
        wrong += [(str(as_of), "absent", row) for row in {r[f"{entity}_id"] for r in rows} - set(ours)]
        wrong += [(str(as_of), "extra", row) for row in set(ours) - {r[f"{entity}_id"] for r in rows}]
        for row in rows:
            found = differences(ours[row[f"{entity}_id"]], row) if row[f"{entity}_id"] in ours else []
            wrong += [(str(as_of), row[f"{entity}_id"], *what) for what in found]
    assert wrong == []


@pytest.mark.parametrize("folder", ["raw", "raw_new_york", "contracts"])
def test_contract_labels(folder):
    project = read_project(GOLDEN / folder)
    for as_of, rows in expected(GOLDEN / folder / "expected_labels.csv").items():
        names = [row["account_id"] for row in rows]
        assert labels(project, as_of, entity="account", names=names) == {r["account_id"]: r["label"] for r in rows}


@pytest.mark.parametrize("folder", ["raw", "raw_new_york"])
def test_behavioural_labels(folder):
    project = read_project(GOLDEN / folder)
    project = dataclasses.replace(project, settings=dataclasses.replace(project.settings, outcome="behavioural"))
    for as_of, rows in expected(GOLDEN / folder / "expected_behavioural_labels.csv").items():
        names = [row["user_id"] for row in rows]
        assert labels(project, as_of, entity="user", names=names) == {r["user_id"]: r["label"] for r in rows}
