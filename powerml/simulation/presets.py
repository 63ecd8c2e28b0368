"""The presets: every constant of the generator, with what it was tuned to.

The constants were found by simulated moments (8,000 to 10,000 users at a time, checked at 50,000; effect sizes measured
at label snapshots with the catalogue's definitions), by looking at document D's effect sizes, its base rates and the
path of its own score before churn, never at how well a scorer of ours does. They are frozen under `GENERATOR_VERSION`:
models are tuned on what they produce, so a change of any of them is a new version.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from powerml.errors import UsageError, did_you_mean

GENERATOR_VERSION = 1

World = Literal["documented", "interaction", "drift", "null", "leak"]


@dataclass(frozen=True)
class Preset:
    """One product: base rates per 90 days it was tuned to, and what drives its outcomes.

    `rates`: churn, stay, expand among people with a known outcome. Logits and probabilities are per month. `world`
    names what differs from the documented product; `burn_in` are months simulated before the data starts.
    """

    name: str
    title: str
    rates: tuple[float, float, float]
    world: World = "documented"
    burn_in: int = 18
    founders_alone: float = 0.955  # share of new accounts with a single user
    onset: float = -2.88  # logit of entering a decline
    onset_single: float = 4.4
    onset_friction: float = 0.5
    churn: float = -3.6  # logit of cancelling, before the stage of the decline is added
    calm: float = -1.7  # what is added outside a decline
    sudden: float = 0.0095  # monthly churn nobody can see coming, twice that for single users
    growth: float = -3.86  # logit of entering a growth phase
    growth_exit: float = 0.08
    expand: float = -4.6
    bought: float = 0.004  # monthly expansion nobody can see coming
    drift_per_year: float = 0.0  # added to the churn logit over a year of data


VALIDATION = Preset("validation", "outcome mix of document D's band table", (0.221, 0.585, 0.194))

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        replace(
            VALIDATION,
            name="history",
            title="outcome mix of document D's twelve months of history",
            rates=(0.037, 0.846, 0.116),
            burn_in=30,
            onset=-4.82,
            onset_single=1.6,
            sudden=0.0018,
            calm=-4.0,
            growth=-5.8,
        ),
        VALIDATION,
        replace(
            VALIDATION,
            name="interaction",
            title="outcomes driven by pairs of metrics with no effect of their own: additive cards must lose",
            world="interaction",
            churn=-2.55,
            expand=-4.12,
        ),
        replace(
            VALIDATION,
            name="drift",
            title="the product and its risks change over the months",
            world="drift",
            churn=-4.0,
            drift_per_year=0.6,
        ),
        replace(
            VALIDATION,
            name="null",
            title="outcomes at random: there is no signal to find",
            world="null",
            churn=-2.43,
            expand=-2.33,
        ),
        replace(
            VALIDATION,
            name="leak",
            title="one metric that knows the future and one strong honest one",
            world="leak",
        ),
    )
}


def preset_named(name: str) -> Preset:
    """The preset of that name; raises UsageError with the names there are."""
    if name not in PRESETS:
        hint = did_you_mean(name, PRESETS) or f"; there are {', '.join(PRESETS)}"
        raise UsageError(f"no preset {name!r}{hint}")
    return PRESETS[name]
