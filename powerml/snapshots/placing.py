"""Rows with a day, placed on cutoffs: by an equality join with a small table, or, for one cutoff, by arithmetic.

One cutoff is what a night asks for; without the joins its plans are written and run in two thirds of the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

if TYPE_CHECKING:
    import pandas as pd

    from powerml.config.metrics import Window
    from powerml.snapshots.engine.base import Engine
    from powerml.snapshots.rollup import Rollups
    from powerml.snapshots.windows import Cutoffs

_FIRST = ibis.literal(0, dt.int32)  # the position of the only cutoff


def in_window(engine: Engine, rows: ir.Table, cutoffs: Cutoffs, rollups: Rollups, window: Window) -> ir.Table:
    """The rows on each cutoff whose window holds their `day`, with the cutoff `c` and their `age` in days there."""
    older, newer = window
    if len(cutoffs.days) == 1:
        (cutoff,) = cutoffs.days
        inside = rows.filter((rows.day >= cutoff - older) & (rows.day < cutoff - newer))
        return inside.mutate(c=_FIRST, age=cutoff - inside.day)
    return rows.join(
        engine.bring(cutoffs.placement(older, newer, rollups.first_day, rollups.last_day), "placed"), "day"
    )


def in_period(engine: Engine, rows: ir.Table, cutoffs: Cutoffs, rollups: Rollups) -> ir.Table:
    """The rows before the last cutoff with `p`, the first cutoff that knows their `day`."""
    if len(cutoffs.days) == 1:
        return rows.filter(rows.day < cutoffs.days[0]).mutate(p=_FIRST)
    return rows.join(engine.bring(cutoffs.periods(rollups.first_day, rollups.last_day), "periods"), "day")


def beside(engine: Engine, rows: ir.Table, frame: pd.DataFrame) -> ir.Table:
    """Rows on cutoffs (`c`) with the other columns of a frame that has one row per cutoff, all whole numbers."""
    if len(frame) == 1:
        return rows.mutate(**_values(frame.drop(columns="c")))
    told = engine.bring(frame, "beside")
    return rows.join(told, "c").select(rows, *[told[name] for name in frame.columns if name != "c"])


def on_each(engine: Engine, rows: ir.Table, frame: pd.DataFrame) -> ir.Table:
    """Every row on every cutoff, with the columns of a frame that has one row per cutoff, all whole numbers."""
    if len(frame) == 1:
        return rows.mutate(**_values(frame))
    return rows.cross_join(engine.bring(frame, "on_each"))


def _values(frame: pd.DataFrame) -> dict[str, ir.Value]:
    return {name: ibis.literal(frame[name].item(), dt.dtype(str(frame[name].dtype))) for name in frame.columns}


def from_first_on(engine: Engine, cutoffs: Cutoffs, rows: ir.Table, first: str) -> ir.Table:
    """Rows on each cutoff from the one in column `first` on, as `c`."""
    if len(cutoffs.days) == 1:
        return rows.mutate(c=_FIRST)
    numbers = engine.bring(cutoffs.frame()[["c"]], "numbers")
    return rows.join(numbers, rows[first] <= numbers.c).select(rows, numbers.c)
