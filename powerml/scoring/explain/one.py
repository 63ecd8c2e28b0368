"""The reasons of one row, and what moved its score since another: families of metrics taken together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from powerml.scoring.contributions import Contributions
from powerml.scoring.explain.text import Wording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.config.metrics import MetricSpec
    from powerml.scoring.families import Reasons


def reasons_table(reasons: Reasons, row: pd.DataFrame, metrics: Mapping[str, MetricSpec]) -> pd.DataFrame:
    """`metric`, `value`, `said`, `usual`, `contribution`, `with` of the one row of `row`, largest first.

    `said` is the value in words, or what is missing, `usual` the usual one in words; `with` lists the other metrics of
    a reason as `metric`, `value`, `contribution`, which its own `contribution` holds.
    """
    said, names = Wording(reasons, row, metrics), reasons.metrics
    found = []
    for place, members in enumerate(reasons.members):
        column = int(reasons.named[0, place])
        found.append(
            {
                "metric": names[column],
                "value": said.cells[column][0],
                "said": said.shown(0, column),
                "usual": said.usual(column),
                "contribution": float(reasons.effects[0, place]),
                "with": [
                    {"metric": names[m], "value": said.cells[m][0], "contribution": float(reasons.given[0, m])}
                    for m in members
                    if m != column
                ],
            }
        )
    table = pd.DataFrame(found, columns=["metric", "value", "said", "usual", "contribution", "with"])
    order = table["contribution"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def by_reason(before: Reasons, after: Reasons) -> tuple[Contributions, Contributions]:
    """Two rows' contributions by reason, each named by the metric that moved most in the direction of the whole."""
    moved = pd.DataFrame(after.given - before.given, columns=list(after.metrics))
    named = replace(after, contributions=Contributions(moved, 0.0)).named[0]
    names = [after.metrics[column] for column in named]
    return (
        Contributions(pd.DataFrame(before.effects, columns=names), before.baseline),
        Contributions(pd.DataFrame(after.effects, columns=names), after.baseline),
    )
