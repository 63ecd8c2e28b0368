import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powerml.errors import DataError
from powerml.validation.review.answers import review


def shares(rows):
    return pd.DataFrame(rows, columns=["depth", "tenure"])


def alone(n):
    return [f"account {i}" for i in range(n)]


def test_what_lifts_the_no_is_overweighted():
    """Four no's live on tenure, ten yes's on depth: the exact p is 1 of the 1,001 ways to deal out four answers."""
    rows = [(20 + i, 80 - i) for i in range(4)] + [(60 + i, 40 - i) for i in range(10)]
    told = review(["no"] * 4 + ["yes"] * 10, shares(rows), groups=alone(14))
    table = told.table.set_index("part")
    assert table["answer"].to_dict() == {"depth": "underweighted", "tenure": "overweighted"}
    assert table.loc["tenure", "p_value"] == pytest.approx(1 / math.comb(14, 4))
    assert told.lean == {"depth": 1.0, "tenure": -1.0}
    assert "tenure is overweighted: tenure gives the no's 78 % of their score and the yes's 36 %" in told.sentences[3]
    assert told.proven


def test_what_the_missing_live_on_is_underweighted():
    rows = [(60 + i, 40 - i) for i in range(5)] + [(30 + i, 70 - i) for i in range(8)]
    told = review(["missing"] * 5 + ["yes"] * 8, shares(rows), groups=alone(13))
    assert told.table.set_index("part")["answer"].to_dict() == {"depth": "underweighted", "tenure": "overweighted"}


def test_two_answers_cannot_tell_and_say_why():
    told = review(["no", "yes", "yes", "yes"], shares([(20, 80), (60, 40), (61, 39), (59, 41)]), groups=alone(4))
    assert set(told.table["answer"]) == {"cannot tell"}
    assert not told.proven
    assert "No against yes: cannot tell." in told.sentences[2]
    assert "So few answers could not have shown any (p is 0.25 at best, 2 comparisons)." in told.sentences[2]
    assert told.lean["tenure"] == -1.0  # the direction is told all the same


def test_rows_of_one_account_count_once():
    rows = [(20, 80)] * 6 + [(60 + i, 40 - i) for i in range(6)]
    told = review(["no"] * 6 + ["yes"] * 6, shares(rows), groups=["one"] * 6 + alone(6))
    assert (told.table[["n", "n_yes"]].to_numpy() == [1, 6]).all()
    assert set(told.table["answer"]) == {"cannot tell"}


def test_counts_and_what_there_is_nothing_to_compare_with():
    told = review(["yes"] * 9 + ["no"], shares([(50, 50)] * 10), groups=alone(10), unanswered=3)
    assert told.sentences[0] == "9 yes, 1 no, 0 missing, 3 without an answer."
    assert told.sentences[1].startswith("90 % of the judged rows belong there (n = 10, 60 to 98 %)")
    assert set(told.lean.values()) == {0.0}
    assert "pass this review" in review(["yes"], shares([(1, 2)]), groups=["a"]).sentences[-1]
    assert "nothing to compare" in review(["no"], shares([(1, 2)]), groups=["a"]).sentences[-1]


def test_wrong_answers_are_named():
    with pytest.raises(DataError, match=r"'maybe' is no answer; answers are yes, no, missing"):
        review(["maybe"], shares([(1, 2)]), groups=["a"])
    with pytest.raises(DataError, match="no row has an answer"):
        review([], shares([]), groups=[])


@given(st.lists(st.integers(0, 20), min_size=5, max_size=8), st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_the_permutation_is_exact(values, n):
    """Against a plain loop over all splits."""
    rows = shares([(v, 100 - v) for v in values])
    told = review(["no"] * n + ["yes"] * (len(values) - n), rows, groups=alone(len(values))).table

    def difference(chosen):
        ours = [values[i] for i in chosen]
        others = [v for i, v in enumerate(values) if i not in chosen]
        return abs(np.mean(ours) - np.mean(others))

    seen = difference(range(n))
    splits = [difference(c) for c in combinations(range(len(values)), n)]
    exact = np.mean([s >= seen - 1e-9 for s in splits])
    assert told.loc[told["part"] == "depth", "p_value"].item() == pytest.approx(exact)


def test_noise_is_rarely_called_anything():
    """Answers at random, five parts, 15 yes and 5 no: Holm holds the whole review to 5 %."""
    claims = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rows = pd.DataFrame(rng.dirichlet(np.ones(5), 20) * 100, columns=list("abcde"))
        claims += review(["no"] * 5 + ["yes"] * 15, rows, groups=alone(20)).proven
    assert claims <= 8  # 3 expected; more than 8 has a chance below 1 %
