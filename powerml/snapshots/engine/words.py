"""Words of plans that dialects spell differently: written as DuckDB has them; an engine that says otherwise translates.

What else differs between dialects is decided by the engines themselves, see `powerml.snapshots.engine.base`.
"""

from __future__ import annotations

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir

WORD = 62  # bits of a mask that every engine can hold in a signed 64-bit number
MAX_WORDS = 8  # beyond 496 distinct values a count goes through a group-by instead of masks


@ibis.udf.scalar.builtin(name="epoch_us", signature=((dt.timestamp,), dt.int64))
def epoch_us(instant):  # type: ignore[no-untyped-def]
    """Microseconds since 1970-01-01 of a timestamp."""


@ibis.udf.scalar.builtin(name="bit_count", signature=((dt.int64,), dt.int8))
def bit_count(mask):  # type: ignore[no-untyped-def]
    """How many bits of a mask are set, as a number up to 127: widen it before adding."""


@ibis.udf.scalar.builtin(name="hash", signature=((dt.string,), dt.uint64))
def hash64(text):  # type: ignore[no-untyped-def]
    """A 64-bit hash of a text, which only the same engine finds again."""


def whole_number(value: ir.Value) -> ir.Value:
    """A sum of integers as a 64-bit number: DuckDB's have 128 bits, which are slow and turn into floats.

    Ibis' own `cast` leaves out what it takes for 64 bits already.
    """
    return ops.Cast(value, to=dt.int64).to_expr()
