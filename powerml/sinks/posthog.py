"""PostHog: an event per active entity and night that also sets the person's properties; cohorts and a dashboard."""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from powerml.history.sent import SentRow
from powerml.history.standing import DIMENSIONS
from powerml.progress import Note, silent
from powerml.sinks.halving import send_halving
from powerml.sinks.http import Service, ServiceError, as_json, problem_in, secret_for_a_header
from powerml.sinks.plans import (
    Applied,
    Aside,
    SinkPlan,
    Write,
    digest_of,
    from_the_ledger,
    id_problem,
    needs_nothing,
    unset,
    utc_now,
)
from powerml.sinks.posthog_read import ReadBack, what_arrived
from powerml.sinks.posthog_views import Fixtures

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from datetime import date, datetime

    from powerml.config.sinks import PosthogSpec
    from powerml.history.sent import SinkLedger
    from powerml.history.standing import Standing

SCORED, LEFT = "power_user_score_computed", "power_user_score_removed"
PROPERTIES = (
    "power_user_score",
    "power_user_tier",
    "power_user_percentile",
    "power_user_scored_at",
    "power_user_model",
)
LARGEST_BATCH_BYTES = 4_000_000  # the service takes 20 MB
LARGEST_BATCH = 500
_MISTAKES = "anonymous guest distinctid distinct_id id not_authenticated email undefined true false null none nan 0"
MISTAKEN_IDS = frozenset((*_MISTAKES.split(), "[object object]"))
"""Ids that PostHog takes for a mistake, whatever their case."""


def event_id(project: str, id_: str, as_of: str, version: str) -> str:
    """The id of an event: the same whenever it is made.

    >>> event_id("crm", "ada", "2026-03-01", "1") == event_id("crm", "ada", "2026-03-01", "1")
    True
    """
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"powerml:{project}:{id_}:{as_of}:{version}"))


def application_host(host: str) -> str:
    """Where cohorts and dashboards are made: PostHog's cloud takes events at another host.

    >>> application_host("https://eu.i.posthog.com"), application_host("http://127.0.0.1:8000")
    ('https://eu.posthog.com', 'http://127.0.0.1:8000')
    """
    return re.sub(r"^https://(us|eu)\.i\.posthog\.com$", r"https://\1.posthog.com", host)


def _not_ok(answer: Any) -> str:
    """What keeps an answer of /batch/ from saying that all was taken."""
    if isinstance(answer, dict):
        return problem_in(answer)
    return "" if answer in (None, 1) or str(answer).strip() in ("1", "Ok") else "no answer of PostHog's"


