"""How long work says what it is at: a function that is given a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable

Note = Callable[[str], None]


def silent(_text: str) -> None:
    """Says nothing, where nobody listens."""


def per_second(count: float, begun: float) -> str:
    """How many a second were done since an instant of `time.monotonic`."""
    return f"{count / max(time.monotonic() - begun, 1e-3):,.0f} per second"
