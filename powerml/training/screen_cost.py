"""What document D's screen keeps, and what it costs in held-out skill: the one audit, of sessions and of `screen`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.scoring.heads.logistic import LogisticHead
from powerml.scoring.heads.training import rehearsal_rows
from powerml.scoring.outcome.model import NestedOutcomeModel
from powerml.screening.correlation import CorrelationScreen
from powerml.statistics.bootstrap import AccountBootstrap, interval
from powerml.statistics.folds import group_codes
from powerml.statistics.scores import outcomes_log_loss_rows
from powerml.training.candidates import fit_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.training.rows import Rows, Split, TrainingData
    from powerml.training.screening import Screening

DOCUMENTED_THRESHOLD = 0.45
"""Document D's threshold."""

MOST_ROWS = 6_000
"""Training rows, of whole accounts, that each fold's audit is fitted on: enough to tell a cost, and quick."""


@dataclass(frozen=True, eq=False)
class ScreenCost:
    """The audit: `table` holds `against` ("used", "none"), `points` of skill more than it, with ends `low` and `high`.

    `kept_fewest`, `kept_most` of `metrics` reach the threshold by themselves, over the folds; `rows` were held out.
    `screens`: one row per screen tried (`screen`: off, auto or its threshold): how many metrics its heads read over the
    folds (`kept_fewest`, `kept_most`), held-out `skill` (%) over the training rates, `points` more than without a
    screen, with ends.
    """

    kept_fewest: int
    kept_most: int
    metrics: int
    rows: int
    table: pd.DataFrame
    screens: pd.DataFrame

    @property
    def sentence(self) -> str:
        """What a session says of it."""
        few, most = self.kept_fewest, self.kept_most
        kept = f"{few}" if few == most else f"{few} to {most}"
        told = {row["against"]: row for row in self.table.to_dict("records")}
        words = [
            f"{row['points']:+.1f} points of skill ({row['low']:+.1f} to {row['high']:+.1f}) against {name}"
            for name, row in (("the screen used", told.get("used")), ("none", told.get("none")))
            if row is not None
        ]
        return (
            f"The document's |r| >= {DOCUMENTED_THRESHOLD:g} is reached by {kept} of {self.metrics} metrics; a "
            f"logistic head behind it makes {' and '.join(words)}, on {self.rows:,} held-out rows."
        )


def screen_cost(
    data: TrainingData,
    screening: Screening,
    split: Split,
    *,
    thresholds: Sequence[float] = (),
    seed: int,
    repeats: int = 500,
) -> ScreenCost | None:
    """Fits a logistic head behind the document's screen, the one used and none, on each fold; judges held-out rows.

    `thresholds` are tried beside them. None where nothing can be held out, or no metric is a number.
    """
    rows = data.labelled
    folds = [fold for fold in split.folds if len(fold[1]) and len(set(rows.y[fold[0]])) > 1]
    numbers = [metric for metric in data.available if metric not in data.texts and metric not in screening.leaks]
    if not folds or not numbers:
        return None
    screens = _screens(screening, thresholds)
    read: dict[str, list[int]] = {name: [] for name in screens}
    losses: dict[str, list[np.ndarray]] = {name: [] for name in (*screens, "base")}
    passed = []
    for train_at, test_at in folds:
        train = _some(rows.take(train_at))
        test = rows.take(test_at)
        codes = pd.Index(data.outcomes).get_indexer(pd.Index(test.y))
        rates = np.array([max((train.y == outcome).mean(), 1e-9) for outcome in data.outcomes])
        losses["base"].append(-np.log(rates / rates.sum())[codes])
        passed.append(_passing(train, screening.honest(train, numbers)))
        for name, screen in screens.items():
            model = _fitted(data, screen, train, seed=seed)
            read[name].append(_read(model))
            losses[name].append(outcomes_log_loss_rows(codes, model.predict_proba_outcomes(test.frame).to_numpy()))
    tested = np.concatenate([test_at for _, test_at in folds])
    together = {name: np.concatenate(parts) for name, parts in losses.items()}
    draws = AccountBootstrap.of(rows.accounts[tested], repeats=repeats, seed=seed)
    table = [
        _cost(together["document"], together.get(name, together["document"]), together["base"], draws, name)
        for name in ("used", "none")
    ]
    told = []
    for name in screens:
        row = _cost(together[name], together["none"], together["base"], draws, screens[name].tag.split(";")[0])
        row = {"screen": row.pop("against"), "kept_fewest": min(read[name]), "kept_most": max(read[name])} | {
            "skill": 100 * float(1 - together[name].sum() / together["base"].sum()), **row,
        }  # fmt: skip
        told.append(row)
    return ScreenCost(
        min(passed), max(passed), len(numbers), len(tested), pd.DataFrame(table), pd.DataFrame(told[::-1])
    )


def _screens(screening: Screening, thresholds: Sequence[float]) -> dict[str, Screening]:
    """The document's screen, the one used, others by their thresholds, and none; equals are left to the first."""
    old = screening.rule
    kept, dropped = ((), ()) if old is None else (old.force_keep, old.force_drop)
    used = None if old is None or screening.auto is not None else old.threshold

    def at(threshold: float) -> Screening:
        return replace(screening, rule=CorrelationScreen(threshold, force_keep=kept, force_drop=dropped), auto=None)

    own = {} if used == DOCUMENTED_THRESHOLD else {"used": screening}
    others = sorted({*thresholds} - {DOCUMENTED_THRESHOLD, used}, reverse=True)
    tried = {f"{threshold:g}": at(threshold) for threshold in others}
    return {**own, "document": at(DOCUMENTED_THRESHOLD), **tried, "none": screening.without_rule()}


def _read(model: NestedOutcomeModel) -> int:
    """How many columns the heads of its sides read together."""
    heads = [side.head for side in model.sides_.all if isinstance(side.head, LogisticHead)]
    reads = [range(len(model.encoder_.names)) if head.reads is None else head.reads for head in heads]
    return len({column for own in reads for column in own})


def _some(rows: Rows) -> Rows:
    return rows.take(rehearsal_rows(group_codes(rows.accounts, len(rows.y)), MOST_ROWS))


def _passing(rows: Rows, metrics: list[str]) -> int:
    """How many of the metrics reach the document's threshold by themselves."""
    if not metrics:
        return 0
    screen = CorrelationScreen(DOCUMENTED_THRESHOLD, min_keep=0)
    return int(screen.fit(rows.frame[metrics].astype(float), rows.y).passed_.sum())


def _fitted(data: TrainingData, screening: Screening, rows: Rows, *, seed: int) -> NestedOutcomeModel:
    kept = screening.keep(rows, data.available)
    model = NestedOutcomeModel(
        "logistic",
        metrics=tuple(kept),
        outcomes=data.outcomes,
        directions={name: spec.direction for name, spec in data.metrics.items()},
        calibration="identity",
        n_folds=3,
        seed=seed,
        screen=screening.auto,
    )
    return fit_on(model, rows.frame[kept], rows)


def _cost(
    ours: np.ndarray, theirs: np.ndarray, base: np.ndarray, draws: AccountBootstrap, name: str
) -> dict[str, object]:
    """Points of skill that `ours` has more than `theirs`, from losses per row, with its 95 % interval by account."""
    sums = draws.sums(np.column_stack([theirs - ours, base]))
    low, high = interval(100 * sums[:, 0] / sums[:, 1])
    return {"against": name, "points": 100 * float((theirs - ours).sum() / base.sum()), "low": low, "high": high}
