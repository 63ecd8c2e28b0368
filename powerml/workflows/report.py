"""`powerml report`: the page, from the history where a night is kept, else from the events; and the kept session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from powerml.config.alerts import project_alerts
from powerml.config.documents import DOCUMENTED_CARD
from powerml.config.lists import project_lists
from powerml.config.project import slug
from powerml.errors import DataError, MissingColumns, UsageError
from powerml.history.alarms import ALERT_CARD, GAMING
from powerml.history.ledger import LEDGER_FILE
from powerml.history.store import NightHistory
from powerml.history.view import COMPOSITE, NightViews
from powerml.monitoring.frames_view import FramesView, became_true
from powerml.programme.segments import account_of, tier_shares
from powerml.progress import Note, silent
from powerml.reports.sections.facts import MONTH, WEEK, Facts, JudgedAlerts, ListTold, SeenNight, UsageSeen
from powerml.reports.sections.own_lists import own_lists
from powerml.reports.sections.people import LISTED
from powerml.reports.sections.whole import whole_page
from powerml.scoring.load import load_weights
from powerml.scoring.named import NamedScorer, from_weights
from powerml.scoring.scores_table import id_columns, score_rows
from powerml.tables import OUTCOMES
from powerml.tracking import registry
from powerml.tracking.kept_session import KeptSession, kept_session
from powerml.tracking.pseudonyms import KEY_FILE, load_pseudonyms
from powerml.tracking.registry import MOVED_FROM
from powerml.tracking.scorers import RegisteredScorer, from_registry, of_night
from powerml.tracking.store import store_of
from powerml.workflows.alerts import fired_since
from powerml.workflows.impact import impact
from powerml.workflows.list import written
from powerml.workflows.project import USAGE_TABLES, latest_cutoff, open_project, project_metrics, usage_tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from powerml.config.lists import ListSpec
    from powerml.config.project import ProjectSpec
    from powerml.history.nights import Night
    from powerml.training.rows import TrainingData
    from powerml.workflows.project import OpenProject

PAGE = "report.html"
MONTHS_BACK = 12
CALLED = "at_risk"


@dataclass(frozen=True)
class Report:
    """The page as HTML, and what it was made of."""

    html: str
    facts: Facts


def make_report(
    project: ProjectSpec,
    *,
    as_of: date | None = None,
    model: str | None = None,
    weights: str | None = None,
    views: NightViews | None = None,
    now: datetime,
    note: Note = silent,
) -> Report:
    """The page of a date (by default the newest night, without a history the latest snapshot).

    With `weights` a documented set speaks, with `model` a registered version; without, the champion does, and where
    there is none document D's card, which the page says. `views` are those of the night where somebody has looked at
    it already. Raises DataError where nothing is known at that date.
    """
    facts = None if model else _from_history(project, as_of, weights)
    facts = facts or _from_events(project, as_of, model, weights, now=now, note=note)
    return _reported(project, facts, views=views, note=note)


def _reported(project: ProjectSpec, facts: Facts, *, views: NightViews | None = None, note: Note) -> Report:
    """The page of what is known so far and of the kept session, lists and alerts."""
    note("writing the page")
    facts = replace(facts, session=_session(project, facts.scorer), ids=_real_ids(project, facts))
    lists = _lists(project, facts, views) if facts.kept else own_lists(facts)
    effects, told = _effects(project) if facts.kept else (None, ())
    facts = replace(
        facts, lists=lists, alerts=_alerts(facts), effects=effects, effects_told=told, judged=_judged(project),
        quarantine=_quarantine(project), ripe=_ripe(project) if facts.kept else None,
    )  # fmt: skip
    return Report(whole_page(facts), facts)


def _from_history(project: ProjectSpec, as_of: date | None, weights: str | None) -> Facts | None:
    """The facts of the newest night that is kept, at `as_of` or before it; None where there is none."""
    history = NightHistory.of(project)
    if weights is None and (as_of is None or history.at(as_of) is not None):
        night = history.newest(until=as_of)
    else:
        night = None if weights is None else history.at(as_of, weights) if as_of else history.newest(weights)
    if night is None:
        return None
    scorer = of_night(project, history, night)
    nights = [one for one in history.nights(scorer=night.scorer) if one.as_of <= night.as_of]
    rows = [(pd.Timestamp(one.as_of), one.scored, one.mean_score) for one in nights]
    shares = [
        (pd.Timestamp(one.as_of), band, round(share * one.scored), share)
        for one in nights for band, share in one.shares.items()
    ]  # fmt: skip
    seen = {days: history.before(night, days) for days in (WEEK, MONTH)}
    week, month = (None if one is None else _seen(history, one) for one in seen.values())
    return Facts(
        project, scorer, scorer.metrics(project_metrics(project)), _seen(history, night), week, month,
        pd.DataFrame(rows, columns=["as_of", "n", "mean_score"]),
        pd.DataFrame(shares, columns=["as_of", "band", "n", "share"]),
        people=history.table(night, "people"), kept=True, remarks=night.remarks,
        usage=UsageSeen(*(history.table(night, name) for name in USAGE_TABLES)), tiers=_kept_tiers(history, night),
    )  # fmt: skip


def _seen(history: NightHistory, night: Night) -> SeenNight:
    scores, snapshot = history.scores(night), history.snapshot(night)
    rows = pd.Index(snapshot[night.id_column]).get_indexer(pd.Index(scores[night.id_column]))
    return SeenNight(night.as_of, scores, snapshot.iloc[rows].reset_index(drop=True))


def _from_events(
    project: ProjectSpec, as_of: date | None, model: str | None, weights: str | None, *, now: datetime, note: Note
) -> Facts:
    """The facts of a date and of those before it, with snapshots taken now from the events as they were known then."""
    remarks = [
        "No night is kept for this date, so snapshots were taken from the events; 'powerml night' keeps one each night."
    ]
    scorer: NamedScorer
    known = registry.aliases(store_of(project), slug(project.project))
    if weights is None and model is None and "champion" not in known:
        weights = DOCUMENTED_CARD
        remarks.append(f"There is no champion, so the documented set {DOCUMENTED_CARD!r} speaks: no probabilities.")
        if "challenger" in known:
            remarks.append(f"For the page of its challenger: --model {slug(project.project)}@challenger.")
    scorer = from_weights(weights, project=project) if weights else from_registry(project, model)
    metrics = scorer.metrics(project_metrics(project))
    opened = open_project(scorer.aimed(project), known=metrics, note=note)
    day = as_of or latest_cutoff(opened)
    if not opened.first_day < day <= latest_cutoff(opened):
        raise DataError(
            f"{project.file}: nothing is known at {day}; events are from {opened.first_day} to {opened.last_day}"
        )
    wanted = {day, day - timedelta(days=WEEK), day - timedelta(days=MONTH), *_months(day)}
    built = opened.build(sorted(one for one in wanted if one > opened.first_day), labels=True, note=note)
    scorer = scorer.with_counts(built.vocabulary_counts)
    left = None if scorer.model.outcome is not None else opened.left(built.frame)
    frame = built.frame if left is None else built.frame.assign(left=left)
    facts = _from_frame(project, scorer, frame, day, built.coverage, tuple(remarks), now=now, note=note)
    tiers = _tiers_of(project, facts.night.snapshot, built.vocabulary_counts, now=now)
    return replace(facts, usage=usage_seen(opened, facts.night), tiers=tiers)


def report_of_training(data: TrainingData, scorer: NamedScorer, *, now: datetime, note: Note = silent) -> Report:
    """The page of a session's latest snapshot, from the snapshots that training took."""
    frames = [data.whole, data.recent, data.latest if data.left is None else data.latest.assign(left=data.left)]
    frame = pd.concat([each for each in frames if len(each)], ignore_index=True)
    if "left" in frame:
        frame["left"] = frame["left"].fillna(False).astype(bool)
    day = pd.Timestamp(data.latest["as_of"].max()).date()
    said = ("These are the snapshots that training took; 'powerml night' keeps one each night.",)
    facts = _from_frame(data.project, scorer, frame, day, data.coverage, said, now=now, note=note)
    facts = replace(facts, tiers=_tiers_of(data.project, facts.night.snapshot, data.vocabulary, now=now))
    return _reported(data.project, facts, note=note)


