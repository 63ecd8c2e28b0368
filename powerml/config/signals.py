"""Rules and signals: criteria that are met or not, and how many make a power user."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from powerml.config.base import ColumnName, Source, Spec
from powerml.config.card_lines import Line
from powerml.config.conditions import Condition, Criterion
from powerml.config.weight_set import WeightSetSpec


class CriteriaSpec(WeightSetSpec):
    """A weight set that counts criteria: score = 100 x met / all; a power user meets at least `needed`."""

    @property
    def criteria(self) -> dict[str, Criterion]:
        """The criteria in the order of the file."""
        raise NotImplementedError

    @property
    def least(self) -> int:
        """How many of them make a power user."""
        raise NotImplementedError

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics it reads, each once, in the order of the file."""
        return tuple(dict.fromkeys(metric for criterion in self.criteria.values() for metric in criterion.metrics))

    def lines(self) -> Iterator[Line]:
        """Its lines, from the top; see `card_lines`."""
        for name, criterion in self.criteria.items():
            yield name, str(criterion), f"1 of {len(self.criteria)}", criterion.source or Source()
        yield "power_user", f"at least {self.least} of {len(self.criteria)}", "true", Source()


class RuleSpec(CriteriaSpec):
    """A definition all of whose conditions must hold; `top_share` is the share of the other definition, by rank."""

    scored_by = "powerml.scoring.documented.criteria:RuleScorer"

    kind: Literal["rule"] = "rule"
    conditions: Annotated[dict[ColumnName, Criterion], Field(min_length=1)]
    top_share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    notes: dict[str, Source] = {}

    @property
    def criteria(self) -> dict[str, Criterion]:
        """The conditions in the order of the file."""
        return self.conditions

    @property
    def least(self) -> int:
        """All of them."""
        return len(self.conditions)

    def lines(self) -> Iterator[Line]:
        """The conditions, then the other definition."""
        yield from super().lines()
        yield "top_share", "the other definition: the top by a score", f"{100 * self.top_share:g} %", Source()

    @property
    def side_notes(self) -> dict[str, Source]:
        """Notes beside numbers that are no part of their own."""
        return self.notes


class Joint(Spec):
    """A second, stricter definition: all conditions must hold."""

    all_of: Annotated[tuple[Condition, ...], Field(alias="all", min_length=1)]
    source: Source | None = None


class SignalsSpec(CriteriaSpec):
    """Signals of which at least `needed` make a power user."""

    scored_by = "powerml.scoring.documented.criteria:SignalsScorer"

    kind: Literal["signals"] = "signals"
    signals: Annotated[dict[ColumnName, Criterion], Field(min_length=1)]
    needed: PositiveInt
    joint_rule: Joint | None = None
    notes: dict[str, Source] = {}

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.needed > len(self.signals):
            raise ValueError(f"needs {self.needed} of {len(self.signals)} signals; at most all can be met")
        return self

    @property
    def criteria(self) -> dict[str, Criterion]:
        """The signals in the order of the file."""
        return self.signals

    @property
    def least(self) -> int:
        """As many as the file says."""
        return self.needed

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics it reads, those of the joint rule included."""
        joint = self.joint_rule.all_of if self.joint_rule else ()
        return tuple(dict.fromkeys([*super().metrics, *(metric for c in joint for metric in c.metrics)]))

    def lines(self) -> Iterator[Line]:
        """The signals, then the stricter definition."""
        yield from super().lines()
        if self.joint_rule is not None:
            joint = self.joint_rule
            yield "joint_rule", " and ".join(map(str, joint.all_of)), "true", joint.source or Source()

    @property
    def side_notes(self) -> dict[str, Source]:
        """Notes beside numbers that are no part of their own."""
        return self.notes
