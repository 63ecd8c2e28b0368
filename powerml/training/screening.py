"""Which metrics a session's fits may read: suspected leaks are left out, the screen is learned anew in every fold."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sklearn.base import clone

from powerml.config.experiment import ExperimentSpec, ScreenSpec
from powerml.screening.auto import AutoScreen
from powerml.screening.correlation import CorrelationScreen, ScreenWarning
from powerml.screening.report import screen_report
from powerml.statistics.target_encoding import numeric_view
from powerml.training.static_columns import static_sentence
from powerml.validation.leak_probe import EARLIER_DAYS, leak_probe, suspects, values_earlier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from powerml.training.rows import Rows, TrainingData


@dataclass(frozen=True, eq=False)
class LeakProbe:
    """Finds suspected leaks in any rows of a session from those rows alone and their entities' earlier values.

    `earlier`: `as_of`, the id and every metric of about 30 days before, one row per row of the session's snapshots.
    `instants`: the metrics that are days between an instant and the row's date.
    """

    metrics: tuple[str, ...]
    texts: tuple[str, ...]
    earlier: pd.DataFrame
    instants: tuple[str, ...] = ()
    found: WeakKeyDictionary[Rows, pd.DataFrame] = field(default_factory=WeakKeyDictionary, repr=False)

    @classmethod
    def of(cls, data: TrainingData) -> LeakProbe:
        """The probe of a session's snapshots."""
        metrics, keys = data.available, ["as_of", data.labelled.id_column]
        numbers = [name for name in metrics if name not in data.texts]
        near = values_earlier(data.history, numbers, id_column=data.labelled.id_column)
        return cls(tuple(metrics), data.texts, data.history[keys].join(near), data.instants)

    @property
    def has_earlier(self) -> bool:
        """Whether any row has a snapshot about 30 days before."""
        return bool(self.earlier.iloc[:, 2:].notna().any(axis=None))

    def table(self, rows: Rows) -> pd.DataFrame:
        """The probe's table for some rows; see `leak_probe`. Kept, since every scorer of a fold asks for it."""
        if rows not in self.found:
            keys = list(self.earlier.columns[:2])
            near = rows.frame[keys].merge(self.earlier, on=keys, how="left").set_axis(rows.frame.index)
            x = numeric_view(rows.frame, self.metrics, learned_from=rows.frame, texts=self.texts)
            near = near.reindex(columns=list(self.metrics)).astype(float)
            self.found[rows] = leak_probe(x, rows.y, near, instants=self.instants)
        return self.found[rows]

    def reasons(self, rows: Rows, force_keep: Iterable[str] = ()) -> tuple[dict[str, str], dict[str, str]]:
        """The suspects of some rows with their reasons: those to leave out of fits, and those kept by force."""
        found = self.table(rows)
        every = {str(row["metric"]): str(row["reason"]) for row in found[found["suspect"]].to_dict("records")}
        left = suspects(found, force_keep)
        return {m: every[m] for m in left}, {m: reason for m, reason in every.items() if m not in left}