def _from_frame(
    project: ProjectSpec,
    scorer: NamedScorer,
    frame: pd.DataFrame,
    day: date,
    coverage: pd.DataFrame,
    remarks: tuple[str, ...],
    *,
    now: datetime,
    note: Note,
) -> Facts:
    """The facts of a date from snapshots of it and of dates before it; `left`, where it is a column, as in scoring."""
    metrics, nights = scorer.metrics(project_metrics(project)), dict[date, SeenNight]()
    for at, dated in frame.groupby("as_of", sort=True):
        when, rows = pd.Timestamp(str(at)).date(), dated.reset_index(drop=True)
        note(f"scoring {when}")
        table, _ = score_rows(
            scorer, rows, ids=["as_of", *id_columns(rows, project.id_column)], reasons=3 if when == day else 0,
            ranking="stored", now=now, metrics=metrics, left=rows.get("left"),
        )  # fmt: skip
        nights[when] = SeenNight(when, table, rows)
    if day not in nights:
        raise DataError(f"{project.file}: nobody is known at {day}; see 'powerml check'")
    facts = Facts(
        project, scorer, metrics, nights[day], nights.get(day - timedelta(days=WEEK)),
        nights.get(day - timedelta(days=MONTH)), coverage=coverage, remarks=remarks,
    )  # fmt: skip
    means, shares = _over_time(facts, list(nights.values()))
    return replace(facts, over_time=means, shares=shares)


