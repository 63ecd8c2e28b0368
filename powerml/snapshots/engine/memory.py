"""How much memory DuckDB may take, in bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def memory_limit(ask: Callable[[str], Sequence[tuple[Any, ...]]]) -> int:
    """The bytes that an engine may take: as declared, else its own default, most of the machine's memory.

    `ask` gives the rows of a statement. Raises ValueError where the engine does not tell.
    """
    ((told,),) = ask("select current_setting('memory_limit')")
    match = re.fullmatch(r"([\d.]+) (bytes|[KMGT]iB)", told)
    if match is None:
        raise ValueError(f"memory_limit {told!r}")
    return round(float(match[1]) * _UNITS[match[2]])