@dataclass(frozen=True, eq=False)
class Screening:
    """What fits may read: the screen's rule (None: off), and a probe (None: nobody is suspected) for leaks.

    `auto` is the rule that the heads themselves apply inside their folds; `rule` then only reports on all rows.

    `leaks`: suspects over all rows with their reasons, those left out of fits only; `forced`: suspects kept by force.
    """

    rule: CorrelationScreen | None = None
    leaks: Mapping[str, str] = field(default_factory=dict)
    forced: Mapping[str, str] = field(default_factory=dict)
    probe: LeakProbe | None = None
    force_keep: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    report: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    auto: AutoScreen | None = None

    def honest(self, rows: Rows, metrics: Sequence[str]) -> list[str]:
        """The metrics without the suspects that `rows` alone give away; where there is no probe, without `leaks`."""
        barred = set(self.leaks) if self.probe is None else set(suspects(self.probe.table(rows), self.force_keep))
        return [metric for metric in metrics if metric not in barred]

    def keep(self, rows: Rows, metrics: Sequence[str]) -> list[str]:
        """The metrics that a fit on `rows` may read; categories are not screened."""
        honest = self.honest(rows, metrics)
        if self.rule is None:
            return honest
        dropped = set(map(str, self.rule.force_drop))
        if self.auto is not None:
            return [metric for metric in honest if metric not in dropped]
        numbers = [metric for metric in honest if metric not in self.texts]
        if not numbers:
            return honest
        rule = clone(self.rule)
        rule.set_params(
            force_keep=tuple(m for m in rule.force_keep if m in numbers),
            force_drop=tuple(m for m in rule.force_drop if m in numbers),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ScreenWarning)  # said once, by the report
            fitted = rule.fit(rows.frame[numbers].astype(float), rows.y)
        kept = {str(name) for name in fitted.get_feature_names_out()}
        return [m for m in honest if m in kept or (m in self.texts and m not in dropped)]

    def allows(self, rows: Rows, metrics: Sequence[str], kept: Sequence[str]) -> bool:
        """Whether a documented set that reads `metrics` may be among the heads fitted on `rows`, which read `kept`.

        Not where one of them is a suspected leak or dropped by force, or where a threshold keeps it out.
        """
        if self.rule is not None and self.auto is None:
            return set(metrics) <= set(kept)
        dropped = () if self.rule is None else map(str, self.rule.force_drop)
        return len(self.honest(rows, metrics)) == len(metrics) and not set(metrics) & set(dropped)

    def without_rule(self) -> Screening:
        """The same without a screen: only suspected leaks are left out."""
        return replace(self, rule=None, auto=None)

    @property
    def suspected(self) -> dict[str, str]:
        """All suspects with their reasons, kept by force or not."""
        return {**self.leaks, **self.forced}

    def other_way(self) -> Screening:
        """The same screen with the suspects kept that this one leaves out; where it keeps all by force, without them.

        What is kept or left out then is settled by the suspects over all rows, not looked for again.
        """
        if self.leaks:
            return replace(self, leaks={}, probe=None)
        return replace(self, leaks=self.forced, forced={}, probe=None, force_keep=())

    @property
    def tag(self) -> str:
        """What runs say of it."""
        if self.rule is None:
            rule = "off"
        else:
            balanced = "natural" if self.rule.reference_prevalence == "natural" else "balanced"
            rule = "auto" if self.rule.threshold is None else f"|r| >= {self.rule.threshold:g}, {balanced}"
        if self.leaks:
            return f"{rule}; suspected leaks left out: {', '.join(self.leaks)}"
        kept = ", ".join(self.forced)
        return f"{rule}; suspected leaks kept: {kept}" if kept else rule


def plan_screening(experiment: ExperimentSpec, data: TrainingData) -> Screening:
    """Probes for leaks with the values of a month earlier, where the snapshots hold them, and runs the screen once."""
    spec = ScreenSpec() if experiment.screen is None or experiment.screen == "auto" else experiment.screen
    force_keep = () if spec == "off" else spec.force_keep
    metrics, rows = data.available, data.labelled
    probe = LeakProbe.of(data)
    leaks, forced = probe.reasons(rows, force_keep)
    notes = []
    if not probe.has_earlier:
        notes.append(
            f"Leak probe: no row has a snapshot about {EARLIER_DAYS} days before it, so only a metric that separates "
            "an outcome perfectly, or holds instants after its row's date, would have been found."
        )
    if static := static_sentence(data, probe.table(rows)):
        notes.append(static)
    plan = Screening(None, leaks, forced, probe, force_keep=tuple(force_keep), texts=data.texts, notes=tuple(notes))
    if isinstance(spec, str):
        return plan
    numbers = [metric for metric in metrics if metric not in data.texts]
    automatic = spec.threshold == "auto"
    if automatic:
        plan = replace(plan, auto=AutoScreen(tuple(spec.force_keep), spec.min_keep))
    rule = CorrelationScreen(
        None if spec.threshold == "auto" else spec.threshold,
        reference_prevalence="natural" if spec.reference_prevalence == "natural" else 0.5,
        force_keep=tuple(spec.force_keep),
        force_drop=tuple(metric for metric in spec.force_drop if metric not in leaks),
        min_keep=spec.min_keep,
    )
    if not numbers:
        return replace(
            plan, auto=None, notes=(*notes, "Screen: every column is a category, and categories are not screened.")
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ScreenWarning)
        x = rows.frame[numbers].astype(float)
        report = screen_report(
            x, rows.y, groups=rows.accounts, times=rows.times, screen=rule,
            leaks={m: reason for m, reason in leaks.items() if m in numbers}, seed=experiment.seed,
        )  # fmt: skip
    kept = report.loc[report["kept"], "metric"].nunique()
    said = f"Screen ({Screening(rule).tag}): {kept} of {len(numbers)} metrics "
    by_themselves = automatic and not caught and not set(rule.force_keep) & set(numbers)
    said += "are told from noise by some outcome." if by_themselves else "may be fitted."
    if data.texts:
        said += f" Columns of categories are not screened ({len(data.texts)})."
    warned = (f"Screen: {warning.message}" for warning in caught)
    return replace(plan, rule=rule, report=report, notes=(*notes, said, *warned))
