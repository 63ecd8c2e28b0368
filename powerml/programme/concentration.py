"""How much a few do: the power-user curve (L30), the Lorenz curve of key actions and its Gini coefficient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import MissingColumns
from powerml.statistics.bootstrap import AccountBootstrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from powerml.config.claims import Concentration

WINDOW_DAYS = 30


def power_user_curve(frame: pd.DataFrame, *, column: str = "active_days_30d") -> pd.DataFrame:
    """Users by the number of days they were active in 30: one row per day count 1 to 30, `days`, `users`, `share`.

    `share` is of those active at all. Source: document C, "Frameworks for Data-Driven Identification".
    """
    if column not in frame:
        raise MissingColumns([column], asked_by="the power-user curve", have=frame.columns)
    days = frame[column].dropna().to_numpy()
    days = days[days >= 1].astype(int)
    users = np.bincount(np.minimum(days, WINDOW_DAYS), minlength=WINDOW_DAYS + 1)[1:]
    share = users / len(days) if len(days) else np.full(WINDOW_DAYS, np.nan)
    return pd.DataFrame({"days": np.arange(1, WINDOW_DAYS + 1), "users": users, "share": share})


def lorenz(amounts: ArrayLike) -> pd.DataFrame:
    """The Lorenz curve: `users` (share of users, least first) against `amount` (the share they make).

    From (0, 0) to (1, 1). Nulls are left out. Empty where nothing was made.

    >>> lorenz([1, 3]).to_numpy().tolist()
    [[0.0, 0.0], [0.5, 0.25], [1.0, 1.0]]
    """
    x = _rising(amounts)
    if x.sum() <= 0:
        return pd.DataFrame({"users": [], "amount": []}, dtype=float)
    made = np.concatenate([[0.0], np.cumsum(x)]) / x.sum()
    made[-1] = 1.0
    return pd.DataFrame({"users": np.arange(len(x) + 1) / len(x), "amount": made})


def gini(amounts: ArrayLike) -> float:
    """0 where all make the same, towards 1 where one makes everything; nan where nothing was made.

    >>> gini([1, 1, 1]), gini([0, 0, 0, 1])
    (0.0, 0.75)
    """
    x = _rising(amounts)
    if x.sum() <= 0:
        return float("nan")
    n = len(x)
    return float((2 * np.arange(1, n + 1) - n - 1) @ x / (n * x.sum()))


def share_of_top(amounts: ArrayLike, tops: Sequence[float]) -> NDArray[np.float64]:
    """The share made by the top share of users, for each of `tops`; between two users along the Lorenz curve.

    >>> share_of_top([1, 3], [0.5, 0.25]).tolist()
    [0.75, 0.375]
    """
    curve = lorenz(amounts)
    if curve.empty:
        return np.full(len(tops), np.nan)
    shares: NDArray[np.float64] = 1 - np.interp(1 - np.asarray(tops, dtype=float), curve["users"], curve["amount"])
    return shares


def concentration(
    amounts: ArrayLike,
    *,
    tops: Sequence[float] = (0.01, 0.05, 0.10, 0.15, 0.20, 0.50),
    claim: Concentration | None = None,
) -> pd.DataFrame:
    """What the top shares of users make: `top`, `n` (users counted), `share`, and beside a claim what it expects.

    With a claim, rows for its two ends are added and `expected_low`, `expected_high` stand on every row between them.
    """
    wanted = sorted({*tops, *(claim.top if claim is not None else ())})
    n = len(_rising(amounts))
    table = pd.DataFrame({"top": wanted, "n": n, "share": share_of_top(amounts, wanted)})
    if claim is not None:
        inside = table["top"].between(*claim.top)
        table["expected_low"] = np.where(inside, claim.share[0], np.nan)
        table["expected_high"] = np.where(inside, claim.share[1], np.nan)
    return table


def _rising(amounts: ArrayLike) -> NDArray[np.float64]:
    x = np.asarray(amounts, dtype=float)
    x = np.sort(x[~np.isnan(x)])
    if len(x) and x[0] < 0:
        raise ValueError("a negative amount has no share; count what was made")
    return x


def share_of_top_interval(
    amounts: ArrayLike,
    tops: Sequence[float],
    *,
    groups: ArrayLike,
    repeats: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Low and high ends of `share_of_top` for each of `tops`, by a bootstrap of the accounts in `groups`.

    Null amounts are left out. Both ends are nan where nothing was made in some replicate, or with one account only.
    """
    x, who = np.asarray(amounts, dtype=float), np.asarray(groups)
    there = ~np.isnan(x)
    order = np.argsort(x[there], kind="stable")
    x, who = x[there][order], who[there][order]
    empty = np.full(len(tops), np.nan)
    draws = AccountBootstrap.of(who, repeats=repeats, seed=seed)
    if draws.accounts < 2:
        return empty, empty
    found = []
    at = 1 - np.asarray(tops, dtype=float)
    for chunk in draws.weights():
        for counts in chunk:
            weights = counts[draws.codes].astype(float)
            users, made = np.cumsum(weights), np.cumsum(weights * x)
            if made[-1] <= 0:
                return empty, empty
            found.append(1 - np.interp(at, np.append(0, users / users[-1]), np.append(0, made / made[-1])))
    tail = (1 - level) / 2
    low, high = np.quantile(found, [tail, 1 - tail], axis=0)
    return low, high