def _months(day: date) -> list[date]:
    """The first of each of the months before a date."""
    firsts = [pd.Timestamp(day).replace(day=1) - pd.DateOffset(months=back) for back in range(MONTHS_BACK)]
    return [first.date() for first in firsts if first.date() < day]


def _over_time(facts: Facts, nights: list[SeenNight]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How many were scored, the mean score and the shares of bands, per night."""
    from powerml.monitoring.band_movement import shares_over_time

    columns = ["as_of", "score"]
    scored = pd.concat([one.scores.loc[one.scores["status"].eq("scored"), columns] for one in nights])
    scored["as_of"] = pd.to_datetime(scored["as_of"])
    means = scored.groupby("as_of")["score"].agg(n="size", mean_score="mean").reset_index()
    shares = pd.DataFrame(columns=["as_of", "band", "n", "share"])
    if facts.bands is not None and len(scored):
        shares = shares_over_time(scored, facts.bands)
    return means, shares


def _session(project: ProjectSpec, scorer: NamedScorer) -> KeptSession | None:
    """The session behind a registered version, or behind the one whose base rates it moved."""
    if not isinstance(scorer, RegisteredScorer):
        return None
    store, version = store_of(project), scorer.registered
    while MOVED_FROM in version.tags:
        version = registry.find_version(store, version.model, version.tags[MOVED_FROM])
    return kept_session(store, version)


def _real_ids(project: ProjectSpec, facts: Facts) -> dict[str, str]:
    """Pseudonyms of those of the night and of nights before, where the project's key is here."""
    if not (project.state / KEY_FILE).is_file():
        return {}
    key, ids = load_pseudonyms(project.state), set(facts.night.scores[project.id_column].astype(str))
    if facts.kept:
        history = NightHistory.of(project)
        for night in history.nights():
            ids.update(history.scores(night, [night.id_column])[night.id_column].astype(str))
    return {key.of(id_): id_ for id_ in ids}


def _effects(project: ProjectSpec) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
    """What playbooks did, and in sentences; None and why not where nothing can be told."""
    try:
        found = impact(project)
    except UsageError as error:  # nobody was treated yet
        return None, (str(error),)
    return found.rows, found.sentences


def usage_seen(opened: OpenProject, night: SeenNight) -> UsageSeen:
    """What the sources say at a night beside its snapshot."""
    return UsageSeen(**usage_tables(opened, night.as_of, night.snapshot, night.scores))


def _tiers_of(
    project: ProjectSpec, snapshot: pd.DataFrame, counts: Mapping[str, int], *, now: datetime
) -> pd.DataFrame | None:
    """Document A's tiers among those of a snapshot; None where it lacks a metric."""
    scorer = from_weights(COMPOSITE, project=project).with_counts(counts)
    metrics = scorer.metrics(project_metrics(project))
    left = snapshot["left"].astype(bool) if "left" in snapshot else None
    try:
        table, _ = score_rows(
            scorer, snapshot.drop(columns="left", errors="ignore"), ids=id_columns(snapshot, project.id_column),
            reasons=0, ranking="stored", now=now, metrics=metrics, left=left,
        )  # fmt: skip
    except MissingColumns:
        return None
    return _shares_of_tiers(table[table["status"].eq("scored")], scorer.model.band_column)


def _kept_tiers(history: NightHistory, night: Night) -> pd.DataFrame | None:
    """Document A's tiers as the night said them; None where it did not."""
    beside = night if night.model == COMPOSITE else history.beside(night, COMPOSITE)
    if beside is None:
        return None
    table = history.scores(beside)
    return _shares_of_tiers(table[table["status"].eq("scored")], beside.band_column)


def _shares_of_tiers(scored: pd.DataFrame, column: str) -> pd.DataFrame | None:
    bands = load_weights(COMPOSITE).bands
    if bands is None or scored.empty:
        return None
    return tier_shares(scored[column].to_numpy(dtype=object), bands, groups=account_of(scored))


def _judged(project: ProjectSpec) -> JudgedAlerts | None:
    """The newest scorecard that `powerml alerts --judge` kept."""
    history = NightHistory.of(project)
    for night in reversed(history.nights()):
        rules = history.table(night, ALERT_CARD)
        if rules is not None:
            return JudgedAlerts(night.as_of, rules, history.table(night, GAMING))
    return None


def _quarantine(project: ProjectSpec) -> pd.DataFrame | None:
    """Rows that were set aside, per table and rule; None where there are none."""
    found = []
    for file in sorted((project.state / "quarantine").glob("*.csv")):
        rules = pd.read_csv(file, usecols=["rule", "column"], dtype=str, keep_default_na=False)
        counts = rules.groupby(["rule", "column"]).size().rename("rows").reset_index()
        found.append(counts.assign(table=file.stem)[["table", "rule", "column", "rows"]])
    table = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["rows"])
    return table.sort_values("rows", ascending=False, ignore_index=True) if len(table) else None