@dataclass
class PosthogSink:
    """Sends events to `capture`; makes cohorts and the dashboard by `fixtures` (a personal key does).

    `since`: also sends earlier nights of the history, from that date on, as a migration and without touching persons.
    """

    spec: PosthogSpec
    capture: Service | None
    fixtures: Fixtures
    key: str = field(default="", repr=False)
    since: date | None = None
    lacking: str = ""
    now: Callable[[], datetime] = utc_now
    name: str = "posthog"

    @classmethod
    def connected(cls, spec: PosthogSpec, *, since: date | None = None, adopt: bool = False, **more: Any) -> Self:
        """The sink with the secrets of the environment; what is not set is left out, and said when it is needed."""
        key = os.environ.get(spec.project_key_env, "").strip()
        personal, lacks = secret_for_a_header(spec.personal_key_env) if spec.personal_key_env else ("", "")
        capture = app = None
        if key:
            capture = Service(
                spec.host, "PostHog", spec.project_key_env, secrets=(key, personal), wrong=_not_ok, **more
            )
        if personal:
            app = Service(
                application_host(spec.host),
                "PostHog",
                str(spec.personal_key_env),
                headers={"Authorization": f"Bearer {personal}"},
                secrets=(key, personal),
                **more,
            )
        fixtures = Fixtures(app, spec.project_id, lacks, adopt)
        return cls(spec, capture, fixtures, key, since, "" if key else unset(spec.project_key_env))

    def __repr__(self) -> str:
        return f"PosthogSink({self.spec.host})"

    # -- what would be done

    def plan(self, standing: Standing, ledger: SinkLedger) -> SinkPlan:
        """Cohorts, dashboard, an event for each active entity of every night not sent yet, and who left."""
        as_of = standing.as_of.isoformat()
        writes, remarks, aside, stays = [], [], [], 0
        failed = ""
        if self.capture is None:
            remarks.append(from_the_ledger(self.lacking))
        if self.spec.personal_key_env is None:
            remarks.append("no personal_key_env is named, so cohorts and dashboard are left alone")
        else:
            try:
                made, told, stays = self.fixtures.plan(ledger, standing.id_column)
                writes, remarks = [*made], [*remarks, *told]
            except ServiceError as error:
                failed = f"cohorts and dashboard: {error}"
        if standing.composite is None:
            remarks.append(f"the composite was not asked on {as_of}; run the night again")
            return SinkPlan(self.name, as_of, tuple(writes), stays, remarks=tuple(remarks), failed=failed)
        known, done = ledger.rows("event"), self._newest_done(ledger)
        reads = self.fixtures.service is not None
        back = what_arrived(self.fixtures, ledger, SCORED, now=self.now()) if reads else ReadBack()
        remarks += [back.remark] if back.remark else []
        begun = {row.as_of for row in known.values() if row.state not in ("sent", "set aside")}
        incomplete = {known[key].as_of for key in back.lost} | begun
        nights = self._nights(standing, ledger, done, incomplete)
        closed = ledger.rows("night")
        for night in nights:
            newest, as_of_night = night.as_of == standing.as_of, night.as_of.isoformat()
            as_it_was = as_of_night in closed and closed[as_of_night].digest == night.made_of
            if night.composite is not None and as_it_was and as_of_night not in incomplete:
                stayed, told_aside = self._as_sent(night, known.values())
                stays += stayed
                aside += told_aside if newest else []
                continue
            later = newest or done is None or night.as_of >= done
            moved = self.since is not None and not newest and night.as_of >= self.since and (done is None or not later)
            for write, problem in self._events(night, newest=newest, later=later, migrated=moved):
                there = known.get(write.key)
                if problem:
                    aside += [Aside(write.id, problem)] if newest else []
                elif write.key in back.lost:
                    writes.append(write)
                elif needs_nothing(there, write.digest, as_of_night):
                    stays += 1
                    aside += [Aside(write.id, there.why)] if there is not None and there.state == "set aside" else []
                else:
                    writes.append(write)
        left, told_left = self._leavers(standing, ledger)
        writes, aside = [*writes, *left], [*aside, *told_left]
        return SinkPlan(self.name, as_of, tuple(writes), stays, tuple(aside), tuple(remarks), failed=failed)

    def _newest_done(self, ledger: SinkLedger) -> date | None:
        from datetime import date as calendar

        done = ledger.rows("night")
        return max(map(calendar.fromisoformat, done)) if done else None

    def _nights(
        self, standing: Standing, ledger: SinkLedger, done: date | None, incomplete: Collection[str]
    ) -> list[Standing]:
        """The nights of which something may be unsent: those since the last whole one, the newest, what got lost."""
        whole = ledger.rows("night")
        found = []
        for night in standing.nights():
            asked = self.since is not None and night.as_of >= self.since and night.as_of.isoformat() not in whole
            missed = done is not None and night.as_of > done and night.night.made_by == "night"
            lost = night.as_of.isoformat() in incomplete
            if asked or missed or lost or night.as_of == standing.as_of:
                found.append(night)
        return found

    @staticmethod
    def _as_sent(night: Standing, known: Iterable[SentRow]) -> tuple[int, list[Aside]]:
        """Of a night that was sent as a whole and has not changed: how many stay, who was set aside."""
        rows = [row for row in known if row.as_of == night.as_of.isoformat()]
        aside = [Aside(id_, told) for id_ in night.tiers.index[night.tiers["active"]] if (told := _problem_of(id_))]
        aside += [Aside(row.id, row.why) for row in rows if row.state == "set aside"]
        return len(rows), aside

    def _events(self, night: Standing, *, newest: bool, later: bool, migrated: bool) -> Iterator[tuple[Write, str]]:
        """An event per active entity of a night, each with what keeps it from being sent.

        Persons are told of the newest night, and of those since the last whole one (`later`) that were run as such.
        """
        entry = night.composite
        assert entry is not None
        filled = entry.made_by == "backfill"
        with_person = newest or (later and not filled and not migrated)
        as_of, moment = night.as_of.isoformat(), night.instant
        rows = night.tiers[night.tiers["active"]]
        records: list[Any] = rows.reset_index(names="id").to_dict("records")
        for row in records:
            id_ = str(row["id"])
            problem = _problem_of(id_)
            model = f"{entry.model}@{entry.model_version}"
            events = self._bodies(night.id_column, id_, row, moment, model, with_person=with_person)
            key = event_id(night.project, id_, as_of, entry.model_version)
            events[0]["uuid"] = key
            for more in events[1:]:
                more["uuid"] = event_id(night.project, f"{id_}:group", as_of, entry.model_version)
            body = {"events": events, "historical": filled or migrated, "night": night.made_of}
            digest = digest_of(events)
            yield Write("create", "event", key, id_, digest, body, id_, as_of=as_of), problem

    def _bodies(
        self, id_column: str, id_: str, row: dict[str, Any], moment: str, model: str, *, with_person: bool
    ) -> list[dict[str, Any]]:
        numbers = {name: _whole(row[name]) for name in ("composite_score", *(f"{d}_score" for d in DIMENSIONS))}
        told = {**numbers, "percentile": _whole(row["percentile"]), "power_user_tier": row["tier"]}
        values = (numbers["composite_score"], row["tier"], told["percentile"], row["scored_at"], model)
        person = dict(zip(PROPERTIES, values, strict=True))
        plain: dict[str, Any] = {"distinct_id": id_, **told, "$lib": "powerml", "$geoip_disable": True}
        if id_column == "account_id":
            # without a person's profile PostHog would not attach the event to its group
            event = _event(SCORED, id_, {**plain, "$groups": {self.spec.group: id_}}, moment)
            if not with_person:
                return [event]
            return [event, self._group(id_, person, moment)]
        if with_person:
            plain["$set"] = person
        if isinstance(row.get("account_id"), str):
            plain["$groups"] = {self.spec.group: row["account_id"]}
        return [_event(SCORED, id_, plain, moment)]

    def _group(self, id_: str, values: dict[str, Any], moment: str) -> dict[str, Any]:
        told = {"$group_type": self.spec.group, "$group_key": id_, "$group_set": values}
        return _event(
            "$groupidentify", id_, {"distinct_id": id_, **told, "$lib": "powerml", "$geoip_disable": True}, moment
        )

    def _leavers(self, standing: Standing, ledger: SinkLedger) -> tuple[list[Write], list[Aside]]:
        """Whose properties were set once and who is not among the active ones of this night; who cannot be told."""
        rows = standing.tiers
        here = set(rows.index[rows["active"]])
        entry, as_of = standing.composite, standing.as_of.isoformat()
        version = "" if entry is None else entry.model_version
        found, aside = [], []
        for id_, there in ledger.rows("person").items():
            if id_ in here:
                continue
            if standing.id_column == "account_id":
                event = self._group(id_, dict.fromkeys(PROPERTIES), standing.instant)
            else:
                told = {"distinct_id": id_, "$unset": list(PROPERTIES), "$lib": "powerml", "$geoip_disable": True}
                event = _event(LEFT, id_, told, standing.instant)
            event["uuid"] = event_id(standing.project, f"{id_}:left", as_of, version)
            body, digest = {"events": [event], "historical": False}, digest_of(event)
            if needs_nothing(there, digest, as_of):
                aside += [Aside(id_, there.why)] if there.state == "set aside" else []
            else:
                found.append(Write("remove", "person", id_, id_, digest, body, id_, as_of=as_of))
        return found, aside

    # -- doing it

    def apply(self, plan: SinkPlan, ledger: SinkLedger, *, note: Note = silent) -> Applied:
        """Makes cohorts and dashboard, then sends the events, batch by batch."""
        done = Applied(self.name, failed=plan.failed)
        rows = [w for w in plan.writes if w.kind in ("event", "person")]
        views = [w for w in plan.writes if w.kind not in ("event", "person")]
        if views:
            try:
                done.written += self.fixtures.apply(views, ledger, now=self.now)
            except ServiceError as error:
                done.failed = f"cohorts and dashboard: {error}"
        if self.capture is None:
            done.failed = "; ".join(filter(None, [done.failed, self.lacking]))
            return done
        try:
            for batch in _batches(rows):
                note(f"posthog: {done.written:,} of {len(plan.writes):,}")
                self._send(batch, ledger, done, planned=len(rows))
        except ServiceError as error:
            done.failed = "; ".join(filter(None, [done.failed, str(error)]))
            return done
        if not plan.waiting and any(w.kind == "event" for w in plan.writes):
            self._close_nights(plan, ledger)
        return done

    def _close_nights(self, plan: SinkPlan, ledger: SinkLedger) -> None:
        """Whole nights are written down as one row each; single events are kept of the newest alone."""
        made_of = {w.as_of: str(w.body["night"]) for w in plan.writes if w.kind == "event"}
        told = [SentRow("night", as_of, "", "sent", digest, as_of=as_of) for as_of, digest in sorted(made_of.items())]
        ledger.write(told, now=self.now())
        ledger.drop("event", [key for key, row in ledger.rows("event").items() if row.as_of < plan.as_of])

    def _send(self, batch: Sequence[Write], ledger: SinkLedger, done: Applied, *, planned: int) -> None:
        assert self.capture is not None
        taken = send_halving(
            batch, self._post, _marked, ledger, done, shown=self.capture.shown, planned=planned, now=self.now
        )
        ledger.drop("person", [w.key for w in taken if w.kind == "person"])

    def _post(self, batch: Sequence[Write]) -> None:
        assert self.capture is not None
        events = [event for write in batch for event in write.body["events"]]
        body = {"api_key": self.key, "historical_migration": batch[0].body["historical"], "batch": events}
        self.capture.call("POST", "/batch/", body=body)


