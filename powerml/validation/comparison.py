"""Scorers against each other on the same rows: paired differences, who changes band, who enters and leaves the top 20.

Differences are paired by account bootstrap, Holm corrects over the pairs, and "cannot tell them apart" is an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import UsageError
from powerml.shown import Shown
from powerml.statistics.bootstrap import AccountBootstrap, interval
from powerml.statistics.outcomes import Predictions
from powerml.statistics.scores import auroc, outcomes_brier_rows, outcomes_log_loss_rows
from powerml.statistics.significance import holm
from powerml.tables import is_rest
from powerml.validation.loss_gain import log_loss_gain
from powerml.validation.verdict import MIN_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import ArrayLike

LOWER_IS_BETTER = ("log_loss", "brier")


@dataclass(frozen=True, eq=False)
class Comparison(Shown):
    """`measures`: scorer, measure, value, low, high, n, accounts. `pairs`: first, second, measure, gain of the second
    (above 0 = the second is better), low, high, p_value, p_holm, answer ("better", "worse", "cannot tell").
    `events`: accounts with an outcome other than `stay` (of a custom one `not_NAME`); below 50 nothing is told apart.
    """

    measures: pd.DataFrame
    pairs: pd.DataFrame
    events: int

    @property
    def few(self) -> bool:
        """Whether there are too few events to tell scorers apart."""
        return self.events < MIN_EVENTS

    def answer(self, first: str, second: str, measure: str = "log_loss") -> str:
        """How the second stands to the first on one measure."""
        pairs = self.pairs
        row = pairs[(pairs["first"] == first) & (pairs["second"] == second) & (pairs["measure"] == measure)]
        return str(row["answer"].iloc[0])

    @property
    def sentences(self) -> tuple[str, ...]:
        """One sentence per pair, by log loss."""
        said = []
        for pair in self.pairs[self.pairs["measure"] == "log_loss"].to_dict("records"):
            told = {
                "better": f"{pair['second']} is better than {pair['first']}",
                "worse": f"{pair['second']} is worse than {pair['first']}",
                "cannot tell": f"{pair['first']} and {pair['second']}: cannot tell them apart",
            }[pair["answer"]]
            of = pair["second"] if pair["answer"] == "cannot tell" else ""
            gain = log_loss_gain(pair["gain"], pair["low"], pair["high"], of=of, unit="nats a row")
            accounts = f"{self.events} account{'' if self.events == 1 else 's'}"
            few = f"; only {accounts} with an outcome, of {MIN_EVENTS} needed" if self.few else ""
            said.append(f"{told} ({gain}, p = {pair['p_holm']:.3f} after Holm{few}).")
        return tuple(said)

    def _shown(self) -> Iterator[str | pd.DataFrame | None]:
        yield from self.sentences
        yield self.measures


def compare(
    y: ArrayLike,
    scorers: Mapping[str, pd.DataFrame],
    *,
    groups: ArrayLike,
    repeats: int = 1000,
    seed: int = 0,
    alpha: float = 0.05,
) -> Comparison:
    """Compares two or more scorers on the rows of `y` ("churn", "stay", "expand", or a custom outcome's two labels).

    `scorers`: name -> frame with `p_churn`, `p_stay` (and `p_expand`), one row per row of `y`, as a scorer says
    them. A bootstrap of a dozen accounts is surer than it should be, so below 50
    accounts with an outcome every answer is "cannot tell". Raises UsageError where there are not two.
    """
    if len(scorers) < 2:
        raise UsageError("compare: give two scorers or more")
    draws = AccountBootstrap.of(groups, repeats=repeats, seed=seed)
    said = {name: Predictions.of(y, p) for name, p in scorers.items()}
    one = next(iter(said.values()))
    values, drawn = {}, {}
    losses = {}
    for name, predictions in said.items():
        losses[name, "log_loss"] = outcomes_log_loss_rows(predictions.codes, predictions.probabilities)
        losses[name, "brier"] = outcomes_brier_rows(predictions.codes, predictions.probabilities)
        for outcome in predictions.judged:
            came, p = predictions.came(outcome), predictions.said(outcome)
            values[name, f"auroc_{outcome}"] = auroc(came, p)
            drawn[name, f"auroc_{outcome}"] = draws.auroc(came, p)
    means = draws.means(np.column_stack(list(losses.values())))
    for i, (key, rows) in enumerate(losses.items()):
        values[key], drawn[key] = float(rows.mean()), means[:, i]

    measures = ["log_loss", "brier", *(f"auroc_{o}" for o in one.judged)]
    table = []
    for name in scorers:
        for measure in measures:
            low, high = interval(drawn[name, measure])
            row = {"scorer": name, "measure": measure, "value": values[name, measure], "low": low, "high": high}
            table.append(row | {"n": len(one.codes), "accounts": draws.accounts})
    pairs = []
    for measure in measures:
        sign = -1 if measure in LOWER_IS_BETTER else 1
        for first, second in combinations(scorers, 2):
            gain = sign * (values[second, measure] - values[first, measure])
            gains = sign * (drawn[second, measure] - drawn[first, measure])
            low, high = interval(gains)
            row = {"first": first, "second": second, "measure": measure, "gain": gain, "low": low, "high": high}
            pairs.append(row | {"p_value": _two_sided(gains)})
    found = pd.DataFrame(pairs)
    found["p_holm"] = found.groupby("measure")["p_value"].transform(holm)
    rest = next(i for i, outcome in enumerate(one.outcomes) if is_rest(outcome))
    events = len(np.unique(np.asarray(groups)[one.codes != rest]))
    sure = (found["p_holm"] < alpha) & (events >= MIN_EVENTS)
    found["answer"] = np.select(
        [sure & (found["gain"] > 0), sure & (found["gain"] < 0)], ["better", "worse"], "cannot tell"
    )
    return Comparison(pd.DataFrame(table), found, events)


def _two_sided(gains: np.ndarray) -> float:
    """Bootstrap p value of no difference: twice the smaller share of replicates on either side of 0."""
    kept = gains[~np.isnan(gains)]
    below, above = int((kept <= 0).sum()), int((kept >= 0).sum())
    return min(1.0, 2 * (1 + min(below, above)) / (1 + len(kept)))


@dataclass(frozen=True, eq=False)
class Agreement:
    """How alike two scores are on the same entities, outcomes aside; `changed_band` is None for different ladders.

    `moves`: from, to, n (bands of the first and of the second). `top`: id, end (highest, lowest), change (enters,
    leaves), score_first, score_second. `kendall_tau` runs from -1 to 1, 1 = the same order.
    """

    n: int
    kendall_tau: float
    changed_band: int | None
    moves: pd.DataFrame
    top: pd.DataFrame
    top_size: int = 20

    @property
    def sentence(self) -> str:
        """The agreement in a sentence."""
        entered = int((self.top["change"] == "enters").sum())
        bands = "their bands have different names"
        if self.changed_band is not None:
            bands = f"{self.changed_band:,} change band ({100 * self.changed_band / max(self.n, 1):.1f} %)"
        return (
            f"Of {self.n:,} entities {entered} enter the highest or lowest {self.top_size}; {bands}; "
            f"Kendall tau {self.kendall_tau:.3f}."
        )


def agreement(
    ids: ArrayLike,
    first: pd.DataFrame,
    second: pd.DataFrame,
    *,
    top: int = 20,
) -> Agreement:
    """Compares two score tables (`score`, and `band` or `tier`) row by row; rows that either left unscored are dropped.

    Use one cutoff. Where scores tie at the edge of the top, those with the lesser id are in it.
    """
    a, b = _banded(first), _banded(second)
    both = pd.DataFrame({"id": np.asarray(ids), "a": a[0], "b": b[0], "band_a": a[1], "band_b": b[1]})
    both = both.dropna(subset=["a", "b"]).sort_values("id", kind="stable").reset_index(drop=True)
    from scipy.stats import kendalltau  # imported late: scipy is slow to load

    tau = float(kendalltau(both["a"], both["b"]).statistic) if len(both) > 1 else float("nan")
    moved = both.groupby(["band_a", "band_b"], dropna=False).size().rename("n").reset_index()
    moved = moved.rename(columns={"band_a": "from", "band_b": "to"})
    ends = []
    for end, rising in (("highest", False), ("lowest", True)):
        before = both.sort_values("a", ascending=rising, kind="stable").head(top)["id"]
        after = both.sort_values("b", ascending=rising, kind="stable").head(top)["id"]
        for change, who in (("enters", after[~after.isin(before)]), ("leaves", before[~before.isin(after)])):
            ends.append(both[both["id"].isin(who)].assign(end=end, change=change))
    listed = pd.concat(ends, ignore_index=True).rename(columns={"a": "score_first", "b": "score_second"})
    same_ladder = not set(moved["from"]).isdisjoint(moved["to"]) or moved.empty
    changed = int(moved.loc[moved["from"] != moved["to"], "n"].sum()) if same_ladder else None
    listed = listed[["id", "end", "change", "score_first", "score_second"]]
    return Agreement(len(both), tau, changed, moved, listed, top)


def _banded(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    name = "tier" if "tier" in table and "band" not in table else "band"
    bands = table[name].astype(object).to_numpy() if name in table else np.full(len(table), "", dtype=object)
    return table["score"].to_numpy(dtype=float), bands
