"""How long work says what it is at: a function that is given a sentence."""

from __future__ import annotations

from collections.abc import Callable

Note = Callable[[str], None]


def silent(_text: str) -> None:
    """Says nothing, where nobody listens."""
