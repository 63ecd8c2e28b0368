"""Conditions as a reader would say them: `active_days_30d >= 15`, `key_actions_30d in top 5 %`.

A comparison with a null is false.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ModelWrapValidatorHandler, model_validator

from powerml.config.base import Source, Spec

Operator = Literal[">=", ">", "<=", "<"]
Metric = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)"
_COMPARISON = re.compile(rf"\s*([a-z]\w*)\s*(>=|>|<=|<)\s*({_NUMBER}|[a-z]\w*)\s*")
_TOP = re.compile(rf"\s*([a-z]\w*)\s+in\s+top\s+({_NUMBER})\s*%\s*")


class Comparator(Spec):
    """One metric against a number or against another metric.

    >>> print(Comparator.model_validate("team_size <= 1"))
    team_size <= 1
    """

    metric: Metric
    operator: Operator
    value: float | Metric

    @model_validator(mode="wrap")
    @classmethod
    def _from_words(cls, value: Any, handler: ModelWrapValidatorHandler[Comparator]) -> Comparator:
        if isinstance(value, str):
            if not (parts := _COMPARISON.fullmatch(value)):
                raise ValueError(f"{value!r} is no comparison; write it like 'active_days_30d >= 15'")
            metric, operator, against = parts.groups()
            number = re.fullmatch(_NUMBER, against)
            return handler({"metric": metric, "operator": operator, "value": float(against) if number else against})
        return handler(value)

    def __str__(self) -> str:
        return f"{self.metric} {self.operator} {_plain(self.value)}"

    @property
    def metrics(self) -> tuple[str, ...]:
        """The one or two metrics it reads."""
        return (self.metric, self.value) if isinstance(self.value, str) else (self.metric,)


class TopShare(Spec):
    """A metric among the highest: fewer than `share` of the reference lie strictly above it, and it is above 0.

    >>> print(TopShare.model_validate("key_actions_30d in top 5 %"))
    key_actions_30d in top 5 %
    """

    metric: Metric
    share: Annotated[float, Field(gt=0, lt=1)]

    @model_validator(mode="wrap")
    @classmethod
    def _from_words(cls, value: Any, handler: ModelWrapValidatorHandler[TopShare]) -> TopShare:
        if isinstance(value, str):
            if not (parts := _TOP.fullmatch(value)):
                raise ValueError(f"{value!r} is no rank; write it like 'key_actions_30d in top 5 %'")
            return handler({"metric": parts[1], "share": round(float(parts[2]) / 100, 12)})
        return handler(value)

    def __str__(self) -> str:
        return f"{self.metric} in top {_plain(round(100 * self.share, 10))} %"

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metric it reads."""
        return (self.metric,)


def _parse(value: Any) -> Any:
    if isinstance(value, str):
        return (TopShare if " in " in value else Comparator).model_validate(value)
    if isinstance(value, dict):
        return (TopShare if "share" in value else Comparator).model_validate(value)
    return value


Condition = Annotated[Comparator | TopShare, BeforeValidator(_parse)]
Comparisons = Annotated[
    tuple[Comparator, ...], BeforeValidator(lambda v: (v,) if isinstance(v, (str, dict, Comparator)) else v)
]


class Criterion(Spec):
    """One thing a person must do or be: met when any of its conditions holds."""

    any_of: Annotated[tuple[Condition, ...], Field(alias="any", min_length=1)]
    source: Source | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_alone(cls, value: Any) -> Any:
        return {"any": [value]} if isinstance(value, str) else value

    def __str__(self) -> str:
        return " or ".join(map(str, self.any_of))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics it reads, each once, in order."""
        return tuple(dict.fromkeys(metric for condition in self.any_of for metric in condition.metrics))


def _plain(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.12g}"
