"""Lines of a weight set to read beside its document: what is looked at, when, what it gives, in whose words."""

from __future__ import annotations

from typing import Any

from powerml.config.base import Source

Line = tuple[str, str, str, Source]
"""Part, when (read from the top), what it gives, the document's words."""


def cited(line: Any, around: Source) -> Source:
    """The line's own words, within the document and section of what it stands in."""
    own = getattr(line, "source", None) or Source()
    return Source(
        document=own.document or around.document,
        section=own.section or around.section,
        quote=line.quote or own.quote or around.quote,
        reading=line.reading or own.reading or around.reading,
    )


def without_reading(said: Source, own: str | None) -> Source:
    """The reading of a whole part is told once, on its first line; a line keeps its own."""
    return said.model_copy(update={"reading": own})


def points_words(points: float) -> str:
    """Points with their unit.

    >>> points_words(1), points_words(-5)
    ('1 point', '-5 points')
    """
    return f"{points:g} point{'' if abs(points) == 1 else 's'}"
