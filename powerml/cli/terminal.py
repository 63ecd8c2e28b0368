"""Text that comes from data or file names, shown so that a terminal takes no orders from it; and signs of life."""

from __future__ import annotations

import contextlib
import re
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Controls but line feed and tab; marks that turn the direction of writing; ends of lines that no terminal shows as one.
_ORDERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""The text with control characters written out.

    >>> print(visible("ada\x1b[2J"))
    ada\x1b[2J
    """
    return _ORDERS.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def visible_json(text: str) -> str:
    """A JSON text with the control characters that JSON allows in strings escaped as JSON does it.

    >>> visible_json(chr(34) + chr(0x9b) + chr(34))
    '"\\\\u009b"'
    """
    return _ORDERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def take_any_text() -> None:
    """Lets standard output and error write what their encoding lacks as escapes, instead of failing in the middle."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def a_line_a_minute(write: Callable[[str], object], *, seconds: float = 60.0) -> Iterator[Callable[[str], None]]:
    """Yields `note(text)`; while the block runs, `write` gets a line every `seconds` with the last text and the time.

    Work that is done before the first of them says nothing.
    """
    last, done = ["at work"], threading.Event()

    def run() -> None:
        began = time.monotonic()
        while not done.wait(seconds):
            write(f"{last[0]} ({(time.monotonic() - began) / 60:.0f} min)")

    def note(text: str) -> None:
        last[0] = text

    teller = threading.Thread(target=run, name="powerml-progress", daemon=True)
    teller.start()
    try:
        yield note
    finally:
        done.set()
        teller.join()
