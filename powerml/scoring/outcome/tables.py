"""What an outcome model says of rows as a table, and what was found in training: heads compared, weights fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from powerml.bands.ladder import assign
from powerml.calibration.shift import reference_mix
from powerml.config.bands import BandsSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from powerml.scoring.heads.side import Side
    from powerml.statistics.logistic import Floats

BANDS = BandsSpec.model_validate({90: "Champions", 70: "Healthy", 50: "Stable", 30: "At Risk", 0: "High Risk"})
"""Document D's bands."""

REFERENCE = {"churn": 0.221, "stay": 0.585, "expand": 0.194}
"""The mix of outcomes in document D's band table, for `score_reference`."""


def value_weights(outcomes: Sequence[Any], stay_value: float) -> Floats:
    """What each of two or three outcomes counts in the score, worst first."""
    return np.array([0.0, 1.0] if len(outcomes) == 2 else [0.0, stay_value, 1.0])


def outcome_table(
    proba: Floats, mix: Mapping[str, float], *, stay_value: float, bands: BandsSpec | None, reference: bool
) -> dict[str, Any]:
    """The columns `score`, `band`, probabilities, the worst outcome's lift and, if asked, `score_reference`.

    `proba` (rows, outcomes) and `mix`, the training share of each outcome, are worst first.
    """
    values, worst = value_weights(list(mix), stay_value), next(iter(mix))
    score = 100.0 * proba @ values
    columns: dict[str, Any] = {"score": score, "band": assign(score, bands or BANDS)}
    columns |= {f"p_{outcome}": proba[:, i] for i, outcome in enumerate(mix)}
    columns[f"{worst}_lift"] = proba[:, 0] / max(mix[worst], 1e-12)
    if reference:
        first, *rest = REFERENCE.values()
        target = [first, sum(rest)] if len(mix) == 2 else [first, *rest]
        shifted = reference_mix(proba, trained=list(mix.values()), reference=target)
        columns["score_reference"] = 100.0 * shifted @ values
    return columns


def heads_tried(sides: Iterable[Side]) -> pd.DataFrame:
    """The heads compared, simplest first: `outcome`, `head`, `log_loss`, `worse`, `worse_se`, `chosen`.

    Log losses are out of fold; `worse` is the distance from the best, with its account-clustered standard error.
    """
    rows = [{"outcome": side.outcome, **tried.to_dict()} for side in sides for tried in side.tried]
    return pd.DataFrame(rows, columns=["outcome", "head", "log_loss", "worse", "worse_se", "chosen"])


def fitted_weights(sides: Iterable[Side]) -> pd.DataFrame:
    """Fitted beside documented weights: `outcome`, `part`, `documented`, `fitted`, `low`, `high` (95 %, by account)."""
    rows = [{"outcome": side.outcome, **weight.to_dict()} for side in sides for weight in side.weights]
    return pd.DataFrame(rows, columns=["outcome", "part", "documented", "fitted", "low", "high"])


def findings_of(side: Side) -> list[str]:
    """What training found on one side, for a reader: why its head, and each fitted weight beside the documented one."""
    told = []
    if len(side.tried) > 1:
        chosen = next(tried for tried in side.tried if tried.chosen)
        best = min(side.tried, key=lambda tried: tried.log_loss)
        losses = ", ".join(f"{tried.head} {tried.log_loss:.4f}" for tried in side.tried)
        why = (
            "it has the smallest out-of-fold log loss and no simpler one comes within one standard error"
            if chosen is best
            else f"it is the simplest within one standard error ({chosen.worse_se:.4f}) of the best, {best.head}"
        )
        told.append(f"{side.outcome}: head {chosen.head}, for {why} ({losses})")
    told += [
        f"{side.outcome}: {weight.part} weighs {weight.fitted:.3g} (95 % interval {weight.low:.3g} to "
        f"{weight.high:.3g}); documented {weight.documented:.3g}"
        for weight in side.weights
    ]
    return told
