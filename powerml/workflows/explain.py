"""`powerml explain`: why one entity scores as it does, what changed since last time, the nearest way up."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml.config.metrics import catalogue
from powerml.errors import UsageError, did_you_mean
from powerml.history.alarms import Alarms
from powerml.history.ledger import LEDGER_FILE, read_ledger
from powerml.history.store import NightHistory
from powerml.progress import Note, silent
from powerml.reports.person_page import Beside, person_page
from powerml.scoring.contributions import change
from powerml.scoring.explain.explainable import Explainable
from powerml.scoring.explain.explanation import Explanation
from powerml.scoring.explain.next_band import next_band
from powerml.scoring.explain.one import by_reason, reasons_table
from powerml.scoring.explain.text import Cell, ShownValues
from powerml.scoring.explain.tree import branches
from powerml.scoring.named import from_weights
from powerml.sources.tables.metrics import rows_to_score
from powerml.tracking.scorers import from_registry
from powerml.writing import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from powerml.config.project import ProjectSpec


def from_metrics(
    path: Path,
    *,
    weights: str,
    settings: Mapping[str, float] | None = None,
    as_of: date | None = None,
    project: ProjectSpec | None = None,
) -> Explainable:
    """The rows of a metric table; ranks and full scales that are not stored come from the table itself."""
    scorer = from_weights(weights, settings=settings, project=project)
    table = rows_to_score(path, scorer)
    return Explainable(table.frame, scorer, table.id_column, catalogue(), as_of, project.accountable if project else {})


def from_project(
    project: ProjectSpec,
    *,
    model: str | None = None,
    weights: str | None = None,
    settings: Mapping[str, float] | None = None,
    as_of: date | None = None,
    note: Note = silent,
) -> Explainable:
    """A project's snapshot at `as_of` (by default the latest) and the one before it."""
    from powerml.workflows.project import open_project, project_metrics, ranked

    scorer = from_weights(weights, settings=settings, project=project) if weights else from_registry(project, model)
    opened = open_project(scorer.aimed(project), known=scorer.metrics(project_metrics(project)), dates=1, note=note)
    at = as_of or opened.last_day + timedelta(days=1)
    earlier = [day for day in opened.cutoffs() if day < at][-1:]
    built = opened.build([*earlier, at], labels=True, note=note)
    scorer = scorer.with_counts(built.vocabulary_counts)
    frame = ranked(built.frame, None if scorer.model.outcome is not None else opened.left(built.frame))
    return Explainable(frame, scorer, project.id_column, opened.metrics, at, project.accountable)


def explain(entity: str, snapshots: Explainable) -> Explanation:
    """Explains one entity at the date meant (or its latest), compared with its row before.

    Raises UsageError for an entity that is not there or is not scored.
    """
    frame, scorer, id_column, as_of = snapshots.frame, snapshots.scorer, snapshots.id_column, snapshots.as_of
    mine = frame[frame[id_column].astype(str) == entity]
    if mine.empty:
        hint = did_you_mean(entity, frame[id_column].astype(str).head(50_000))
        raise UsageError(f"no {id_column} {entity!r} among {frame[id_column].nunique():,}{hint}")
    if "as_of" in mine:
        mine = mine.sort_values("as_of", kind="stable")
    now, last = _now_and_before(entity, mine, as_of)
    model = scorer.model
    if not bool(now["enough_history"].iloc[0]):
        raise UsageError(f"{entity}: too young to be scored at that date (insufficient_history)")
    if model.outside(now).any():
        raise UsageError(f"{entity}: outside the population {scorer.shown} was trained on; name a set with --weights")
    model = model.referenced(_of_date(frame, now))
    given = model.reasons(now)
    branch_of = {} if model.scorer.document is None else branches(model.scorer.document)
    reasons = reasons_table(given, now, snapshots.metrics)
    reasons.insert(1, "branch", [branch_of.get(metric, "") for metric in reasons["metric"]])
    changes, score_before, date_before = None, None, None
    if last is not None and bool(last["enough_history"].iloc[0]):
        old = model.reasons(last)
        changes = change(*by_reason(old, given))
        changes.insert(1, "value_before", _values(last, changes["metric"]))
        changes.insert(2, "value", _values(now, changes["metric"]))
        score_before, date_before = float(old.contributions.scores.iloc[0]), _date(last)
    return Explanation(
        entity,
        _date(now),
        scorer.shown,
        model.score(now, ranking="stored").iloc[0],
        reasons,
        given.baseline,
        date_before,
        score_before,
        changes,
        next_band(model.scorer, now, snapshots.metrics),
        snapshots.caution(_date(now)),
    )


