"""Whether a treatment did anything: against a holdout, else against untouched entities of the same band and trend."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

SEEN_WITH_POWER = 2.8
"""An effect of so many standard errors is seen in 80 % of such trials, at 5 % error: 1.96 + 0.84."""
FEWEST = 10
"""Accounts per arm below which nothing is said."""
OUTCOMES_TOLD = (("churn", "churn", False), ("expand", "expand", True), ("score", "later", True))
"""What is told of a playbook: the outcome, its column, and whether more of it is what one wants."""
ImpactVerdict = Literal["works", "harms", "no effect seen", "cannot tell"]


@dataclass(frozen=True)
class ArmsEffect:
    """A difference between treated and others, with its interval (95 %).

    `smallest_visible`: the smallest effect that this many would have shown four times out of five.
    """

    treated: int
    held: int
    effect: float
    low: float
    high: float
    smallest_visible: float

    @property
    def known(self) -> bool:
        """Whether there were enough on both sides."""
        return min(self.treated, self.held) >= FEWEST and math.isfinite(self.low)

    def verdict(self, *, good: bool) -> ImpactVerdict:
        """In a word; `good`: whether more of the outcome is what one wants."""
        if not self.known:
            return "cannot tell"
        if self.low <= 0 <= self.high:
            return "no effect seen"
        return "works" if (self.effect > 0) == good else "harms"


@dataclass(frozen=True)
class OutcomeEffect:
    """What a playbook did to one outcome (churn, expand or score). `design`: `holdout` or `matched`.

    `placebo`: whether both were alike before; a holdout needs none.
    """

    design: Literal["holdout", "matched"]
    outcome: str
    effect: ArmsEffect
    verdict: ImpactVerdict
    placebo: bool = True

    @property
    def why(self) -> str:
        """Why nobody can tell; empty where somebody can."""
        if self.verdict != "cannot tell":
            return ""
        if not self.effect.treated + self.effect.held:
            return "nothing is known of it yet"
        return "too few" if self.placebo else "they were not alike before, or nobody knows"


def playbook_effects(rows: pd.DataFrame) -> list[OutcomeEffect]:
    """What a playbook did to churn, expansion and the score.

    `rows`: one per account, `arm` (treat, hold, or none: untouched), `band`, `score` (before), `trend` (its change in
    the month before), `later` (in the month after), `churn`, `expand` (1, 0, null where not known yet). With held out
    ones the arms are compared; else treated with untouched ones of the same band and trend, and where a placebo fails
    nobody can tell.
    """
    trial = bool((rows["arm"] == "hold").any())
    mine = rows[rows["arm"].isin(["treat", "hold"] if trial else ["treat", "none"])]
    failed = False if trial else placebo_fails(mine)
    found = []
    for outcome, column, good in OUTCOMES_TOLD:
        known = mine[mine[column].notna()]
        y, treated = known[column].to_numpy(dtype=float), (known["arm"] == "treat").to_numpy(dtype=bool)
        if trial:
            effect = holdout_effect(y, treated, known["score"].to_numpy(dtype=float))
        else:
            effect = matched_effect(y, treated, _strata(known))
        verdict = "cannot tell" if failed else effect.verdict(good=good)
        found.append(OutcomeEffect("holdout" if trial else "matched", outcome, effect, verdict, not failed))
    return found


def placebo_fails(rows: pd.DataFrame) -> bool:
    """Whether treated and untouched ones differed before anything was done, so that they are no measure of each other.

    In the month before, the score must have moved alike in the same band; and at its end it must have been alike in
    the same band and trend: whoever picks the lowest of a band picks those who would have left anyway.
    """
    known = rows[rows["trend"].notna()]
    treated = (known["arm"] == "treat").to_numpy(dtype=bool)
    if min(treated.sum(), (~treated).sum()) < 2:
        return True  # no month before: nobody can tell whether they were alike
    band = pd.factorize(known["band"])[0]
    moved = matched_effect(known["trend"].to_numpy(dtype=float), treated, band)
    level = matched_effect(known["score"].to_numpy(dtype=float), treated, _strata(known))
    return not (moved.low <= 0 <= moved.high and level.low <= 0 <= level.high)


def _strata(rows: pd.DataFrame) -> NDArray[np.int64]:
    """Band and third of the trend: whoever is alike in both is compared."""
    rank, n = rows["trend"].rank(method="first").to_numpy(), max(3, int(rows["trend"].notna().sum()))
    third = np.where(np.isnan(rank), -1.0, np.ceil(3 * np.nan_to_num(rank) / n))
    codes: NDArray[np.int64] = 5 * pd.factorize(rows["band"])[0] + third.astype(np.int64) + 1
    return codes


def holdout_effect(y: Vector, treated: NDArray[np.bool_], before: Vector) -> ArmsEffect:
    """Mean of `y` of the treated less that of the held out, adjusted by the score before (CUPED).

    One value per account. The slope on `before` is that within the arms; the error is the sandwich one (HC2, by arm),
    with Student's t. Source: Deng, Xu, Kohavi, Walker, Improving the sensitivity of online controlled experiments by
    utilizing pre-experiment data, WSDM 2013.
    """
    from scipy.stats import t  # imported late: it is slow to load

    n_1, n_0 = int(treated.sum()), int((~treated).sum())
    if min(n_1, n_0) < 2:
        return _unknown(n_1, n_0)
    inside = before - np.where(treated, before[treated].mean(), before[~treated].mean())
    spread = float(inside @ inside)
    slope = float(inside @ y) / spread if spread > 0 else 0.0
    adjusted = y - slope * (before - before.mean())
    effect = float(adjusted[treated].mean() - adjusted[~treated].mean())
    v_1, v_0 = adjusted[treated].var(ddof=1) / n_1, adjusted[~treated].var(ddof=1) / n_0
    if _is_yes_or_no(y):
        return _of_rates(y, treated, effect, slope=slope, inside=inside, plain=v_1 + v_0)
    error = math.sqrt(v_1 + v_0)
    freedom = (v_1 + v_0) ** 2 / (v_1**2 / (n_1 - 1) + v_0**2 / (n_0 - 1)) if error > 0 else n_1 + n_0 - 2
    reach = float(t.ppf(0.975, freedom)) * error
    return ArmsEffect(n_1, n_0, effect, effect - reach, effect + reach, SEEN_WITH_POWER * error)


def _of_rates(
    y: Vector, treated: NDArray[np.bool_], effect: float, *, slope: float, inside: Vector, plain: float
) -> ArmsEffect:
    """The interval of a difference of rates as of Agresti and Caffo: one yes and one no more in each arm.

    It holds where an arm has few of what is counted, or none, for which the plain one is far too short. What the score
    before explains is taken off the variance. Source: Agresti, Caffo, Simple and effective confidence intervals for
    proportions and differences of proportions, The American Statistician 54 (2000). `plain`: the variance that the
    adjusted values have themselves, below which it does not go.
    """
    counts = [(int(mine.sum()), len(mine)) for mine in (y[treated], y[~treated])]
    (n_1, n_0), rates = (n for _, n in counts), [(yes + 1) / (n + 2) for yes, n in counts]
    whole = sum(n * (yes / n) * (1 - yes / n) for yes, n in counts)
    left = max(0.0, 1 - slope**2 * float(inside @ inside) / whole) if whole > 0 else 1.0
    told = left * sum(p * (1 - p) / (n + 2) for p, (_, n) in zip(rates, counts, strict=True))
    error = math.sqrt(max(told, plain))
    moved = float(y[treated].mean() - y[~treated].mean()) - effect  # what the score before has taken off
    centre = rates[0] - rates[1] - moved
    return ArmsEffect(n_1, n_0, effect, centre - 1.96 * error, centre + 1.96 * error, SEEN_WITH_POWER * error)


def _is_yes_or_no(y: Vector) -> bool:
    return bool(np.isin(y, (0.0, 1.0)).all())


def matched_effect(y: Vector, treated: NDArray[np.bool_], stratum: NDArray[Any]) -> ArmsEffect:
    """Mean of `y` of the treated less that of untouched ones of the same strata, in the treated's proportions.

    Strata in which one side has fewer than two are left out.
    """
    from scipy.stats import t  # imported late: it is slow to load

    rates = _is_yes_or_no(y)
    usual = [(y[arm].sum() + 1) / (arm.sum() + 2) for arm in (treated, ~treated)] if rates else [None, None]
    parts, n_1, n_0 = [], 0, 0
    codes, names = pd.factorize(stratum)
    for code in range(len(names)):
        mine = codes == code
        touched, others = y[mine & treated], y[mine & ~treated]
        if min(len(touched), len(others)) < 2:
            continue
        variances = [_variance(some, p) / len(some) for some, p in zip((touched, others), usual, strict=True)]
        parts.append((len(touched), touched.mean() - others.mean(), variances, (len(touched), len(others))))
        n_1, n_0 = n_1 + len(touched), n_0 + len(others)
    if not parts:
        return _unknown(n_1, n_0)
    weight = np.array([part[0] for part in parts]) / n_1
    effect = float(weight @ [part[1] for part in parts])
    pieces = [
        (share**2 * v, n - 1) for share, part in zip(weight, parts, strict=True) for v, n in zip(*part[2:], strict=True)
    ]
    total = sum(v for v, _ in pieces)
    error = math.sqrt(total)
    freedom = total**2 / sum(v**2 / n for v, n in pieces) if total > 0 else n_1 + n_0 - 2
    reach = (1.96 if rates else float(t.ppf(0.975, freedom))) * error
    return ArmsEffect(n_1, n_0, effect, effect - reach, effect + reach, SEEN_WITH_POWER * error)


def _variance(y: Vector, usual: float | None) -> float:
    """Of rates with two more of the `usual` rate, so that a handful without any is not held for certain."""
    if usual is None:
        return float(y.var(ddof=1))
    p = (y.sum() + 2 * usual) / (len(y) + 2)
    return float(p * (1 - p))


def _unknown(n_1: int, n_0: int) -> ArmsEffect:
    nan = float("nan")
    return ArmsEffect(n_1, n_0, nan, nan, nan, nan)
