"""The engine against the oracle (tests/oracle), a slow implementation in plain loops, on worlds made of traps."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.comparison import differences, engine_frame, oracle_rows
from tests.oracle.runs import tried
from tests.oracle.world import worlds


@pytest.mark.parametrize("entity", ["user", pytest.param("account", marks=pytest.mark.slow)])
def test_every_metric_and_label_of_every_entity(entity, tmp_path_factory):
    @tried(1 / 2, salt=entity)  # half the worlds by user, half by account
    @given(worlds())
    def check(world):
        frame = engine_frame(world.project, world.cutoffs, tmp_path_factory.mktemp("world"), entity=entity)
        rows = oracle_rows(world.project, world.cutoffs, entity=entity)
        assert differences(frame, rows, entity=entity) == []

    check()


@pytest.mark.slow
@pytest.mark.parametrize("entity", ["user", "account"])
@tried(1 / 20)
@given(world=worlds())
def test_two_cutoffs_at_once_equal_one_at_a_time(world, entity, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    cutoffs = sorted(world.cutoffs[2:])
    together = engine_frame(world.project, cutoffs, folder, entity=entity)
    apart = pd.concat([engine_frame(world.project, [as_of], folder, entity=entity) for as_of in cutoffs])
    pd.testing.assert_frame_equal(together, apart.reset_index(drop=True), rtol=1e-12)


@tried(1 / 20)
@given(world=worlds(accounts=3, events=4000), entity=st.sampled_from(["user", "account"]))
def test_event_names_by_the_thousand(world, entity, tmp_path_factory):
    events = world.project.tables["events"]
    for number, row in enumerate(events):
        if number % 2:
            row["event"] = f"generated {number}"
    assert len({row["event"] for row in events}) > 2000
    frame = engine_frame(world.project, world.cutoffs[:2], tmp_path_factory.mktemp("world"), entity=entity)
    assert differences(frame, oracle_rows(world.project, world.cutoffs[:2], entity=entity), entity=entity) == []
