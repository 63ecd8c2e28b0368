"""A custom yes/no outcome: satisfied, advocate, complained. Yes where enough events of a kind come in the window.

It is declared in an experiment file; `snapshots.custom_labels` says who is eligible and when a label is ripe.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, Field, PositiveInt, field_validator

from powerml.config.base import Spec
from powerml.config.metrics import EVENT_WORDS, Where, where_words
from powerml.config.vocabulary import Depth, Role, Tier
from powerml.errors import did_you_mean
from powerml.tables import LABELS, LONGEST_DAYS, NOT

TAKEN = (*LABELS, "overall", "skill", "calibration", "bands", "top20", "time", "weight")
"""Labels, and the first words of the figures that runs are compared by: no outcome can be called so."""


def _is_truth(value: Any) -> Any:
    if not isinstance(value, bool):
        raise ValueError(f"expected true (a high score is a high chance of it) or false, got {value!r}")
    return value


class EventOutcome(Spec):
    """A yes/no outcome: at least so many events of a kind from the cutoff on.

    `events` says which, as a metric's `where` does: every key must hold, a list means any of. `good` says whether it is
    good that it comes: the score is 100 P(yes) then, else 100 (1 - P(yes)).
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    events: Annotated[Where, Field(min_length=1)]
    horizon_days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = 90
    at_least: PositiveInt = 1
    good: Annotated[bool, BeforeValidator(_is_truth)]

    @field_validator("name")
    @classmethod
    def _is_its_own(cls, name: str) -> str:
        if name in TAKEN or name.startswith(NOT):
            raise ValueError(f"{name!r} has a meaning already; choose another name, such as advocate")
        return name

    @field_validator("events")
    @classmethod
    def _can_occur(cls, events: Where) -> Where:
        """A word that no vocabulary can give would count nothing for ever."""
        words = {"role": get_args(Role), "tier": get_args(Tier), "depth": get_args(Depth)}
        for key, values in events.items():
            if key not in EVENT_WORDS:
                hint = did_you_mean(key, EVENT_WORDS) or f"; there are {', '.join(EVENT_WORDS)}"
                raise ValueError(f"events are not told apart by {key!r}{hint}")
            for value in values:
                if key in words and value not in words[key]:
                    hint = did_you_mean(value, words[key]) or f"; there are {', '.join(words[key])}"
                    raise ValueError(f"no {key} named {value!r}{hint}")
        return events

    @property
    def no(self) -> str:
        """What the label is where it did not come."""
        return NOT + self.name

    @property
    def outcomes(self) -> tuple[str, str]:
        """Both labels, worst first."""
        return (self.no, self.name) if self.good else (self.name, self.no)

    @property
    def kind_words(self) -> str:
        """The kind of event in words."""
        return f"with {where_words(self.events)}"

    @property
    def words(self) -> str:
        """What yes means, in words."""
        events = "event" if self.at_least == 1 else "events"
        return f"at least {self.at_least} {events} {self.kind_words} in the {self.horizon_days} days from the cutoff"


class TargetOutcome(EventOutcome):
    """A yes/no outcome that a ready-made table brings in a column: nothing is counted, so no events are named."""

    events: Where = {}
    column: str

    @classmethod
    def of_column(cls, column: str, *, good: bool, horizon_days: int) -> TargetOutcome:
        """Named as its column, in the letters that a name may have.

        >>> TargetOutcome.of_column("Has converted?", good=True, horizon_days=90).name
        'has_converted'
        """
        name = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")
        if not name or not name[0].isalpha() or name in TAKEN or name.startswith(NOT):
            name = f"target_{name}".rstrip("_")
        return cls(name=name, good=good, horizon_days=horizon_days, column=column)

    @property
    def kind_words(self) -> str:
        """The column."""
        return f"with {self.column!r} in the table"

    @property
    def words(self) -> str:
        """What yes means, in words."""
        return f"column {self.column!r} says yes"


def outcome_from(written: dict[str, Any]) -> EventOutcome:
    """The custom outcome that a model keeps."""
    return (TargetOutcome if "column" in written else EventOutcome).model_validate(written)
