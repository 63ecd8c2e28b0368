"""Spark beside the golden vectors: every metric to 1e-9, every label, both golden projects, users and accounts."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from powerml.config.metrics import catalogue
from powerml.workflows.snapshot import write_snapshots
from tests.on_spark import NEEDS_SPARK, on_spark
from tests.snapshots.test_golden import GOLDEN, PROJECT_FILE, check_labels, expected, same, snapshot

pytestmark = NEEDS_SPARK
KINDS = {"user": "behavioural", "account": "contract"}
LABELS = {"user": "expected_behavioural_labels.csv", "account": "expected_labels.csv"}


@pytest.mark.parametrize("entity", ["user", "account"])
@pytest.mark.parametrize("folder", ["raw", "raw_new_york"])
def test_spark_gives_the_golden_metrics_and_labels(folder, entity, tmp_path):
    outcome = {"kind": KINDS[entity], "horizon_days": 90, "grace_days": 30, "min_rise": 0.02}
    project = on_spark(GOLDEN / folder / PROJECT_FILE[entity], tmp_path, outcome=outcome)
    theirs = expected(folder, f"expected_{entity}_metrics.csv")
    cutoffs = [day.date() for day in theirs["as_of"].unique()]
    out = tmp_path / "snapshot.parquet"
    written = write_snapshots(project, out, as_of=cutoffs, labels=True)
    ours = pd.read_parquet(out)
    assert (written.rows, len(written.dates)) == (len(ours), 6)
    assert isinstance(ours["as_of"].iloc[0], date)
    ours["as_of"] = pd.to_datetime(ours["as_of"])
    keys = ["as_of", f"{entity}_id"]
    assert ours[keys].to_numpy().tolist() == theirs.sort_values(keys)[keys].to_numpy().tolist()
    both = ours.merge(theirs, on=keys, suffixes=("", "_expected"))
    wrong = {m: int((~same(both[m], both[f"{m}_expected"])).sum()) for m in catalogue()}
    assert {metric: rows for metric, rows in wrong.items() if rows} == {}
    check_labels(ours, expected(folder, LABELS[entity]), keys[1])
    _as_duckdb(ours, snapshot(folder, entity))
    assert not list((project.state / "spark").iterdir())  # nothing put aside is left


def _as_duckdb(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """The same table as the other engine gives, to 1e-9."""
    assert list(ours) == list(theirs)
    for name in theirs:
        if pd.api.types.is_float_dtype(theirs[name]):
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-9, err_msg=name)
        else:
            assert ours[name].astype(object).where(ours[name].notna(), None).tolist() == (
                theirs[name].astype(object).where(theirs[name].notna(), None).tolist()
            ), name
