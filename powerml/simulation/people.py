"""People: the logins of each account, which accounts make up a block, and what sets one person apart from another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from powerml.simulation.accounts import NEVER_IN_TIME, Accounts
from powerml.simulation.calendar import DAY, ProductCalendar

SIMULATED_ARCHETYPES = ("casual", "innovator", "advocate", "optimizer")


@dataclass(frozen=True)
class SimulatedPeople:
    """Users of the chosen accounts, an account's users together, its owner first. Times are seconds.

    `account` counts in the block's chosen accounts (`chosen` holds their numbers in `Accounts`). `until` is the last
    instant anybody hears of the user: deactivation, the account's leaving, or the end of the data.
    """

    chosen: np.ndarray
    account: np.ndarray
    created_at: np.ndarray
    deactivated_at: np.ndarray
    until: np.ndarray
    bot: np.ndarray
    archetype: np.ndarray
    activity: np.ndarray
    power: np.ndarray
    breadth: np.ndarray

    @property
    def count(self) -> int:
        """How many users."""
        return len(self.account)


def simulate_people(
    accounts: Accounts, calendar: ProductCalendar, *, wanted: int, rng: np.random.Generator
) -> SimulatedPeople | None:
    """Exactly `wanted` users in whole accounts, places in order; None where the places hold too few."""
    rank, account, created, left = _members(accounts, rng=rng)
    churned = accounts.churned_at[account]
    after = churned + (rng.random(len(account)) * 20 * DAY).astype(np.int64)
    closes = np.where((churned < NEVER_IN_TIME) & (rng.random(len(account)) < 0.85), after, NEVER_IN_TIME)
    deactivated = np.where(left < churned, left, closes)
    until = np.minimum(np.minimum(left, churned), calendar.end)
    seen = (created < churned) & (created < calendar.end) & (until > calendar.begin)

    chosen = _choose(accounts, np.bincount(account[seen], minlength=accounts.count), wanted)
    if chosen is None:
        return None
    position = np.full(accounts.count, -1)
    position[chosen] = np.arange(len(chosen))
    keep = seen & (position[account] >= 0)
    account, rank = account[keep], rank[keep]
    order = np.lexsort((rank, position[account]))
    account, rank = account[order], rank[order]
    n = len(account)
    power = 0.85 * accounts.power[account] + 0.5 * rng.normal(size=n)
    kind = rng.random(n) - 0.06 * np.clip(power, -1, 2)
    return SimulatedPeople(
        chosen=chosen,
        account=position[account],
        created_at=created[keep][order],
        deactivated_at=deactivated[keep][order],
        until=until[keep][order],
        bot=(rank > 0) & (rng.random(n) < 0.006),
        archetype=np.select([kind < 0.06, kind < 0.12, kind < 0.20], [1, 2, 3], 0),
        activity=rng.normal(0, 0.4, n),
        power=power,
        breadth=rng.normal(0, 1, n),
    )


def _members(accounts: Accounts, *, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rank in the account, account, created and left of everyone ever; whoever is longest there leaves first."""
    everyone = np.repeat(np.arange(accounts.count), accounts.founders)
    first = np.cumsum(accounts.founders) - accounts.founders
    is_owner = np.zeros(len(everyone), dtype=bool)
    is_owner[first] = True
    offset = np.where(is_owner, 0, (rng.random(len(everyone)) * 5 * DAY).astype(np.int64))
    founded = np.minimum(accounts.created_at[everyone] + offset, accounts.churned_at[everyone] - 1)
    account = np.concatenate([everyone, accounts.joined.account])
    created = np.concatenate([founded, accounts.joined.at])
    owner = np.concatenate([is_owner, np.zeros(len(accounts.joined.at), dtype=bool)])
    order = np.lexsort((created, ~owner, account))
    account, created = account[order], created[order]
    start = np.searchsorted(account, account)
    rank = np.arange(len(account)) - start
    left = np.full(len(account), NEVER_IN_TIME)
    goes = accounts.left
    sequence = np.lexsort((goes.at, goes.account))
    who, at = goes.account[sequence], goes.at[sequence]
    nth = np.arange(len(who)) - np.searchsorted(who, who)
    target = np.searchsorted(account, who) + 1 + nth
    left[target] = np.maximum(at, created[target] + DAY)
    return rank, account, created, left


def _choose(accounts: Accounts, sizes: np.ndarray, wanted: int) -> np.ndarray | None:
    """Accounts that hold exactly `wanted` users: whole places in order, then whatever fits; None if too few."""
    by_slot = np.bincount(accounts.slot, weights=sizes).cumsum()
    full = int(np.searchsorted(by_slot, wanted, side="right"))
    chosen = (accounts.slot < full) & (sizes > 0)
    missing = wanted - int(sizes[chosen].sum())
    for account in np.flatnonzero((accounts.slot >= full) & (sizes > 0)):
        if missing == 0:
            break
        if sizes[account] <= missing:
            chosen[account] = True
            missing -= int(sizes[account])
    return np.flatnonzero(chosen) if missing == 0 else None
