"""Contracts: subscription periods from what happened to accounts, and the true labels, known without reading them.

The labels come from the accounts' moves (when an account left, what it paid for at an instant), not from the rows of
`subscriptions`; that both agree under the definitions of `snapshots.labels` is what a test shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.simulation.calendar import DAY, ProductCalendar
from powerml.tables import LABELS

if TYPE_CHECKING:
    from powerml.simulation.accounts import Accounts

PLANS = ("free", "starter", "pro", "enterprise")
HORIZON_DAYS = 90
GRACE_DAYS = 30
MIN_RISE = 0.02
INELIGIBLE, IMMATURE, CHURN, STAY, EXPAND = range(len(LABELS))
_PRICE = np.array([0.0, 19.0, 39.0, 69.0])


@dataclass(frozen=True)
class Terms:
    """What each account paid for, as changes in time order: from `at` on, `mrr` for `seats` on `plan`.

    Rows of one account stand together; a row with `mrr` 0 and plan 0 is the free month before the first payment. An
    account's last row ends when it leaves. `lapse_*` are the gaps in which it did not pay although it stayed.
    """

    account: np.ndarray
    at: np.ndarray
    plan: np.ndarray
    mrr: np.ndarray
    seats: np.ndarray
    lapse_account: np.ndarray
    lapse_from: np.ndarray
    lapse_to: np.ndarray


def terms(accounts: Accounts, *, rng: np.random.Generator) -> Terms:
    """Draws the terms of every account: where it starts and what each expansion or contraction changes."""
    n = accounts.count
    plan = 1 + accounts.size_class
    seats = np.ceil(accounts.founders * (1 + 0.5 * rng.random(n))).astype(np.int64)
    factor = np.round(np.exp(rng.normal(0, 0.2, n)), 2)
    up, down = accounts.expansions, accounts.contractions
    account = np.concatenate([up.account, down.account])
    at = np.concatenate([up.at, down.at])
    rises = np.concatenate([np.ones(len(up.at), bool), np.zeros(len(down.at), bool)])
    kind = rng.random(len(account))
    size = rng.random(len(account))
    order = np.lexsort((at, account))
    account, at, rises, kind, size = account[order], at[order], rises[order], kind[order], size[order]
    rank = np.arange(len(account)) - np.searchsorted(account, account)

    trial = np.flatnonzero(accounts.pays_from > accounts.created_at)
    price = _PRICE[plan] * factor
    rows = [
        (trial, accounts.created_at[trial], np.zeros(len(trial), int), np.zeros(len(trial)), np.ones(len(trial), int)),
        (np.arange(n), accounts.pays_from, plan.copy(), np.round(price * seats, 2), seats.copy()),
    ]
    uplift = np.ones(n)
    for turn in range(int(rank.max(initial=-1)) + 1):
        now = rank == turn
        who, up_, how, much = account[now], rises[now], kind[now], size[now]
        upgrade = up_ & (how < 0.3) & (plan[who] < 3)
        dearer = up_ & ~upgrade & (how > 0.85)
        more = up_ & ~upgrade & ~dearer
        plan[who] += upgrade
        uplift[who] *= np.where(dearer, 1.05 + 0.3 * much, np.where(up_, 1.0, 0.75 + 0.15 * much))
        seats[who] += np.where(more, 1 + np.floor(much * (1 + 0.3 * seats[who])).astype(int), 0)
        seats[who] -= (~up_ & (seats[who] > 1)).astype(int)
        mrr = np.round(_PRICE[plan[who]] * factor[who] * uplift[who] * seats[who], 2)
        rows.append((who, at[now], plan[who].copy(), mrr, seats[who].copy()))
    columns = [np.concatenate(parts) for parts in zip(*rows, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    lapses = accounts.lapses
    gap = rng.integers(2, 23, len(lapses.at)) * DAY
    by_account = np.lexsort((lapses.at, lapses.account))
    account, at, plan, mrr, seats = (column[order] for column in columns)
    return Terms(
        account=account,
        at=at,
        plan=plan,
        mrr=mrr,
        seats=seats,
        lapse_account=lapses.account[by_account],
        lapse_from=lapses.at[by_account],
        lapse_to=(lapses.at + gap)[by_account],
    )


def subscription_rows(accounts: Accounts, agreed: Terms, calendar: ProductCalendar) -> pd.DataFrame:
    """The `subscriptions` rows (account number, seconds): terms cut at lapses and at the end; `end` -1 = open."""
    following = np.append(agreed.account[1:] == agreed.account[:-1], False)
    until = np.where(following, np.append(agreed.at[1:], 0), accounts.churned_at[agreed.account])
    first = pd.DataFrame(
        {
            "account": agreed.account,
            "start": agreed.at,
            "end": until,
            "plan": agreed.plan,
            "mrr": agreed.mrr,
            "seats": agreed.seats,
        }
    )
    row = _row_at(agreed, agreed.lapse_account, agreed.lapse_from)
    parts = [first]
    if len(row):  # a lapse ends a row and starts another on the same terms; several lapses may cut one row
        cut = first.loc[row].reset_index(drop=True)
        next_cut = np.append((row[1:] == row[:-1]), False)
        cut["start"] = agreed.lapse_to
        cut["end"] = np.where(next_cut, np.append(agreed.lapse_from[1:], 0), cut["end"])
        first_cut = np.append(True, row[1:] != row[:-1])
        first.loc[row[first_cut], "end"] = agreed.lapse_from[first_cut]
        parts.append(cut)
    table = pd.concat(parts, ignore_index=True)
    table = table[(table["start"] < calendar.end) & (table["end"] > table["start"])]
    table["end"] = table["end"].where(table["end"] < calendar.end, -1)
    return table.sort_values(["account", "start"], ignore_index=True)


def _row_at(agreed: Terms, account: np.ndarray, instant: np.ndarray) -> np.ndarray:
    """Position of each account's terms just before each instant; where it had none yet, a row of another account."""
    key = agreed.account * (1 << 34) + agreed.at
    return np.asarray(np.searchsorted(key, account * (1 << 34) + instant, side="left") - 1)