def _problem_of(id_: str) -> str:
    """Why PostHog cannot be sent an id; empty where it can."""
    told = f"PostHog takes the id {id_!r} for a mistake" if id_.strip().lower() in MISTAKEN_IDS else ""
    return id_problem(id_) or told


def _marked(batch: Sequence[Write], state: Any) -> list[SentRow]:
    """The rows of events, and of the persons whose properties they set: they may be set as soon as it is under way."""
    persons = [
        SentRow("person", w.id, w.id, state, "", as_of=w.as_of)
        for w in batch
        if w.kind == "event"
        and any("$set" in e["properties"] or "$group_set" in e["properties"] for e in w.body["events"])
    ]
    return [*(w.row(state) for w in batch), *persons]


def _event(name: str, id_: str, properties: dict[str, Any], moment: str) -> dict[str, Any]:
    return {"event": name, "distinct_id": id_, "properties": properties, "timestamp": moment}


def _whole(value: Any) -> int | None:
    import pandas as pd

    return None if value is None or pd.isna(value) else int(value)


def _batches(writes: Sequence[Write]) -> Iterator[list[Write]]:
    """Writes in their order, as many together as a body may hold; migrations apart from the rest."""
    batch: list[Write] = []
    size = 0
    for write in writes:
        more = len(as_json(write.body["events"]))
        full = len(batch) == LARGEST_BATCH or size + more > LARGEST_BATCH_BYTES
        if batch and (full or batch[0].body["historical"] != write.body["historical"]):
            yield batch
            batch, size = [], 0
        batch.append(write)
        size += more
    if batch:
        yield batch