def _ripe(project: ProjectSpec) -> pd.DataFrame | None:
    """Kept nights whose outcomes are known, the newest first."""
    history = NightHistory.of(project)
    rows = [
        (pd.Timestamp(night.as_of), int(labels["label"].isin(OUTCOMES).sum()))
        for night in reversed(history.nights())
        if (labels := history.table(night, "labels", ["label"])) is not None
    ]
    return pd.DataFrame(rows, columns=["as_of", "known"]) if rows else None


def _lists(project: ProjectSpec, facts: Facts, views: NightViews | None) -> tuple[ListTold, ...]:
    """Every list of the night, as `powerml list` writes it; that of whom to call first."""
    history = NightHistory.of(project)
    night = history.at(facts.night.as_of)
    if night is None or night.model != facts.scorer.name:
        return own_lists(facts)
    specs = sorted(project_lists(project).values(), key=lambda spec: spec.name != CALLED)
    if views is None or views.night != night:
        views = NightViews(history, night)
    made = [written(project, views, spec, first=LISTED) for spec in specs]
    return tuple(
        ListTold(one.spec.name, one.spec.team, one.spec.why or _order(one.spec), one.rows.drop(columns="list"),
                 one.sentences)
        for one in made
    )  # fmt: skip


def _order(spec: ListSpec) -> str:
    return f"by {' then '.join(str(key) for key in spec.order)}"


def _alerts(facts: Facts) -> pd.DataFrame | None:
    """What rang in the week before, as the nights wrote it down; else what became true since a snapshot before.

    None without either.
    """
    if facts.kept and (facts.project.state / LEDGER_FILE).is_file():
        rang = fired_since(facts.project, facts.night.as_of - timedelta(days=WEEK))
        return rang[rang["fired_at"].astype(str) <= facts.night.as_of.isoformat()].reset_index(drop=True)
    before = facts.week or facts.month
    if before is None:
        return None
    bands = () if facts.bands is None else facts.bands.names
    then, now = (_frames(night, facts.project.id_column, bands) for night in (before, facts.night))
    days = (facts.night.as_of - before.as_of).days
    return became_true(project_alerts(facts.project).values(), replace(now, earlier=then, days=days))


def _frames(night: SeenNight, id_column: str, bands: tuple[str, ...]) -> FramesView:
    """A snapshot and what was said of it, as rules read them."""
    said = night.scores.set_index(night.scores[id_column].astype(str))
    frame = night.snapshot.set_index(night.snapshot[id_column].astype(str))
    new = [name for name in ("status", "score", "band", "tier") if name in said]
    return FramesView(frame.drop(columns=[n for n in new if n in frame]).join(said[new]), bands)
