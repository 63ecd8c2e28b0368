"""A snapshot knows nothing of what happened at its cutoff or later: another future, the same snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powerml.config.metrics import catalogue
from powerml.config.project import load_project
from powerml.workflows.project import open_project
from tests.oracle.future import with_another_future
from tests.oracle.project import Project, write_project
from tests.oracle.runs import tried
from tests.oracle.world import worlds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

SEEDS = st.integers(0, 2**32 - 1)


def snapshot(
    project: Project, cutoffs: Sequence[date], folder: Path, *, entity: str, parquet: bool = False, cache: bool = False
) -> pd.DataFrame:
    path = write_project(project, folder, entity=entity, parquet=parquet)
    return open_project(load_project(path), cache=cache).build(cutoffs).frame


@pytest.mark.parametrize("entity", ["user", pytest.param("account", marks=pytest.mark.slow)])
def test_the_future_changes_no_metric(entity, tmp_path_factory):
    @tried(1 / 2, salt=entity)  # half the worlds by user, half by account
    @given(worlds(), SEEDS)
    def check(world, seed):
        as_of = world.cutoffs[:1]
        before = snapshot(world.project, as_of, tmp_path_factory.mktemp("world"), entity=entity)
        other = with_another_future(world.project, as_of[0], seed)
        assert other.tables["events"] != world.project.tables["events"]
        after = snapshot(other, as_of, tmp_path_factory.mktemp("other"), entity=entity)
        assert set(catalogue()) <= set(before.columns)
        pd.testing.assert_frame_equal(before, after, rtol=1e-12)

    check()


@pytest.mark.slow
@tried(1 / 10)
@given(world=worlds(), seed=SEEDS, entity=st.sampled_from(["user", "account"]))
def test_nor_does_it_with_the_cache(world, seed, entity, tmp_path_factory):
    as_of, folder = world.cutoffs[0], tmp_path_factory.mktemp("world")
    before = snapshot(world.project, [as_of], folder, entity=entity, parquet=True, cache=True)
    other = with_another_future(world.project, as_of, seed)
    warm = snapshot(other, world.cutoffs, folder, entity=entity, parquet=True, cache=True)
    assert any((folder / ".powerml" / "cache").iterdir())
    cold = snapshot(other, world.cutoffs, tmp_path_factory.mktemp("other"), entity=entity)
    pd.testing.assert_frame_equal(warm, cold, rtol=1e-12)
    after = warm[warm["as_of"] == pd.Timestamp(as_of)].reset_index(drop=True)
    pd.testing.assert_frame_equal(before, after, rtol=1e-12)
