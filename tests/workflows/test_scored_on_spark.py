"""The champion on Spark: what it says of a snapshot is what `powerml score` says of it on one machine."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from powerml.cli import root
from powerml.errors import UsageError
from powerml.scoring.named import from_weights
from powerml.tracking import registry
from powerml.workflows.scored_on_spark import check_model
from tests.on_spark import needs_spark, on_spark
from tests.snapshots.test_golden import GOLDEN
from tests.tracking.small_session import log_small, model


def test_a_weight_set_has_no_ranks_to_place_a_partition_in():
    with pytest.raises(UsageError, match="engagement has no stored ranks to place them in; register it"):
        check_model(from_weights("engagement"), ranking="stored")


def test_rows_are_not_ranked_among_each_other():
    with pytest.raises(UsageError, match="--reference batch ranks all rows among each other; leave it out"):
        check_model(from_weights("engagement"), ranking="batch")


def scored(config, out):
    done = CliRunner().invoke(
        root, ["score", "-c", str(config), "--as-of", "2025-09-01", "-o", str(out), "--reasons", "top:2"]
    )
    assert done.exit_code == 0, done.output
    return pd.read_parquet(out), done.stdout


@needs_spark
def test_spark_scores_as_one_machine_does(tmp_path):
    project = on_spark(GOLDEN / "raw" / "powerml.yaml", tmp_path)
    text = yaml.safe_load((tmp_path / "on_spark.yaml").read_text())
    del text["engine"]
    (tmp_path / "duckdb.yaml").write_text(yaml.safe_dump(text))
    store, session = log_small(tmp_path, model("engagement", linked=True))
    run = session.scorers["engagement"]
    version = registry.register(
        store, project.project, run_id=run.run_id, model_uri=run.model_uri, manifest=run.manifest, tags={}
    )
    registry.set_alias(store, version, "champion")
    theirs, said = scored(tmp_path / "duckdb.yaml", tmp_path / "duckdb.parquet")
    ours, told = scored(tmp_path / "on_spark.yaml", tmp_path / "spark.parquet")
    apart = ["scored_at"]
    assert "scored" in set(theirs["status"])
    assert theirs["status"].nunique() > 1
    pd.testing.assert_frame_equal(ours.drop(columns=apart), theirs.drop(columns=apart), check_dtype=False, rtol=1e-9)
    assert said.replace("duckdb.parquet", "") == told.replace("spark.parquet", "")
