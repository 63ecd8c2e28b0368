"""Triggers: declared conditions that fire once per user or account when they become true, and name what to do.

```yaml
- name: mastered_a_feature
  when: [advanced_features_30d >= 2, tier is Champions or Power Users]
  action: invite to the beta programme
  team: product
```
A condition compares (`score >= 80`), ranks (`key_actions_30d in top 5 %`), names a band or tier (`tier is Champions`)
or looks back (`events_30d fell by 30 %`, against the snapshot before).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from powerml.config.bands import Team
from powerml.config.base import Source, Spec
from powerml.config.conditions import Comparator, Metric, TopShare
from powerml.config.project import Entity
from powerml.config.reading import load

_IS = re.compile(r"\s*([a-z]\w*)\s+is\s+(\S.*?)\s*")
_CHANGE = re.compile(r"\s*([a-z]\w*)\s+(fell|rose)\s+by\s+(\d+\.?\d*)\s*%\s*")
_WORDS = "write it like 'score >= 80', 'events_30d in top 5 %', 'tier is Champions' or 'events_30d fell by 30 %'"


class Named(Spec):
    """A text column that is one of some names, such as a band or a tier."""

    column: Metric
    names: Annotated[tuple[str, ...], Field(min_length=1)]

    def __str__(self) -> str:
        return f"{self.column} is {' or '.join(self.names)}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column it reads."""
        return (self.column,)


class ChangeTrigger(Spec):
    """A metric that fell or rose by at least a share of what it was in the snapshot before."""

    metric: Metric
    direction: Literal["fell", "rose"]
    by: Annotated[float, Field(gt=0)]

    def __str__(self) -> str:
        return f"{self.metric} {self.direction} by {100 * self.by:.12g} %"

    @property
    def columns(self) -> tuple[str, ...]:
        """The metric it reads."""
        return (self.metric,)


def _parse(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if parts := _CHANGE.fullmatch(value):
        return ChangeTrigger(metric=parts[1], direction=parts[2], by=round(float(parts[3]) / 100, 12))
    if parts := _IS.fullmatch(value):
        return Named(column=parts[1], names=tuple(name.strip() for name in parts[2].split(" or ")))
    for kind in (TopShare, Comparator):
        try:
            return kind.model_validate(value)
        except ValueError:
            continue
    raise ValueError(f"{value!r} is no condition; {_WORDS}")


TriggerCondition = Annotated[Comparator | TopShare | Named | ChangeTrigger, BeforeValidator(_parse)]
Conditions = Annotated[
    tuple[TriggerCondition, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    Field(min_length=1),
]


def columns_of(condition: Comparator | TopShare | Named | ChangeTrigger) -> tuple[str, ...]:
    """The columns a condition reads."""
    return condition.metrics if isinstance(condition, Comparator | TopShare) else condition.columns


class TriggerSpec(Spec):
    """A trigger: its conditions, how many must hold (`needed`, by default all), and the action it names.

    `entity` limits it to snapshots of users or of accounts; by default it reads either.
    """

    name: Metric
    when: Conditions
    needed: PositiveInt | None = None
    entity: Entity | None = None
    action: Annotated[str, Field(min_length=1)]
    team: Team | None = None
    source: Source | None = None

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        if self.needed is not None and self.needed > len(self.when):
            raise ValueError(f"needs {self.needed} of {len(self.when)} conditions; at most all can hold")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads, each once."""
        return tuple(dict.fromkeys(column for condition in self.when for column in columns_of(condition)))


def _distinct(triggers: tuple[TriggerSpec, ...]) -> tuple[TriggerSpec, ...]:
    names = [trigger.name for trigger in triggers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the trigger {twice[0]!r} stands twice; name each once")
    return triggers


class TriggersSpec(Spec):
    """A file of triggers."""

    triggers: Annotated[tuple[TriggerSpec, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        _distinct(self.triggers)
        return self


def load_triggers(path: Path | str) -> tuple[TriggerSpec, ...]:
    """Reads a trigger file; raises ConfigError with all its problems, DataError if there is no such file."""
    return load(TriggersSpec, path).triggers
