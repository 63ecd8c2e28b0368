"""Which metrics a session's fits may read: suspected leaks are left out, the screen is learned anew in every fold."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
from sklearn.base import clone

from powerml.config.experiment import ExperimentSpec, ScreenSpec
from powerml.screening.correlation import CorrelationScreen, ScreenWarning
from powerml.screening.report import screen_report
from powerml.validation.leak_probe import leak_probe, suspects, values_earlier
from powerml.workflows.training_data import Rows, TrainingData

EARLIER_DAYS = 30


@dataclass(frozen=True, eq=False)
class Screening:
    """The screen's rule (None: off), suspected leaks with their reasons, and the report over all training rows."""

    rule: CorrelationScreen | None = None
    leaks: Mapping[str, str] = field(default_factory=dict)
    report: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()

    def keep(self, rows: Rows, metrics: Sequence[str]) -> list[str]:
        """The metrics that a fit on `rows` may read."""
        honest = [metric for metric in metrics if metric not in self.leaks]
        if self.rule is None:
            return honest
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ScreenWarning)  # said once, by the report
            fitted = clone(self.rule).fit(rows.frame[honest].astype(float), rows.y)
        return [str(name) for name in fitted.get_feature_names_out()]

    @property
    def tag(self) -> str:
        """What runs say of it."""
        if self.rule is None:
            return "off"
        return f"|r| >= {self.rule.threshold:g}, " + (
            "natural" if self.rule.reference_prevalence == "natural" else "balanced"
        )


def plan_screening(experiment: ExperimentSpec, data: TrainingData) -> Screening:
    """Probes for leaks with the values of a month earlier, where the snapshots hold them, and runs the screen once."""
    spec = ScreenSpec() if experiment.screen is None else experiment.screen
    force_keep = () if spec == "off" else spec.force_keep
    metrics, rows = data.available, data.labelled
    x = rows.frame[metrics].astype(float)
    near = values_earlier(data.whole, metrics, id_column=rows.id_column, days=EARLIER_DAYS)
    keys = ["as_of", rows.id_column]
    joined = rows.frame[keys].merge(data.whole[keys].join(near), on=keys, how="left")
    probe = leak_probe(x, rows.y, joined[metrics].astype(float).set_axis(rows.frame.index))
    named = set(suspects(probe, force_keep))
    reasons = probe[probe["suspect"]].to_dict("records")
    leaks = {str(row["metric"]): str(row["reason"]) for row in reasons if row["metric"] in named}
    notes = [f"Suspected leak, left out of fits: {metric}: {reason}." for metric, reason in leaks.items()]
    if isinstance(spec, str):
        return Screening(None, leaks, None, tuple(notes))
    rule = CorrelationScreen(
        spec.threshold,
        reference_prevalence="natural" if spec.reference_prevalence == "natural" else 0.5,
        force_keep=tuple(spec.force_keep),
        force_drop=tuple(metric for metric in spec.force_drop if metric not in leaks),
        min_keep=spec.min_keep,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ScreenWarning)
        report = screen_report(
            x, rows.y, groups=rows.accounts, times=rows.times, screen=rule, leaks=leaks, seed=experiment.seed
        )
    kept = report.loc[report["kept"], "metric"].nunique()
    notes.append(f"Screen ({Screening(rule).tag}): {kept} of {len(metrics)} metrics may be fitted.")
    return Screening(rule, leaks, report, (*notes, *(f"Screen: {warning.message}" for warning in caught)))
