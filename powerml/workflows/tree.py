"""`powerml tree`: what a score is made of, branch by branch, each with its owner, and what moved it since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml.errors import UsageError, did_you_mean
from powerml.history.store import NightHistory
from powerml.scoring.contributions import Contributions
from powerml.scoring.explain.moved_tree import moved_tree
from powerml.scoring.explain.tree import branches_of, owned_branches
from powerml.scoring.named import NamedScorer, from_weights
from powerml.tracking.scorers import of_night, with_night_counts
from powerml.workflows.project import project_metrics

if TYPE_CHECKING:
    from datetime import date

    from powerml.config.project import ProjectSpec
    from powerml.history.nights import Night


@dataclass(frozen=True, eq=False)
class Tree:
    """The tree (`rows`: TREE_ROWS) of a night and what moved it since another; `n` rows at both ends."""

    night: Night
    before: Night | None
    entity: str | None
    n: int
    rows: pd.DataFrame
    scorer: str


def metric_tree_of(
    project: ProjectSpec,
    entity: str | None = None,
    *,
    weights: str | None = None,
    as_of: date | None = None,
    since: date | None = None,
) -> Tree:
    """The tree of the mean of a kept night (or of one entity), by the night's main scorer or by a weight set.

    `since`: the night to compare with, scored by the same scorer; by default the one a month before, if there is one.
    Raises UsageError where a night or the entity is not there.
    """
    history = NightHistory.of(project)
    night = history.newest() if as_of is None else history.at(as_of)
    if night is None:
        raise UsageError(f"{history.folder}: holds no night{f' of {as_of}' if as_of else ''}; see 'powerml history'")
    said = history.before(night, 30, as_said=True) if since is None else history.at(since)
    if since is not None and (said is None or since >= night.as_of):
        raise UsageError(f"--since {since}: no such night before {night.as_of}; see 'powerml history'")
    scorer = of_night(project, history, night) if weights is None else _named(project, history, night, weights)
    after = contributions_of(history, night, scorer, entity)
    if entity is not None and after.values.empty:
        ids = history.scores(night, [night.id_column])[night.id_column].astype(str)
        hint = did_you_mean(entity, list(ids[:50_000])) or ", or it is not scored"
        raise UsageError(f"{entity!r}: not in the night of {night.as_of}{hint}")
    before = None if said is None else contributions_of(history, said, scorer, entity)
    if before is not None and before.values.empty:
        before = said = None
    metrics = scorer.metrics(project_metrics(project))
    rows = moved_tree(after, before, branches_of(scorer.model, metrics), _owners(project, scorer))
    if entity is not None:
        rows["from_movers"] = float("nan")
    return Tree(night, said, entity, len(after.values), rows, scorer.shown)


def _named(project: ProjectSpec, history: NightHistory, night: Night, weights: str) -> NamedScorer:
    return with_night_counts(from_weights(weights, project=project), history, night)


def contributions_of(
    history: NightHistory, night: Night, scorer: NamedScorer, entity: str | None = None
) -> Contributions:
    """What each metric adds to the score of each scored entity of a night (or of one), indexed by entity."""
    status = history.scores(night, [night.id_column, "status"])
    scored = set(status.loc[status["status"] == "scored", night.id_column].astype(str))
    snapshot = history.snapshot(night)
    ids = snapshot[night.id_column].astype(str)
    there = snapshot[ids.isin(scored)]
    model = scorer.model.referenced(there) if len(there) else scorer.model
    chosen = there if entity is None else there[there[night.id_column].astype(str) == entity]
    if chosen.empty:
        return Contributions(pd.DataFrame(), 0.0)
    made = model.contributions(chosen)
    values: Any = made.values.set_axis(chosen[night.id_column].astype(str), axis=0)
    return Contributions(values, made.baseline)


def _owners(project: ProjectSpec, scorer: NamedScorer) -> dict[str, str]:
    """Who owns which branch: as the weight set says, and above that as the project does."""
    document = scorer.model.scorer.document
    own = {} if document is None else {branch: group.owner for branch, group in owned_branches(document).items()}
    return {name: str(owner) for name, owner in own.items() if owner} | {n: str(o) for n, o in project.owners.items()}
