"""The heads that can be fitted: one table that names each, in the order of simplicity, and the class that fits it.

Declarations are below scoring and only name the class; `powerml.scoring.heads.registry` imports it when asked for it.
A new head is its own file and a line here.
"""

from __future__ import annotations

HEADS: dict[str, str] = {
    "weights": "powerml.scoring.heads.weights:WeightsHead",
    "card": "powerml.scoring.heads.card:CardHead",
    "logistic": "powerml.scoring.heads.logistic:LogisticHead",
    "lightgbm": "powerml.scoring.heads.lightgbm:LightGBMHead",
    "stack": "powerml.scoring.heads.stack:StackHead",
    "auto": "powerml.scoring.heads.selection:AutoHead",
}
"""Name of a head in experiments -> `module:class`, from simple to complex."""


def complexity(name: str) -> int:
    """A head's place in the order from simple to complex, from 0.

    >>> complexity("card") < complexity("stack")
    True
    """
    return list(HEADS).index(name)
