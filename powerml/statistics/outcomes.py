"""What every judgement starts from: which outcome came, what was said of each, and how many events there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import DataError, MissingColumns
from powerml.statistics.logistic import sigmoid
from powerml.tables import NOT, OUTCOMES, is_rest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

VALUES = {"churn": 0.0, "stay": 60.0, "expand": 100.0}  # observed outcome value Y


def outcomes_of(labels: ArrayLike) -> tuple[str, ...]:
    """The outcomes that can come, worst first: churn, stay, expand, or churn and stay where nobody expands.

    >>> outcomes_of(["stay", "churn"])
    ('churn', 'stay')
    """
    seen = set(pd.unique(pd.Series(labels, dtype="str")))
    if unknown := seen - set(OUTCOMES):
        raise DataError(
            f"labels: {', '.join(sorted(map(repr, map(str, unknown))))}: no outcome; keep the rows whose label is "
            f"{', '.join(OUTCOMES)}"
        )
    return OUTCOMES if "expand" in seen else OUTCOMES[:2]


def outcomes_seen(labels: ArrayLike) -> tuple[str, ...]:
    """As `outcomes_of`, and of a custom outcome `not_NAME` before `NAME`.

    >>> outcomes_seen(["bought", "not_bought", "bought"])
    ('not_bought', 'bought')
    """
    seen = sorted(set(pd.unique(pd.Series(labels, dtype="str"))), key=lambda label: (not is_rest(label), label))
    custom = len(seen) == 2 and seen[0] == f"{NOT}{seen[1]}"
    return tuple(seen) if custom else outcomes_of(labels)


def outcome_codes(labels: ArrayLike, outcomes: Sequence[str]) -> np.ndarray:
    """The position of each row's label in `outcomes`; raises DataError for a label that is none of them."""
    codes = pd.Index(list(outcomes), dtype="str").get_indexer(pd.Index(pd.Series(labels, dtype="str")))
    if (codes < 0).any():
        bad = pd.Series(labels, dtype="str")[codes < 0].iloc[0]
        raise DataError(f"labels: {bad!r} is none of {', '.join(outcomes)}; leave such rows out before judging")
    return np.asarray(codes, dtype=int)


def outcome_values(outcomes: Sequence[str], *, stay_value: float = 60.0) -> np.ndarray:
    """What each outcome is worth on the 0-100 scale: 0, 60 and 100, or 0 and 100 where there are two."""
    if len(outcomes) == 2:
        return np.array([0.0, 100.0])
    return np.array([VALUES["churn"], stay_value, VALUES["expand"]])


@dataclass(frozen=True, eq=False)
class Predictions:
    """Outcomes that came, with what was said of them: codes (n,), probabilities (n x outcomes) and one score (n,)."""

    outcomes: tuple[str, ...]
    codes: np.ndarray
    probabilities: np.ndarray
    score: np.ndarray

    @classmethod
    def of(cls, labels: ArrayLike, p: pd.DataFrame, score: ArrayLike | None = None) -> Predictions:
        """From labels and a frame with `p_churn`, `p_stay` and, for three outcomes, `p_expand`.

        Of a custom outcome there are `p_NAME` and `p_not_NAME`, worst first. Without `score` it is the expected outcome
        value, 100 (0.6 P(stay) + P(expand)), or 100 times the probability of the better of two outcomes.
        """
        custom = _custom(p)
        outcomes = custom or tuple(o for o in OUTCOMES if f"p_{o}" in p.columns)
        if absent := [f"p_{o}" for o in custom or OUTCOMES[:2] if f"p_{o}" not in p.columns]:
            raise MissingColumns(absent, asked_by="judging probabilities", have=p.columns)
        matrix = p[[f"p_{o}" for o in outcomes]].to_numpy(dtype=float)
        if (
            not np.isfinite(matrix).all()
            or (matrix < -1e-9).any()
            or np.abs(matrix.sum(axis=1) - 1).max(initial=0) > 1e-6
        ):
            raise DataError("probabilities: every row needs numbers of 0 to 1 that sum to 1; leave unscored rows out")
        s = matrix @ outcome_values(outcomes) if score is None else np.asarray(score, dtype=float)
        return cls(outcomes, outcome_codes(labels, outcomes), matrix, s)

    @property
    def judged(self) -> tuple[str, ...]:
        """The outcomes that are judged by themselves: all but `stay` (of a custom outcome, all but `not_NAME`)."""
        return tuple(o for o in self.outcomes if not is_rest(o))

    def came(self, outcome: str) -> np.ndarray:
        """True where that outcome came."""
        happened: np.ndarray = self.codes == self.outcomes.index(outcome)
        return happened

    def said(self, outcome: str) -> np.ndarray:
        """The probability that was given to that outcome."""
        return self.probabilities[:, self.outcomes.index(outcome)]


