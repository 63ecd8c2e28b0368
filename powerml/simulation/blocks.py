"""One block of 1,000 users as canonical tables and truth: why bytes depend on neither chunks nor workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from powerml.simulation.accounts import NEVER_IN_TIME, Accounts, simulate_accounts
from powerml.simulation.activity import Log, simulate_log
from powerml.simulation.contracts import PLANS, Terms, subscription_rows, terms, true_labels
from powerml.simulation.declared import SIMULATED_EVENTS
from powerml.simulation.people import SIMULATED_ARCHETYPES, SimulatedPeople, simulate_people
from powerml.simulation.surroundings import limit_rows, survey_rows, ticket_rows
from powerml.tables import LABELS

if TYPE_CHECKING:
    import pandas as pd

    from powerml.simulation.calendar import ProductCalendar
    from powerml.simulation.presets import Preset

BLOCK_USERS = 1000
_INSTANT = pa.timestamp("ms", tz="UTC")
_NAMES = ("Ash", "Bay", "Cedar", "Delta", "Ember", "Fjord", "Grove", "Harbor", "Isle", "Jetty", "Knoll", "Lark")
_KINDS = ("Works", "Labs", "Foods", "Media", "Energy", "Health", "Logistics", "Systems")
OWNERS = ("mira", "theo", "ines", "kofi", "lena", "omar")


@dataclass(frozen=True)
class Block:
    """A block's canonical tables, truth tables (Arrow) and counts of what was done to its event rows."""

    tables: dict[str, pa.Table]
    truth: dict[str, pa.Table]
    counts: dict[str, int]


def make_block(
    preset: Preset, calendar: ProductCalendar, *, seed: int, number: int, wanted: int = BLOCK_USERS
) -> Block:
    """Block `number`, from its own generator: the same whatever else is simulated. It holds exactly `wanted` users."""
    rng = np.random.default_rng([seed, number])
    slots = int(wanted / (1.5 + 0.11 * calendar.months)) + 25
    while True:
        accounts = simulate_accounts(preset, calendar, slots, rng=rng)
        who = simulate_people(accounts, calendar, wanted=wanted, rng=rng)
        if who is not None:
            break
        slots = int(slots * 1.4) + 10
    agreed = terms(accounts, rng=rng)
    done = simulate_log(preset, accounts, who, calendar, rng=rng)
    ids = _Ids(number, who)
    tables = {
        "events": _events(done, ids),
        "users": _users(who, ids, calendar),
        "accounts": _accounts(accounts, who, ids, rng=rng),
        "subscriptions": _subscriptions(accounts, agreed, who, ids, calendar),
        "usage_limits": _limits(limit_rows(preset, accounts, who, calendar, rng=rng), ids),
        "tickets": _tickets(ticket_rows(accounts, who, calendar, rng=rng), ids),
        "surveys": _surveys(survey_rows(accounts, who, calendar, rng=rng), ids),
    }
    truth = {
        "states": _states(accounts, who, ids, calendar),
        "labels": _labels(true_labels(accounts, agreed, calendar), accounts, who, ids),
        "accounts": _endings(accounts, who, ids),
        "people": _people(who, ids),
        "duplicates": pa.table({"event_id": pa.array(ids.event(done.number[done.duplicate]))}),
    }
    counts = {
        "events": int((~done.duplicate).sum()),
        "duplicates": int(done.duplicate.sum()),
        "late": int((done.late & ~done.duplicate).sum()),
        "lost": done.lost,
    }
    return Block(tables, truth, counts)


class _Ids:
    """Ids of one block; numbers of events and sessions start where the block does."""

    def __init__(self, number: int, who: SimulatedPeople) -> None:
        self.base = number * 100_000_000
        self.accounts = np.array([f"a{number:04d}{i:04d}" for i in range(len(who.chosen))], dtype=object)
        self.users = np.array([f"u{number:04d}{i:04d}" for i in range(who.count)], dtype=object)
        self.number = number

    def event(self, number: np.ndarray) -> np.ndarray:
        return self.base + number

    def user(self, position: np.ndarray) -> pa.DictionaryArray:
        known = pa.array(position.astype(np.int32), mask=position < 0)
        return pa.DictionaryArray.from_arrays(known, pa.array(self.users, pa.string()))

    def account(self, position: np.ndarray) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(pa.array(position.astype(np.int32)), pa.array(self.accounts, pa.string()))


