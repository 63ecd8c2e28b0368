"""Two snapshots as conditions see nights: for rules on a product that keeps no history yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from powerml.errors import MissingColumns, UsageError
from powerml.monitoring.alerts import true_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from powerml.config.alerts import AlertSpec

BECAME_COLUMNS = ("alert", "account_id", "user_id", "team", "because", "action")


@dataclass(frozen=True, eq=False)
class FramesView:
    """A snapshot with what was said of it (`status`, `score`, `band`), indexed by entity; and one `days` before."""

    frame: pd.DataFrame
    bands: tuple[str, ...] = ()
    earlier: FramesView | None = None
    days: int = 0

    @property
    def ids(self) -> pd.Index:
        """The entities, each once."""
        return self.frame.index

    @property
    def ladder(self) -> tuple[str, ...]:
        """The bands, highest first."""
        return self.bands

    def column(self, name: str) -> pd.Series:
        """A column by name; raises MissingColumns for one that there is not."""
        if name not in self.frame:
            raise MissingColumns([name], asked_by="the snapshot", have=self.frame.columns)
        return self.frame[name]

    def before(self, days: int | None) -> FramesView | None:
        """The earlier snapshot, where it lies about so many days before."""
        near = days is None or abs(days - self.days) <= max(round(0.1 * days), int(days >= 7))
        return self.earlier if near else None

    def pull(self, _branch: str, _days: int | None) -> float:
        """No tree is known of a snapshot."""
        return 0.0


def became_true(rules: Iterable[AlertSpec], now: FramesView) -> pd.DataFrame:
    """For whom a rule is true now and was not at the earlier snapshot (BECAME_COLUMNS).

    A rule on what this product does not have, or on branches, says nothing; what looks back was not true then.
    """
    found = []
    for spec in rules:
        if spec.entity == "branch" or now.earlier is None:
            continue
        try:
            before = set(true_rows(spec, now.earlier)["id"].astype(str))
            rang = set(true_rows(spec, now)["id"].astype(str)) - before
            rows = true_rows(spec, now, tell=rang)
        except (MissingColumns, UsageError):
            continue
        new = rows[rows["id"].astype(str).isin(rang)]
        found.append(new.assign(alert=spec.name, team=spec.team, action=spec.action))
    there = [rows for rows in found if len(rows)]
    return (
        pd.concat(there, ignore_index=True).reindex(columns=list(BECAME_COLUMNS))
        if there
        else pd.DataFrame(columns=list(BECAME_COLUMNS))
    )
