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
from powerml.statistics.intervals import effective_n, wilson
from powerml.statistics.outcomes import outcome_codes, outcome_values, outcomes_of
from powerml.statistics.significance import holm, two_sided, upper_tail
from powerml.tables import is_rest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import ArrayLike

MIN_ROWS = 30


@dataclass(frozen=True, eq=False)
class BandReport(Shown):
    """The table (best band first), the word on its order, and what else is to be said of the bands.

    `table`: band, from, n, share, n_*, rate_*, low_*, high_*, predicted_* per outcome, mean_score, mean_outcome, note.
    `detail`: band, n_effective, lift_* and observed_expected_* per outcome, contraction (share of the stayers who pay
    less, where known), and reference_* where a document's own table was given, as a reference and no target.
    `reversals`: neighbouring bands in the wrong order: lower, higher, outcome, difference, p_value, p_holm.
    `alike`: neighbouring bands that cannot be told apart. `unscored`: rows without a score, left out.
    """

    table: pd.DataFrame
    detail: pd.DataFrame
    verdict: Literal["monotone", "not contradicted", "violated"]
    reversals: pd.DataFrame
    alike: tuple[tuple[str, str], ...]
    unscored: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdict on the order of the bands, and the bands that cannot be told apart."""
        rows, sound = int(self.table["n"].sum()), int((self.table["n"] >= MIN_ROWS).sum())
        says = {
            "monotone": "monotone: from band to band the rates never go the wrong way",
            "not contradicted": "not contradicted: no reversal is significant"
            if len(self.reversals)
            else "not contradicted: there is no order to see in the rates",
            "violated": "violated: " + "; ".join(_described(self.reversals[self.reversals["p_holm"] < 0.05])),
        }[self.verdict]
        first = f"Bands {says} ({rows:,} rows, {sound} of {len(self.table)} bands with {MIN_ROWS} or more)."
        apart = [f"{low} and {high} cannot be told apart by what came of them." for low, high in self.alike]
        left_out = [f"{self.unscored:,} rows without a score are left out."] if self.unscored else []
        return (first, *apart, *left_out)

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

    table, detail = [], []
    for b, edge in enumerate(edges):
        rows = at == b
        n = int(rows.sum())
        name = ladder[edge]
        line: dict[str, object] = {"band": name, "from": float(edge), "n": n, "share": n / len(s)}
        more: dict[str, object] = {"band": name, "n_effective": np.nan}
        worth = []
        for i, outcome in enumerate(outcomes):
            came = codes[rows] == i
            rate = came.mean() if n else np.nan
            effective = effective_n(came, None if accounts is None else accounts[rows], level=level)
            low, high = wilson(rate * effective if n else 0, effective, level)
            predicted = np.nan
            if said is not None and f"p_{outcome}" in columns and n:
                predicted = float(np.mean(said[rows, columns.index(f"p_{outcome}")]))
            line |= {f"n_{outcome}": int(came.sum()), f"rate_{outcome}": rate, f"low_{outcome}": float(low)}
            line |= {f"high_{outcome}": float(high), f"predicted_{outcome}": predicted}
            more[f"n_effective_{outcome}"] = effective
            more[f"lift_{outcome}"] = rate / overall[i] if overall[i] else np.nan
            more[f"observed_expected_{outcome}"] = rate / predicted if predicted else np.nan
            worth.append(effective)
        line["mean_score"] = float(s[rows].mean()) if n else np.nan
        line["mean_outcome"] = float(values[codes[rows]].mean()) if n else np.nan
        line["note"] = "" if n >= MIN_ROWS else "insufficient"
        more["n_effective"] = min(worth)
        if contraction is not None:
            stayed = np.asarray(contraction, dtype=bool)[scored][rows & (codes == outcomes.index("stay"))]
            more["contraction"] = float(stayed.mean()) if len(stayed) else np.nan
        table.append(line)
        detail.append(more)

    found, details = pd.DataFrame(table), pd.DataFrame(detail)
    if reference is not None:
        named = reference.set_index("band")
        for outcome in outcomes:
            details[f"reference_{outcome}"] = details["band"].map(named[outcome])
    rises = {o: -1 if o == outcomes[0] else 1 for o in outcomes if not is_rest(o)}
    steps = _steps(found, details, rises)
    wrong = steps[steps["wrong_way"]].drop(columns=["wrong_way", "p_alike"]).reset_index(drop=True)
    return BandReport(found, details, _order(steps), wrong, _alike(steps), int((~scored).sum()))


def _steps(table: pd.DataFrame, detail: pd.DataFrame, rises: Mapping[str, int]) -> pd.DataFrame:
    """Every step between neighbouring bands that have rows enough: difference and p values, pooled variance.

    `rises`: the direction (-1, 1) in which each outcome's rate must go when the score rises.
    """
    sound = np.flatnonzero(table["n"].to_numpy() >= MIN_ROWS)[::-1]  # worst band first
    names = table["band"].tolist()
    rows = []
    for low, high in pairwise(sound):
        for outcome, sign in rises.items():
            rates = table[f"rate_{outcome}"].to_numpy(dtype=float)[[low, high]]
            worth = detail[f"n_effective_{outcome}"].to_numpy(dtype=float)[[low, high]]
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


def path_before_churn(
    history: pd.DataFrame,
    churned: pd.DataFrame,
    *,
    id_column: str,
    months: int = 6,
    level: float = 0.95,
) -> pd.DataFrame:
    """Mean score of churners in each of the six months before they left: D's 62, 58, 51, 42, 31, 19.

    `history`: `as_of`, the id and `score`, any number of cutoffs. `churned`: the id and `churned_at`, once per churn.
    A score counts in month k before if its cutoff lies in (churned_at - k x 30 d, churned_at - (k-1) x 30 d].
    Columns: months_before (6 to 1), n (churners with a score then), mean_score, low, high. Where an entity has
    several cutoffs in a month the latest counts. Compositions differ: young churners have no score six months before.
    """
    from powerml.statistics.intervals import normal_quantile

    pairs = history[["as_of", id_column, "score"]].dropna().merge(churned[[id_column, "churned_at"]], on=id_column)
    before = (pd.to_datetime(pairs["churned_at"]) - pd.to_datetime(pairs["as_of"])).dt.total_seconds() / 86400
    pairs = pairs.assign(months_before=np.floor(before / 30).astype(int) + 1)[(before >= 0) & (before < 30 * months)]
    latest = pairs.sort_values("as_of").drop_duplicates([id_column, "churned_at", "months_before"], keep="last")
    by_month = latest.groupby("months_before")["score"].agg(n="count", mean_score="mean", spread="std")
    path = by_month.reindex(range(months, 0, -1))
    half = normal_quantile(level) * path["spread"] / np.sqrt(path["n"])
    told: pd.DataFrame = (
        path.assign(n=path["n"].fillna(0).astype(int), low=path["mean_score"] - half, high=path["mean_score"] + half)
        .drop(columns="spread")
        .reset_index()
    )
    return told
