"""The band report as a page: the verdict first, the bands with intervals, the document's own table beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml.reports.page import heading, page, sentence, table
from powerml.reports.part import ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.validation.band_report import BandReport

_RANKING = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "lift_10": "lift at 10 %",
    "recall_10": "recall",
}


def band_page(title: str, report: BandReport, *, verdict: Sequence[str], notes: Sequence[str] = ()) -> str:
    """A page that stands alone; `verdict` are its sentences, `notes` what else a reader must know."""
    first, *rest = verdict
    parts = [sentence(first, kind="verdict"), *map(sentence, rest), *map(sentence, notes)]
    parts += [heading("What came of each band"), *map(sentence, report.sentences)]
    bands = band_table(report)
    parts.append(table(bands if bands["note"].any() else bands.drop(columns="note"), shares=["share"]))
    parts += [heading("All numbers"), table(report.table), heading("Behind the intervals"), table(report.detail)]
    if len(report.reversals):
        parts += [heading("Bands in the wrong order"), table(report.reversals)]
    return page(title, *parts)


def band_table(report: BandReport) -> pd.DataFrame:
    """The report for reading, best band first: n, share, and each outcome as `rate % (low-high)`.

    Where the document prints a table for the same bands its rates stand beside ours.
    """
    rows = report.bands
    shown = pd.DataFrame({"band": rows["band"], "from": rows["from"], "n": rows["n"], "share": rows["share"]})
    parts = {o: part.reset_index(drop=True) for o, part in report.rates.groupby("outcome")}
    for outcome in report.outcomes:
        columns = parts[outcome][["rate", "low", "high"]].itertuples(index=False)
        shown[outcome] = [interval_text(*each) for each in columns]
    for outcome in report.outcomes:
        if "reference" in report.rates:
            shown[f"document: {outcome}"] = [whole_percent(rate) for rate in parts[outcome]["reference"]]
    shown["mean score"], shown["mean outcome"] = rows["mean_score"], rows["mean_outcome"]
    return shown.assign(note=rows["note"])


def ranking_table(ranking: pd.DataFrame) -> pd.DataFrame:
    """How well a score ranks, for reading: every estimate of `discrimination` with its interval in one cell."""
    shown = pd.DataFrame({"outcome": ranking["outcome"], "n": ranking["n"], "events": ranking["n_events"]})
    shown["rate"] = [whole_percent(rate) for rate in ranking["rate"]]
    for name, words in _RANKING.items():
        ends = ranking[[name, f"{name}_low", f"{name}_high"]].itertuples(index=False)
        shown[words] = ["" if v != v else f"{v:.2f} ({low:.2f}-{high:.2f})" for v, low, high in ends]
    return shown


def calibration_table(table: pd.DataFrame) -> pd.DataFrame:
    """How right probabilities are, for reading: observed over expected and slope, 1 each where they are right."""
    shown = pd.DataFrame({"outcome": table["outcome"], "n": table["n"], "events": table["n_events"]})
    for name, words in (("observed_expected", "observed/expected"), ("slope", "slope")):
        columns = (table[f"{name}{end}"] for end in ("", "_low", "_high"))
        shown[words] = [ends(value, low, high, 2) for value, low, high in zip(*columns, strict=True)]
    return shown


def interval_text(rate: float, low: float, high: float) -> str:
    """A rate with its interval, in per cent.

    >>> interval_text(0.71, 0.55, 0.84)
    '71 % (55-84)'
    """
    return "" if rate != rate else f"{whole_percent(rate)} ({100 * low:.0f}-{100 * high:.0f})"


def whole_percent(rate: float) -> str:
    """A rate in per cent, empty where there is none.

    >>> whole_percent(0.125), whole_percent(float("nan"))
    ('12 %', '')
    """
    return "" if rate != rate else f"{100 * rate:.0f} %"
