"""`powerml explain --band` and `--all`: why a group scores as it does on average, and which branch moved the mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from powerml.config.groups import Group
from powerml.errors import UsageError, did_you_mean
from powerml.scoring.explain.explainable import Explainable
from powerml.scoring.explain.tree import branch_changes, branches, metric_tree, owned_branches
from powerml.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from powerml.scoring.contributions import Contributions
    from powerml.scoring.explain.explainable import Explainable
    from powerml.scoring.model import ScoringModel


@dataclass(frozen=True)
class GroupExplanation(Shown):
    """The mean score of a group as a tree, and what moved the mean of all since the snapshot before.

    `tree`: `branch`, `metric`, `contribution`; it adds up at every level (branches are a weight set's own, of a fitted
    model the metrics that say the same thing, by the weightiest of them). `changes` (None without an earlier snapshot,
    or for one band, whose members change): `branch`, `owner`, `before`, `after`, `change`, `alert`.
    """

    group: str
    as_of: date | None
    scorer: str
    n: int
    mean_score: float
    tree: pd.DataFrame
    before: date | None
    mean_before: float | None
    changes: pd.DataFrame | None
    caution: str | None = None

    def _shown(self) -> Iterator[str | pd.DataFrame | None]:
        yield f"{self.group}, {self.scorer}: mean score {self.mean_score:.4g} of {self.n:,}"
        yield self.caution
        yield self.tree
        yield self.changes


def explain_group(snapshots: Explainable, *, band: str | None = None) -> GroupExplanation:
    """Explains the mean score of a band, or of all scored rows, at the date meant (or the latest).

    Raises UsageError for a band that the scorer has not, or one that nobody is in.
    """
    frame = snapshots.frame[snapshots.frame["enough_history"].astype(bool)]
    dates = sorted(pd.Timestamp(day).date() for day in frame["as_of"].unique()) if "as_of" in frame else []
    if snapshots.as_of is not None and dates and snapshots.as_of not in dates:
        raise UsageError(f"no snapshot of {snapshots.as_of}; there are {', '.join(map(str, dates))}")
    at = (snapshots.as_of or dates[-1]) if dates else None
    now = _at(frame, at)
    model = snapshots.scorer.model.referenced(now)
    now = now[~model.outside(now)]
    given = model.contributions(now) if len(now) else None
    if band is not None and given is not None:
        members = model.score(now)[model.band_column].eq(band).to_numpy(dtype=bool)
        if not members.any():
            known = [] if model.scorer.bands is None else list(model.scorer.bands.names)
            hint = did_you_mean(band, known) if band not in known else "; nobody is in it"
            raise UsageError(f"no band {band!r} to explain{hint or '; there are ' + ', '.join(known)}")
        given = given.of(members)
    if given is None:
        raise UsageError("nobody to explain: no row has enough history to be scored")
    document = model.scorer.document
    branch_of = model.families.leads if document is None else branches(document)
    earlier = [day for day in dates if at is not None and day < at][-1:] if band is None else []
    old = _old(model, frame, earlier)
    declared = {} if document is None else owned_branches(document)
    groups = {**declared, **_owned(declared, snapshots.owners)}
    return GroupExplanation(
        band or "everybody",
        at,
        snapshots.scorer.shown,
        len(given.values),
        float(given.scores.mean()),
        metric_tree(given, branch_of),
        earlier[0] if old is not None else None,
        None if old is None else float(old.scores.mean()),
        None if old is None else branch_changes(old, given, branch_of, groups),
        snapshots.caution(at),
    )


def _owned(declared: Mapping[str, Group], owners: Mapping[str, str]) -> dict[str, Group]:
    """The groups to which the project gives an owner, with the alert limits of the weight set."""
    return {
        name: Group(owner=owner) if name not in declared else declared[name].model_copy(update={"owner": owner})
        for name, owner in owners.items()
    }


def _old(model: ScoringModel, frame: pd.DataFrame, earlier: list[date]) -> Contributions | None:
    if not earlier:
        return None
    rows = _at(frame, earlier[0])
    rows = rows[~model.outside(rows)]
    return model.contributions(rows) if len(rows) else None


def _at(frame: pd.DataFrame, at: date | None) -> pd.DataFrame:
    return frame if at is None else frame[frame["as_of"].eq(pd.Timestamp(at))]
