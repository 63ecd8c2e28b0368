"""Does `powerml impact` find planted effects, cover them, and claim none where there is none?

    python experiments/living/impact.py [DRAWS] [FIRST WORLD]

Accounts have a true state from which their score (with noise), their trend and their hazards follow; who is treated,
what comes and where the score stands a month later are drawn anew each time. The answer is that of the verb
(`monitoring.impact.playbook_effects`), on the rows that it makes of the history. Writes `results/impact.csv`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))
from powerml.monitoring.impact import playbook_effects
from powerml.statistics.intervals import wilson

SEED = 21
ACCOUNTS = 600
EDGES, BANDS = (30.0, 50.0, 70.0), ("High Risk", "At Risk", "Stable", "Healthy")
NOISE = 5.0  # points of the score that are chance, at each of the three nights
HERE = Path(__file__).parent


@dataclass(frozen=True)
class World:
    """What is planted. `saved`: share of churners that the playbook keeps; `gained`: points of the score; `pick`: who
    is treated: by lot within bands with a holdout, by lot, or those of the lowest scores.
    """

    name: str
    pick: str
    saved: float = 0.0
    gained: float = 0.0
    holdout: float = 0.2


WORLDS = (
    World("holdout, no effect", "holdout"),
    World("holdout, half of churn saved, 4 points", "holdout", saved=0.5, gained=4.0),
    World("holdout of a half, a quarter saved, 2 points", "holdout", saved=0.25, gained=2.0, holdout=0.5),
    World("score gained, outcome unchanged", "holdout", gained=6.0, holdout=0.5),
    World("by lot, no holdout, no effect", "lot"),
    World("by lot, no holdout, half saved, 4 points", "lot", saved=0.5, gained=4.0),
    World("lowest of each band, no effect", "lowest"),
    World("who fell most, no effect", "fallen"),
)


def draw(world: World, rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, float]]:
    """Account rows as the verb makes them, and the expected effect on each outcome among the treated."""
    state = rng.uniform(20, 80, ACCOUNTS)
    month_before = np.clip(state + rng.normal(0, 6, ACCOUNTS) + rng.normal(0, NOISE, ACCOUNTS), 0, 100)
    score = np.clip(state + rng.normal(0, NOISE, ACCOUNTS), 0, 100)
    band = np.array(BANDS, dtype=object)[np.digitize(score, EDGES)]
    called = score < 50 if world.pick == "holdout" else np.ones(ACCOUNTS, dtype=bool)
    arm = np.full(ACCOUNTS, "none", dtype=object)
    if world.pick == "holdout":
        arm[called] = np.where(rng.random(int(called.sum())) < world.holdout, "hold", "treat")
    else:
        wish = {"lot": rng.random(ACCOUNTS), "lowest": score, "fallen": score - month_before}[world.pick]
        for one in BANDS[:2]:
            inside = np.flatnonzero(band == one)
            share = {"High Risk": 0.5, "At Risk": 0.3}[one]
            arm[inside[np.argsort(wish[inside])[: int(share * len(inside))]]] = "treat"
    treated = arm == "treat"
    hazard = 0.6 / (1 + np.exp((state - 42) / 8)) + 0.03
    churn = rng.random(ACCOUNTS) < hazard * (1 - world.saved * treated)
    expand = ~churn & (rng.random(ACCOUNTS) < 0.004 * state)
    later = state + rng.normal(0, 6, ACCOUNTS) + rng.normal(0, NOISE, ACCOUNTS) + world.gained * treated - score
    rows = pd.DataFrame(
        {"arm": arm, "band": band, "score": score, "trend": score - month_before, "later": later,
         "churn": churn.astype(float), "expand": expand.astype(float)}
    )  # fmt: skip
    who = treated if world.pick != "holdout" else called
    more_left = float((hazard[who] * world.saved * 0.004 * state[who]).mean())  # whom it keeps may expand
    return rows, {"churn": -world.saved * float(hazard[who].mean()), "expand": more_left, "score": world.gained}


def study(draws: int, first: int = 0) -> pd.DataFrame:
    """One row per world and outcome: how often the interval held the truth, how often an effect was claimed."""
    found = []
    for place, world in enumerate(WORLDS[first:], start=first):
        rng = np.random.default_rng([SEED, place])
        told = []
        for _ in range(draws):
            rows, truth = draw(world, rng)
            for one in playbook_effects(rows):
                of = one.effect
                told.append((one.outcome, of.effect, truth[one.outcome], of.low, of.high, one.verdict))
        frame = pd.DataFrame(told, columns=["outcome", "effect", "truth", "low", "high", "verdict"])
        for outcome, mine in frame.groupby("outcome", sort=False):
            held = int(((mine["low"] <= mine["truth"]) & (mine["truth"] <= mine["high"])).sum())
            claimed = int(mine["verdict"].isin(["works", "harms"]).sum())
            low, high = wilson(claimed, draws)
            found.append(
                {"world": world.name, "draws": draws, "outcome": outcome, "true effect": mine["truth"].mean(),
                 "mean estimate": mine["effect"].mean(), "coverage %": 100 * held / draws,
                 "claimed %": 100 * claimed / draws, "claimed low %": 100 * low, "claimed high %": 100 * high,
                 "cannot tell %": 100 * float(mine["verdict"].eq("cannot tell").mean())}
            )  # fmt: skip
        print(pd.DataFrame(found[-3:]).round(3).to_string(index=False, header=place == 0), flush=True)
    return pd.DataFrame(found)


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]] + [2000, 0][len(sys.argv) - 1 :]
    target, table = HERE / "results" / "impact.csv", study(*given)
    if given[1] and target.is_file():
        table = pd.concat([pd.read_csv(target), table])
    table.round(4).to_csv(target, index=False)