def _instants(seconds: np.ndarray, absent: np.ndarray | None = None) -> pa.Array:
    plain = np.asarray(seconds, dtype=np.int64)
    safe = plain if absent is None else np.where(absent, 0, plain)
    return pa.array(safe * 1000, mask=absent).cast(_INSTANT)


def _words(codes: np.ndarray, words: tuple[str, ...]) -> pa.DictionaryArray:
    absent = codes < 0
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=absent), pa.array(words, pa.string()))


def _events(done: Log, ids: _Ids) -> pa.Table:
    return pa.table(
        {
            "event_id": pa.array(ids.event(done.number)),
            "user_id": ids.user(done.user),
            "event": _words(done.event, SIMULATED_EVENTS),
            "time": _instants(done.time),
            "session_id": pa.array(ids.base + done.session, mask=done.session < 0),
            "value": pa.array(done.value, mask=np.isnan(done.value)),
        }
    )


def _users(who: SimulatedPeople, ids: _Ids, calendar: ProductCalendar) -> pa.Table:
    n = who.count
    plain = np.arange(n)
    names = np.where(who.bot, "Service login", np.char.add("Person ", (ids.number * BLOCK_USERS + plain).astype(str)))
    emails = [f"{user}@example.com" for user in ids.users]
    return pa.table(
        {
            "user_id": ids.user(plain),
            "account_id": ids.account(who.account),
            "created_at": _instants(who.created_at),
            "deactivated_at": _instants(who.deactivated_at, who.deactivated_at >= calendar.end),
            "name": pa.array(names.tolist(), pa.string()),
            "email": pa.array(emails, pa.string()),
        }
    )


def _accounts(accounts: Accounts, who: SimulatedPeople, ids: _Ids, *, rng: np.random.Generator) -> pa.Table:
    n = len(who.chosen)
    first, second = rng.integers(0, len(_NAMES), n), rng.integers(0, len(_KINDS), n)
    pairs = enumerate(zip(first, second, strict=True), ids.number * BLOCK_USERS)
    names = [f"{_NAMES[a]} {_KINDS[b]} {i}" for i, (a, b) in pairs]
    return pa.table(
        {
            "account_id": ids.account(np.arange(n)),
            "created_at": _instants(accounts.created_at[who.chosen]),
            "name": pa.array(names, pa.string()),
            "owner": _words(rng.integers(0, len(OWNERS), n), OWNERS),
        }
    )


def _place(accounts: Accounts, who: SimulatedPeople) -> np.ndarray:
    position = np.full(accounts.count, -1)
    position[who.chosen] = np.arange(len(who.chosen))
    return position


def _subscriptions(
    accounts: Accounts, agreed: Terms, who: SimulatedPeople, ids: _Ids, calendar: ProductCalendar
) -> pa.Table:
    rows = subscription_rows(accounts, agreed, calendar)
    place = _place(accounts, who)[rows["account"].to_numpy()]
    rows = rows[place >= 0].assign(place=place[place >= 0]).sort_values(["place", "start"])
    end = rows["end"].to_numpy()
    return pa.table(
        {
            "account_id": ids.account(rows["place"].to_numpy()),
            "start": _instants(rows["start"].to_numpy()),
            "end": _instants(end, end < 0),
            "plan": _words(rows["plan"].to_numpy(), PLANS),
            "mrr": pa.array(rows["mrr"].to_numpy()),
            "seats": pa.array(rows["seats"].to_numpy().astype(np.int64)),
        }
    )


def _limits(rows: pd.DataFrame, ids: _Ids) -> pa.Table:
    limit = rows["limit"].to_numpy()
    return pa.table(
        {
            "account_id": ids.account(rows["account"].to_numpy()),
            "time": _instants(rows["time"].to_numpy()),
            "resource": pa.array(rows["resource"].tolist(), pa.string()).dictionary_encode(),
            "used": pa.array(np.round(rows["used"].to_numpy(), 2)),
            "limit": pa.array(limit, mask=np.isnan(limit)),
        }
    )


