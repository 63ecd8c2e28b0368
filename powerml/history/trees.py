"""The metric tree of kept nights: what each metric adds to the mean score, and which branch pulls it down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from powerml.config.clauses import BranchPull

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.config.alerts import AlertSpec
    from powerml.history.nights import Night
    from powerml.history.store import NightHistory

TREE_COLUMNS = ("branch", "metric", "contribution")
ANY = "any"


@dataclass(frozen=True)
class TreeOfNight:
    """Reads the mean contributions that nights have kept."""

    history: NightHistory

    def branches(self, night: Night) -> pd.Series | None:
        """What each branch adds to the mean score of a night; None where it was not kept."""
        table = self.history.table(night, tree_name(night))
        return None if table is None else table.groupby("branch")["contribution"].sum()


def tree_name(night: Night) -> str:
    """What the table of a scorer's mean contributions is called."""
    return f"tree_{night.scorer}"


def branch_rows(
    spec: AlertSpec, history: NightHistory, night: Night, trees: TreeOfNight, owners: Mapping[str, str]
) -> pd.DataFrame:
    """The branches that pull the mean down by more than the rule says: `id` (the branch), `owner`, `because`."""
    found = []
    for clause in spec.when:
        if not isinstance(clause, BranchPull):
            continue
        then = history.last_before(night) if clause.days is None else history.before(night, clause.days)
        after, before = trees.branches(night), None if then is None else trees.branches(then)
        if then is None or after is None or before is None:
            continue
        change = after.sub(before, fill_value=0.0)
        for branch, moved in change[change <= -clause.pulls_mean_down].items():
            if clause.branch in (ANY, branch):
                because = f"{branch} pulls the mean score down by {-moved:.1f} points since {then.as_of}"
                found.append((str(branch), None, None, owners.get(str(branch)), because))
    return pd.DataFrame(found, columns=["id", "account_id", "user_id", "owner", "because"])
