"""Families of metrics: who is in one, that reasons add up, and that no two of them contradict each other."""

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.scoring.contributions import Contributions
from powerml.scoring.explain.text import reasons_json
from powerml.scoring.families import ALIKE, Families
from powerml.scoring.model import ScoringModel
from powerml.scoring.outcome.model import NestedOutcomeModel

some = settings(max_examples=25, deadline=None)


def near_copies(rng, rows=600, groups=4, copies=3):
    """Metrics in groups that hardly differ, some turned round or with nulls, and one of categories."""
    frame = {}
    for group in range(groups):
        base = rng.gamma(2.0, 3.0, rows)
        for copy in range(copies):
            sign = -1.0 if (group + copy) % 3 == 2 else 1.0
            column = sign * base + rng.normal(0, 0.8, rows)
            column[rng.random(rows) < 0.05 * copy] = np.nan
            frame[f"m{group}{copy}"] = column
    return pd.DataFrame(frame)


def trained(seed, head):
    rng = np.random.default_rng(seed)
    X = near_copies(rng)
    z = (X["m00"].fillna(6) - X["m10"].fillna(6)) / 3
    left = rng.random(len(X)) < 1 / (1 + np.exp(1 + z))
    grew = rng.random(len(X)) < 1 / (1 + np.exp(1 - z))
    y = np.where(left, "churn", np.where(grew, "expand", "stay"))
    return X, ScoringModel(NestedOutcomeModel(head, calibration="identity").fit(X, y)).with_families(X)


MODELS = {(seed, head): trained(seed, head) for seed in (21, 22) for head in ("logistic", "lightgbm")}


@pytest.mark.parametrize("key", MODELS)
def test_among_the_three_largest_reasons_no_two_of_opposite_sign_come_from_alike_metrics(key):
    X, model = MODELS[key]
    near = np.maximum(X.corr().abs(), X.corr(method="spearman").abs())
    found = reasons_json(model.reasons(X), X, top=3)
    opposite = [
        (one, other)
        for text in found
        for one, other in combinations(json.loads(text), 2)
        if one["contribution"] * other["contribution"] < 0
    ]
    assert opposite
    for one, other in opposite:
        for a in [one["metric"], *one.get("with", [])]:
            for b in [other["metric"], *other.get("with", [])]:
                assert near.loc[a, b] <= ALIKE
    single = reasons_json(Families().reasons(model.contributions(X), X), X, top=3)  # without families they do
    assert any(
        one["contribution"] * other["contribution"] < 0 and near.loc[one["metric"], other["metric"]] > ALIKE
        for text in single
        for one, other in combinations(json.loads(text), 2)
    )


@pytest.mark.parametrize("key", MODELS)
@some
@given(st.data())
def test_all_reasons_and_the_baseline_add_up_to_the_score_shown(key, data):
    X, model = MODELS[key]
    rows = X.iloc[data.draw(st.lists(st.integers(0, len(X) - 1), min_size=1, max_size=5, unique=True))].copy()
    for name in data.draw(st.lists(st.sampled_from(list(X)), max_size=3)):
        rows[name] = data.draw(st.sampled_from([np.nan, 0.0, -1e6, 1e6]))
    reasons = model.reasons(rows)
    own = model.contributions(rows).values.reset_index(drop=True)
    shown = model.score(rows)["score"]
    for row, (text, score) in enumerate(zip(reasons_json(reasons, rows, top=None), shown, strict=True)):
        told = json.loads(text)
        assert sum(reason["contribution"] for reason in told) + reasons.baseline == pytest.approx(score, abs=1e-6)
        assert [abs(r["contribution"]) for r in told] == sorted((abs(r["contribution"]) for r in told), reverse=True)
        for reason in told:  # the others inside hold the rest of the effect
            inside = own.loc[row, [reason["metric"], *reason.get("with", [])]].sum()
            assert inside == pytest.approx(reason["contribution"], abs=1e-9)


