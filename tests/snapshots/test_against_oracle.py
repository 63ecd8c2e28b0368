"""The engine against the oracle (tests/oracle), a slow implementation in plain loops, on worlds made of traps."""

from __future__ import annotations

import os

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.oracle.comparison import differences, engine_frame, oracle_rows
from tests.oracle.world import worlds

# Always the same worlds, few because each reads files and plans the whole catalogue; ORACLE_EXAMPLES=100 looks further.
EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "2"))
# A world grows from a seed, so there is nothing to shrink.
FEW = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)
ONE = settings(FEW, max_examples=1)


@pytest.mark.parametrize("entity", ["user", "account"])
def test_every_metric_and_label_of_every_entity(entity, tmp_path_factory):
    @FEW
    @given(worlds())
    def check(world):
        frame = engine_frame(world.project, world.cutoffs, tmp_path_factory.mktemp("world"), entity=entity)
        rows = oracle_rows(world.project, world.cutoffs, entity=entity)
        assert differences(frame, rows, entity=entity) == []

    check()


@pytest.mark.parametrize("entity", ["user", "account"])
@ONE
@given(world=worlds())
def test_two_cutoffs_at_once_equal_one_at_a_time(world, entity, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    cutoffs = sorted(world.cutoffs[2:])
    together = engine_frame(world.project, cutoffs, folder, entity=entity)
    apart = pd.concat([engine_frame(world.project, [as_of], folder, entity=entity) for as_of in cutoffs])
    pd.testing.assert_frame_equal(together, apart.reset_index(drop=True), rtol=1e-12)


@ONE
@given(world=worlds(accounts=3, events=4000), entity=st.sampled_from(["user", "account"]))
def test_event_names_by_the_thousand(world, entity, tmp_path_factory):
    events = world.project.tables["events"]
    for number, row in enumerate(events):
        if number % 2:
            row["event"] = f"generated {number}"
    assert len({row["event"] for row in events}) > 2000
    frame = engine_frame(world.project, world.cutoffs[:2], tmp_path_factory.mktemp("world"), entity=entity)
    assert differences(frame, oracle_rows(world.project, world.cutoffs[:2], entity=entity), entity=entity) == []
