"""Text that comes from data or file names, shown so that a terminal takes no orders from it."""

from __future__ import annotations

import re
import sys

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
