"""The product's calendar: month edges, when people work, when telemetry was lost. The same for all blocks of users."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

DAY = 86_400
HOUR = 3_600

# share of the week's work per weekday, Monday first, and of the day's work per hour (UTC)
_WEEKDAY = np.array([1.08, 1.15, 1.14, 1.10, 0.98, 0.22, 0.20])
_HOUR = np.concatenate(
    [
        [0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.5, 1.2, 2.2, 2.6, 2.6, 2.4],
        [1.7, 2.2, 2.5, 2.4, 2.1, 1.5, 0.9, 0.6, 0.5, 0.4, 0.3, 0.2],
    ]
)
_MONTH = np.array([1.0, 1.01, 1.02, 1.01, 1.0, 0.99, 0.97, 0.96, 1.0, 1.02, 1.01, 0.95])  # summer and the holidays


@dataclass(frozen=True)
class ProductCalendar:
    """Months of the simulation, those before the data starts (`burn_in`) and a few after it ends included.

    Times are seconds since 1970 in UTC. `edges[burn_in]` is the first midnight of the data and
    `edges[burn_in + months]` is `observed_until`. `work` is the working time (a weekday's and hour's weight) passed by
    each hour of `hours`; `lost_days` are the midnights of days whose telemetry is missing.
    """

    start: date
    months: int
    burn_in: int
    edges: np.ndarray
    hours: np.ndarray
    work: np.ndarray
    lost_days: np.ndarray

    @property
    def begin(self) -> int:
        """First instant of the data."""
        return int(self.edges[self.burn_in])

    @property
    def end(self) -> int:
        """First instant after the data: `observed_until`."""
        return int(self.edges[self.burn_in + self.months])

    def is_lost(self, instants: np.ndarray) -> np.ndarray:
        """Which instants fall on a day whose telemetry is missing."""
        first = self.begin // DAY
        lost = np.zeros(self.end // DAY - first + 2, dtype=bool)
        lost[self.lost_days // DAY - first] = True
        return np.asarray(lost[np.clip(instants // DAY - first, 0, len(lost) - 1)])

    @property
    def season(self) -> np.ndarray:
        """How busy each month is, 1 = usual."""
        return np.asarray(_MONTH[self.edges.astype("datetime64[s]").astype("datetime64[M]").astype(int) % 12])

    @property
    def cutoffs(self) -> np.ndarray:
        """The first midnight of every month of the data, the first excepted (nothing is known yet)."""
        return self.edges[self.burn_in + 1 : self.burn_in + self.months]

    def instants(self, low: np.ndarray, high: np.ndarray, position: np.ndarray) -> np.ndarray:
        """Instants between `low` and `high`, at `position` (0 to 1) of the working time that lies between them."""
        seconds = self.hours.astype(float)
        at_low = np.interp(low, seconds, self.work)
        at_high = np.interp(high, seconds, self.work)
        found = np.interp(at_low + position * (at_high - at_low), self.work, seconds)
        whole: np.ndarray = found.astype(np.int64)
        return whole


def month_edges(start: date, before: int, after: int) -> np.ndarray:
    """Midnights (seconds) of the first of each month from `before` months before `start` to `after` months after it.

    >>> len(month_edges(date(2024, 1, 1), 2, 3))
    6
    """
    first = start.year * 12 + start.month - 1
    numbers = range(first - before, first + after + 1)
    return np.array([int(datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC).timestamp()) for n in numbers], dtype=np.int64)


def calendar(start: date, months: int, burn_in: int, seed: int, *, shadow: int = 4) -> ProductCalendar:
    """The calendar of a simulation that starts on the first of a month.

    Lost days are drawn from `seed` alone, so that all blocks of users lose the same ones: about one in 300.
    """
    edges = month_edges(start, burn_in, months + shadow)
    hours = np.arange(edges[burn_in], edges[burn_in + months] + HOUR, HOUR, dtype=np.int64)
    days = hours // DAY
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    weight = _WEEKDAY[weekday] * _HOUR[(hours % DAY) // HOUR]
    work = np.concatenate([[0.0], np.cumsum(weight)[:-1]])
    rng = np.random.default_rng([seed, 2**32])
    every_day = np.unique(days[:-1])
    lost = every_day[rng.random(len(every_day)) < 0.003] * DAY
    return ProductCalendar(start, months, burn_in, edges, hours, work, lost)
