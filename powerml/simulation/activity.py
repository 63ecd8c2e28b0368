"""Events: what each person does in each month, from the states of their account and what sets them apart.

Counts per event type are Poisson around rates that share the account's latent state, with heavy-tailed personal tastes;
they fall into sessions, sessions into the working time of the month. Then the log is made to look like one: bots,
lost telemetry, rows that arrive late, exact duplicates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from powerml.simulation.accounts import SEVERITY, Accounts
from powerml.simulation.calendar import DAY, HOUR, ProductCalendar
from powerml.simulation.declared import SIMULATED_EVENTS

if TYPE_CHECKING:
    from powerml.simulation.people import SimulatedPeople
    from powerml.simulation.presets import Preset

CODE = {event: number for number, event in enumerate(SIMULATED_EVENTS)}

# Content a person may have a taste for: monthly rate when they have it, chance of the taste, what growth adds to the
# logit of having it, what power propensity adds.
_TASTES: dict[str, tuple[float, float, float, float]] = {
    "board_opened": (13.0, 0.995, 1.0, 0.0),
    "report_run": (3.0, 0.06, 2.8, 0.0),
    "project_created": (1.5, 0.05, 3.2, 0.0),
    "task_closed": (8.0, 0.41, 1.6, 0.0),
    "data_imported": (1.5, 0.025, 3.5, 0.2),
    "table_exported": (1.2, 0.025, 3.5, 0.2),
    "board_shared": (0.9, 0.03, 3.5, 0.2),
    "comment_written": (2.0, 0.03, 3.5, 0.0),
    "api_queried": (10.0, 0.12, 3.6, 1.3),
    "rule_triggered": (9.0, 0.11, 3.6, 1.3),
    "forecast_made": (7.0, 0.10, 3.6, 1.2),
    "view_tailored": (7.0, 0.10, 3.6, 1.2),
    "idea_sent": (0.25, 0.12, 0.8, 0.4),
    "lab_tried": (0.4, 0.06, 1.0, 0.6),
    "friend_referred": (0.08, 0.2, 0.8, 0.0),
    "teammate_invited": (0.10, 0.3, 1.5, 0.0),
}
_CORE = ("board_opened", "report_run", "project_created", "task_closed", "data_imported")
_MEASURED = np.isin(SIMULATED_EVENTS, ["data_imported", "report_run", "table_exported"])  # events that carry a value
# What people do by habit: as often one month as the next, not at random.
_ROUTINE = ("board_opened", "task_closed", "api_queried", "rule_triggered", "forecast_made", "view_tailored")
# Chance that somebody in month k of a decline has stopped using the core of the product.
_CORE_STOP = np.array([0.0, 0.02, 0.08, 0.35, 0.67, 0.88, 0.93, 0.95])
# Errors per session, workflows started a month, chance to finish one, by month of a decline.
_ERRORS = np.array([0.48, 0.65, 4.0, 11.5, 14.5, 14.5, 14.5, 14.5])
_STARTED = np.array([2.15, 2.15, 3.5, 3.8, 3.8, 3.5, 3.5, 3.5])
_FINISH = np.array([0.963, 0.945, 0.72, 0.33, 0.25, 0.25, 0.25, 0.25])


@dataclass(frozen=True)
class Log:
    """Event rows in the order in which they arrived; `user` counts in the block's people, `session` is -1 for bots.

    `duplicate_of` is the row of which a row is an exact copy, else -1; `late` marks rows that arrived a day or more
    after they happened. `lost` counts events that happened and were never recorded.
    """

    user: np.ndarray
    event: np.ndarray
    time: np.ndarray
    session: np.ndarray
    value: np.ndarray
    number: np.ndarray
    duplicate: np.ndarray
    late: np.ndarray
    lost: int


def simulate_log(
    preset: Preset, accounts: Accounts, who: SimulatedPeople, calendar: ProductCalendar, *, rng: np.random.Generator
) -> Log:
    """All events of a block."""
    user, month, low, high = _presence(who, calendar)
    size = (high - low) / (30.4 * DAY)
    human = ~who.bot[user]
    user, month, low, high, size = user[human], month[human], low[human], high[human], size[human]
    sessions, counts, codes = _counts(preset, accounts, who, calendar, user, month, size, rng=rng)

    first = np.cumsum(sessions) - sessions
    row_of_session = np.repeat(np.arange(len(user)), sessions)
    turn = np.arange(len(row_of_session)) - first[row_of_session]
    spread = (turn + rng.random(len(turn))) / sessions[row_of_session]  # people come back at their own pace
    begins = calendar.instants(low[row_of_session], high[row_of_session], spread)

    per_row = counts.sum(axis=1)
    row = np.repeat(np.arange(len(user)), per_row)
    event = np.repeat(np.tile(codes, len(user)), counts.ravel())
    session = first[row] + (rng.random(len(row)) * sessions[row]).astype(np.int64)
    offset = np.minimum(rng.exponential(480, len(row)), 1500).astype(np.int64) + 5
    signed = np.flatnonzero(rng.random(len(begins)) < 0.85)
    everyone = np.concatenate([user[row_of_session[signed]], user[row]])
    event = np.concatenate([np.full(len(signed), CODE["signed_in"], np.int16), event])
    time = np.concatenate([begins[signed], begins[session] + offset])
    session = np.concatenate([signed, session])

    machine_user, machine_event, machine_time = _machines(who, calendar, rng=rng)
    everyone = np.concatenate([everyone, machine_user])
    event = np.concatenate([event, machine_event])
    time = np.concatenate([time, machine_time])
    session = np.concatenate([session, np.full(len(machine_user), -1)])
    return _as_recorded(who, calendar, everyone, event, time, session, rng=rng)


def _presence(who: SimulatedPeople, calendar: ProductCalendar) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """User-months in which somebody could do something: user, month, from, to."""
    edges = calendar.edges
    born = np.maximum(who.created_at, calendar.begin)
    first = np.searchsorted(edges, born, side="right") - 1
    last = np.searchsorted(edges, who.until, side="left") - 1
    spans = np.maximum(last - first + 1, 0)
    user = np.repeat(np.arange(who.count, dtype=np.int32), spans)
    month = np.repeat(first, spans) + np.arange(len(user)) - np.repeat(np.cumsum(spans) - spans, spans)
    return user, month, np.maximum(born[user], edges[month]), np.minimum(who.until[user], edges[month + 1])


def _counts(
    preset: Preset,
    accounts: Accounts,
    who: SimulatedPeople,
    calendar: ProductCalendar,
    user: np.ndarray,
    month: np.ndarray,
    size: np.ndarray,
    *,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sessions per user-month, counts per user-month and event type, and the types' codes."""
    n = len(user)
    account = who.chosen[who.account[user]]
    states = accounts.states
    stage = states.declining[month, account].astype(np.int64)
    severity = SEVERITY[stage]
    growing = states.growing[month, account]
    engagement = states.engagement[month, account]
    friction = states.friction[month, account]
    power = who.power[user]
    kind = who.archetype[user]
    sharp = preset.world == "interaction"  # there engagement must show in the metrics

    mood = np.exp(
        (1.2 if sharp else 0.25) * engagement
        + (0.4 if sharp else 1.0) * who.activity[user]
        + 0.05 * rng.normal(size=n)
        + 0.25 * growing
    )
    fresh = month - accounts.born[account] <= 1  # the first weeks, in which people try things
    mood = mood * np.where(fresh, 1.1, 1.0)
    if preset.world == "drift":
        mood = mood * np.where(month - calendar.burn_in > calendar.months // 2, 1.5, 1.0)
    keeps = (1 - severity) ** 2.1
    size = size * calendar.season[month]
    sessions = np.floor(13.0 * mood * keeps * size + rng.random(n)).astype(np.int64)
    active = sessions > 0

    taste = rng.random((who.count, len(_TASTES)))
    pace = rng.gamma(3, 0.25, (who.count, len(_TASTES))) + 0.25
    stopped = rng.random(who.count)[user] < _CORE_STOP[stage]
    scale = mood**0.7 * (1 - severity) ** 2.7 * size * active
    rates = np.empty((n, len(_TASTES)))
    for k, (name, (rate, chance, growth, strength)) in enumerate(_TASTES.items()):
        logit = (
            np.log(chance / (1 - chance)) + growth * growing + 0.4 * fresh + strength * power + 0.5 * who.breadth[user]
        )
        has = np.log(1 / taste[user, k] - 1) > -logit
        rates[:, k] = rate * has * pace[user, k] * scale
        if name in _CORE:
            rates[:, k] *= ~stopped
    columns = {name: k for k, name in enumerate(_TASTES)}
    rates[:, columns["lab_tried"]] *= np.where(kind == 1, 6.0, 1.0)
    rates[:, columns["idea_sent"]] *= np.where(kind == 1, 5.0, 1.0)
    for name in ("friend_referred", "teammate_invited", "board_shared"):
        rates[:, columns[name]] *= np.where(kind == 2, 5.0, 1.0)
    for name in ("api_queried", "rule_triggered"):
        rates[:, columns[name]] *= np.where(kind == 3, 2.0, 1.0)
    counts = rng.poisson(rates)
    for name in _ROUTINE:
        counts[:, columns[name]] = np.floor(rates[:, columns[name]] + rng.random(n))

    haunted = rng.random(who.count)[user] < 0.11  # few people see nearly all of the errors of a decline
    trouble = np.where(stage >= 2, np.where(haunted, 7.5, 0.1), 1.0) * rng.gamma(3, 1 / 3, who.count)[user]
    storm = _ERRORS[stage] * np.exp(0.3 * friction)
    errors = rng.poisson(np.minimum(storm * trouble, 150) * sessions)
    connects = states.integrating[month, account] * 1.26
    integrations = rng.poisson(connects * rng.gamma(0.5, 2.0, n) * size * active)
    drops = rng.poisson(0.02 * active * size)
    tries = rng.gamma(2.5, 1 / 2.5, who.count)[user]
    started = np.floor(tries * _STARTED[stage] * mood**0.3 * size * active + rng.random(n)).astype(np.int64)
    finished = rng.binomial(started, _FINISH[stage])
    extra = {
        "integration_connected": integrations,
        "integration_dropped": drops,
        "flow_started": started,
        "flow_finished": finished,
        "error_shown": errors,
    }
    codes = np.array([CODE[name] for name in (*_TASTES, *extra)], dtype=np.int16)
    return sessions, np.column_stack([counts, *extra.values()]), codes


def _machines(
    who: SimulatedPeople, calendar: ProductCalendar, *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Service logins that poll around the clock like machines, and send a heartbeat that counts for nothing."""
    users, events, times = [], [], []
    for user in np.flatnonzero(who.bot):
        low = max(int(who.created_at[user]), calendar.begin)
        beat = np.arange(low, int(who.until[user]), HOUR, dtype=np.int64)
        times.append(beat + rng.integers(0, 3, len(beat)))
        users.append(np.full(len(beat), user, dtype=np.int32))
        events.append(np.where(np.arange(len(beat)) % 6 == 5, CODE["heartbeat"], CODE["sync_polled"]))
    if not users:
        none = np.zeros(0, dtype=np.int64)
        return none, none.astype(np.int16), none
    return np.concatenate(users), np.concatenate(events).astype(np.int16), np.concatenate(times)


def _as_recorded(
    who: SimulatedPeople,
    calendar: ProductCalendar,
    user: np.ndarray,
    event: np.ndarray,
    time: np.ndarray,
    session: np.ndarray,
    *,
    rng: np.random.Generator,
) -> Log:
    """The log as it was written: without what was lost, in order of arrival, some rows late and some twice."""
    silent_from = np.where(
        rng.random(len(who.chosen)) < 0.04, rng.uniform(calendar.begin, calendar.end, len(who.chosen)), np.inf
    )
    silent_days = rng.integers(3, 11, len(who.chosen))
    kept = (time < calendar.end) & ~calendar.is_lost(time)
    maybe = np.flatnonzero(np.isfinite(silent_from)[who.account][user])
    of_row = who.account[user[maybe]]
    begins, days = silent_from[of_row], silent_days[of_row]
    kept[maybe] &= ~((time[maybe] >= begins) & (time[maybe] < begins + days * DAY))
    recorded = np.flatnonzero(kept)
    lost = len(kept) - len(recorded)
    user, event, time, session = user[recorded], event[recorded], time[recorded], session[recorded]

    n = len(user)
    late = rng.random(n) < 0.012
    arrival = time + np.where(late, rng.integers(DAY, 5 * DAY, n), 0)
    copies = np.flatnonzero(rng.random(n) < 0.003)
    arrival = np.concatenate([arrival, arrival[copies] + rng.integers(1, 2 * DAY, len(copies))])
    order = _in_order(arrival)
    number = np.empty(n, dtype=np.int64)
    number[order[order < n]] = np.arange(n)
    source = np.concatenate([np.arange(n), copies])[order]  # the row of which each is a copy: itself, mostly
    measured = np.flatnonzero(_MEASURED[event])
    amount = np.full(n, np.nan)
    amount[measured] = np.round(rng.exponential(40, len(measured)), 2)
    return Log(
        user=user[source],
        event=event[source],
        time=time[source],
        session=session[source],
        value=amount[source],
        number=number[source],
        duplicate=order >= n,
        late=late[source],
        lost=lost,
    )


def _in_order(seconds: np.ndarray) -> np.ndarray:
    """Positions that sort `seconds`, ties by position: one sort of (time, position) packed into 64 bits."""
    bits = max(len(seconds) - 1, 1).bit_length()
    packed = (seconds << bits) | np.arange(len(seconds))
    packed.sort()
    return packed & ((1 << bits) - 1)
