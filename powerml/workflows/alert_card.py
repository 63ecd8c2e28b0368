"""`powerml alerts --judge`: the history replayed, each rule over all nights whose outcomes are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from powerml.config.alerts import load_alerts, project_alerts
from powerml.errors import MissingColumns, UsageError
from powerml.history.store import NightHistory
from powerml.history.view import NightView
from powerml.monitoring.alerts import judge_rule, rings, true_rows
from powerml.progress import Note, silent
from powerml.snapshots.labels import payment_stops
from powerml.statistics.accounts import accounts_of
from powerml.tables import OUTCOMES
from powerml.workflows.project import OpenProject, open_project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from powerml.config.alerts import AlertSpec
    from powerml.config.project import ProjectSpec
    from powerml.history.nights import Night

FEWEST_NIGHTS = 3
ALERT_CARD = "alert_card"  # the table beside the newest night that the page shows
SCORECARD_COLUMNS = (
    *("alert", "fired", "came", "base_rate", "lift", "low", "high", "lead_days", "share_warned", "verdict"),
)


@dataclass(frozen=True, eq=False)
class Scorecard:
    """The rules judged: `rules` (SCORECARD_COLUMNS), a sentence each, and what could not be judged."""

    rules: pd.DataFrame
    sentences: tuple[str, ...]
    nights: int


def judge_alerts(project: ProjectSpec, path: Path | None = None, *, note: Note = silent) -> Scorecard:
    """The alert scorecard of the project's rules, or of those of a file that are not in use yet.

    Nights of one scorer are replayed in their order, those of the newest one. What the project's own rules came to is
    kept beside the newest night, for the page. Raises UsageError where fewer than three
    of them have a known outcome.
    """
    rules = list(project_alerts(project).values()) if path is None else list(load_alerts(path))
    history = NightHistory.of(project)
    newest = history.newest()
    nights = [] if newest is None else history.nights(scorer=newest.scorer)
    if newest is None or len(nights) < FEWEST_NIGHTS:
        raise UsageError(
            f"{history.folder}: fewer than {FEWEST_NIGHTS} nights by one version are kept; fill the history in: "
            "powerml night --from D --to D --every month"
        )
    opened = open_project(project, note=note).for_labels()
    stops = _stops(opened)
    judged, said = [], []
    for horizon in sorted({spec.within_days or project.outcome.horizon_days for spec in rules}):
        outcomes = _outcomes(opened, [night.as_of for night in nights], horizon, note=note)
        if outcomes["as_of"].nunique() < FEWEST_NIGHTS:
            raise UsageError(
                f"fewer than {FEWEST_NIGHTS} kept nights have outcomes that are known {horizon} days later; fill the "
                "history in from earlier: powerml night --from D --to D --every month"
            )
        for spec in rules:
            if (spec.within_days or project.outcome.horizon_days) != horizon or spec.entity == "branch":
                continue
            note(f"replaying {spec.name}")
            try:
                rows = _replayed(spec, history, nights, outcomes, stops)
            except MissingColumns as error:
                said.append(f"{spec.name} cannot be judged: {error}.")
                continue
            judged.append(judge_rule(spec, rows))
    said += _caution(nights)
    order = {spec.name: place for place, spec in enumerate(rules)}
    judged.sort(key=lambda one: order[one.alert])
    table = pd.DataFrame(
        [[getattr(one, name) for name in SCORECARD_COLUMNS] for one in judged], columns=list(SCORECARD_COLUMNS)
    )
    if path is None:
        history.keep_table(newest.as_of, ALERT_CARD, table)
    return Scorecard(table, (*(one.sentence for one in judged), *said), len(nights))


def _caution(nights: Sequence[Night]) -> list[str]:
    """The sentence where the version has learned from outcomes of nights that it is judged on here."""
    until = nights[-1].outcomes_until
    seen = 0 if until is None else sum(night.as_of.isoformat() < until for night in nights)
    if not seen:
        return []
    shown = f"{nights[-1].model}@{nights[-1].model_version}"
    return [f"{shown} has learned from outcomes of {seen} of {len(nights)} nights, which flatters rules on its score."]


def _outcomes(opened: OpenProject, days: Sequence[date], horizon: int, *, note: Note) -> pd.DataFrame:
    """What came of each entity within `horizon` days of each night whose window was seen: as_of, id, account, label."""
    project = opened.project
    aimed = project.model_copy(update={"outcome": project.outcome.model_copy(update={"horizon_days": horizon})})
    data = replace(opened, project=aimed)
    mature = data.mature(list(days))
    if not mature:
        return pd.DataFrame(columns=["as_of", "id", "account", "label"])
    frame = data.build(mature, labels=True, note=note).frame
    frame = frame[frame["label"].isin(OUTCOMES)]
    account = accounts_of(frame, project.id_column)
    ids = frame[project.id_column].astype(str)
    return pd.DataFrame({"as_of": frame["as_of"].dt.date, "id": ids, "account": account, "label": frame["label"]})


def _stops(opened: OpenProject) -> dict[str, list[pd.Timestamp]]:
    """When each account stopped paying, where contracts say so."""
    if opened.project.outcome_kind != "contract":
        return {}
    inputs, rollups = opened.inputs, opened.rollups
    rows = inputs.engine.frame(
        payment_stops(inputs, rollups, opened.project).join(rollups.accounts, "aid").select("account_id", "stop")
    )
    found: dict[str, list[pd.Timestamp]] = {}
    for account, stop in zip(rows["account_id"].astype(str), pd.to_datetime(rows["stop"], unit="us"), strict=True):
        found.setdefault(account, []).append(stop)
    return found


def _replayed(
    spec: AlertSpec,
    history: NightHistory,
    nights: Sequence[Night],
    outcomes: pd.DataFrame,
    stops: dict[str, list[pd.Timestamp]],
) -> pd.DataFrame:
    """A row per entity of the rule and night with a known outcome: as_of, account, rang, came, lead_days."""
    last: dict[str, date] = {}
    before: date | None = None
    rung: list[tuple[date, str]] = []
    for night in nights:
        view = NightView.at(history, night, spec.of)
        if view is None:
            continue
        ids = true_rows(spec, view)["id"].astype(str).tolist()
        rung += [(night.as_of, one) for one in rings(last, ids, night.as_of, before=before, rearm=spec.rearm_days)]
        last |= dict.fromkeys(ids, night.as_of)
        before = night.as_of
    key = "account" if spec.entity == "account" else "id"
    rows = outcomes.assign(came=outcomes["label"].eq(spec.came))
    rows = rows.groupby(["as_of", key], as_index=False).agg(account=("account", "first"), came=("came", "max"))
    rang = pd.MultiIndex.from_tuples(rung, names=["as_of", key]) if rung else None
    index = pd.MultiIndex.from_frame(rows[["as_of", key]])
    rows["rang"] = False if rang is None else index.isin(rang)
    rows["lead_days"] = [
        _lead(stops.get(str(account), []), day) if came and hit and spec.came == "churn" else float("nan")
        for account, day, came, hit in zip(rows["account"], rows["as_of"], rows["came"], rows["rang"], strict=True)
    ]
    return rows[["as_of", "account", "rang", "came", "lead_days"]]


def _lead(stops: Sequence[pd.Timestamp], day: date) -> float:
    """Days from a night to the next stop of payment."""
    later = [(stop - pd.Timestamp(day)).total_seconds() / 86_400 for stop in stops if stop >= pd.Timestamp(day)]
    return min(later, default=float("nan"))
