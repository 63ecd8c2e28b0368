"""The metric tree of a mean and of its change: who came and went told apart from what those who stayed did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.scoring.contributions import Contributions

TREE_ROWS = ("branch", "metric", "owner", "contribution", "before", "change", "from_movers")
SCORE_ROW = "score"


def moved_tree(
    after: Contributions,
    before: Contributions | None,
    branch_of: Mapping[str, str],
    owners: Mapping[str, str],
) -> pd.DataFrame:
    """The mean score as a tree (TREE_ROWS), and what moved it since.

    Rows of both are indexed by entity. The first row is the whole score, the baseline has its own; branches follow, the
    largest first (of a change the largest move), each with its metrics (`metric` is empty on a branch's own row). At
    every level `contribution`, `before`, `change` and `from_movers` add up. `from_movers`: the part of the change that
    is due to who came and went; the rest is what those who are there at both did. Without `before` they are null.
    """
    metrics = [str(name) for name in after.values.columns]
    table = pd.DataFrame({"metric": metrics, "contribution": after.values.mean().to_numpy()})
    table["before"] = table["change"] = table["from_movers"] = float("nan")
    if before is not None:
        there = before.values.reindex(columns=after.values.columns, fill_value=0.0)
        stay = after.values.index.intersection(there.index)
        table["before"] = there.mean().to_numpy()
        table["change"] = table["contribution"] - table["before"]
        within = after.values.loc[stay].mean() - there.loc[stay].mean() if len(stay) else 0.0 * there.mean()
        table["from_movers"] = table["change"] - within.to_numpy()
    table.insert(0, "branch", [branch_of.get(name, name) for name in metrics])
    numbers = ["contribution", "before", "change", "from_movers"]
    sums = table.groupby("branch")[numbers].sum(min_count=1)
    by = "contribution" if before is None else "change"
    rows = [{"branch": SCORE_ROW, "metric": "", **table[numbers].sum(min_count=1).to_dict()}]
    rows[0]["contribution"] += after.baseline
    if before is not None:
        rows[0]["before"] += before.baseline
        rows[0]["change"] += after.baseline - before.baseline
    if after.baseline or (before is not None and before.baseline):
        was = float("nan") if before is None else before.baseline
        moved = float("nan") if before is None else after.baseline - before.baseline
        rows.append({"branch": "baseline", "metric": "", "contribution": after.baseline, "before": was, "change": moved,
                     "from_movers": float("nan") if before is None else 0.0})  # fmt: skip
    for branch in sums[by].abs().sort_values(ascending=False, kind="stable").index:
        rows.append({"branch": branch, "metric": "", **sums.loc[branch].to_dict()})
        mine = table[table["branch"] == branch]
        order = mine[by].abs().sort_values(ascending=False, kind="stable").index
        rows += [dict(row) for row in mine.loc[order].to_dict("records")]
    made = pd.DataFrame(rows)
    own = made["metric"] == ""
    made["owner"] = made["branch"].map(dict(owners)).astype(object).where(own, None)
    return made[list(TREE_ROWS)]
