"""How wide the columns of a table are where the terminal is narrow: words stay whole while there is another way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GAPS = (3, 1)  # blanks between two columns: as there is room for, and where it is scarce
SHORTEST = 8  # what a column keeps of its longest word where not all words fit


def column_widths(lines: Sequence[int], words: Sequence[int], room: int) -> tuple[list[int], int]:
    """The width of each column and the blanks between them, for the longest line and the longest word of each.

    What wraps gives room first, then the blanks, then the longest words.

    >>> column_widths([10, 60], [10, 12], 43)
    ([10, 30], 3)
    >>> column_widths([10, 12, 20], [10, 12, 20], 44)
    ([10, 12, 20], 1)
    >>> column_widths([10, 28, 28], [10, 28, 28], 52)
    ([10, 20, 20], 1)
    """
    left = room
    for gap in GAPS:
        left = room - gap * (len(lines) - 1)
        if sum(words) <= left:
            return _shrunk(lines, words, left), gap
    return _shrunk(words, [min(word, SHORTEST) for word in words], left), GAPS[-1]


def _shrunk(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths that fit into `room`, taken from the widest first, none below its least."""
    made = [max(min(width, room), low) for width, low in zip(widths, least, strict=True)]
    while sum(made) > room:
        wide = [i for i, width in enumerate(made) if width > least[i]]
        if not wide:
            break
        made[max(wide, key=lambda i: made[i])] -= 1
    return made


def parted(text: str, width: int) -> str:
    """A text whose words go on in a new line where they are longer than `width`, after a mark where there is one.

    >>> print(parted("workflow_abandon_rate_30d", 18))
    workflow_abandon_
    rate_30d
    """
    return re.sub(r"\S+", lambda found: "\n".join(_parts(found[0], width)), text)


def _parts(word: str, width: int) -> list[str]:
    parts = []
    while len(word) > width:
        cut = max(word.rfind(mark, 0, width) for mark in "_-@/.") + 1 or width
        parts.append(word[:cut])
        word = word[cut:]
    return [*parts, word]
