"""Activity scores: counted actions times their weights, over a full scale."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from powerml.config.base import Source, Spec
from powerml.config.card_lines import Line, cited
from powerml.config.conditions import Metric
from powerml.config.groups import Group
from powerml.config.moved_weights import short
from powerml.config.weight_set import WeightSetSpec

_WINDOW = re.compile(r"_\d+d$")


class Action(Spec):
    """The weight of one counted action, and the group of the metric tree it belongs to."""

    weight: float
    group: str | None = None
    quote: str | None = None
    reading: str | None = None
    source: Source | None = None

    @model_validator(mode="before")
    @classmethod
    def _weight_alone(cls, value: Any) -> Any:
        return value if isinstance(value, (dict, Action)) else {"weight": value}


class ActivitySpec(WeightSetSpec):
    """A weight set that adds up weighted counts of actions: `100 min(raw / full_scale, 1)`.

    `window_days` rewrites the window in the names of the metrics (`logins_30d` to `logins_14d`). With
    `half_life_days` an action of d whole days ago counts `0.5 ** (d / half_life_days)` times its weight.
    """

    scored_by = "powerml.scoring.documented.activity:ActivityScorer"

    kind: Literal["activity"] = "activity"
    actions: Annotated[dict[Metric, Action], Field(min_length=1)]
    full_scale: Annotated[float, Field(gt=0)] | Literal["auto"] = "auto"
    window_days: Literal[7, 14, 30] = 30
    half_life_days: Annotated[float | None, Field(gt=0)] = None
    groups: dict[str, Group] = {}
    notes: dict[str, Source] = {}

    @model_validator(mode="after")
    def _groups_known(self) -> Self:
        for metric, action in self.actions.items():
            if action.group is not None and action.group not in self.groups:
                raise ValueError(f"actions.{metric}: group {action.group!r} is not declared under 'groups'")
        if self.half_life_days is not None and (other := [m for m in self.actions if not _WINDOW.search(m)]):
            raise ValueError(
                f"half_life_days: {other[0]!r} has no window in its name, so it cannot decay; leave it out"
            )
        return self

    @property
    def owned(self) -> dict[str, Group]:
        """The groups."""
        return self.groups

    @property
    def columns(self) -> dict[str, tuple[tuple[str, float], ...]]:
        """For each action as declared, the snapshot columns it is counted from and the factor of each.

        >>> spec = ActivitySpec(name="a", actions={"logins_30d": 1}, window_days=7)
        >>> spec.columns
        {'logins_30d': (('logins_7d', 1.0),)}
        """
        return {metric: self._columns(metric) for metric in self.actions}

    def _columns(self, metric: str) -> tuple[tuple[str, float], ...]:
        if self.half_life_days is None:
            return ((_WINDOW.sub(f"_{self.window_days}d", metric), 1.0),)
        stem = _WINDOW.sub("", metric)
        days = range(self.window_days)
        return tuple((f"{stem}_day_{day}", 0.5 ** (day / self.half_life_days)) for day in days)

    @property
    def windows(self) -> dict[str, tuple[int, int]]:
        """For each column that is counted over a window of this set's own, that window in days back."""
        if self.half_life_days is None:
            return {column: (self.window_days, 0) for column in self.metrics if _WINDOW.search(column)}
        return {columns[d][0]: (d + 1, d) for columns in self.columns.values() for d in range(len(columns))}

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics it reads, each once, in the order of the file."""
        return tuple(dict.fromkeys(column for columns in self.columns.values() for column, _ in columns))

    def lines(self) -> Iterator[Line]:
        """Its lines, from the top; see `card_lines`."""
        for name, action in self.actions.items():
            group = f" ({action.group})" if action.group else ""
            around = Source(document=self.source.document, section=self.source.section) if self.source else Source()
            yield name, f"each{group}", f"{action.weight:g} raw", cited(action, around)
        yield "window_days", "", f"{self.window_days}", Source()
        yield "full_scale", "raw that scores 100", f"{self.full_scale}", Source()
        if self.half_life_days is not None:
            yield "half_life_days", "an action of that age counts half", f"{self.half_life_days:g}", Source()
        for name, group_spec in self.groups.items():
            yield (
                "groups",
                name,
                f"{group_spec.owner}; alert below -{group_spec.alert_below:g}",
                group_spec.source or Source(),
            )

    @property
    def side_notes(self) -> dict[str, Source]:
        """Notes beside numbers that are no part of their own."""
        return self.notes

    def moved(self, factors: Mapping[str, float]) -> Self:
        """Actions times their factors, relative to the login (else the first action), which keeps its weight."""
        data = self.model_dump(by_alias=True)
        anchor = next((name for name in self.actions if name.startswith("login")), next(iter(self.actions)))
        by = factors.get(anchor, 1.0)
        for name, action in self.actions.items():
            if name != anchor:
                data["actions"][name]["weight"] = short(action.weight, factors.get(name, 1.0) / by)
        return type(self).model_validate(data)
