"""`powerml alerts`: what rings at a night, to whom it goes, and whether each rule tells anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml.config.alerts import project_alerts
from powerml.errors import MissingColumns, UsageError
from powerml.history.alarms import Alarms, Message
from powerml.history.ledger import read_ledger
from powerml.history.movement import swap_at
from powerml.history.trees import TreeOfNight, branch_rows
from powerml.monitoring.alerts import rings, true_rows
from powerml.sinks.notify import send_digest

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import date, datetime

    from powerml.config.alerts import AlertSpec
    from powerml.config.project import ProjectSpec
    from powerml.history.alarms import Digest
    from powerml.history.nights import Night
    from powerml.history.store import NightHistory
    from powerml.history.view import NightViews

LIST_ROWS = 10  # of a list that is sent


@dataclass(frozen=True)
class Rang:
    """What a night's rules said: who rang, what is queued, and a sentence for each rule that could not be looked at."""

    fired: pd.DataFrame
    queued: int
    remarks: tuple[str, ...]
    first: bool


def fired_since(project: ProjectSpec, since: date | None) -> pd.DataFrame:
    """What rang since a date (ALARM_COLUMNS), the newest first."""
    with read_ledger(project.state) as ledger:
        return Alarms.on(ledger.con).fired(since)


def true_at(
    views: NightViews, spec: AlertSpec, owners: Mapping[str, str], *, tell: Collection[str] = ()
) -> pd.DataFrame:
    """For whom a rule is true at a night; see `true_rows`. Of a rule on branches: a row per branch that pulls."""
    if spec.entity == "branch":
        return branch_rows(spec, views.history, views.night, TreeOfNight(views.history), owners)
    view = views.of(spec.of)
    if view is None:
        raise MissingColumns([str(spec.of)], asked_by=f"alert {spec.name!r}", have=())
    return true_rows(spec, view, tell=tell)


def ring(
    project: ProjectSpec,
    views: NightViews,
    con: sqlite3.Connection,
    *,
    lists: Mapping[str, Sequence[str]],
    now: datetime,
) -> Rang:
    """Looks at every rule at a night, writes down who rings, and queues what is to be sent.

    The first time that a rule is looked at nothing rings. After a change of model who was on the true side the night
    before, as the newer version scores it, rings neither: nothing but the model has moved them; nobody rings where it
    cannot be scored. A night that was looked at before says what it said then, and one before the last that was looked
    at says nothing. `lists`: the lines of the lists that are to be delivered, by name.
    """
    history, night = views.history, views.night
    alarms, owners = Alarms.on(con), project.accountable
    swap = swap_at(history, night)
    alike = None if swap is None or swap.alike is None else views.at(swap.alike)
    true: dict[str, list[str]] = {}
    found, remarks, first = [], [], True
    people = _known(history, night, "owner")
    for spec in project_alerts(project).values():
        try:
            rows = true_at(views, spec, owners)
            looked, last = alarms.looked_at(spec.name), alarms.last_true(spec.name)
            if swap is not None and alike is not None:
                last |= dict.fromkeys(true_at(alike, spec, owners)["id"].astype(str), swap.before.as_of)
        except (MissingColumns, UsageError) as error:
            remarks.append(f"{spec.name}: {error}")
            continue
        first = first and alarms.first_look(spec.name) in (None, night.as_of)
        if looked is not None and looked >= night.as_of:
            continue
        looked = None if swap is not None and swap.alike is None else looked
        ids = rows["id"].astype(str).tolist()
        true[spec.name] = ids
        now_rings = set(rings(last, ids, night.as_of, before=looked, rearm=spec.rearm_days))
        if spec.entity != "branch" and now_rings:
            rows = true_at(views, spec, owners, tell=now_rings)
        told = rows[rows["id"].astype(str).isin(now_rings)].assign(
            alert=spec.name, fired_at=night.as_of.isoformat(), team=spec.team, action=spec.action
        )
        if spec.entity != "branch":
            told["owner"] = spec.owner or told["account_id"].map(people)
        found.append(told)
    fired = pd.concat([one for one in found if len(one)], ignore_index=True) if any(map(len, found)) else pd.DataFrame()
    messages = [*_messages(project, fired, history, night), *_lists(project, lists)]
    alarms.write_night(night.as_of, true, fired, messages, project=project.project, now=now)
    return Rang(alarms.rang_at(night.as_of), len(messages), tuple(remarks), first)