def true_labels(accounts: Accounts, agreed: Terms, calendar: ProductCalendar) -> pd.DataFrame:
    """One row per cutoff and account created before it: label (position in `LABELS`), true 90-day probabilities.

    `p_churn` and `p_expand` follow from the account's hazards in the window (its path if it does not leave); they are
    null where the account does not pay at the cutoff.
    """
    parts = []
    horizon = HORIZON_DAYS * DAY
    for position, cutoff in enumerate(calendar.cutoffs.tolist()):
        who = np.flatnonzero(accounts.created_at < cutoff)
        at = np.full(len(who), cutoff)
        gone = accounts.churned_at[who]
        lapsed = _in_lapse(agreed, who, at)
        paying = (accounts.pays_from[who] < cutoff) & (gone >= cutoff) & ~lapsed
        churns = paying & (gone < cutoff + horizon)
        now, later = _row_at(agreed, who, at), _row_at(agreed, who, at + horizon)
        same = agreed.account[now] == who
        rises = (agreed.mrr[later] > agreed.mrr[now] * (1 + MIN_RISE)) | (agreed.seats[later] > agreed.seats[now])
        rises = (rises | (agreed.plan[later] > agreed.plan[now])) & same & ~_in_lapse(agreed, who, at + horizon)
        label = np.where(churns, CHURN, np.where(rises, EXPAND, STAY))
        if cutoff + horizon + GRACE_DAYS * DAY > calendar.end:
            label[:] = IMMATURE
        label[~paying] = INELIGIBLE
        p_churn, p_expand = _window_probabilities(accounts, calendar, who, calendar.burn_in + 1 + position)
        columns = (at, who, label, np.where(paying, p_churn, np.nan), np.where(paying, p_expand, np.nan))
        parts.append(columns)
    names = ("as_of", "account", "label", "p_churn", "p_expand")
    return pd.DataFrame(
        {name: np.concatenate(part) for name, part in zip(names, zip(*parts, strict=True), strict=True)}
    )


def _in_lapse(agreed: Terms, account: np.ndarray, instant: np.ndarray) -> np.ndarray:
    """Whether each account was between two payments just before each instant."""
    key = agreed.lapse_account * (1 << 34) + agreed.lapse_from
    row = np.searchsorted(key, account * (1 << 34) + instant, side="left") - 1
    if not len(key):
        return np.zeros(len(account), dtype=bool)
    safe = np.maximum(row, 0)
    inside: np.ndarray = (row >= 0) & (agreed.lapse_account[safe] == account) & (agreed.lapse_to[safe] >= instant)
    return inside


def _window_probabilities(
    accounts: Accounts, calendar: ProductCalendar, who: np.ndarray, month: int
) -> tuple[np.ndarray, np.ndarray]:
    low = calendar.edges[month]
    high = low + HORIZON_DAYS * DAY
    stays = np.ones(len(who))
    same = np.ones(len(who))
    for each in range(month, len(calendar.edges) - 1):
        width = calendar.edges[each + 1] - calendar.edges[each]
        share = (min(high, calendar.edges[each + 1]) - calendar.edges[each]) / width
        if share <= 0:
            break
        stays *= 1 - share * accounts.states.churn[each, who]
        same *= 1 - share * accounts.states.expand[each, who]
    return 1 - stays, stays * (1 - same)