@some
@given(
    st.integers(2, 6).flatmap(
        lambda k: st.tuples(
            st.lists(st.lists(st.floats(-50, 50), min_size=k, max_size=k), min_size=1, max_size=4),
            st.lists(st.integers(0, 2), min_size=k, max_size=k),
        )
    )
)
def test_sums_hold_for_any_contributions_and_any_families(drawn):
    values, family = drawn
    names = [f"m{i}" for i in range(len(family))]
    groups = [tuple(n for n, f in zip(names, family, strict=True) if f == g) for g in set(family)]
    families = Families(tuple(g for g in groups if len(g) > 1))
    contributions = Contributions(pd.DataFrame(values, columns=names), 42.0)
    frame = pd.DataFrame(np.nan, index=contributions.values.index, columns=names)
    reasons = families.reasons(contributions, frame)
    np.testing.assert_allclose(reasons.effects.sum(axis=1) + reasons.baseline, contributions.scores, atol=1e-6)
    assert sorted(column for members in reasons.members for column in members) == list(range(len(names)))
    for place, members in enumerate(reasons.members):
        for row, column in enumerate(reasons.named[:, place]):
            assert column in members
            effect, own = reasons.effects[row, place], reasons.given[row]
            assert own[column] * np.sign(effect) == max(own[m] * np.sign(effect) for m in members)


def test_families_are_what_hangs_together_and_begin_with_the_weightiest():
    X = near_copies(np.random.default_rng(23)).assign(plan="pro", lone=np.random.default_rng(24).normal(size=600))
    found = Families.learn(X, list(X), shares={"m01": 30.0, "m12": 5.0})
    assert [set(group) for group in found.groups] == [{f"m{g}{c}" for c in range(3)} for g in range(4)]
    assert [group[0] for group in found.groups] == ["m01", "m12", "m20", "m30"]
    assert found.usual["plan"] == "pro"
    assert found.usual["lone"] == pytest.approx(0.0, abs=0.1)
    assert found.leads["m00"] == "m01"


def test_a_reason_is_named_by_what_did_most_and_is_least_usual():
    values = pd.DataFrame({"a": [-5.0, -5.0, -1.0], "b": [-4.0, -4.0, 3.0]})
    frame = pd.DataFrame({"a": [36.4, 90.0, 1.0], "b": [0.0, np.nan, 5.0]})
    families = Families((("a", "b"),), {"a": 36.7, "b": 2.0})
    found = families.reasons(Contributions(values, 50.0), frame)
    assert [found.metrics[column] for column in found.named[:, 0]] == ["b", "a", "b"]
    assert found.effects[:, 0].tolist() == [-9.0, -9.0, 2.0]


def test_few_rows_make_no_families():
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0], "empty": [np.nan] * 3})
    found = Families.learn(X, list(X), shares={})
    assert found.groups == ()
    assert found.usual.pop("empty") is None  # what most rows do not know
    assert found.usual == pytest.approx({"a": 1.91, "b": 1.91}, abs=0.01)
    assert Families.learn(X.head(0), list(X), shares={}) == Families()


def test_a_stored_model_keeps_its_families_and_scores_without_training_rows():
    X, model = MODELS[21, "logistic"]
    again = ScoringModel.from_dict(json.loads(json.dumps(model.to_dict(), allow_nan=False)))
    assert again.families == model.families
    assert again.families.groups
    assert list(reasons_json(again.reasons(X), X, top=3)) == list(reasons_json(model.reasons(X), X, top=3))


def test_a_model_stored_before_there_were_families_takes_every_metric_for_itself():
    X, model = MODELS[21, "logistic"]
    written = model.to_dict()
    del written["families"]
    old = ScoringModel.from_dict(written)
    assert old.families == Families()
    assert old.reasons(X).effects.shape == (len(X), 12)
    np.testing.assert_allclose(old.score(X)["score"], model.score(X)["score"])