def write_person(done: Explanation, path: Path, record: pd.DataFrame | None, beside: Beside | None = None) -> None:
    """One entity's page; `record` are its nights (`powerml history ID`), None where none is kept."""
    write_whole(path, person_page(done, record, beside))


def around(project: ProjectSpec, entity: str) -> Beside | None:
    """What the newest night knows around one entity: what rang, and its account; None where no night knows it."""
    history = NightHistory.of(project)
    night = history.newest()
    if night is None:
        return None
    scores = history.scores(night)
    mine = scores[scores[night.id_column].astype(str) == entity]
    if mine.empty:
        return None
    account = str(mine["account_id"].iloc[0]) if "account_id" in mine and mine["account_id"].notna().any() else None
    alerts = None
    if (project.state / LEDGER_FILE).is_file():
        with read_ledger(project.state) as ledger:
            rang = Alarms.on(ledger.con).fired()
        about = rang.index.isin([entity, account])
        alerts = rang[about].drop(columns=["account_id", "user_id"]).dropna(axis=1, how="all").reset_index(drop=True)
    if account is None:
        return Beside(night.as_of, alerts)
    there = scores["account_id"].astype(str).eq(account) & scores["status"].eq("scored")
    columns = [night.id_column, "score", night.band_column, "p_churn", "p_expand"]
    members = scores.loc[there, [name for name in columns if name in scores]].sort_values("score", ignore_index=True)
    people = history.table(night, "people")
    told: dict[str, str] = {}
    if people is not None and "account_id" in people:
        of = people[people["account_id"].eq(account)]
        told = {
            words: str(of[name].dropna().iloc[0])
            for name, words in (("account_name", "name"), ("owner", "owner"))
            if name in of and of[name].notna().any()
        }
        if "name" in of and of["name"].notna().any():
            names = of.drop_duplicates(night.id_column).set_index(night.id_column)["name"]
            members.insert(1, "name", members[night.id_column].astype(str).map(names))
    snapshot = history.snapshot(night)
    if "mrr" in snapshot:
        paid = snapshot.loc[snapshot[night.id_column].astype(str).eq(entity), "mrr"]
        told |= {"money a month": f"{paid.iloc[0]:,.0f}"} if paid.notna().any() else {}
    return Beside(night.as_of, alerts, account, members.dropna(axis=1, how="all"), told)


def _now_and_before(entity: str, mine: pd.DataFrame, as_of: date | None) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    if "as_of" not in mine:
        if len(mine) > 1:
            raise UsageError(f"{entity} stands in {len(mine)} rows; add a column as_of that tells them apart")
        return mine, None
    if as_of is not None:
        dates = [day.date() for day in mine["as_of"]]
        if as_of not in dates:
            raise UsageError(
                f"{entity} is not in the snapshot of {as_of}; it is in those of {', '.join(map(str, dates))}"
            )
        mine = mine.iloc[: dates.index(as_of) + 1]
    return mine.iloc[[-1]], mine.iloc[[-2]] if len(mine) > 1 else None


def _of_date(frame: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["as_of"] == now["as_of"].iloc[0]] if "as_of" in frame else frame


def _values(row: pd.DataFrame, metrics: Any) -> list[Cell]:
    return [ShownValues(row[name])[0] if name in row.columns else None for name in metrics]


def _date(row: pd.DataFrame) -> date | None:
    return pd.Timestamp(row["as_of"].iloc[0]).date() if "as_of" in row else None
