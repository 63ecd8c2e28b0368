"""The list of metrics that a project knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml.config.metrics import MetricSpec, catalogue, described
from powerml.config.project import load_project
from powerml.errors import UsageError, did_you_mean
from powerml.workflows.project import project_metrics

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def list_metrics(config: Path, names: Sequence[str] = ()) -> pd.DataFrame:
    """One row per metric: metric, definition, unit, window, direction, actionable, group, source, quote.

    The shipped catalogue where `config` is no file, else also the project's own metrics.
    """
    known = project_metrics(load_project(config)) if config.is_file() else catalogue()
    for name in names:
        if name not in known:
            raise UsageError(f"no metric named {name!r}{did_you_mean(name, known) or '; see powerml metrics'}")
    return pd.DataFrame([_row(known[name]) for name in (names or known)])


def _row(spec: MetricSpec) -> dict[str, object]:
    window = spec.window_days or (spec.change.from_ if spec.change else None)
    source = spec.source
    return {
        "metric": spec.name,
        "definition": described(spec),
        "unit": spec.unit,
        "window": "" if window is None else f"{window[0]} d" if not window[1] else f"{window[0]} to {window[1]} d back",
        "direction": spec.direction,
        "actionable": spec.actionable,
        "group": spec.group,
        "source": ", ".join(part for part in (source.document, source.section) if part),
        "quote": source.quote or "",
    }
