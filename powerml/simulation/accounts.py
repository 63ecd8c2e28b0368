"""Accounts month by month: latent engagement, friction, growth and power, decline episodes, growth phases, outcomes.

One block is simulated at once, all accounts side by side, one step per month. At the start of a month the state moves;
from the state follow the month's hazards of churn and expansion; from the hazards, by one uniform draw each, the
outcomes. Activity is emitted later from the same states, so metrics and outcomes share causes, and no outcome is a
function of a score. The states of an account that left are carried on as a shadow (nothing is emitted from them), which
is what makes its 90-day probabilities knowable at any cutoff.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from powerml.simulation.calendar import DAY, ProductCalendar
from powerml.statistics.logistic import sigmoid

if TYPE_CHECKING:
    from powerml.simulation.presets import Preset

NEVER_IN_TIME = np.iinfo(np.int64).max // 4

# How far engagement has fallen by month of a decline (0 = none): one minus document D's mean path of churners,
# 62, 58, 51, 42, 31, 19, over its first.
SEVERITY = np.array([0.0, 0.08, 0.22, 0.36, 0.52, 0.70, 0.82, 0.86])
# What a month of decline adds to the logit of cancelling: hardly anything before the fourth. The first is the preset's.
STAGE = np.array([0.0, -2.8, -2.8, -2.3, -0.7, 1.5, 4.0, 5.0])
# Tickets per month that nobody resolves soon.
STUCK = np.array([0.06, 0.15, 0.65, 1.5, 1.9, 2.0, 2.0, 2.0])


@dataclass(frozen=True)
class States:
    """What is true at the start of a month, arrays of shape (months, accounts)."""

    declining: np.ndarray  # months since the decline began, 0 = none
    growing: np.ndarray  # in a growth phase
    engagement: np.ndarray
    friction: np.ndarray
    team: np.ndarray  # members at the start of the month
    utilisation: np.ndarray  # use of the plan's main limit
    integrating: np.ndarray  # sets up integrations this month
    open_tickets: np.ndarray
    churn: np.ndarray  # true hazard of churn in the month
    expand: np.ndarray  # true hazard of expansion in the month, given no churn


@dataclass(frozen=True)
class Moves:
    """Things that happened to accounts: arrays of equal length, ordered by month, then account."""

    account: np.ndarray
    month: np.ndarray
    at: np.ndarray

    def of(self, wanted: np.ndarray) -> Moves:
        """Those of the wanted (boolean mask over moves)."""
        return Moves(self.account[wanted], self.month[wanted], self.at[wanted])


@dataclass(frozen=True)
class Accounts:
    """One block's accounts: traits, life, states and moves. Times are seconds."""

    slot: np.ndarray
    born: np.ndarray  # month in which it became a customer
    created_at: np.ndarray
    pays_from: np.ndarray
    founders: np.ndarray
    size_class: np.ndarray  # 0 to 2: where its plan starts
    power: np.ndarray
    growth: np.ndarray
    churn_month: np.ndarray
    churned_at: np.ndarray  # NEVER while it has not
    visible: np.ndarray  # whether the churn was one that shows
    states: States
    expansions: Moves
    contractions: Moves
    lapses: Moves
    joined: Moves
    left: Moves
    tickets: Moves
    resolved: Moves

    @property
    def count(self) -> int:
        """How many accounts there are, those that no block needs included."""
        return len(self.slot)


def simulate_accounts(preset: Preset, calendar: ProductCalendar, slots: int, *, rng: np.random.Generator) -> Accounts:
    """Simulates `slots` places; whoever leaves a place is replaced, which keeps the product stationary."""
    months = len(calendar.edges) - 1
    live_months = calendar.burn_in + calendar.months
    capacity = int(slots * (1 + 0.16 * live_months)) + 20
    traits = _traits(preset, slots, capacity, rng=rng)
    walk = _Walk(preset, calendar, traits, capacity, months)
    pool = slots
    born, slot = traits.born, traits.slot
    born[:slots], slot[:slots] = 0, np.arange(slots)
    for month in range(months):
        alive = (born <= month) & (walk.churn_month >= month)
        walk.step(month, alive, live=month < live_months, rng=rng)
        gone = np.flatnonzero(walk.churn_month == month)
        take = gone[: capacity - pool]
        born[pool : pool + len(take)] = month + 1
        slot[pool : pool + len(take)] = slot[take]
        pool += len(take)
    return walk.finish(pool)