def deliver(
    project: ProjectSpec,
    con: sqlite3.Connection,
    *,
    night: date,
    now: datetime,
    sender: Callable[[Digest, str], str] | None = None,
) -> dict[str, list[str]]:
    """Sends every digest that waits; what is not taken goes on waiting. Gives destinations by how they fared."""
    alarms = Alarms.on(con)
    fared: dict[str, list[str]] = {"sent": [], "failed": []}
    for digest in alarms.waiting():
        try:
            error = sender(digest, project.project) if sender else send_digest(digest, project=project.project)
        except UsageError as lacking:  # Apprise: as a service that is down, it keeps nobody from the page
            error = str(lacking)
        alarms.mark(digest, "failed" if error else "sent", night=night, now=now, error=error)
        fared["failed" if error else "sent"].append(error or digest.destination)
    return fared


def _known(history: NightHistory, night: Night, column: str, *, by: str = "account_id") -> dict[str, str]:
    """What a night knows of each account (`owner`, `account_name`) or, by `user_id`, of each user (`name`)."""
    people = history.table(night, "people")
    if people is None or not {by, column} <= set(people):
        return {}
    known = people.dropna(subset=[by, column]).drop_duplicates(by)
    return dict(zip(known[by], known[column], strict=True))


def _messages(project: ProjectSpec, fired: pd.DataFrame, history: NightHistory, night: Night) -> list[Message]:
    """A line per alarm and destination: the team's, and the owner's where they have an address."""
    found = []
    accounts, users = _known(history, night, "account_name"), _known(history, night, "name", by="user_id")
    for row in fired.itertuples():
        account = accounts.get(str(row.account_id))
        if str(row.id) == str(row.user_id):
            who = users.get(str(row.id), str(row.id)) + (f" of {account}" if account else "")
        else:
            who = account or str(row.user_id if isinstance(row.user_id, str) else row.id)
        text = f"{row.alert}: {who} ({row.because}): {row.action}"
        whom = [str(one) for one in (row.team, row.owner) if isinstance(one, str)]
        found += [
            Message(str(row.alert), str(row.id), address, text)
            for address in dict.fromkeys(address for one in whom for address in project.addresses(one))
        ]
    return found


def _lists(project: ProjectSpec, lists: Mapping[str, Sequence[str]]) -> list[Message]:
    return [
        Message(f"list {name}", f"{place:03d}", address, line)
        for name, lines in lists.items()
        for address in project.addresses(project.deliver[name].to)
        for place, line in enumerate(lines)
    ]


def due_lists(project: ProjectSpec, as_of: date) -> list[str]:
    """The lists that are to be sent on a night, by their weekday."""
    today = f"{as_of:%A}".lower()
    return [name for name, spec in project.deliver.items() if spec.every in ("day", today)]


def list_lines(rows: pd.DataFrame) -> list[str]:
    """The first rows of a list, a line each."""
    told: list[Any] = list(rows.head(LIST_ROWS).itertuples())
    return [
        f"{row.list} {row.rank}. {_who(row)}"
        f" ({'' if row.score != row.score else f'score {row.score:.0f}, '}{row.band}): {row.because}"
        for row in told
    ]


def _who(row: Any) -> str:
    """A row's name, else the account, else the user."""
    told = [str(one) for one in (row.name, row.account_id, row.user_id) if isinstance(one, str) and one]
    return told[0] if told else ""
