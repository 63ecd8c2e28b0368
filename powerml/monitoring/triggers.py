"""What changed between two snapshots: emerging power users, disengaging ones, and triggers that fire once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.config.conditions import Comparator, TopShare
from powerml.config.triggers import Named, TriggerCondition, TriggerSpec, columns_of
from powerml.errors import MissingColumns, UsageError
from powerml.statistics.comparing import holds
from powerml.statistics.ranks import Ranks, active_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

DUST = 1e-9
FIRINGS = ["trigger", "id", "as_of", "action", "team", "because"]


def emerging_users(
    frame: pd.DataFrame,
    *,
    reference: pd.DataFrame | None = None,
    times: float = 2.0,
    within_days: int = 30,
) -> pd.DataFrame:
    """Entities in their first 30 days whose events so far are at least twice the median of all at the same age.

    `reference`: snapshots whose rows give the medians (default: `frame`); the age is in whole days, and an age that the
    reference lacks has no median. One row per young entity, with the frame's index: `age_days`, `events`, `median`,
    `peers` (rows at that age, itself included), `emerging`. Source: document B, "Phase 1: Identification".
    """
    peers = _young(frame if reference is None else reference, within_days).groupby("age_days")["events"]
    young = _young(frame, within_days)
    young["median"] = young["age_days"].map(peers.median())
    young["peers"] = young["age_days"].map(peers.size()).fillna(0).astype(int)
    young["emerging"] = (young["events"] > 0) & (young["events"] >= times * young["median"] - DUST)
    return young


def _young(frame: pd.DataFrame, within_days: int) -> pd.DataFrame:
    """Age in whole days and events so far of those younger than `within_days` (at most 30: the events' window)."""
    if within_days > 30:
        raise UsageError(f"emerging users: within_days is {within_days}; events so far are known for 30 days at most")
    _need(frame, ["account_age_days", "events_30d"], "emerging users")
    young = frame[frame["account_age_days"] < within_days]
    age = np.floor(young["account_age_days"].to_numpy(dtype=float)).astype(int)
    return pd.DataFrame({"age_days": age, "events": young["events_30d"].astype(float)}, index=young.index)


def disengagement(
    before: pd.DataFrame,
    now: pd.DataFrame,
    *,
    fall: float = 0.30,
    min_events: float = 20,
    days: int = 30,
) -> pd.DataFrame:
    """Power users of 30 days ago whose events have fallen by at least 30 % since.

    `before` and `now`: snapshots `days` apart with `events_30d`; `before` has a boolean `power_user`. At least
    `min_events` before, so that noise does not ring; entities that are gone ring no alert. Columns: the id
    (`account_id` too beside a user), `as_of`, `events_before`, `events_now`, `change` (ratio), largest fall first.
    Source: document B, "Use Case 3: Churn Risk Mitigation".
    """
    _need(before, ["as_of", "events_30d", "power_user"], "the disengagement alert")
    _need(now, ["as_of", "events_30d"], "the disengagement alert")
    key, then, today = _id_column(now), _one_date(before), _one_date(now)
    if len(before) and len(now) and (today - then).days != days:
        raise UsageError(
            f"the disengagement alert: snapshots of {then:%Y-%m-%d} and {today:%Y-%m-%d} are {(today - then).days} "
            f"days apart; give two that are {days} days apart"
        )
    was = before.loc[before["power_user"].astype(bool) & (before["events_30d"] >= min_events), [key, "events_30d"]]
    beside = ["account_id"] if key == "user_id" and "account_id" in now else []
    both = now[[key, *beside, "as_of", "events_30d"]].merge(
        was.rename(columns={"events_30d": "events_before"}), on=key, how="inner", validate="one_to_one"
    )
    both = both.rename(columns={"events_30d": "events_now"})
    both["change"] = both["events_now"] / both["events_before"] - 1
    rung = both[both["change"] <= -fall + DUST].sort_values(["change", key], kind="stable", ignore_index=True)
    return rung[[key, *beside, "as_of", "events_before", "events_now", "change"]]


def fire(
    triggers: Sequence[TriggerSpec],
    now: pd.DataFrame,
    *,
    before: pd.DataFrame | None = None,
    fired: Collection[tuple[str, str]] = (),
) -> pd.DataFrame:
    """The triggers that fire at a snapshot: true now, not true in the snapshot before, and never fired before.

    `now`, `before`: one snapshot each, of users or of accounts (a trigger for the other kind is passed over), with
    scores joined where a trigger reads them (`score`, `band`, `tier`). Without `before` everything true now has become
    true. `fired`: (trigger, id) pairs of earlier runs, which never fire again; the caller keeps them. A condition on a
    null is false, and a condition that looks back is false without a row before. Columns `trigger`, `id`, `as_of`,
    `action`, `team`, `because`; in the order of the triggers, then of the rows. Raises MissingColumns naming the
    trigger.
    """
    key, today = _id_column(now), _one_date(now)
    if now[key].duplicated().any():
        raise UsageError(f"triggers: {now.loc[now[key].duplicated(), key].iloc[0]!r} stands twice in the snapshot")
    earlier = None if before is None else _aligned(before, now, key, today)
    done, found = set(fired), []
    for trigger in triggers:
        if trigger.entity not in (None, key.removesuffix("_id")):
            continue
        _need(now, trigger.columns, f"trigger {trigger.name!r}")
        met = _met(trigger, now, earlier)
        becomes = _count(met) >= _needed(trigger)
        if before is not None and earlier is not None:
            _need(before, trigger.columns, f"trigger {trigger.name!r}, in the snapshot before,")
            # what looks back cannot be judged a snapshot earlier still; it counts as not true then
            becomes &= ~(_count(_met(trigger, earlier, None, ranked_in=before)) >= _needed(trigger))
        for i in np.flatnonzero(becomes):
            entity = str(now[key].iloc[i])
            if (trigger.name, entity) not in done:
                done.add((trigger.name, entity))
                because = _because(trigger, now.iloc[i], met[:, i])
                found.append((trigger.name, entity, today, trigger.action, trigger.team, because))
    return pd.DataFrame(found, columns=FIRINGS)


def _needed(trigger: TriggerSpec) -> int:
    return trigger.needed or len(trigger.when)


def _count(met: NDArray[np.bool_]) -> NDArray[np.intp]:
    return np.asarray(met.sum(axis=0), dtype=np.intp)


def _aligned(before: pd.DataFrame, now: pd.DataFrame, key: str, today: pd.Timestamp) -> pd.DataFrame:
    """The rows of the snapshot before in the order of `now`, null for those not in it."""
    _need(before, [key], "triggers, in the snapshot before,")
    if len(before) and not _one_date(before) < today:
        raise UsageError(
            f"triggers: the snapshot before is of {_one_date(before):%Y-%m-%d}, not before {today:%Y-%m-%d}"
        )
    return before.set_index(key).reindex(now[key]).reset_index()


def _met(
    trigger: TriggerSpec,
    frame: pd.DataFrame,
    earlier: pd.DataFrame | None,
    *,
    ranked_in: pd.DataFrame | None = None,
) -> NDArray[np.bool_]:
    """Which conditions hold: conditions x rows. Ranks are taken among the active rows of `ranked_in`."""
    return np.array([_holds(c, frame, earlier, frame if ranked_in is None else ranked_in) for c in trigger.when])


def _holds(
    condition: TriggerCondition, frame: pd.DataFrame, earlier: pd.DataFrame | None, ranked_in: pd.DataFrame
) -> NDArray[np.bool_]:
    if isinstance(condition, Named):
        return frame[condition.column].isin(condition.names).to_numpy(dtype=bool)
    if isinstance(condition, Comparator):
        return holds(condition, {name: _numbers(frame, name) for name in condition.metrics})
    values = _numbers(frame, condition.metric)
    if isinstance(condition, TopShare):
        ranks = Ranks.of(_numbers(ranked_in, condition.metric)[active_rows(ranked_in)])
        return active_rows(frame) & ranks.in_top(values, condition.share)
    if earlier is None:
        return np.zeros(len(frame), dtype=bool)
    was = _numbers(earlier, condition.metric)
    change = (values - was) if condition.direction == "rose" else (was - values)
    with np.errstate(invalid="ignore"):
        return np.asarray((was > 0) & (change >= condition.by * was - DUST), dtype=bool)


def _because(trigger: TriggerSpec, row: pd.Series, met: NDArray[np.bool_]) -> str:
    """The conditions that hold, each with the value it read."""
    parts = []
    for condition in (c for c, true in zip(trigger.when, met, strict=True) if true):
        values = (f"{row[c]:g}" if isinstance(row[c], int | float) else str(row[c]) for c in columns_of(condition))
        parts.append(str(condition) if isinstance(condition, Named) else f"{condition} ({' and '.join(values)})")
    return "; ".join(parts)


def _numbers(frame: pd.DataFrame, column: str) -> NDArray[np.float64]:
    return frame[column].to_numpy(dtype=float, na_value=np.nan)


def _need(frame: pd.DataFrame, columns: Sequence[str], asked_by: str) -> None:
    if absent := [name for name in columns if name not in frame]:
        raise MissingColumns(absent, asked_by=asked_by, have=frame.columns)


def _id_column(frame: pd.DataFrame) -> str:
    if "user_id" in frame:
        return "user_id"
    _need(frame, ["account_id"], "the snapshot")
    return "account_id"


def _one_date(frame: pd.DataFrame) -> pd.Timestamp:
    """The date of a snapshot; raises UsageError where it holds several."""
    _need(frame, ["as_of"], "the snapshot")
    dates = frame["as_of"].unique()
    if len(dates) > 1:
        raise UsageError(f"a snapshot of one date is wanted, this one holds {len(dates)}; take the rows of one")
    return pd.Timestamp(dates[0]) if len(dates) else pd.NaT  # type: ignore[return-value]
