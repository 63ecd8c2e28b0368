"""What `check` says about events: names, days, gaps, bots. Counts only; nothing is judged by what the events mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.sources.loaded import rows_of
from powerml.tables import TABLES

if TYPE_CHECKING:
    from datetime import date

    from powerml.sources.loaded import Loaded

SHORT_HISTORY_DAYS = 30
# A run of empty days is suspicious where the same weekdays of the four weeks on either side lead one to expect this
# many events. Independent events would leave out ten once in 22,000 times; real ones come in bursts, hence twice that.
GAP_EXPECTED_EVENTS = 20.0
GAP_WEEKS = 4
# A bot does at least this on a day that it is there, and its rate lies this many robust deviations above the median
# user's, on a log scale.
BOT_EVENTS_PER_DAY = 200.0
BOT_DEVIATIONS = 6.0
BOT_FLOOR = 0.5
# Or it is there round the clock: events in this many hours of a day, on most of its days and on three at least.
BOT_HOURS = 18
BOT_DAYS = 3

_SUSPECTS, _SAMPLE = 1_000, 4_000
_QUARTER_HOUR_US = 15 * 60 * 1_000_000


@dataclass(frozen=True)
class Inspection:
    """What the events look like; days are calendar days of the project's timezone.

    `names`: event, events (most frequent first, the top ones); `distinct_names` counts all. `per_day`: day, events, a
    row for every day of the range. `gaps`: first, last, days, expected (events). `bots`: see `implausible_users`.
    `columns`: table, column, available. `findings`: a sentence for each thing to look at.
    """

    names: pd.DataFrame
    distinct_names: int
    first: date | None
    last: date | None
    per_day: pd.DataFrame
    per_day_stats: dict[str, float]
    gaps: pd.DataFrame
    bots: pd.DataFrame
    columns: pd.DataFrame
    findings: tuple[str, ...]

    @property
    def days(self) -> int:
        """Days from the first event's to the last one's, both included."""
        return len(self.per_day)


def inspect_events(loaded: Loaded, *, timezone: str, top: int = 20) -> Inspection:
    """Looks at the events and columns of what was loaded; without events all frames are empty."""
    columns = available(loaded)
    if "events" not in loaded.tables:
        nothing = pd.DataFrame()
        return Inspection(nothing, 0, None, None, nothing, {}, nothing, nothing, columns, ())
    names = loaded.con.execute(
        f"SELECT event, count(*) AS events FROM {rows_of(loaded, 'events')} GROUP BY event ORDER BY events DESC, event"
    ).df()
    days = per_day(loaded, timezone=timezone)
    gaps = suspicious_gaps(days)
    bots = implausible_users(loaded)
    first, last = (days["day"].iloc[0].date(), days["day"].iloc[-1].date()) if len(days) else (None, None)
    events = days["events"]
    stats = (
        {}
        if days.empty
        else {
            "mean": float(events.mean()),
            "median": float(events.median()),
            "lowest": float(events.min()),
            "highest": float(events.max()),
            "empty_days": float((events == 0).sum()),
        }
    )
    return Inspection(
        names.head(top), len(names), first, last, days, stats, gaps, bots, columns, _findings(days, gaps, bots)
    )


def findings_of_events(loaded: Loaded, *, timezone: str) -> tuple[str, ...]:
    """What `inspect_events` finds, without its tables."""
    days = per_day(loaded, timezone=timezone)
    return _findings(days, suspicious_gaps(days), implausible_users(loaded))


def available(loaded: Loaded) -> pd.DataFrame:
    """Every canonical column of the loaded tables (table, column, available); `known_at` only where it is there."""
    rows = [
        (table, column, column in have)
        for table, have in loaded.columns.items()
        for column in TABLES[table].names
        if column != "known_at" or column in have
    ]
    return pd.DataFrame(rows, columns=["table", "column", "available"])


def per_day(loaded: Loaded, *, timezone: str) -> pd.DataFrame:
    """Events of every local day from the first to the last (day: naive midnight, events)."""
    counted = loaded.con.execute(
        f"SELECT epoch_us(time) // {_QUARTER_HOUR_US} AS quarter, count(*) AS events"
        f" FROM {rows_of(loaded, 'events')} GROUP BY quarter"
    ).df()
    if counted.empty:
        return pd.DataFrame({"day": pd.to_datetime([]), "events": pd.Series(dtype="int64")})
    instants = pd.to_datetime(counted["quarter"] * _QUARTER_HOUR_US, unit="us", utc=True)
    day = instants.dt.tz_convert(timezone).dt.tz_localize(None).dt.normalize()
    summed = counted["events"].groupby(day).sum()
    every = pd.date_range(summed.index.min(), summed.index.max(), freq="D", name="day")
    return summed.reindex(every, fill_value=0).astype("int64").rename("events").rename_axis("day").reset_index()


def suspicious_gaps(days: pd.DataFrame) -> pd.DataFrame:
    """Runs of days without any event where events were to be expected (first, last, days, expected).

    A day is expected to have the median of the same weekday in the four weeks before and after it, so that weekends
    that are always empty, and sparse years, raise nothing.
    """
    events = days["events"].to_numpy(dtype=float)
    expected = np.zeros(len(events))
    for weekday in range(7):
        same = events[weekday::7]
        around = np.full((len(same), 2 * GAP_WEEKS), np.nan)
        for column, shift in enumerate([*range(-GAP_WEEKS, 0), *range(1, GAP_WEEKS + 1)]):
            shifted = np.arange(len(same)) + shift
            inside = (shifted >= 0) & (shifted < len(same))
            around[inside, column] = same[shifted[inside]]
        known = ~np.isnan(around).all(axis=1)
        expected[weekday::7][known] = np.nanmedian(around[known], axis=1)
    empty = events == 0
    run = np.cumsum(np.diff(empty, prepend=False) != 0)
    frame = pd.DataFrame({"day": days["day"], "expected": expected, "run": run})[empty]
    runs = frame.groupby("run").agg(
        first=("day", "min"), last=("day", "max"), days=("day", "size"), expected=("expected", "sum")
    )
    gaps: pd.DataFrame = runs[runs["expected"] >= GAP_EXPECTED_EVENTS].reset_index(drop=True)
    return gaps


def implausible_users(loaded: Loaded) -> pd.DataFrame:
    """Users who are there as no person is (user_id, events, days, per_day, sign), those with most a day first.

    `sign` is "rate": more events on the days they are there than people make, held against a sample of all users (drawn
    by the ids' md5); or "round the clock": on most days an event in nearly every hour.
    """
    users = loaded.con.execute(
        "WITH days AS (SELECT user_id, epoch_us(time) // 86400000000 AS day, count(*) AS n,"
        " bit_count(bit_or(1::INTEGER << hour(time)::INTEGER)) AS hours"
        f" FROM {rows_of(loaded, 'events')} GROUP BY user_id, day),"
        f" users AS (SELECT user_id, sum(n)::BIGINT AS events, count(*) AS days, sum(n) / count(*) AS per_day,"
        f" count(*) FILTER (hours >= {BOT_HOURS}) AS whole_days FROM days GROUP BY user_id),"
        f" most AS (SELECT user_id FROM users ORDER BY events DESC, user_id LIMIT {_SUSPECTS}),"
        f" sample AS (SELECT user_id FROM users ORDER BY md5(user_id) LIMIT {_SAMPLE})"
        f" SELECT *, user_id IN (FROM sample) AS sampled FROM users WHERE user_id IN (FROM most UNION FROM sample)"
        f" OR (whole_days >= {BOT_DAYS} AND 2 * whole_days > days) ORDER BY per_day DESC, user_id"
    ).df()
    rate = np.log(users["per_day"].to_numpy(dtype=float))
    usual = rate[users["sampled"].to_numpy(dtype=bool)]
    middle = np.median(usual) if len(usual) else 0.0
    spread = max(1.4826 * float(np.median(np.abs(usual - middle))), BOT_FLOOR) if len(usual) else BOT_FLOOR
    wild = (rate - middle > BOT_DEVIATIONS * spread) & (users["per_day"] >= BOT_EVENTS_PER_DAY)
    awake = (users["whole_days"] >= BOT_DAYS) & (2 * users["whole_days"] > users["days"])
    found = users.assign(sign=np.where(awake, "round the clock", "rate"))[wild | awake]
    implausible: pd.DataFrame = found[["user_id", "events", "days", "per_day", "sign"]].reset_index(drop=True)
    return implausible


def _findings(days: pd.DataFrame, gaps: pd.DataFrame, bots: pd.DataFrame) -> tuple[str, ...]:
    found = []
    if 0 < len(days) < SHORT_HISTORY_DAYS:
        found.append(f"events span {len(days)} days, fewer than {SHORT_HISTORY_DAYS}: most windows are not full yet")
    if len(gaps):
        largest = gaps.nlargest(3, "expected").sort_values("first")
        shown = ", ".join(
            f"{first:%Y-%m-%d}" if first == last else f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
            for first, last in zip(largest["first"], largest["last"], strict=True)
        )
        more = f" and {len(gaps) - 3} more" if len(gaps) > 3 else ""
        found.append(f"no event at all where some were to be expected: {shown}{more}; is an export missing?")
    for sign, some in bots.groupby("sign", sort=False) if len(bots) else ():
        first = some.iloc[0]
        more = f" and {len(some) - 1:,} more" if len(some) > 1 else ""
        how = "in nearly every hour of the day" if sign == "round the clock" else "there"
        found.append(
            f"user {first['user_id']!r}{more} may be a bot: {first['per_day']:,.0f} events per day {how}; "
            "give its events the role 'ignore' or leave it out in a query"
        )
    return tuple(found)
