"""Several small counts added up in one number, each in a lane of its bits: sums are what aggregates cost.

A float adds whole numbers up exactly to 53 bits, in any order of threads, and faster than engines add integers up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

LANES = 3  # counts in a number
_BITS = 17
LANE = 1 << _BITS  # each of them has to stay below this


def lane_unit(lane: int) -> float:
    """What a count of one adds to the number that holds it in a lane.

    >>> lane_unit(0), lane_unit(1)
    (1.0, 131072.0)
    """
    return float(1 << (_BITS * lane))


def lane_count(number: ir.Value, lane: int) -> ir.IntegerValue:
    """The count that stands in a lane of a number."""
    whole: ir.IntegerValue = number.cast("int64")
    return ((whole >> (_BITS * lane) if lane else whole) & (LANE - 1)).cast("int32")
