"""Which metrics know the outcome too well: strong at the cutoff, weak a month before, or perfect.

Strength alone is no leak: an honest early sign is strong a month before as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.statistics.scores import auroc
from powerml.tables import is_rest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import ArrayLike

STRONG, WEAK = 0.75, 0.60
EARLIER_DAYS, TOLERANCE_DAYS = 30, 10  # how much earlier values are, and how far off their snapshot may lie
MIN_ROWS_TO_PROBE = 10  # rows with the outcome below which nothing is said: a few events are separated by chance


def leak_probe(
    metrics: pd.DataFrame, y: ArrayLike, earlier: pd.DataFrame | None = None, *, instants: Collection[str] = ()
) -> pd.DataFrame:
    """One row per metric and outcome: metric, outcome, n_events, auroc, n_earlier, auroc_earlier, suspect, reason.

    `earlier`: the same rows with the values of about 30 days before (see `values_earlier`), null rows where there was
    no snapshot; None = the comparison is not applicable. AUROC is told in the direction in which the metric is strong
    at the cutoff, so it is at least one half there; a suspect is strong over all rows and over those that have an
    earlier value too. Of `instants`, metrics that are days between an instant and the row's date, those are suspects
    that hold one after it (less than 0): nobody knew it then. Suspects first.
    """
    labels = np.asarray(y)
    outcomes = [o for o in pd.unique(labels) if not is_rest(o)]
    rows = []
    for outcome in sorted(map(str, outcomes)):
        positive = labels == outcome
        rows += [
            {"metric": str(name), "outcome": outcome}
            | _probe(metrics[name], earlier, name, positive)
            | (_after(metrics[name]) if name in instants else {})
            for name in metrics.columns
        ]
    found = pd.DataFrame(rows, columns=["metric", "outcome", *_row(0)])  # no row where nothing but the rest came
    found = found.astype({"suspect": bool})
    return found.sort_values(["suspect", "auroc"], ascending=False, kind="stable", ignore_index=True)


def suspects(probe: pd.DataFrame, force_keep: Iterable[str] = ()) -> tuple[str, ...]:
    """The metrics to leave out of fits: the probe's suspects, less those that are kept by force."""
    kept = set(force_keep)
    return tuple(m for m in dict.fromkeys(probe.loc[probe["suspect"], "metric"]) if m not in kept)


def values_earlier(
    snapshots: pd.DataFrame,
    metrics: Iterable[str],
    *,
    id_column: str,
    days: int = EARLIER_DAYS,
    tolerance_days: int = TOLERANCE_DAYS,
) -> pd.DataFrame:
    """For every row the metrics of the same entity's snapshot nearest to `days` before; null where there is none.

    `snapshots`: as_of, the id and the metrics, several cutoffs. The index is that of `snapshots`.
    """
    names = list(metrics)
    left = snapshots[["as_of", id_column]].assign(row=np.arange(len(snapshots)))
    left["wanted"] = (left["as_of"] - pd.Timedelta(days=days)).astype(left["as_of"].dtype)
    right = snapshots[["as_of", id_column, *names]].sort_values("as_of", kind="stable")
    near = pd.merge_asof(
        left.drop(columns="as_of").sort_values("wanted", kind="stable"),
        right,
        left_on="wanted",
        right_on="as_of",
        by=id_column,
        direction="nearest",
        tolerance=pd.Timedelta(days=min(tolerance_days, days - 1)),
    )
    return near.sort_values("row")[names].set_axis(snapshots.index)


def _probe(values: pd.Series, earlier: pd.DataFrame | None, name: object, positive: np.ndarray) -> dict[str, object]:
    now = values.to_numpy(dtype=float, na_value=np.nan)
    known = ~np.isnan(now)
    events = int(positive.sum())
    if events < MIN_ROWS_TO_PROBE or events == len(positive):
        return _row(events, reason=f"not probed: under {MIN_ROWS_TO_PROBE} rows with the outcome")
    if known.any() and not known.all() and (known == positive).all() | (known == ~positive).all():
        return _row(events, a=1.0, suspect=True, reason="is known exactly where the outcome came, or where it did not")
    raw = auroc(positive[known], now[known])
    if np.isnan(raw):
        return _row(events, reason="not probed: one outcome only where it is known")
    up = raw >= 0.5
    a = raw if up else 1 - raw
    if a == 1.0 and int(positive[known].sum()) >= MIN_ROWS_TO_PROBE:
        return _row(events, a=a, suspect=True, reason="separates the outcome perfectly")
    if earlier is None:
        return _row(events, a=a, reason="no earlier snapshot: not applicable")
    before = earlier[name].to_numpy(dtype=float, na_value=np.nan)
    both = known & ~np.isnan(before)
    if int(positive[both].sum()) < MIN_ROWS_TO_PROBE or positive[both].all():
        return _row(
            events, a=a, reason=f"under {MIN_ROWS_TO_PROBE} rows with the outcome have an earlier value: not applicable"
        )
    c, b = (v if up else 1 - v for v in (auroc(positive[both], now[both]), auroc(positive[both], before[both])))
    suspect = min(a, c) >= STRONG and b < WEAK
    reason = f"AUROC {a:.2f} at the cutoff but {b:.2f} a month before" if suspect else ""
    return _row(events, a=a, suspect=suspect, reason=reason) | {"n_earlier": int(both.sum()), "auroc_earlier": b}


def _after(days_before: pd.Series) -> dict[str, object]:
    """The verdict on an instant with values after the row's date; nothing where there are none."""
    after = int((days_before < 0).sum())
    if not after:
        return {}
    return {
        "suspect": True,
        "reason": f"holds instants after its row's date, in {after:,} of {len(days_before):,} rows",
    }


def _row(events: int, *, a: float = float("nan"), suspect: bool = False, reason: str = "") -> dict[str, object]:
    return {
        "n_events": events,
        "auroc": a,
        "n_earlier": 0,
        "auroc_earlier": float("nan"),
        "suspect": bool(suspect),
        "reason": reason,
    }