def _tickets(rows: pd.DataFrame, ids: _Ids) -> pa.Table:
    mood, resolved = rows["mood"].to_numpy(), rows["resolved"].to_numpy()
    tone = np.where(rows["read"], np.digitize(mood, [-0.15, 0.25]), -1)
    csat = np.clip(np.round(3.4 + 1.8 * mood), 1, 5)
    unrated = ~rows["rated"].to_numpy()  # whatever becomes of the ticket: a rating must not tell who was still there
    return pa.table(
        {
            "ticket_id": pa.array([f"t{ids.number:04d}{i:06d}" for i in range(len(rows))], pa.string()),
            "opened_at": _instants(rows["opened"].to_numpy()),
            "account_id": ids.account(rows["account"].to_numpy()),
            "user_id": ids.user(rows["user"].to_numpy()),
            "resolved_at": _instants(resolved, resolved < 0),
            "sentiment": _words(tone, ("negative", "neutral", "positive")),
            "csat": pa.array(csat, mask=unrated),
        }
    )


def _surveys(rows: pd.DataFrame, ids: _Ids) -> pa.Table:
    return pa.table(
        {
            "user_id": ids.user(rows["user"].to_numpy()),
            "time": _instants(rows["time"].to_numpy()),
            "nps": pa.array(rows["nps"].to_numpy().astype(np.int64)),
        }
    )


def _states(accounts: Accounts, who: SimulatedPeople, ids: _Ids, calendar: ProductCalendar) -> pa.Table:
    months = np.arange(calendar.burn_in, calendar.burn_in + calendar.months)
    here = (accounts.born[who.chosen] <= months[:, None]) & (accounts.churn_month[who.chosen] >= months[:, None])
    row, place = np.nonzero(here)
    month, number, states = months[row], who.chosen[place], accounts.states
    return pa.table(
        {
            "month": _instants(calendar.edges[month]),
            "account_id": ids.account(place),
            "declining_months": pa.array(states.declining[month, number].astype(np.int64)),
            "growing": pa.array(states.growing[month, number]),
            "engagement": pa.array(states.engagement[month, number]),
            "friction": pa.array(states.friction[month, number]),
            "team": pa.array(states.team[month, number].astype(np.int64)),
            "open_tickets": pa.array(states.open_tickets[month, number].astype(np.int64)),
            "hazard_churn": pa.array(states.churn[month, number]),
            "hazard_expand": pa.array(states.expand[month, number]),
        }
    )


def _labels(labels: pd.DataFrame, accounts: Accounts, who: SimulatedPeople, ids: _Ids) -> pa.Table:
    place = _place(accounts, who)[labels["account"].to_numpy()]
    labels = labels[place >= 0]
    p_churn, p_expand = labels["p_churn"].to_numpy(), labels["p_expand"].to_numpy()
    return pa.table(
        {
            "as_of": _instants(labels["as_of"].to_numpy()),
            "account_id": ids.account(place[place >= 0]),
            "label": _words(labels["label"].to_numpy(), LABELS),
            "p_churn": pa.array(p_churn, mask=np.isnan(p_churn)),
            "p_expand": pa.array(p_expand, mask=np.isnan(p_expand)),
        }
    )


def _endings(accounts: Accounts, who: SimulatedPeople, ids: _Ids) -> pa.Table:
    churned = accounts.churned_at[who.chosen]
    stays = churned >= NEVER_IN_TIME
    return pa.table(
        {
            "account_id": ids.account(np.arange(len(who.chosen))),
            "churned_at": _instants(churned, stays),
            "visible": pa.array(accounts.visible[who.chosen], mask=stays),
        }
    )


def _people(who: SimulatedPeople, ids: _Ids) -> pa.Table:
    return pa.table(
        {
            "user_id": ids.user(np.arange(who.count)),
            "archetype": _words(who.archetype, SIMULATED_ARCHETYPES),
            "bot": pa.array(who.bot),
            "activity": pa.array(who.activity),
            "power": pa.array(who.power),
        }
    )
