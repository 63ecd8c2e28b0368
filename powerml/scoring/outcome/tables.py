"""What an outcome model says of rows as a table, and what was found in training: heads compared, weights fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from powerml.bands.ladder import assign
from powerml.calibration.shift import reference_mix
from powerml.config import documents
from powerml.scoring.heads.selection import NEXT_TO_NOTHING, WEIGHTS
from powerml.scoring.heads.stack import StackHead
from powerml.statistics.outcomes import outcome_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from powerml.config.bands import BandsSpec
    from powerml.scoring.heads.selection import Tried
    from powerml.scoring.heads.side import Side
    from powerml.statistics.logistic import Floats


def outcome_table(
    proba: Floats, mix: Mapping[str, float], *, stay_value: float, bands: BandsSpec | None, reference: bool
) -> dict[str, Any]:
    """The columns `score`, `band`, probabilities, the worst outcome's lift and, if asked, `score_reference`.

    `proba` (rows, outcomes) and `mix`, the training share of each outcome, are worst first.
    """
    values, worst = outcome_values(list(mix), stay_value=100 * stay_value), next(iter(mix))
    score = proba @ values
    columns: dict[str, Any] = {"score": score, "band": assign(score, bands or documents.ladder())}
    columns |= {f"p_{outcome}": proba[:, i] for i, outcome in enumerate(mix)}
    columns[f"{worst}_lift"] = proba[:, 0] / max(mix[worst], 1e-12)
    if reference:
        first, *rest = documents.documented_mix().values()
        target = [first, sum(rest)] if len(mix) == 2 else [first, *rest]
        shifted = reference_mix(proba, trained=list(mix.values()), reference=target)
        columns["score_reference"] = shifted @ values
    return columns


def heads_tried(sides: Iterable[Side]) -> pd.DataFrame:
    """The heads compared, in order of preference: `outcome`, `head`, `log_loss`, `worse`, `worse_se`, `chosen`.

    Log losses are out of fold; `worse` is the distance from the best, with its account-clustered standard error.
    """
    rows = [{"outcome": side.outcome, **tried.to_dict()} for side in sides for tried in side.tried]
    return pd.DataFrame(rows, columns=["outcome", "head", "log_loss", "worse", "worse_se", "chosen"])


def fitted_weights(sides: Iterable[Side]) -> pd.DataFrame:
    """Fitted beside documented weights: `outcome`, `part`, `documented`, `fitted`, `low`, `high` (95 %, by account)."""
    rows = [{"outcome": side.outcome, **weight.to_dict()} for side in sides for weight in side.weights]
    return pd.DataFrame(rows, columns=["outcome", "part", "documented", "fitted", "low", "high"])


def _why(chosen: Tried, side: Side) -> str:
    """Why that head was taken."""
    best = min(side.tried, key=lambda tried: tried.log_loss)
    if chosen is best:
        return "it has the smallest out-of-fold log loss"
    rate = min(max(side.base_rate, 1e-12), 1.0 - 1e-12)
    whole = -(rate * np.log(rate) + (1.0 - rate) * np.log(1.0 - rate))
    cost = f"it costs {100 * chosen.worse / whole:.1f} points of skill against the best, {best.head}"
    if chosen.worse <= NEXT_TO_NOTHING * whole:
        return cost
    return f"{cost}, which is not beyond doubt, and leans on no single head"


def _made_of(side: Side) -> str:
    """The members of a blend with their shares, largest first; nothing for a single head."""
    share = 0.0 if side.structure is None else side.structure.share
    own = {side.head.kind: 1.0}
    if isinstance(side.head, StackHead):
        own = {}
        for head, weight in zip(side.head.members_, side.head.weights_, strict=True):
            own[head.kind] = own.get(head.kind, 0.0) + float(weight)
    shares = {kind: (1.0 - share) * weight for kind, weight in own.items()} | ({WEIGHTS: share} if share else {})
    if len(shares) < 2:
        return ""
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    return f" ({', '.join(f'{weight:.2f} {kind}' for kind, weight in ranked)})"


def findings_of(side: Side) -> list[str]:
    """What training found on one side, for a reader: why its head, and each fitted weight beside the documented one."""
    told = []
    if len(side.tried) > 1 and not side.silent:
        chosen = next(tried for tried in side.tried if tried.chosen)
        losses = ", ".join(f"{tried.head} {tried.log_loss:.4f}" for tried in side.tried)
        told.append(f"{side.outcome}: head {chosen.head}{_made_of(side)}, for {_why(chosen, side)} ({losses})")
    told += [
        f"{side.outcome}: {weight.part} weighs {weight.fitted:.3g} (95 % interval {weight.low:.3g} to "
        f"{weight.high:.3g}); documented {weight.documented:.3g}"
        for weight in side.weights
    ]
    return told
