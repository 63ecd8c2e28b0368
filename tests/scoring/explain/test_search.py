"""The search against brute force on small random cards."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.config.points import PointsSpec
from powerml.scoring.documented.points import PointsScorer
from powerml.scoring.explain.next_band import recipe

FACTS = dict.fromkeys("abcd", SimpleNamespace(direction="up", actionable=True, unit="events"))


@st.composite
def cards(draw):
    """Ladders over four counts, in any shape, some metrics read twice."""
    parts = {}
    for number, metric in enumerate(draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=5))):
        edges = sorted(draw(st.sets(st.integers(1, 4), min_size=1, max_size=3)), reverse=True)
        steps = [{"from": edge, "points": draw(st.integers(0, 30))} for edge in edges]
        steps.append({"points": draw(st.integers(0, 30))})
        parts[f"part_{number}"] = {"metric": metric, "missing": 0, "steps": steps}
    bands = {60: "High", 30: "Middle", 0: "Low"}
    return PointsScorer(PointsSpec.model_validate({"name": "mine", "kind": "points", "bands": bands, "parts": parts}))


@settings(max_examples=60, deadline=None)
@given(cards(), st.lists(st.integers(0, 4), min_size=4, max_size=4))
def test_no_way_moves_fewer_metrics(card, start):
    row = pd.DataFrame([dict(zip("abcd", map(float, start), strict=True))])
    way = recipe(card, row, FACTS)
    if way.next_band is None:
        return
    every = pd.DataFrame(list(product(*(range(now, 5) for now in start))), columns=list("abcd")).astype(float)
    reaching = every[card.predict_score(every) >= way.edge]
    assert way.reached == (len(reaching) > 0)
    if way.reached:
        moved = (reaching.to_numpy() != np.array(start)).sum(axis=1)
        assert len(way.moves) == moved.min()
