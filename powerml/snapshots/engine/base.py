"""What a plan may ask of whatever runs it: DuckDB on one machine, or Spark.

Plans are Ibis expressions and name no engine. An intermediate result that several plans read is kept (`keep`).
"""

from __future__ import annotations

import contextlib
import gc
import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import ibis.expr.types as ir
    import pandas as pd
    import pyarrow as pa

SWITCH_S = 0.0005  # how soon a worker gets the interpreter while a plan is written


class Engine(Protocol):
    """Runs Ibis expressions over its own tables, and keeps intermediate results."""

    def keep(self, expression: ir.Table, what: str) -> ir.Table:
        """Runs an expression and keeps its rows as a table; `what` names it in plans."""

    def number(self, ids: ir.Table, column: str, number: str) -> ir.Table:
        """Keeps the rows of a table of distinct texts, with whole numbers from 0 on in their order."""

    def bring(self, frame: pd.DataFrame | pa.Table, what: str) -> ir.Table:
        """A small frame as a table of the engine."""

    def drop(self, *tables: ir.Table) -> None:
        """Frees kept tables that no later plan reads."""

    def scratch(self) -> contextlib.AbstractContextManager[None]:
        """Frees, at the end, everything kept since the beginning."""

    def rows(self, expression: ir.Table) -> list[Mapping[str, Any]]:
        """The rows of a small expression as dicts."""

    def frame(self, expression: ir.Table, *, order: Sequence[str] = ()) -> pd.DataFrame:
        """The rows of an expression as a frame, nulls as nulls, in the order of some columns (texts by their bytes)."""

    def wait(self) -> None:
        """Waits for what runs beside the caller; raises its first error."""


@contextlib.contextmanager
def planning() -> Iterator[None]:
    """Plans are written beside a worker that runs them; both go faster so.

    A plan is many small objects that live until it is run: looking for cycles among them takes a tenth of the time.
    And the worker asks for the interpreter after each piece of work, which it else gets only after 5 ms.
    """
    collected, interval = gc.isenabled(), sys.getswitchinterval()
    gc.disable()
    sys.setswitchinterval(min(interval, SWITCH_S))
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        if collected:
            gc.enable()
