"""Segments of users by power (document B) and tiers against what a document expects (document A).

Rates come with n and Wilson's interval, by effective n where accounts repeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import MissingColumns
from powerml.statistics.intervals import wilson_by_account
from powerml.statistics.ranks import Ranks
from powerml.tables import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from powerml.config.bands import BandsSpec
    from powerml.config.claims import Segment

SEGMENTS = ("Power Users", "Emerging Power", "Active Users", "Casual Users")
FIFTHS = ("fifth 1 (least)", "fifth 2", "fifth 3", "fifth 4", "fifth 5 (most)")
EMERGING_SHARE, CASUAL_SHARE = 0.24, 0.16  # the document's shares of all users


def segment_users(
    scores: ArrayLike,
    power_user: ArrayLike,
    *,
    emerging_share: float = EMERGING_SHARE,
    casual_share: float = CASUAL_SHARE,
) -> NDArray[np.object_]:
    """The segment of each row: power users; of the rest the lowest 16 %, the highest 24 %, and those between.

    Shares are of all scored rows. Equal scores stay together: a row is in a share if fewer than that share lie beyond
    it. Where both ends meet, the lowest wins. A row without a score that is no power user has a null segment.
    """
    values, power = np.asarray(scores, dtype=float), np.asarray(power_user, dtype=bool)
    scored = ~np.isnan(values) | power
    rest = Ranks.of(values[~power])
    n = int(scored.sum())
    with np.errstate(invalid="ignore"):
        low = rest.below(values) < round(casual_share * n, 9)
        high = rest.above(values) < round(emerging_share * n, 9)
    power_name, emerging, active, casual = SEGMENTS
    named = np.where(low, casual, np.where(high, emerging, active)).astype(object)
    named[power] = power_name
    named[~scored] = None
    return named


def revenue_fifths(frame: pd.DataFrame) -> NDArray[np.object_]:
    """The fifth of revenue of each row, by `mrr` of accounts, each account once; null where it is not known.

    Equal amounts stay together, in the fifth where the first of them lies, so fifths may differ in size.
    """
    if "mrr" not in frame:
        return np.full(len(frame), None, dtype=object)
    money = frame["mrr"].astype(float)
    own = account_of(frame)
    accounts = pd.Series(money.to_numpy(), index=range(len(frame)) if own is None else own).dropna()
    each = Ranks.of(accounts.groupby(level=0).max().to_numpy())
    place = np.minimum(np.floor(5 * each.below(money.to_numpy()) / max(each.n, 1) + 1e-9), 4)
    known = money.notna().to_numpy()
    named = np.full(len(frame), None, dtype=object)
    named[known] = np.array(FIFTHS, dtype=object)[place[known].astype(int)]
    return named


def yearly_revenue(frame: pd.DataFrame) -> pd.Series:
    """Revenue per row and year: 12 x `mrr`, an account's shared out evenly over its rows of that date.

    `mrr` of a user is that of the account; without this an account of ten users would count ten times.
    """
    if "mrr" not in frame:
        return pd.Series(np.nan, index=frame.index)
    yearly = 12 * frame["mrr"].astype(float)
    if "user_id" not in frame or "account_id" not in frame:
        return yearly
    keys = [frame[name] for name in ("as_of", "account_id") if name in frame]
    users = frame["user_id"].groupby(keys).transform("size")
    return yearly / users.where(frame["account_id"].notna(), np.nan)


def segment_table(
    frame: pd.DataFrame,
    segments: ArrayLike,
    *,
    document: Sequence[Segment] = (),
    order: Sequence[str] = SEGMENTS,
) -> pd.DataFrame:
    """One row per segment: its size, its revenue, how many expanded and churned, and the document's table beside it.

    `frame`: a snapshot with `label`, of users or of accounts; `segments`: one name per row (null: left out). Columns
    `segment`, `n`, `share`, `revenue_per_year` (mean over rows with a known one, money per user and year),
    `n_labelled` (rows with a ripe label, which the rates are of), for expand and churn `rate_*`, `low_*`, `high_*`;
    with `document` also `document_n`, `document_share`, `document_revenue`, `document_expand`, `document_churn`.
    """
    if "label" not in frame:
        raise MissingColumns(["label"], asked_by="the segment table", have=frame.columns)
    names = np.asarray(segments, dtype=object)
    revenue, groups = yearly_revenue(frame).to_numpy(), account_of(frame)
    label = frame["label"].to_numpy(dtype=object)
    ripe = np.isin(label, OUTCOMES)
    total = sum(isinstance(name, str) for name in names)
    rows = []
    for name in order:
        inside = names == name
        judged = inside & ripe
        known = revenue[inside & ~np.isnan(revenue)]
        row: dict[str, object] = {
            "segment": name,
            "n": int(inside.sum()),
            "share": inside.sum() / total if total else np.nan,
            "revenue_per_year": known.mean() if len(known) else np.nan,
            "n_labelled": int(judged.sum()),
        }
        for outcome in ("expand", "churn"):
            who = None if groups is None else groups[judged]
            ends = wilson_by_account((label[judged] == outcome).astype(float), who)
            row |= dict(zip((f"rate_{outcome}", f"low_{outcome}", f"high_{outcome}"), ends, strict=True))
        rows.append(row)
    table = pd.DataFrame(rows)
    return table if not document else _beside(table, document)


def _beside(table: pd.DataFrame, document: Sequence[Segment]) -> pd.DataFrame:
    total = sum(segment.n for segment in document)
    printed = pd.DataFrame(
        {
            "segment": [s.name for s in document],
            "document_n": [s.n for s in document],
            "document_share": [s.n / total for s in document],
            "document_revenue": [s.revenue for s in document],
            "document_expand": [s.expand for s in document],
            "document_churn": [s.churn for s in document],
        }
    )
    return table.merge(printed, on="segment", how="left")


def tier_shares(tiers: ArrayLike, bands: BandsSpec, *, groups: ArrayLike | None = None) -> pd.DataFrame:
    """The observed share of each tier against the one its document expects, highest tier first.

    `tiers`: one name per row (null: left out). Columns `tier`, `n`, `share`, `low`, `high`, `expected_share` (null
    where the document is silent) and `against`: `below`, `as expected` (the interval holds it), `above`, or null.
    """
    names = np.asarray(tiers, dtype=object)
    there = np.array([isinstance(name, str) for name in names], dtype=bool)
    who = None if groups is None else np.asarray(groups)[there]
    rows = []
    for band in bands.bands:
        inside = names[there] == band.name
        share, low, high = wilson_by_account(inside.astype(float), who)
        expected = np.nan if band.expected_share is None else band.expected_share
        against = None
        if not np.isnan(expected) and not np.isnan(share):
            against = "below" if high < expected else "above" if low > expected else "as expected"
        rows.append((band.name, int(inside.sum()), share, low, high, expected, against))
    return pd.DataFrame(rows, columns=["tier", "n", "share", "low", "high", "expected_share", "against"])


def account_of(frame: pd.DataFrame) -> NDArray[np.object_] | None:
    """The account of each row; a user without one stands alone. None where rows are told apart by nothing."""
    own = "user_id" if "user_id" in frame else "account_id"
    if own not in frame:
        return None
    who = frame[own].astype(object)
    if "account_id" in frame:
        who = frame["account_id"].astype(object).where(frame["account_id"].notna(), "user " + who.astype(str))
    return who.to_numpy(dtype=object).astype(str)
