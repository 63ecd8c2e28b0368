"""Given how many accounts a team can call: where the cut is, and how many churners it is expected to catch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def capacity(p: ArrayLike, n: int, *, score: ArrayLike | None = None, level: float = 0.95) -> pd.DataFrame:
    """The list of the `n` most pressing, with what it should catch: before ties at the cut, as asked, and with them.

    `p`: probability of the outcome per account (churn for customer success). `score`: what the list is sorted by,
    highest first; default `p`. Columns: list ("before ties", "as asked", "with ties"), n, cut (the lowest value of the
    sorting that is in), expected (events caught), low, high (their interval if `p` is right, events independent),
    share_caught (of all events expected), lift. "As asked" takes tied accounts by lot: its expectation is their mean.
    """
    said = np.asarray(p, dtype=float)
    by = said if score is None else np.asarray(score, dtype=float)
    order = np.argsort(-by, kind="stable")
    n = max(0, min(n, len(by)))
    cut = by[order[n - 1]] if n else np.inf
    above, tied = by > cut, by == cut
    drawn = n - int(above.sum())
    lot = drawn / max(int(tied.sum()), 1)
    by_lot = np.r_[said[above], np.full(drawn, said[tied].mean() if drawn else 0.0)]
    rows = []
    for name, chance in (
        ("before ties", above.astype(float)),
        ("as asked", above + lot * tied),
        ("with ties", (above | tied).astype(float)),
    ):
        count = round(float(chance.sum()))
        inside = np.sort(by[chance > 0])
        expected = float(chance @ said)
        low, high = _interval(by_lot if name == "as asked" else said[chance > 0], level)
        rows.append(
            {
                "list": name,
                "n": count,
                "cut": float(inside[0]) if len(inside) else np.nan,
                "expected": expected,
                "low": low,
                "high": high,
                "share_caught": expected / said.sum() if said.sum() > 0 else np.nan,
                "lift": expected / count / said.mean() if count and said.mean() > 0 else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _interval(p: np.ndarray, level: float) -> tuple[int, int]:
    """Central interval of the number of events, exactly: the distribution of a sum of unlike coins."""
    distribution = np.ones(1)
    for chance in np.sort(p):
        distribution = np.convolve(distribution, [1 - chance, chance])
    reached = distribution.cumsum()
    tail = (1 - level) / 2
    return int(np.searchsorted(reached, tail)), int(np.searchsorted(reached, 1 - tail))


def caught(p: ArrayLike, came: ArrayLike, times: ArrayLike, groups: ArrayLike, n: int) -> list[int]:
    """How many of the `n` most pressing accounts of each held-out cutoff had the outcome; ties by account name.

    An account's `p` is the mean of its rows', and it had the outcome where any of its rows had.
    """
    rows = pd.DataFrame({"at": times, "account": groups, "p": p, "came": came})
    accounts = rows.groupby(["at", "account"], as_index=False).agg(p=("p", "mean"), came=("came", "any"))
    ranked = accounts.sort_values(["at", "p", "account"], ascending=[True, False, True], kind="stable")
    top = ranked.groupby("at").head(n)
    return [int(k) for k in top.groupby("at")["came"].sum()]
