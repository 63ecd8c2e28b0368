"""What came of the rows of each band: rates with intervals, reversals tested, bands that cannot be told apart.

For any column of numbers and any ladder of bands: a documented score, a fitted one, an activity score. Rates have
Wilson intervals, by effective n where accounts repeat.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from powerml.bands.ladder import ladder_index
from powerml.config.bands import BandsSpec
from powerml.errors import DataError
from powerml.shown import Shown
from powerml.statistics.intervals import effective_n, mean_by_account, wilson
from powerml.statistics.outcomes import outcome_codes, outcome_values, outcomes_of
from powerml.statistics.significance import holm, two_sided, upper_tail
from powerml.tables import is_rest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import ArrayLike

MIN_ROWS = 30
ASTRAY_LEVEL = 0.99  # several bands are looked at, so each must be plainly astray


@dataclass(frozen=True, eq=False)
class BandReport(Shown):
    """What came of each band (best first), the word on their order, and what else is to be said of the bands.

    `bands`: band, from, n, share, n_effective, mean_score, mean_outcome with its 99 % ends by account (outcome_low,
    outcome_high), note, and contraction (share of the stayers who pay less) where known.
    `rates`: long: band, outcome, n, rate, low, high, predicted, n_effective, lift, observed_expected, and reference
    where a document's own table was given, as a reference and no target.
    `reversals`: neighbouring bands in the wrong order: lower, higher, outcome, difference, p_value, p_holm.
    `alike`: neighbouring bands that cannot be told apart. `astray`: bands of a score of 0 to 100 whose mean outcome
    lies outside them, its 99 % interval too; None where the bands are on another scale. `unscored`: rows without a
    score, left out.
    """

    bands: pd.DataFrame
    rates: pd.DataFrame
    verdict: Literal["monotone", "not contradicted", "violated"]
    reversals: pd.DataFrame
    alike: tuple[tuple[str, str], ...]
    unscored: int
    astray: tuple[str, ...] | None = None

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes, worst first."""
        return tuple(dict.fromkeys(self.rates["outcome"]))

    @property
    def table(self) -> pd.DataFrame:
        """Wide, a row per band: band, from, n, share, n_*, rate_*, low_*, high_*, predicted_*, means, note."""
        wide = self._wide(self.bands[["band", "from", "n", "share"]], ["n", "rate", "low", "high", "predicted"])
        return wide.join(self.bands[["mean_score", "mean_outcome", "note"]])

    @property
    def detail(self) -> pd.DataFrame:
        """Wide: band, n_effective, and per outcome n_effective_*, lift_*, observed_expected_*, reference_*."""
        first = [c for c in ("band", "n_effective", "contraction") if c in self.bands]
        more = ["n_effective", "lift", "observed_expected", *(["reference"] if "reference" in self.rates else [])]
        return self._wide(self.bands[first], more)

    def _wide(self, bands: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
        """The bands with columns of the long table side by side, one group of them per outcome."""
        parts = [bands]
        for outcome in self.outcomes:
            part = self.rates[self.rates["outcome"] == outcome].reset_index(drop=True)
            parts.append(part[list(columns)].add_suffix(f"_{outcome}"))
        return pd.concat(parts, axis=1)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdict on the order of the bands, and the bands that cannot be told apart."""
        rows, sound = int(self.bands["n"].sum()), int((self.bands["n"] >= MIN_ROWS).sum())
        says = {
            "monotone": "monotone: from band to band the rates never go the wrong way",
            "not contradicted": "not contradicted: no reversal is significant"
            if len(self.reversals)
            else "not contradicted: there is no order to see in the rates",
            "violated": "violated: " + "; ".join(_described(self.reversals[self.reversals["p_holm"] < 0.05])),
        }[self.verdict]
        first = f"Bands {says} ({rows:,} rows, {sound} of {len(self.bands)} bands with {MIN_ROWS} or more)."
        apart = [f"{low} and {high} cannot be told apart by what came of them." for low, high in self.alike]
        left_out = [f"{self.unscored:,} rows without a score are left out."] if self.unscored else []
        return (first, *apart, *self.where_they_are, *left_out)

    @property
    def where_they_are(self) -> list[str]:
        """Whether what came lies in the bands, in a sentence; none on another scale or with too few rows."""
        if self.astray is None:
            return []
        if not self.astray and (self.bands["n"] < MIN_ROWS).all():
            return []
        if not self.astray:
            return [
                "In every band with rows enough the mean outcome (0 to 100) lies in it, or its 99 % interval reaches "
                "it."
            ]
        rows = self.bands.set_index("band").loc[list(self.astray)]
        told = [
            f"{band} has a mean outcome of {r['mean_outcome']:.1f} ({r['outcome_low']:.1f} to {r['outcome_high']:.1f}, "
            f"99 %) at a mean score of {r['mean_score']:.1f}"
            for band, r in rows.iterrows()
        ]
        return [f"Not as the bands say: {'; '.join(told)}."]

    def _shown(self) -> Iterator[str | pd.DataFrame | None]:
        yield from self.sentences
        yield self.table


def band_report(  # noqa: PLR0913 (keyword arguments of one question)
    score: ArrayLike,
    labels: ArrayLike,
    *,
    bands: Mapping[float, str] | BandsSpec,
    groups: ArrayLike | None = None,
    probabilities: pd.DataFrame | None = None,
    reference: pd.DataFrame | None = None,
    contraction: ArrayLike | None = None,
    outcomes: Sequence[str] | None = None,
    stay_value: float = 60.0,
    level: float = 0.95,
) -> BandReport:
    """The report of a column of numbers against what came ("churn", "stay", "expand" per row).

    Parameters
    ----------
    bands : the ladder, or lower edge -> name; a score belongs to the highest edge it reaches, or to the lowest band
    groups : account of each row, for intervals by effective n; absent = every row is its own
    probabilities : `p_churn`, `p_stay`, `p_expand` where the score has them
    reference : a document's own table: band, and churn, stay, expand as rates
    contraction : per row, whether it pays less at the end of the window; told of the stayers
    outcomes : the outcomes, worst first; by default churn, stay and expand, as far as they came

    Raises DataError where no row has a score.

    >>> came = ["churn"] * 30 + ["stay"] * 70 + ["churn"] * 5 + ["stay"] * 95
    >>> found = band_report([20] * 100 + [80] * 100, came, bands={50: "Healthy", 0: "At Risk"})
    >>> found.table[["band", "n", "rate_churn"]].values.tolist()
    [['Healthy', 100, 0.05], ['At Risk', 100, 0.3]]
    """
    s = np.asarray(score, dtype=float)
    scored = np.isfinite(s)
    if not scored.any():
        raise DataError("band report: no row has a score; check the score column and its join with the labels")
    outcomes = tuple(outcomes or outcomes_of(np.asarray(labels)[scored]))
    codes = outcome_codes(np.asarray(labels)[scored], outcomes)
    accounts = None if groups is None else np.asarray(groups)[scored]
    said = None if probabilities is None else probabilities.to_numpy(dtype=float, na_value=np.nan)[scored]
    columns = [] if probabilities is None else list(probabilities.columns)
    s = s[scored]
    ladder = dict(zip(bands.edges, bands.names, strict=True)) if isinstance(bands, BandsSpec) else bands
    edges = sorted(ladder, reverse=True)
    at = ladder_index(s, edges)
    values = outcome_values(outcomes, stay_value=stay_value)
    overall = np.bincount(codes, minlength=len(outcomes)) / len(codes)
    rest = [i for i, outcome in enumerate(outcomes) if is_rest(outcome)]

    bands_found, rates = [], []
    for b, edge in enumerate(edges):
        rows, name = at == b, ladder[edge]
        n = int(rows.sum())
        here = None if accounts is None else accounts[rows]
        worth = []
        for i, outcome in enumerate(outcomes):
            came = codes[rows] == i
            effective = effective_n(came, here, level=level)
            predicted = (
                said[rows, columns.index(f"p_{outcome}")] if said is not None and f"p_{outcome}" in columns else []
            )
            rates.append({"band": name, "outcome": outcome} | _rate(came, effective, predicted, overall[i], level))
            worth.append(effective)
        line: dict[str, object] = {"band": name, "from": float(edge), "n": n, "share": n / len(s)}
        line |= {"n_effective": min(worth), "mean_score": float(s[rows].mean()) if n else np.nan}
        ends = mean_by_account(values[codes[rows]], here, within=(values.min(), values.max()), level=ASTRAY_LEVEL)
        line |= dict(zip(("mean_outcome", "outcome_low", "outcome_high"), ends, strict=True))
        if contraction is not None:
            stayed = np.asarray(contraction, dtype=bool)[scored][rows & np.isin(codes, rest)]
            line["contraction"] = float(stayed.mean()) if len(stayed) else np.nan
        bands_found.append(line | {"note": "" if n >= MIN_ROWS else "insufficient"})

    found, long = pd.DataFrame(bands_found), pd.DataFrame(rates)
    if reference is not None:
        printed = reference.melt("band", var_name="outcome", value_name="reference")
        long = long.merge(printed, on=["band", "outcome"], how="left")
    rises = {o: -1 if o == outcomes[0] else 1 for o in outcomes if not is_rest(o)}
    steps = _steps(found, long, rises)
    wrong = steps[steps["wrong_way"]].drop(columns=["wrong_way", "p_alike"]).reset_index(drop=True)
    of_hundred = isinstance(bands, BandsSpec) and min(edges) >= 0 and max(edges) <= 100
    astray = _astray(found) if of_hundred else None
    return BandReport(found, long, _order(steps), wrong, _alike(steps), int((~scored).sum()), astray)


def _rate(
    came: np.ndarray, effective: float, predicted: ArrayLike, overall: float, level: float
) -> dict[str, float | int]:
    """One outcome in one band, everything nan where the band has no row."""
    n, said = len(came), np.asarray(predicted, dtype=float)
    rate = float(came.mean()) if n else np.nan
    expected = float(said.mean()) if n and len(said) else np.nan
    low, high = wilson(rate * effective if n else 0, effective, level)
    return {
        "n": int(came.sum()),
        "rate": rate,
        "low": float(low),
        "high": float(high),
        "predicted": expected,
        "n_effective": effective,
        "lift": rate / overall if overall else np.nan,
        "observed_expected": rate / expected if expected else np.nan,
    }


def _astray(bands: pd.DataFrame) -> tuple[str, ...]:
    """Bands with rows enough whose mean outcome lies outside them, and whose 99 % interval does not reach them."""
    tops = [100.0, *bands["from"][:-1]]
    rows = zip(bands.to_dict("records"), tops, strict=True)
    return tuple(
        str(row["band"])
        for row, top in rows
        if row["n"] >= MIN_ROWS and (row["outcome_low"] > top or row["outcome_high"] < row["from"])
    )


def _steps(bands: pd.DataFrame, long: pd.DataFrame, rises: Mapping[str, int]) -> pd.DataFrame:
    """Every step between neighbouring bands that have rows enough: difference and p values, pooled variance.

    `rises`: the direction (-1, 1) in which each outcome's rate must go when the score rises.
    """
    sound = np.flatnonzero(bands["n"].to_numpy() >= MIN_ROWS)[::-1]  # worst band first
    names = bands["band"].tolist()
    of_band = {outcome: part.reset_index(drop=True) for outcome, part in long.groupby("outcome")}
    rows = []
    for low, high in pairwise(sound):
        for outcome, sign in rises.items():
            rates = of_band[outcome]["rate"].to_numpy(dtype=float)[[low, high]]
            worth = of_band[outcome]["n_effective"].to_numpy(dtype=float)[[low, high]]
            pooled = float(rates @ worth / worth.sum())
            error = np.sqrt(pooled * (1 - pooled) * (1 / worth).sum())
            difference = float(rates[1] - rates[0])
            wrong = -sign * difference
            z = wrong / error if error > 0 else 0.0
            rows.append(
                {
                    "lower": names[low],
                    "higher": names[high],
                    "outcome": outcome,
                    "difference": difference,
                    "p_value": upper_tail(z),
                    "p_alike": two_sided(z),
                    "wrong_way": wrong > 0,
                }
            )
    steps = pd.DataFrame(
        rows, columns=["lower", "higher", "outcome", "difference", "p_value", "p_alike", "wrong_way"]
    ).astype({"wrong_way": bool})
    return steps.assign(p_holm=holm(steps["p_value"]), p_alike=holm(steps["p_alike"]))


def _order(steps: pd.DataFrame) -> Literal["monotone", "not contradicted", "violated"]:
    if (steps["p_holm"] < 0.05).any():
        return "violated"
    ordered = not steps["wrong_way"].any() and bool((steps["difference"] != 0).any())
    return "monotone" if ordered else "not contradicted"


def _alike(steps: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """Neighbours of which no outcome's rates differ significantly (two-sided, Holm over all steps)."""
    best = steps.groupby(["lower", "higher"], sort=False)["p_alike"].min().reset_index()
    alike = best[best["p_alike"] >= 0.05]
    return tuple(zip(alike["lower"].map(str), alike["higher"].map(str), strict=True))


def _described(reversals: pd.DataFrame) -> list[str]:
    """Each reversal in words."""
    said = []
    for step in reversals.to_dict("records"):
        direction = "more" if step["difference"] > 0 else "less"
        p = "p < 0.001" if step["p_holm"] < 0.001 else f"p = {step['p_holm']:.3f}"
        said.append(
            f"{step['higher']} has {direction} {step['outcome']} than {step['lower']} "
            f"({100 * abs(step['difference']):.1f} points, {p} after Holm)"
        )
    return said


def fifths(score: ArrayLike) -> dict[float, str]:
    """Five bands of about equal size for a column that has no ladder of its own; fewer where values tie.

    >>> fifths(range(10))
    {0.0: 'below 1.8', 1.8: '1.8 and more', 3.6: '3.6 and more', 5.4: '5.4 and more', 7.2: '7.2 and more'}
    """
    s = np.asarray(score, dtype=float)
    s = s[np.isfinite(s)]
    if not len(s):
        raise DataError("bands: no row has a number to cut into fifths; check the score column")
    lowest, *edges = np.unique(np.quantile(s, [0, 0.2, 0.4, 0.6, 0.8]).round(12))
    first = f"below {edges[0]:g}" if edges else f"{lowest:g} and more"
    return {float(lowest): first, **{float(edge): f"{edge:g} and more" for edge in edges}}
