"""Several small counts added up in one number, each in a lane of its bits: sums are what aggregates cost.

A float adds whole numbers up exactly to 53 bits, in any order of threads, and faster than engines add integers up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ibis import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import ibis.expr.types as ir

    from powerml.config.metrics import Window
    from powerml.snapshots.vocabulary import EventKinds

WhichEvents = tuple[tuple[str, tuple[str, ...]], ...]  # a choice of events, see `powerml.snapshots.aggregations.frozen`

LANES = 3  # counts in a number
_BITS = 17
LANE = 1 << _BITS  # each of them has to stay below this


def lane_unit(lane: int) -> float:
    """What a count of one adds to the number that holds it in a lane.

    >>> lane_unit(0), lane_unit(1)
    (1.0, 131072.0)
    """
    return float(1 << (_BITS * lane))


def lane_place(place: int) -> tuple[str, int]:
    """The column that holds the number, and the lane in it, of one of several counts.

    >>> lane_place(0), lane_place(4)
    (('lanes_0', 0), ('lanes_1', 1))
    """
    return f"lanes_{place // LANES}", place % LANES


def lane_count(number: ir.Value, lane: int) -> ir.IntegerValue:
    """The count that stands in a lane of a number."""
    whole: ir.IntegerValue = number.cast("int64")
    return (whole >> (_BITS * lane) if lane else whole) & (LANE - 1)


@dataclass(frozen=True)
class Lanes:
    """Which events are counted where, if counts are added up several in one number."""

    places: Mapping[WhichEvents, int]

    @classmethod
    def of(cls, choices: Iterable[WhichEvents]) -> Lanes:
        """A place for every choice of events."""
        return cls({where: place for place, where in enumerate(dict.fromkeys(choices))})

    def attributes(self, kinds: EventKinds) -> dict[str, np.ndarray]:
        """What an event of each kind adds to each number."""
        found: dict[str, np.ndarray] = {}
        for where, place in self.places.items():
            name, lane = lane_place(place)
            one = np.where(kinds.flags(dict(where)), lane_unit(lane), 0.0)
            found[name] = found.get(name, 0.0) + one
        return found

    def count(self, where: WhichEvents) -> ir.IntegerValue:
        """A count taken out of its number."""
        name, lane = lane_place(self.places[where])
        return lane_count(_[name], lane).cast("int32")


def counted_together(
    counts: Mapping[tuple[str, Window], str], inside: Mapping[Window, ir.BooleanValue | None]
) -> tuple[dict[str, ir.Scalar], dict[str, ir.Value]]:
    """Sums over windows that hold several counts each, and the counts taken out of them again.

    `counts`: the column that is added up over a window, and the column that it becomes. `inside`: which rows lie in it.
    """
    sums: dict[str, ir.Scalar] = {}
    back: dict[str, ir.Value] = {}
    for window in dict.fromkeys(window for _name, window in counts):
        cells = {cell: name for (name, other), cell in counts.items() if other == window}
        held, taken = row_lanes(cells, first=len(sums))
        sums |= {number: value.sum(where=inside[window]) for number, value in held.items()}
        back |= taken
    return sums, back


def row_lanes(counts: Mapping[str, str], *, first: int = 0) -> tuple[dict[str, ir.Value], dict[str, ir.Value]]:
    """Numbers that hold several counts of a row each, to be added up, and the counts taken out of their sums.

    `counts`: result column -> the column that is added up. `first`: how many numbers there are before them.
    """
    held: dict[str, ir.Value] = {}
    back: dict[str, ir.Value] = {}
    for place, (cell, name) in enumerate(counts.items(), start=first * LANES):
        number, lane = lane_place(place)
        part = _[name].cast("float64") * lane_unit(lane)
        held[number] = held[number] + part if number in held else part
        back[cell] = lane_count(_[number], lane)
    return held, back
