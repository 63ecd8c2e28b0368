"""What must hold of every documented score, whatever the row."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from powerml.bands.ladder import assign
from powerml.scoring.explain.next_band import apply, recipe
from tests.scoring.sets import CATALOGUE, SETS, rows, scorer, values_of

FITTED = {name: scorer(name) for name in SETS}

some = settings(max_examples=20, deadline=None)


@pytest.mark.parametrize("name", SETS)
@some
@given(st.data())
def test_contributions_add_up_to_the_score_shown(name, data):
    table = data.draw(rows(name))
    given = FITTED[name].contributions(table)
    np.testing.assert_allclose(given.scores, FITTED[name].score_table(table)["score"], rtol=0, atol=1e-9)
    assert set(given.values.columns) <= set(FITTED[name].metrics_)
    assert given.mean.sum() + given.baseline == pytest.approx(given.scores.mean(), abs=1e-9)


@pytest.mark.parametrize("name", SETS)
@some
@given(st.data())
def test_a_row_scores_the_same_alone_as_in_a_batch(name, data):
    table = data.draw(rows(name))
    together = FITTED[name].score_table(table)
    alone = pd.concat([FITTED[name].score_table(table.iloc[[i]]) for i in range(len(table))])
    assert_frame_equal(together, alone, check_exact=True)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("fitted", [True, False])
@some
@given(st.data())
def test_row_order_and_column_order_do_not_matter(name, fitted, data):
    made = FITTED[name] if fitted else scorer(name, fitted=False)
    table = data.draw(rows(name))
    shuffled = table.loc[data.draw(st.permutations(list(table.index))), data.draw(st.permutations(list(table.columns)))]
    assert_frame_equal(made.score_table(table), made.score_table(shuffled).loc[table.index], check_exact=True)


@pytest.mark.parametrize("name", SETS)
@some
@given(st.data())
def test_scores_lie_between_0_and_100_and_have_one_band(name, data):
    table = data.draw(rows(name))
    made = FITTED[name]
    scored = made.score_table(table)
    assert scored["score"].between(0, 100).all()
    assert scored["coverage"].between(0, 1 + 1e-12).all()
    assert list(scored[made.band_column]) == list(assign(scored["score"], made.bands))
    np.testing.assert_array_equal(made.predict_score(table), scored["score"])


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        (name, metric)
        for name in SETS
        for metric in FITTED[name].metrics_
        if CATALOGUE[metric].direction != "none" and metric not in FITTED[name].card.exceptions
    ],
)
@settings(max_examples=10, deadline=None)
@given(st.data())
def test_more_of_a_good_thing_never_scores_less(name, metric, data):
    table = data.draw(rows(name, max_size=1))
    low, high = sorted(data.draw(st.tuples(*[st.sampled_from(values_of(metric))] * 2)))
    scores = [FITTED[name].predict_score(table.assign(**{metric: float(v)}))[0] for v in (low, high)]
    worse, better = scores if CATALOGUE[metric].direction == "up" else scores[::-1]
    assert better >= worse - 1e-9


def test_the_one_exception_is_listed_with_the_documents_words():
    """A team of one that gains as many as it loses is single (0 points), no longer shrinking (2 points)."""
    assert [(name, metric) for name in SETS for metric in FITTED[name].card.exceptions] == [
        ("engagement", "team_members_added_90d")
    ]
    assert "Single user only: 0 points" in str(FITTED["engagement"].card.exceptions["team_members_added_90d"].quote)
    single = pd.DataFrame([dict.fromkeys(FITTED["engagement"].metrics_, 0.0)]).assign(
        team_size=1.0, team_members_deactivated_90d=1.0, active_days_per_week_28d=5.0
    )
    losing, even = (
        FITTED["engagement"].predict_score(single.assign(team_members_added_90d=added))[0] for added in (0.0, 1.0)
    )
    assert losing - even == 2


@pytest.mark.parametrize("name", SETS)
@some
@given(st.data())
def test_the_recipe_for_the_next_band_reaches_it(name, data):
    table = data.draw(rows(name, max_size=1))
    made = FITTED[name]
    way = recipe(made, table, CATALOGUE)
    highest = made.score_table(table)[made.band_column].iloc[0] == made.bands.names[0]
    assert (way.next_band is None) == highest
    assert bool(way.moves) == (way.reached and not highest)
    for move in way.moves:
        facts = CATALOGUE[move.metric]
        assert facts.actionable
        assert move.target > move.value if facts.direction == "up" else move.target < move.value
    if way.moves:
        after = made.score_table(apply(way, table)).iloc[0]
        names = made.bands.names
        assert names.index(after[made.band_column]) <= names.index(way.next_band)
        assert after["score"] == pytest.approx(way.score_after, abs=1e-9)
