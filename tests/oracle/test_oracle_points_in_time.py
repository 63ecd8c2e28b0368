"""The oracle itself never looks ahead."""

from __future__ import annotations

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.oracle.future import with_another_future
from tests.oracle.metrics import snapshot
from tests.oracle.world import worlds


@settings(max_examples=60, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])
@given(worlds(), st.integers(0, 2**32 - 1), st.sampled_from(["user", "account"]))
def test_the_future_changes_nothing(world, seed, entity):
    for as_of in world.cutoffs:
        other = with_another_future(world.project, as_of, seed)
        assert snapshot(other, as_of, entity=entity) == snapshot(world.project, as_of, entity=entity)
