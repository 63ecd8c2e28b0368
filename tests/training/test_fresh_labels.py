"""Two versions on labels that ripened since: only rows whose outcomes neither knows, paired, by account."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from powerml.scoring.learned import Learned
from powerml.training.fresh_labels import compare_fresh
from powerml.training.rows import Rows


class Says:
    """A scorer that gives the outcome that came so much probability."""

    def __init__(self, right):
        self.right = right

    def score(self, frame):
        said = {
            f"p_{o}": np.where(frame["label"] == o, self.right, (1 - self.right) / 2)
            for o in ("churn", "stay", "expand")
        }
        return pd.DataFrame({"score": 50.0, **said}, index=frame.index)


@pytest.fixture(scope="module")
def labelled():
    days = pd.date_range("2026-01-01", periods=6, freq="MS")
    rows = [
        {"as_of": day, "user_id": f"u{i}", "label": ("churn", "stay", "expand")[(i + month) % 3]}
        for month, day in enumerate(days)
        for i in range(90)
    ]
    return Rows(pd.DataFrame(rows), "user_id", 30)


def learned(until, outcomes_until):
    return Learned(pd.Timestamp(until), pd.Timestamp("2025-06-01"), pd.Timestamp(outcomes_until))


OLD, NEW = learned("2026-01-01", "2026-01-31"), learned("2026-03-01", "2026-03-31")


@pytest.mark.parametrize(("right", "answer"), [(0.5, "worse"), (0.9, "better"), (0.7, "cannot tell")])
def test_the_better_one_is_told_on_rows_that_neither_knows(labelled, right, answer):
    done = compare_fresh(labelled, {"golden version 1": Says(0.7), "golden version 2": Says(right)}, [OLD, NEW])
    assert done.answer == answer
    assert (done.rows, done.accounts, done.since, done.until) == (270, 90, "2026-04-01", "2026-06-01")
    assert done.sentence.startswith(
        "On 270 rows of 90 accounts (2026-04-01 to 2026-06-01) that neither learned from: golden version "
    )


def test_a_few_accounts_tell_nothing(labelled):
    few = labelled.take(np.flatnonzero(labelled.frame["user_id"].isin([f"u{i}" for i in range(40)])))
    done = compare_fresh(few, {"a": Says(0.7), "b": Says(0.4)}, [OLD, NEW])
    assert done.answer == "cannot tell"
    assert "only 40 accounts with an outcome, of 50 needed" in done.sentence


def test_without_a_fresh_label_nothing_is_compared(labelled):
    late = learned("2026-06-01", "2026-07-01")
    done = compare_fresh(labelled, {"a": Says(0.7), "b": Says(0.4)}, [OLD, late])
    assert (done.answer, done.rows) == ("cannot tell", 0)
    assert done.sentence == (
        "Too few labels have ripened that neither a nor b learned from (one knows outcomes up to 2026-07-01), "
        "so they are not compared."
    )