@dataclass
class _Traits:
    born: np.ndarray
    slot: np.ndarray
    founders: np.ndarray
    size_class: np.ndarray
    engagement: np.ndarray
    friction: np.ndarray
    growth: np.ndarray
    power: np.ndarray
    trial: np.ndarray
    tight: np.ndarray  # lives at its plan's limit without growing
    start: np.ndarray  # position of the first day in its month
    age: np.ndarray  # days of life before the simulation, for those there from its start


def _traits(preset: Preset, slots: int, capacity: int, *, rng: np.random.Generator) -> _Traits:
    alone = rng.random(capacity) < preset.founders_alone
    founders = np.where(alone, 1, np.minimum(2 + rng.geometric(0.45, capacity) - 1, 12))
    age = np.where(np.arange(capacity) < slots, rng.exponential(300, capacity), 0.0)
    return _Traits(
        born=np.full(capacity, NEVER_IN_TIME // DAY, dtype=np.int64),
        slot=np.full(capacity, -1, dtype=np.int64),
        founders=founders.astype(np.int64),
        size_class=np.where(alone, (rng.random(capacity) < 0.3) * 1, 1 + (rng.random(capacity) < 0.3)),
        engagement=rng.normal(0, 0.8, capacity),
        friction=rng.normal(0, 0.7, capacity),
        growth=rng.normal(0, 1, capacity),
        power=rng.normal(0, 1, capacity),
        trial=rng.random(capacity) < 0.12,
        tight=rng.random(capacity) < 0.16,
        start=rng.random(capacity),
        age=age,
    )


class _Walk:
    """The state of a block as it moves from month to month, and its record."""

    def __init__(self, preset: Preset, calendar: ProductCalendar, traits: _Traits, capacity: int, months: int) -> None:
        self.preset, self.calendar, self.traits = preset, calendar, traits
        self.churn_month = np.full(capacity, NEVER_IN_TIME // DAY, dtype=np.int64)
        self.churned_at = np.full(capacity, NEVER_IN_TIME, dtype=np.int64)
        self.visible = np.zeros(capacity, dtype=bool)
        self.declining = np.zeros(capacity, dtype=np.int64)
        self.growing = np.zeros(capacity, dtype=bool)
        self.engagement = traits.engagement.copy()
        self.friction = traits.friction.copy()
        self.team = traits.founders.copy()
        self.utilisation = np.full(capacity, 0.45)
        usual = np.clip(0.3 + 0.15 * traits.growth + 0.12 * traits.engagement, 0.02, 0.85)
        self.usual_use = np.where(traits.tight, 0.95, usual)
        self.open = np.zeros(capacity, dtype=np.int64)
        self.record = States(
            declining=np.zeros((months, capacity), np.int8),
            growing=np.zeros((months, capacity), bool),
            engagement=np.zeros((months, capacity), np.float32),
            friction=np.zeros((months, capacity), np.float32),
            team=np.zeros((months, capacity), np.int16),
            utilisation=np.zeros((months, capacity), np.float32),
            integrating=np.zeros((months, capacity), bool),
            open_tickets=np.zeros((months, capacity), np.int16),
            churn=np.zeros((months, capacity)),
            expand=np.zeros((months, capacity)),
        )
        self.moves: dict[str, list[tuple[np.ndarray, int, np.ndarray]]] = {
            name: [] for name in ("expansions", "contractions", "lapses", "joined", "left", "tickets", "resolved")
        }

    def step(self, month: int, alive: np.ndarray, *, live: bool, rng: np.random.Generator) -> None:
        """One month: state, hazards, outcomes; `alive` are customers, `live` is False after the data's end."""
        preset, traits = self.preset, self.traits
        n = len(alive)
        new = traits.born == month
        self._arrive(new)
        single = self.team <= 1
        age = month - traits.born
        noise = rng.normal(size=(2, n))
        swing = 0.25 if preset.world == "interaction" else 0.4
        self.engagement += 0.25 * (traits.engagement - self.engagement) + swing * noise[0]
        self.friction += 0.3 * (traits.friction - self.friction) + swing * noise[1]

        # declines begin, deepen, or are recovered from
        draw = rng.random((8, n))
        onset = preset.onset + preset.onset_single * single + preset.onset_friction * self.friction
        onset = onset - 0.3 * self.engagement - 2.0 * self.growing
        begins = (self.declining == 0) & (age >= 2) & (draw[0] < sigmoid(onset))
        recovers = (self.declining > 0) & ((draw[1] < 0.08) | (self.declining >= 7))
        self.declining = np.where(begins, 1, np.where(recovers, 0, self.declining + (self.declining > 0)))

        # growth phases, which a decline ends
        grow = preset.growth + 0.7 * traits.growth + 0.4 * traits.power - 1.7 * single
        starts = ~self.growing & (self.declining == 0) & (draw[2] < sigmoid(grow))
        stops = self.growing & ((draw[3] < preset.growth_exit) | (self.declining > 0))
        self.growing = (self.growing | starts) & ~stops

        # the plan's limit, integrations
        target = np.where(self.growing, 1.03, self.usual_use * (1 - 0.5 * SEVERITY[self.declining]))
        self.utilisation += np.where(self.growing, 0.75, 0.35) * (target - self.utilisation)
        self.utilisation = np.clip(self.utilisation + 0.035 * rng.normal(size=n), 0.01, 1.15)
        integrating = draw[4] < np.where(self.growing, 0.8, 0.02)

        # the team
        pace = np.where(self.growing, 1.8, 0.07) * np.where(single, 0.35, 1.0) * np.clip(1.4 - self.team / 14, 0.15, 1)
        joins = rng.poisson(pace * rng.gamma(0.6, 1 / 0.6, n)) * ~new
        drop = np.where(self.growing, 0.04, 0.03) + 0.06 * SEVERITY[self.declining]
        leaves = rng.binomial(np.maximum(self.team - 1, 0), drop) * ~new

        # tickets that stay open
        rate = STUCK[self.declining] * np.exp(0.5 * self.friction - 0.15)
        opens = rng.poisson(rate * rng.gamma(0.5, 2.0, n))
        closes = rng.binomial(self.open, np.where(self.declining >= 2, 0.08, 0.5))

        churn, sudden, expand = self._hazards(month, single, joins, integrating)
        rec = self.record
        rec.declining[month], rec.growing[month] = self.declining, self.growing
        rec.engagement[month], rec.friction[month] = self.engagement, self.friction
        rec.team[month], rec.utilisation[month] = self.team, self.utilisation
        rec.integrating[month], rec.open_tickets[month] = integrating, self.open
        paying = alive & (~traits.trial | (age >= 1)) & ~new
        rec.churn[month] = 1 - (1 - churn) * (1 - sudden)
        rec.expand[month] = expand

        # outcomes: churn goes first
        left_visibly = paying & (draw[5] < churn)
        left_suddenly = paying & ~left_visibly & (draw[6] < sudden)
        leaves_product = (left_visibly | left_suddenly) & live
        expands = paying & (draw[7] < expand) & ~leaves_product
        other = rng.random((2, n))
        shrinks = 0.002 + 0.03 * ((self.declining >= 3) & (preset.world != "null"))
        contracts = paying & ~expands & ~leaves_product & (other[0] < shrinks)
        lapses = paying & ~expands & ~contracts & ~leaves_product & (other[1] < 0.003)
        where = rng.random((4, n))
        low, width = self.calendar.edges[month], self.calendar.edges[month + 1] - self.calendar.edges[month]
        instant = (low + width * where[0]).astype(np.int64)
        self.churn_month[leaves_product] = month
        self.churned_at[leaves_product] = instant[leaves_product]
        self.visible[leaves_product] = left_visibly[leaves_product]
        if live:
            self._note("expansions", month, expands, instant)
            self._note("contractions", month, contracts, instant)
            self._note("lapses", month, lapses, (low + 0.2 * width * where[3]).astype(np.int64))
            for name, number in (("joined", joins), ("left", leaves), ("tickets", opens), ("resolved", closes)):
                self._many(name, month, np.where(alive, number, 0), rng)
        self.team = np.maximum(self.team + joins - leaves, 1)
        self.open = self.open + opens - closes
        relieved = expands & (where[1] < 0.25)
        self.utilisation = np.where(relieved, self.utilisation * 0.8, self.utilisation)
        self.growing &= ~(expands & (where[2] < 0.05))

    def _arrive(self, new: np.ndarray) -> None:
        """Sets the state of the accounts born this month."""
        self.declining[new], self.growing[new], self.open[new] = 0, False, 0
        self.engagement[new], self.friction[new] = self.traits.engagement[new], self.traits.friction[new]
        self.team[new], self.utilisation[new] = self.traits.founders[new], self.usual_use[new]

    def _hazards(
        self, month: int, single: np.ndarray, joins: np.ndarray, integrating: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Visible churn, sudden churn and expansion: probabilities of the month."""
        preset, traits = self.preset, self.traits
        years = (month - self.calendar.burn_in) / 12
        capped = self.utilisation > 0.85
        sudden = preset.sudden * np.where(single, 2.0, 1.0)
        stage = np.where(self.declining == 0, preset.calm, STAGE[self.declining])
        churn = preset.churn + stage - 0.4 * self.engagement + 0.35 * self.friction
        churn = churn + 1.1 * single - 0.25 * traits.power + 0.2 * np.minimum(self.open, 4)
        churn = churn + 0.8 * ((self.declining >= 4) & (self.friction > 0.5)) - 0.7 * (~single & (joins > 0))
        expand = preset.expand + 4.2 * self.growing + 0.35 * traits.growth + 0.3 * traits.power
        expand = expand + 0.2 * self.engagement + 0.8 * capped + 0.3 * np.minimum(joins, 3)
        expand = expand + 0.6 * (capped & integrating) - 2.0 * (self.declining >= 3) - 0.8 * single
        if preset.world == "null":
            churn, sudden, expand = (
                np.full_like(churn, preset.churn),
                np.zeros_like(sudden),
                np.full_like(expand, preset.expand),
            )
        if preset.world == "interaction":  # busy people leave when alone and stay in teams; room at the limit likewise
            alone = np.where(single, 1.0, -1.0)
            churn = preset.churn + 2.4 * alone * np.tanh(2 * self.engagement) + 0.1 * stage
            expand = preset.expand + 2.2 * alone * np.where(self.utilisation > 0.45, -1.0, 1.0)
        if preset.world == "drift":
            churn = churn + preset.drift_per_year * years
        return sigmoid(churn), sudden, 1 - (1 - sigmoid(expand)) * (1 - preset.bought)

    def _note(self, name: str, month: int, who: np.ndarray, instant: np.ndarray) -> None:
        accounts = np.flatnonzero(who)
        self.moves[name].append((accounts, month, instant[accounts]))

    def _many(self, name: str, month: int, number: np.ndarray, rng: np.random.Generator) -> None:
        accounts = np.repeat(np.arange(len(number)), number)
        low, high = self.calendar.edges[month], self.calendar.edges[month + 1]
        at = rng.integers(low, high, len(accounts))
        order = np.lexsort((at, accounts))
        self.moves[name].append((accounts[order], month, at[order]))

    def finish(self, pool: int) -> Accounts:
        """The block as it turned out: its first `pool` accounts."""
        traits, edges = self.traits, self.calendar.edges
        born = traits.born[:pool]
        month = np.minimum(born, len(edges) - 2)
        width = edges[month + 1] - edges[month]
        created = edges[month] + (traits.start[:pool] * width).astype(np.int64) - (traits.age[:pool] * DAY).astype(int)
        trial = traits.trial[:pool]
        converts = edges[np.minimum(month + 1, len(edges) - 1)]
        moves = {name: self._moves(name) for name in self.moves}
        return Accounts(
            slot=traits.slot[:pool],
            born=born,
            created_at=created,
            pays_from=np.where(trial & (traits.age[:pool] == 0), converts, created),
            founders=traits.founders[:pool],
            size_class=traits.size_class[:pool],
            power=traits.power[:pool],
            growth=traits.growth[:pool],
            churn_month=self.churn_month[:pool],
            churned_at=self.churned_at[:pool],
            visible=self.visible[:pool],
            states=States(**{name: table[:, :pool] for name, table in vars(self.record).items()}),
            **moves,
        )

    def _moves(self, name: str) -> Moves:
        parts = self.moves[name]
        return Moves(
            np.concatenate([accounts for accounts, _, _ in parts]),
            np.concatenate([np.full(len(accounts), month) for accounts, month, _ in parts]),
            np.concatenate([at for _, _, at in parts]),
        )
