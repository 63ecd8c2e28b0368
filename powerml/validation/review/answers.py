"""Which part of a score is over- or underweighted, by what reviewers said of the top of the list.

Document A, "6. Validate and calibrate": a low-value user who scores high points at an overweighted dimension, an
obvious power user who is missing at an underweighted one. Twenty rows rarely prove either, and the report says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from powerml.errors import DataError
from powerml.statistics.intervals import wilson_by_account
from powerml.statistics.significance import holm

if TYPE_CHECKING:
    from collections.abc import Hashable

ANSWERS = ("yes", "no", "missing")
ALL_SPLITS = 20_000  # up to so many ways to deal the answers out all are tried, else so many at random
FULL_LEAN_AT = 2.0  # a difference of so many standard errors leans a part as far as one can
_COLUMNS = ["part", "question", "n", "n_yes", "share", "share_yes", "difference", "low", "high", "p_value"]

_Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Review:
    """What the answers say.

    `table`: part, question ("no against yes", "missing against yes"), n and n_yes (accounts, one each per answer),
    share and share_yes (mean percent of the score that is due to the part), difference with its 95 % interval,
    p_value (permutation), p_holm, answer ("overweighted", "underweighted", "cannot tell").
    `lean`: per part from -1 (less weight) to 1 (more), which is how far the answers point, proven or not.
    `kept`: share of the judged rows that are a yes, with Wilson's interval.
    """

    counts: dict[str, int]
    unanswered: int
    kept: tuple[float, float, float]
    table: pd.DataFrame
    lean: dict[str, float]

    @property
    def sentences(self) -> tuple[str, ...]:
        """How many were right, then what is over- or underweighted, or why that cannot be told."""
        yes, no, missing = (self.counts[a] for a in ANSWERS)
        said = [f"{yes} yes, {no} no, {missing} missing, {self.unanswered} without an answer."]
        if yes + no:
            rate, low, high = (100 * v for v in self.kept)
            said.append(f"{rate:.0f} % of the judged rows belong there (n = {yes + no}, {low:.0f} to {high:.0f} %).")
        return (*said, *self._findings())

    @property
    def proven(self) -> bool:
        """Whether any part is over- or underweighted beyond chance."""
        return bool((self.table["answer"] != "cannot tell").any())

    def _findings(self) -> list[str]:
        if self.table.empty:
            if not self.counts["yes"]:
                return ["No row has the answer yes, so there is nothing to compare the others with."]
            return ["Nobody is wrong and nobody is missing: the weights pass this review."]
        sure = self.table[self.table["answer"] != "cannot tell"]
        said = [f"{row['part']} is {row['answer']}: {_described(row)}." for row in sure.to_dict("records")]
        for question, rows in self.table[~self.table["question"].isin(sure["question"])].groupby(
            "question", sort=False
        ):
            row = rows.sort_values("p_value", kind="stable").iloc[0].to_dict()
            least = 1 / math.comb(int(row["n"] + row["n_yes"]), int(row["n"]))
            few = ""
            if least * len(self.table) >= 0.05:
                best = f"p is {least:.2g} at best, {len(self.table)} comparisons"
                few = f" So few answers could not have shown any ({best})."
            said.append(f"{str(question).capitalize()}: cannot tell. The largest difference: {_described(row)}.{few}")
        return said


def review(
    answers: ArrayLike, shares: pd.DataFrame, *, groups: ArrayLike, unanswered: int = 0, seed: int = 0
) -> Review:
    """Compares the shares of the parts between the no and the yes, and between the missing and the yes.

    Parameters
    ----------
    answers : "yes", "no" or "missing" per row
    shares : percent of each row's score that is due to each part (`review_parts.Parts.shares`), in the order of answers
    groups : account of each row; rows of one account with the same answer are averaged and count once

    A part that gives the no's more of their score than the yes's is overweighted, one that gives the missing more is
    underweighted, and the other way round. Two-sided permutation tests, exact for up to 20,000 splits, Holm over
    all of them. Raises DataError for an answer that is none, or without any.
    """
    said = np.asarray(answers, dtype=object)
    if not len(said):
        raise DataError("review: no row has an answer; write yes or no beside the rows, missing beside rows you add")
    if unknown := sorted({str(a) for a in said} - set(ANSWERS)):
        raise DataError(f"review: {unknown[0]!r} is no answer; answers are {', '.join(ANSWERS)}")
    accounts = np.asarray(groups)
    means = shares.reset_index(drop=True).groupby([said, accounts], sort=True).mean()
    by_answer = {a: means.loc[a].to_numpy(dtype=float) for a in ANSWERS if a in means.index.get_level_values(0)}
    names = list(map(str, shares.columns))
    rng = np.random.default_rng(seed)
    tables, leans = [], []
    for answer, sign in (("no", -1), ("missing", 1)):
        if answer not in by_answer or "yes" not in by_answer:
            continue
        table, z = _compared(by_answer[answer], by_answer["yes"], names, rng)
        tables.append(table.assign(question=f"{answer} against yes", more=sign * table["difference"] > 0))
        leans.append(sign * np.clip(z / FULL_LEAN_AT, -1, 1))
    columns = [*_COLUMNS, "p_holm", "answer"]
    table = pd.DataFrame(columns=columns)
    if tables:
        both = pd.concat(tables, ignore_index=True)
        both["p_holm"] = holm(both["p_value"])
        sure, more = both["p_holm"] < 0.05, both["more"]
        both["answer"] = np.select([sure & more, sure & ~more], ["underweighted", "overweighted"], "cannot tell")
        table = both[columns]
    lean = np.mean(leans, axis=0) if leans else np.zeros(len(names))
    judged = np.isin(said, ANSWERS[:2])
    return Review(
        counts={a: int((said == a).sum()) for a in ANSWERS},
        unanswered=unanswered,
        kept=wilson_by_account(said[judged] == "yes", accounts[judged]),
        table=table,
        lean=dict(zip(names, map(float, lean), strict=True)),
    )


def _compared(one: _Floats, yes: _Floats, names: list[str], rng: np.random.Generator) -> tuple[pd.DataFrame, _Floats]:
    """Mean shares of two groups, per part, with pooled-variance t intervals and permutation p values."""
    n, m = len(one), len(yes)
    together = np.vstack([one, yes])
    difference = one.mean(axis=0) - yes.mean(axis=0)
    spread = ((one - one.mean(axis=0)) ** 2).sum(axis=0) + ((yes - yes.mean(axis=0)) ** 2).sum(axis=0)
    half, z = np.full(len(names), np.nan), np.zeros(len(names))
    if n + m > 2:
        from scipy.special import stdtrit  # imported late: scipy is slow to load

        error = np.sqrt(spread / (n + m - 2) * (1 / n + 1 / m))
        half = float(stdtrit(n + m - 2, 0.975)) * error
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(np.abs(difference) < 1e-9, 0.0, difference / error)
    drawn = _dealt(n, n + m, rng)
    sums = np.zeros((len(drawn), len(names)))
    for column in drawn.T:
        sums += together[column]
    shuffled = sums / n - (together.sum(axis=0) - sums) / m
    p = (np.abs(shuffled) >= np.abs(difference) - 1e-9).mean(axis=0)
    table = pd.DataFrame(
        {
            "part": names,
            "n": n,
            "n_yes": m,
            "share": one.mean(axis=0),
            "share_yes": yes.mean(axis=0),
            "difference": difference,
            "low": difference - half,
            "high": difference + half,
            "p_value": p,
        }
    )
    return table, z


def _dealt(n: int, of: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Which rows get the first answer: every way of dealing it out, or as many at random, the first as it was."""
    if math.comb(of, n) <= ALL_SPLITS:
        return np.array(list(combinations(range(of), n)), dtype=np.intp)
    random = np.argsort(rng.random((ALL_SPLITS - 1, of)), axis=1)[:, :n]
    return np.vstack([np.arange(n), random]).astype(np.intp)


def _described(row: dict[Hashable, Any]) -> str:
    who = "the no's" if row["question"].startswith("no") else "the missing"
    ends = "" if math.isnan(row["low"]) else f", {row['low']:+.0f} to {row['high']:+.0f}"
    return (
        f"{row['part']} gives {who} {row['share']:.0f} % of their score and the yes's "
        f"{row['share_yes']:.0f} % ({row['n']} against {row['n_yes']} accounts; difference "
        f"{row['difference']:+.0f} points{ends}, p = {row['p_holm']:.3f} after Holm)"
    )
