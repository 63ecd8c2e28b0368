"""`powerml screen`: which metrics deserve points, which know too much, and what the rule throws away."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import clone

from powerml.config.weights import POWER_SCORE
from powerml.errors import UsageError, did_you_mean
from powerml.progress import Note, silent
from powerml.scoring.load import load_weights
from powerml.screening.auto import THRESHOLDS, AutoScreen
from powerml.screening.correlation import CorrelationScreen, ScreenWarning
from powerml.screening.report import differentiators, screen_report
from powerml.shown import Shown
from powerml.training.screen_cost import DOCUMENTED_THRESHOLD, ScreenCost, screen_cost
from powerml.training.screening import LeakProbe, Screening
from powerml.workflows.project import gather

if TYPE_CHECKING:
    from collections.abc import Iterator

    from powerml.config.project import ProjectSpec
    from powerml.training.rows import TrainingData


@dataclass(frozen=True, eq=False)
class Screened(Shown):
    """The screen's report, the leak probe, what the rule costs on held-out rows, and document A's table.

    `warnings`: what the screen has to say loudly, such as that it kept metrics below its threshold. `dropped`: metrics
    left out by force. `threshold`: the rule's, None for `auto`, which leaves out noise only; the heads then take a
    threshold where it gains. `audit`: what document D's costs; None where nothing can be held out.
    """

    report: pd.DataFrame
    probe: pd.DataFrame
    suspects: tuple[str, ...]
    audit: ScreenCost | None
    differentiators: pd.DataFrame
    warnings: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    threshold: float | None = None

    @property
    def screens(self) -> pd.DataFrame:
        """Every threshold with what it keeps and its held-out skill; empty where nothing is held out."""
        return pd.DataFrame() if self.audit is None else self.audit.screens

    @property
    def kept(self) -> tuple[str, ...]:
        """The metrics that are kept, strongest first."""
        return tuple(dict.fromkeys(self.report.loc[self.report["kept"], "metric"]))

    @property
    def sentences(self) -> tuple[str, ...]:
        """Suspects first, then what is kept and what that costs."""
        named = self.probe[self.probe["metric"].isin(self.suspects) & self.probe["suspect"]]
        leaks = [f"Suspected leak: {r['metric']} ({r['outcome']}): {r['reason']}." for r in named.to_dict("records")]
        metrics = self.report["metric"].nunique()
        rows, few = int(self.report["n"].max()), "; ".join(self.warnings)
        kept = f"{len(self.kept)} of {metrics} metrics are kept (n = {rows:,} rows)."
        cost = () if self.audit is None else (self.audit.sentence,)
        return (*leaks, kept, *([few] if few else []), *self._out_of_reach(), *self._thrown_away(), *cost)

    def _out_of_reach(self) -> tuple[str, ...]:
        """What the base rates do to a plain correlation, at the rule's threshold, else at document D's."""
        threshold = DOCUMENTED_THRESHOLD if self.threshold is None else self.threshold
        rows = self.report.dropna(subset=["r_bal"])
        capped = int((rows["r_natural_max"] < threshold).sum())
        if not capped:
            return ()
        rates = rows.groupby("outcome")[["events", "n"]].max()
        told = " and ".join(f"{o} {100 * e / n:.1f} %" for o, e, n in rates.itertuples())
        plain, balanced = (int((rows[r].abs() >= threshold).sum()) for r in ("r_natural", "r_bal"))
        return (
            f"At these base rates ({told}) a plain r of {threshold:g} is out of reach for {capped} of {len(rows)} "
            f"pairs of metric and outcome; {plain} reach it plainly, {balanced} with both groups weighing the same.",
        )

    def _thrown_away(self) -> tuple[str, ...]:
        """The strongest of the metrics that the rule alone leaves out."""
        other = {*self.suspects, *self.dropped}  # left out for another reason than being weak
        weak = self.report[~self.report["kept"] & ~self.report["metric"].isin(other)].dropna(subset=["r_bal"])
        if weak.empty:
            return ()
        best = weak.assign(r=weak["r_bal"].abs()).groupby("metric")["r"].max().sort_values(ascending=False)
        named = ", ".join(f"{metric} ({r:.2f})" for metric, r in best.head(5).items())
        more = f" and {len(best) - 5} more" if len(best) > 5 else ""
        rule = "noise" if self.threshold is None else f"{self.threshold:g}"
        return (f"The {rule} rule throws away {named}{more}.",)

    def _shown(self) -> Iterator[str | pd.DataFrame | None]:
        yield from self.sentences
        yield self.report


def screen(
    project: ProjectSpec,
    *,
    threshold: float | None = None,
    natural: bool = False,
    force_keep: tuple[str, ...] = (),
    force_drop: tuple[str, ...] = (),
    seed: int = 0,
    repeats: int = 500,
    note: Note = silent,
) -> Screened:
    """Screens the metrics of the project's mature snapshots; raises UsageError for a forced metric that is none.

    `threshold`: the smallest |r| that is kept; None leaves out only what no outcome tells from noise.
    """
    data = gather(project, None, earlier=True, note=note)
    rule = CorrelationScreen(
        threshold,
        reference_prevalence="natural" if natural else 0.5,
        force_keep=force_keep,
        force_drop=force_drop,
    )
    return screen_on(data, rule, seed=seed, repeats=repeats, note=note)


def screen_on(
    data: TrainingData,
    rule: CorrelationScreen,
    *,
    seed: int = 0,
    repeats: int = 500,
    note: Note = silent,
) -> Screened:
    """The screen on rows that are there already, of a project or of a feature table; categories are not screened."""
    metrics = [name for name in data.available if name not in data.texts]
    if unknown := [m for m in (*rule.force_keep, *rule.force_drop) if m not in metrics]:
        hint = did_you_mean(unknown[0], metrics) or "; see 'powerml metrics'"
        raise UsageError(f"no metric {unknown[0]!r} is available here{hint}")
    rows = data.labelled
    note("probing for leaks")
    probe = LeakProbe.of(data)
    leaks, _ = probe.reasons(rows, rule.force_keep)
    note("correlating")
    x = rows.frame[metrics].astype(float)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ScreenWarning)
        report = screen_report(
            x, rows.y, groups=rows.accounts, times=rows.times, screen=rule, seed=seed, repeats=repeats,
            leaks={name: why for name, why in leaks.items() if name in metrics},
        )  # fmt: skip
    note("fitting with and without the screen")
    auto = AutoScreen(tuple(rule.force_keep), rule.min_keep) if rule.threshold is None else None
    used = Screening(
        clone(rule).set_params(force_drop=tuple(m for m in rule.force_drop if m not in leaks)),
        leaks, probe=probe, force_keep=tuple(rule.force_keep), texts=data.texts, auto=auto,
    )  # fmt: skip
    split = data.split(seed=seed)
    audit = screen_cost(data, used, split, thresholds=THRESHOLDS, seed=seed, repeats=repeats)
    warned = tuple(str(w.message) for w in caught)
    found = probe.table(rows)
    forced, table = tuple(rule.force_drop), _differentiators(data, metrics)
    return Screened(report, found, tuple(leaks), audit, table, warned, forced, rule.threshold)


def _differentiators(data: TrainingData, metrics: list[str]) -> pd.DataFrame:
    """Document A's table on the active users of the last mature snapshot: its top decile against the median user."""
    last = data.reference(data.whole["as_of"].max())
    last = last[last["active"].astype(bool)].reset_index(drop=True)
    if last.empty or not data.has(load_weights(POWER_SCORE).metrics_):
        return pd.DataFrame(columns=["metric", "top_decile", "median_user", "times"])
    scored = load_weights(POWER_SCORE, vocabulary=data.vocabulary).fit(last).predict_score(last)
    return differentiators(last[metrics].astype(float), np.asarray(scored))
