"""The metric tree of a score: from the score to groups of metrics to metrics, each branch with its owner (document E).

Contributions add up at every level, for one entity, for the mean of a group, and for its change between two dates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml.scoring.contributions import Contributions, by_group, change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.config.groups import Group
    from powerml.config.metrics import MetricSpec
    from powerml.scoring.documented.base import DocumentedScorer
    from powerml.scoring.model import ScoringModel


def branches(scorer: DocumentedScorer[Any]) -> dict[str, str]:
    """The branch of each metric: an activity's group, a composite's dimension, the part of a points table.

    A metric of several parts stands with the first of them.
    """
    return scorer.branches()


def branches_of(model: ScoringModel, metrics: Mapping[str, MetricSpec]) -> dict[str, str]:
    """The branch of each metric of a model: of a weight set its own, of a fitted model the catalogue's group."""
    if model.scorer.document is not None:
        return branches(model.scorer.document)
    return {name: metrics[name].group for name in model.scorer.metrics_ if name in metrics}


def owned_branches(scorer: DocumentedScorer[Any]) -> dict[str, Group]:
    """The branches to which the weight set itself gives an owner."""
    return dict(scorer.card.owned)


def metric_tree(contributions: Contributions, branch_of: Mapping[str, str]) -> pd.DataFrame:
    """The mean score as a tree: rows `branch`, `metric` (empty on the branch's own row), `contribution`.

    The first row is the whole score, `baseline` included; branches follow, largest first, each with its metrics.
    """
    mean, branch_mean = contributions.mean, by_group(contributions, branch_of).mean
    rows = [("score", "", float(mean.sum()) + contributions.baseline)]
    if contributions.baseline:
        rows.append(("baseline", "", contributions.baseline))
    for branch in branch_mean.sort_values(ascending=False, kind="stable").index:
        rows.append((branch, "", float(branch_mean[branch])))
        inside = [metric for metric in mean.index if branch_of.get(metric, metric) == branch]
        rows += [(branch, metric, float(mean[metric])) for metric in inside]
    return pd.DataFrame(rows, columns=["branch", "metric", "contribution"])


def branch_changes(
    before: Contributions, after: Contributions, branch_of: Mapping[str, str], groups: Mapping[str, Group]
) -> pd.DataFrame:
    """Which branch moved the mean: `branch`, `owner`, `before`, `after`, `change`, `alert`; changes add up.

    `alert` where the branch pulls the mean down by more than its declared amount.
    """
    moved = change(by_group(before, branch_of), by_group(after, branch_of)).rename(columns={"metric": "branch"})
    owner = [groups[b].owner if b in groups else None for b in moved["branch"]]
    limits = [groups[b].alert_below if b in groups else float("inf") for b in moved["branch"]]
    moved.insert(1, "owner", pd.Series(owner, index=moved.index, dtype=object))
    return moved.assign(alert=moved["change"] < -pd.Series(limits, index=moved.index))