def _custom(p: pd.DataFrame) -> tuple[str, ...]:
    """Both labels of a custom outcome, in the order of its columns of probabilities; empty where there is none."""
    said = [str(c).removeprefix("p_") for c in p.columns if str(c).startswith("p_")]
    pairs = [(o, f"{NOT}{o}") for o in said if f"{NOT}{o}" in said]
    return tuple(sorted(pairs[0], key=said.index)) if pairs else ()


def nested_probabilities(churn: ArrayLike, expand: ArrayLike | None = None) -> np.ndarray:
    """Probabilities (rows, 2 or 3), worst outcome first, of the logits (rows,) of two nested heads.

    `churn` is the logit of the worst outcome, `expand` that of the best among the rest (None for two outcomes). Each
    row sums to 1.

    >>> nested_probabilities([0.0], [0.0]).tolist()
    [[0.5, 0.25, 0.25]]
    """
    left = np.asarray(churn, dtype=float)
    c, kept = sigmoid(left), sigmoid(-left)
    if expand is None:
        return np.column_stack([c, kept])
    grew = np.asarray(expand, dtype=float)
    return np.column_stack([c, kept * sigmoid(-grew), kept * sigmoid(grew)])


def nested_log_loss(losses: Sequence[float], rate: float) -> float:
    """Log loss (nats a row) over all outcomes, from the heads' own: the second counts for those who did not leave.

    `rate` is that of those who did.

    >>> nested_log_loss([0.5, 0.25], 0.2)
    0.7
    """
    first, *second = losses
    return first + sum((1.0 - rate) * loss for loss in second if rate < 1.0)


def base_rates(base: Mapping[str, float] | pd.DataFrame, outcomes: Sequence[str], rows: int) -> np.ndarray:
    """Training base rates as a matrix rows x outcomes, from one rate per outcome or one per outcome and row.

    A frame's columns are the outcomes, with or without `p_`. Rates are made to sum to 1.
    """
    matrix: np.ndarray
    if isinstance(base, pd.DataFrame):
        named = base.rename(columns=lambda c: str(c).removeprefix("p_"))
        if absent := [o for o in outcomes if o not in named]:
            raise MissingColumns(absent, asked_by="base rates", have=named.columns)
        matrix = named[list(outcomes)].to_numpy(dtype=float)
    else:
        if absent := [o for o in outcomes if o not in base]:
            raise MissingColumns(absent, asked_by="base rates", have=list(base))
        matrix = np.tile([float(base[o]) for o in outcomes], (rows, 1))
    matrix = matrix / matrix.sum(axis=1, keepdims=True)
    return matrix


def distinct_events(
    came: ArrayLike,
    groups: ArrayLike,
    times: ArrayLike,
    *,
    horizon_days: int = 90,
    event_ids: ArrayLike | None = None,
) -> int:
    """How many events the rows with an outcome stand for: distinct (account, outcome instant) pairs.

    With `event_ids` (an instant or a name per row) they are counted. Without, an account's positive snapshots less
    than a horizon apart are taken as one event, because their windows overlap; two outcomes within a horizon then
    count once, as do users of one account who each have their own outcome at that time.

    >>> distinct_events([1, 1, 1], ["a", "a", "a"], ["2026-01-01", "2026-02-01", "2026-09-01"])
    2
    """
    came = np.asarray(came, dtype=bool)
    if event_ids is not None:
        return count_events(came, groups, event_ids)
    rows = pd.DataFrame({"account": np.asarray(groups)[came], "at": np.asarray(times)[came]})
    rows["at"] = pd.to_datetime(rows["at"])
    rows = rows.drop_duplicates().sort_values(["account", "at"])
    apart = rows["at"].diff() >= pd.Timedelta(days=horizon_days)
    return int((apart | (rows["account"] != rows["account"].shift())).sum())


def count_events(happened: np.ndarray, groups: ArrayLike | None, instants: ArrayLike | None) -> int:
    """Events of an outcome: distinct (account, instant) pairs among the rows where it happened.

    Without instants an account counts once; without accounts each row does.

    >>> count_events(np.array([True, True, False]), ["acme", "acme", "lilt"], None)
    1
    """
    if groups is None:
        return int(happened.sum())
    pairs = pd.DataFrame({"account": np.asarray(groups).astype(str)})
    if instants is not None:
        pairs["instant"] = np.asarray(instants)
    return len(pairs[happened].drop_duplicates())
