"""What surrounds usage: support tickets, answers to surveys, readings of the plan's limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.simulation.accounts import SEVERITY, Accounts
from powerml.simulation.calendar import DAY, ProductCalendar
from powerml.simulation.contracts import HORIZON_DAYS

if TYPE_CHECKING:
    from powerml.simulation.people import SimulatedPeople
    from powerml.simulation.presets import Preset


def ticket_rows(
    accounts: Accounts, who: SimulatedPeople, calendar: ProductCalendar, *, rng: np.random.Generator
) -> pd.DataFrame:
    """Tickets: those that stay open (they weigh on the hazard of churn) and many that are dealt with in hours.

    Columns `account` (position in the block's chosen accounts), `user` (-1: the ticket names only the account), times
    in seconds (`resolved` -1 while open), `mood` from -1 to 1.
    """
    position = np.full(accounts.count, -1)
    position[who.chosen] = np.arange(len(who.chosen))
    stuck_account, stuck_at, resolved = _pairs(accounts)
    month, account = _account_months(accounts, who, calendar)
    severity = SEVERITY[accounts.states.declining[month, account]]
    team = accounts.states.team[month, account]
    asked = rng.poisson(0.12 * np.sqrt(team) + 0.25 * severity)
    asked_account = np.repeat(account, asked)
    low, high = calendar.edges[np.repeat(month, asked)], calendar.edges[np.repeat(month, asked) + 1]
    asked_at = low + ((high - low) * rng.random(len(low))).astype(np.int64)
    answered = asked_at + (np.exp(rng.normal(2.5, 1.0, len(low))) * 3600).astype(np.int64)

    opened = np.concatenate([stuck_at, asked_at])
    account = np.concatenate([stuck_account, asked_account])
    closed = np.concatenate([resolved, answered])
    stuck = np.arange(len(opened)) < len(stuck_at)
    mood = np.where(stuck, -0.5, 0.35) + 0.5 * rng.normal(size=len(opened))
    by_account = rng.random(len(opened)) < np.where(stuck, 0.75, 0.3)
    pick = rng.random(len(opened))

    keep = (position[account] >= 0) & (opened >= calendar.begin) & (opened < calendar.end)
    keep &= opened < accounts.churned_at[account]
    place = position[account]
    first = np.searchsorted(who.account, np.arange(len(who.chosen) + 1))
    size = first[place + 1] - first[place]
    user = first[place] + (pick * size).astype(np.int64)
    created = who.created_at[np.minimum(user, who.count - 1)]
    away = who.until[np.minimum(user, who.count - 1)]
    user = np.where(by_account | (created > opened) | (away < opened), -1, user)
    table = pd.DataFrame(
        {
            "account": place,
            "user": user,
            "opened": opened,
            "resolved": np.where(closed < calendar.end, closed, -1),
            "mood": mood,
            "rated": rng.random(len(opened)) < 0.35,
            "read": rng.random(len(opened)) < 0.7,
        }
    )[keep]
    ordered: pd.DataFrame = table.sort_values(["opened", "account"], ignore_index=True)
    return ordered


def _pairs(accounts: Accounts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tickets that stayed open and when each was resolved: the oldest of an account first."""
    opened, resolved = accounts.tickets, accounts.resolved
    order = np.lexsort((opened.at, opened.account))
    account, at = opened.account[order], opened.at[order]
    closing = np.lexsort((resolved.at, resolved.account))
    who, when = resolved.account[closing], resolved.at[closing]
    nth = np.arange(len(who)) - np.searchsorted(who, who)
    until = np.full(len(at), np.iinfo(np.int64).max)
    until[np.searchsorted(account, who) + nth] = when
    return account, at, until


def _account_months(
    accounts: Accounts, who: SimulatedPeople, calendar: ProductCalendar
) -> tuple[np.ndarray, np.ndarray]:
    """Months of the data in which a chosen account was a customer: month, account."""
    months = np.arange(calendar.burn_in, calendar.burn_in + calendar.months)
    here = (accounts.born[who.chosen] <= months[:, None]) & (accounts.churn_month[who.chosen] >= months[:, None])
    month, place = np.nonzero(here)
    return months[month], who.chosen[place]


def survey_rows(
    accounts: Accounts, who: SimulatedPeople, calendar: ProductCalendar, *, rng: np.random.Generator
) -> pd.DataFrame:
    """NPS answers of the few who answer; the contented answer more often. Columns `user`, `time`, `nps`."""
    # asked at a pace that does not depend on how long somebody stays: about once a quarter of the data's whole span
    asked = np.repeat(np.arange(who.count), max(calendar.months // 3, 1))
    time = calendar.begin + ((calendar.end - calendar.begin) * rng.random(len(asked))).astype(np.int64)
    here = (who.created_at[asked] <= time) & (time < who.until[asked])
    month = np.clip(np.searchsorted(calendar.edges, time, side="right") - 1, 0, len(calendar.edges) - 2)
    account = who.chosen[who.account[asked]]
    severity = SEVERITY[accounts.states.declining[month, account]]
    joy = 0.5 * accounts.states.engagement[month, account] - 0.4 * accounts.states.friction[month, account]
    joy = joy - 3.0 * severity + 0.4 * who.power[asked] + 0.8 * accounts.states.growing[month, account]
    nps = np.clip(np.round(7.6 + 1.2 * joy + 1.6 * rng.normal(size=len(asked))), 0, 10)
    answers = (rng.random(len(asked)) < 0.14 * np.exp(0.25 * joy)) & ~who.bot[asked] & here
    table = pd.DataFrame({"user": asked, "time": time, "nps": nps.astype(np.int64)})[answers]
    ordered: pd.DataFrame = table.sort_values(["time", "user"], ignore_index=True)
    return ordered


def limit_rows(
    preset: Preset, accounts: Accounts, who: SimulatedPeople, calendar: ProductCalendar, *, rng: np.random.Generator
) -> pd.DataFrame:
    """Two readings a month of the main limit, one of storage. Columns `account`, `time`, `resource`, `used`, `limit`.

    Preset `leak` adds two resources without a limit, which its own metrics read: `ledger`, restated backwards when an
    account closes (its value at a date knows the 90 days after that date, the value of a month earlier next to
    nothing), and `success_pulse`, an honest reading of the account's state.
    """
    month, account = _account_months(accounts, who, calendar)
    position = np.full(accounts.count, -1)
    position[who.chosen] = np.arange(len(who.chosen))
    parts = []
    limit = 1000.0 * accounts.founders[account]
    for half, resource, share in ((0.0, "api_calls", 1.0), (0.5, "api_calls", 1.0), (0.0, "storage", 0.6)):
        low, width = calendar.edges[month], calendar.edges[month + 1] - calendar.edges[month]
        time = low + (width * (half + 0.45 * rng.random(len(month)))).astype(np.int64)
        ratio = np.clip(
            share * accounts.states.utilisation[month, account] + 0.02 * rng.normal(size=len(month)), 0, 1.2
        )
        parts.append(_readings(position[account], account, time, resource, np.round(ratio * limit), limit))
    if preset.world == "leak":
        for quarter in range(4):
            low, width = calendar.edges[month], calendar.edges[month + 1] - calendar.edges[month]
            time = low + (width * (quarter + 0.5) / 4).astype(np.int64)
            ledger = 50 + 8 * rng.normal(size=len(month)) + _restated(accounts.churned_at[account] - time)
            parts.append(_readings(position[account], account, time, "ledger", np.maximum(ledger, 0), np.nan))
            pulse = (
                60
                - 35 * SEVERITY[accounts.states.declining[month, account]]
                + 10 * accounts.states.growing[month, account]
            )
            pulse = pulse - 6 * (accounts.states.team[month, account] <= 1) + 9 * rng.normal(size=len(month))
            parts.append(_readings(position[account], account, time, "success_pulse", np.maximum(pulse, 0), np.nan))
    table = pd.concat(parts, ignore_index=True)
    churned = accounts.churned_at[table.pop("number")]
    created = accounts.created_at[who.chosen][table["account"]]
    table = table[(table["time"] < churned) & (table["time"] >= created)]
    ordered: pd.DataFrame = table.sort_values(["time", "account", "resource"], ignore_index=True, kind="stable")
    return ordered


def _restated(before: np.ndarray) -> np.ndarray:
    """What closing an account adds to its ledger by how long before the closing the entry stands.

    Amounts of the quarter before last are moved into the last one: the entries of days 90 to 150 before are emptied,
    those of the last 75 days filled.
    """
    days = before / DAY
    return np.select([days < HORIZON_DAYS - 15, days < HORIZON_DAYS, days < 150], [30.0, 6.0, -30.0], 0.0)


def _readings(
    place: np.ndarray, number: np.ndarray, time: np.ndarray, resource: str, used: np.ndarray, limit: np.ndarray | float
) -> pd.DataFrame:
    return pd.DataFrame(
        {"account": place, "number": number, "time": time, "resource": resource, "used": used, "limit": limit}
    )
