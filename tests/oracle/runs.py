"""How many worlds a property is tried on, and which: fresh ones in every run, from a seed that the run prints.

`ORACLE_SEED=N` repeats a run's worlds, `ORACLE_EXAMPLES=N` tries N of them per property; CI tries 20 in a stage of its
own.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any
from zlib import crc32

from hypothesis import Phase, seed, settings

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "4"))
SEED = int(os.environ.setdefault("ORACLE_SEED", str(secrets.randbelow(2**31))))  # workers inherit the environment


def tried(share: float = 1.0, *, salt: str = "") -> Callable[[Any], Any]:
    """A property tried on `share` of the worlds, at least one; a world grows from a seed: there is nothing to shrink.

    Tests with another name, and the same with another `salt`, see other worlds.
    """
    chosen = settings(
        max_examples=max(round(EXAMPLES * share), 1), database=None, phases=[Phase.explicit, Phase.generate]
    )

    def of(test: Any) -> Any:
        return seed(SEED + crc32(f"{test.__module__}.{test.__qualname__} {salt}".encode()))(chosen(test))

    return of
