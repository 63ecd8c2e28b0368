"""Columns of a source's own never meet the names that plans make, whatever they are called."""

import ast
import re
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import powerml
from powerml.config.metrics import EVENT_WORDS
from powerml.config.project import load_project
from powerml.snapshots.needs import MADE, needed_until
from powerml.tables import TABLES, as_written, own_column
from tests.builders import opened, write_project

GOLDEN = Path(__file__).parents[1] / "golden" / "raw"
ODD = ["own day", "DAY", "Day", "a b", '"q"', "order", "select"]


def inner_names() -> list[str]:
    """Every word that the plans' own code makes a column of: its texts, its keywords, and what it reads of a table."""
    words: set[str] = set()
    for file in (Path(powerml.__file__).parent / "snapshots").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.add(node.value)
            elif isinstance(node, ast.keyword | ast.Attribute):
                words.add(str(node.arg if isinstance(node, ast.keyword) else node.attr))
    return sorted(word for word in words if re.fullmatch(r"[a-z_][a-z0-9_]{0,30}", word))


def test_there_are_inner_names_to_meet():
    assert {"ev", "rule", "uid", "cut", "ent", "at", "known", "first_t"} <= set(inner_names())


def measured(folder: Path, table: str, names: dict[str, str]) -> pd.DataFrame:
    """Metrics of golden's users over columns that are called so: the same numbers under every name."""
    folder.mkdir()
    for file in GOLDEN.glob("*"):
        (folder / file.name).write_bytes(file.read_bytes())
    rows = pd.read_csv(folder / f"{table}.csv", dtype=str, keep_default_na=False)
    numbers = [str(n * 37 % 11) for n in range(len(rows))]
    own = pd.DataFrame({column: numbers for column in names.values()})  # noqa: C420 - a copy of the list each
    pd.concat([rows, own], axis=1).to_csv(folder / f"{table}.csv", index=False)
    common = {"table": table, "window_days": 300, "unit": "x", "group": "usage"}
    metrics = []
    for name, column in names.items():
        metrics += [
            {"name": f"{name}_most", "measure": "max", "of": column, **common},
            {"name": f"{name}_some", "measure": "count", "where": {column: ["5", "7"]}, **common},
        ]
    (folder / "own.yaml").write_text(yaml.safe_dump(metrics))
    project = yaml.safe_load((folder / "powerml.yaml").read_text()) | {"metrics": ["own.yaml"]}
    (folder / "powerml.yaml").write_text(yaml.safe_dump(project))
    chosen = [metric["name"] for metric in metrics]
    return opened(folder / "powerml.yaml", chosen).build([date(2026, 2, 1)]).frame[chosen]


def same_whatever_they_are_called(tmp_path: Path, table: str, names: list[str]) -> None:
    taken = {*TABLES[table].names, *MADE.get(table, ()), *EVENT_WORDS}
    names = [name for name in names if name.lower() not in taken]
    inner = measured(tmp_path / "inner", table, {f"m{i}": name for i, name in enumerate(names)})
    plain = measured(tmp_path / "plain", table, {"m": "zz"})
    assert plain.notna().any().all()
    assert plain["m_some"].nunique() > 1
    for i, name in enumerate(names):
        for column in ("most", "some"):
            got, want = inner[f"m{i}_{column}"].to_numpy(float), plain[f"m_{column}"].to_numpy(float)
            np.testing.assert_allclose(got, want, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("events", ["ev", "rule", "mapped", "ignored", "known", "uid", "day", "n", "sid", "positive", *ODD]),
        ("tickets", ["t", "c", "at", "cut", "ent", "k", "day", "on", "since", "uid", "positive_", "live", *ODD]),
        ("subscriptions", ["t", "c", "plan_", "aid", "until", "start_t", "label", "value", "own label"]),
    ],
)
def test_a_column_may_be_called_as_the_plans_call_theirs(tmp_path, table, names):
    same_whatever_they_are_called(tmp_path, table, names)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(12))
def test_a_column_may_have_any_name_that_plans_use(tmp_path, part):
    same_whatever_they_are_called(tmp_path, "events", inner_names()[part::12])


@pytest.mark.parametrize("name", ["day", "Day", "DAY", "own day", "a 1", "A 1", "Ünï ($)", "", "7"])
def test_a_name_is_found_again(name):
    assert as_written(own_column(name)) == name


def test_names_that_differ_in_case_are_two_names_for_a_database_that_hears_no_case():
    names = ["day", "Day", "dAy", "DAY", "own Day", "Day 1", "day 1"]
    assert len({own_column(name).lower() for name in names}) == len(names)


@pytest.mark.parametrize(
    ("settings", "labels", "until"),
    [
        ({}, False, "2026-03-31 22:00"),
        ({}, True, None),
        ({"observed_until": "2026-06-30"}, False, "2026-03-31 22:00"),
        ({"observed_until": "2026-06-30"}, True, "2026-06-29 22:00"),
        ({"observed_until": "2026-06-30T12:00:00Z"}, True, "2026-06-30 12:00"),
        ({"observed_until": "2026-01-30"}, True, "2026-03-31 22:00"),
    ],
)
def test_no_event_behind_the_last_date_is_needed_but_for_outcomes(tmp_path, settings, labels, until):
    path = write_project(tmp_path, "user_id, event, time\n", timezone="Europe/Berlin", **settings)
    found = needed_until(load_project(path), [date(2026, 4, 1), date(2026, 2, 1)], outcomes=labels)
    assert (found and f"{found:%Y-%m-%d %H:%M}") == until
    assert needed_until(load_project(path), (), outcomes=False) is None
