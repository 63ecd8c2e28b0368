"""`powerml alerts --judge`: the history replayed, each rule over all nights whose outcomes are known.

The history of a project is thinned out, so nights that lie a week apart are made anew from the events as they were
known, in the project's cache, and replayed from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from powerml.config import fingerprints
from powerml.config.alerts import load_alerts, project_alerts
from powerml.errors import MissingColumns, UsageError
from powerml.history.alarms import ALERT_CARD, GAMING
from powerml.history.store import NightHistory
from powerml.history.view import NightViews
from powerml.monitoring.alerts import judge_rule, rings, true_rows
from powerml.monitoring.gaming import GAMING_COLUMNS, NEWEST_MONTHS, gaming, gaming_sentence
from powerml.progress import Note, silent
from powerml.snapshots.labels import payment_stops
from powerml.snapshots.windows import Cutoffs
from powerml.statistics.accounts import accounts_of
from powerml.tables import OUTCOMES
from powerml.workflows.night.run import filled_in
from powerml.workflows.night.work import Work
from powerml.workflows.project import OpenProject, latest_cutoff
from powerml.workflows.tree import contributions_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from powerml.config.alerts import AlertSpec
    from powerml.config.project import ProjectSpec
    from powerml.history.nights import Night
    from powerml.scoring.named import NamedScorer

REPLAYED = "replayed"  # in `.powerml/cache`: nights made for judging, made again where they are removed
FEWEST_NIGHTS = 3
LEAST_PAST = 90  # days of data before the first night replayed: changes over 90 days need them
LONGEST_WEEKS = 78
SCORECARD_COLUMNS = (
    *("alert", "fired", "came", "base_rate", "lift", "low", "high", "lead_days", "share_warned", "verdict"),
)


@dataclass(frozen=True, eq=False)
class Scorecard:
    """The rules judged: `rules` (SCORECARD_COLUMNS), a sentence each, and what could not be judged.

    `metrics`: the gaming monitor (GAMING_COLUMNS).
    """

    rules: pd.DataFrame
    sentences: tuple[str, ...]
    nights: int
    metrics: pd.DataFrame


def judge_alerts(project: ProjectSpec, path: Path | None = None, *, note: Note = silent) -> Scorecard:
    """The alert scorecard of the project's rules, or of those of a file that are not in use yet.

    Nights of what speaks now are replayed in their order, a week apart, over at most a year and a half of dates whose
    outcomes are known. What the project's own rules came to is kept beside the newest night, for the page. Raises
    UsageError where there are fewer than three such weeks.
    """
    rules = list(project_alerts(project).values()) if path is None else list(load_alerts(path))
    usual = project.outcome.horizon_days
    replay = _replay(project, min(usual, *(spec.within_days or usual for spec in rules)), note=note)
    note("replaying the rules")
    truth, lacking = _truth(rules, replay)
    judged = []
    for horizon in sorted({spec.within_days or usual for spec in rules}):
        mine = [spec for spec in rules if (spec.within_days or usual) == horizon and spec.name not in lacking]
        outcomes = _outcomes(replay.opened, [night.as_of for night in replay.nights], horizon, note=note)
        if outcomes["as_of"].nunique() < FEWEST_NIGHTS:
            raise UsageError(_too_few(horizon))
        judged += [judge_rule(spec, _replayed(spec, truth[spec.name], outcomes, replay.stops)) for spec in mine]
    order = {spec.name: place for place, spec in enumerate(rules)}
    judged.sort(key=lambda one: order[one.alert])
    table = pd.DataFrame(
        [[getattr(one, name) for name in SCORECARD_COLUMNS] for one in judged], columns=list(SCORECARD_COLUMNS)
    )
    metrics = _gaming(replay, usual, note=note)
    newest = NightHistory.of(project).newest()
    if path is None and newest is not None:
        NightHistory.of(project).keep_table(newest.as_of, ALERT_CARD, table)
        NightHistory.of(project).keep_table(newest.as_of, GAMING, metrics)
    sentences = (
        *(one.sentence for one in judged),
        *lacking.values(),
        *_caution(replay.nights),
        gaming_sentence(metrics),
    )
    return Scorecard(table, sentences, len(replay.nights), metrics)


@dataclass(frozen=True)
class Replay:
    """Nights made anew, oldest first, of what speaks now; the project opened for labels, and when accounts stopped."""

    history: NightHistory
    nights: Sequence[Night]
    scorer: NamedScorer
    opened: OpenProject
    stops: dict[str, list[pd.Timestamp]]


def _replay(project: ProjectSpec, shortest: int, *, note: Note) -> Replay:
    """Makes the nights that are not there yet; `shortest`: the horizon of days that the newest is to have."""
    history = NightHistory(project.state / "cache" / REPLAYED)
    work = Work(project, history, now=datetime.now(UTC), made_by="backfill", reasons=0, note=note)
    opened = replace(work.opened.for_labels(), project=project)
    days = _replay_dates(opened, shortest)
    work.counts = opened.vocabulary_counts(Cutoffs.of(project.timezone, days[-1:]))
    main = work.asked[0].scorer.with_counts(work.counts)
    scorer = fingerprints.of_json(main.model.to_dict())
    there = {night.as_of for night in history.nights(scorer=scorer)}
    filled_in(work, [day for day in days if day not in there])
    nights = [night for night in history.nights(scorer=scorer) if night.as_of in days]
    return Replay(history, nights, main, opened, _stops(opened))


def _truth(rules: Sequence[AlertSpec], replay: Replay) -> tuple[dict[str, dict[date, list[str]]], dict[str, str]]:
    """For whom each rule was true at each night; and of those that cannot be judged the sentence why."""
    truth: dict[str, dict[date, list[str]]] = {spec.name: {} for spec in rules}
    lacking = {
        spec.name: f"{spec.name} is about the mean of all and cannot be judged by what came of each."
        for spec in rules
        if spec.entity == "branch"
    }
    for night in replay.nights:
        views = NightViews(replay.history, night)
        for spec in rules:
            view = None if spec.name in lacking else views.of(spec.of)
            if view is None:
                continue
            try:
                truth[spec.name][night.as_of] = true_rows(spec, view)["id"].astype(str).tolist()
            except MissingColumns as error:
                lacking[spec.name] = f"{spec.name} cannot be judged: {error}."
    return truth, lacking


def _replay_dates(opened: OpenProject, horizon: int) -> list[date]:
    """Dates a week apart whose outcomes are known after a horizon, the newest last, over a year and a half at most."""
    first = opened.first_day + timedelta(days=LEAST_PAST)
    last = latest_cutoff(opened) - timedelta(days=1)
    weeks = max(0, (last - first).days // 7)
    every = [last - timedelta(days=7 * week) for week in range(weeks, -1, -1)]
    known = _within(opened, horizon).mature([day for day in every if day >= first])
    if len(known) < FEWEST_NIGHTS:
        raise UsageError(_too_few(horizon))
    return known[-LONGEST_WEEKS:]


def _too_few(horizon: int) -> str:
    return (
        f"fewer than {FEWEST_NIGHTS} weeks have outcomes that are known {horizon} days later, so no rule can be judged "
        "yet; wait for them, or name data that begin earlier"
    )


def _within(opened: OpenProject, horizon: int) -> OpenProject:
    """The same with outcomes within another horizon."""
    project = opened.project
    aimed = project.model_copy(update={"outcome": project.outcome.model_copy(update={"horizon_days": horizon})})
    return replace(opened, project=aimed)


def monthly(nights: Sequence[Night]) -> list[Night]:
    """The first night of each month."""
    found: dict[tuple[int, int], Night] = {}
    for night in nights:
        found.setdefault((night.as_of.year, night.as_of.month), night)
    return list(found.values())


def _gaming(replay: Replay, horizon: int, *, note: Note) -> pd.DataFrame:
    """The gaming monitor over nights a month apart whose outcomes are known."""
    nights = monthly(replay.nights)
    outcomes = _outcomes(replay.opened, [night.as_of for night in nights], horizon, note=note)
    known = outcomes.set_index(["as_of", "id"])
    parts = []
    for night in nights:
        points = contributions_of(replay.history, night, replay.scorer).values
        index = pd.MultiIndex.from_product([[night.as_of], points.index], names=["as_of", "id"])
        parts.append(points.set_axis(index, axis=0))
    points = pd.concat(parts) if parts else pd.DataFrame()
    points = points[points.index.isin(known.index)].fillna(0.0)
    if points.empty:
        return pd.DataFrame(columns=list(GAMING_COLUMNS))
    told = known.loc[points.index]
    newest = sorted(set(points.index.get_level_values("as_of")))[-NEWEST_MONTHS:]
    return gaming(
        points,
        told["label"].ne("churn").to_numpy(dtype=bool),
        account=told["account"].to_numpy(dtype=object),
        recent=points.index.get_level_values("as_of").isin(newest),
    )


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
    project, data = opened.project, _within(opened, horizon)
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
    true: Mapping[date, Sequence[str]],
    outcomes: pd.DataFrame,
    stops: dict[str, list[pd.Timestamp]],
) -> pd.DataFrame:
    """A row per entity of the rule and night with a known outcome: as_of, account, rang, came, lead_days."""
    last: dict[str, date] = {}
    before: date | None = None
    rung: list[tuple[date, str]] = []
    for day, ids in true.items():
        rung += [(day, one) for one in rings(last, ids, day, before=before, rearm=spec.rearm_days)]
        last |= dict.fromkeys(ids, day)
        before = day
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
