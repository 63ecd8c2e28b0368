"""One check of an audit: what is claimed, what the document's own numbers imply, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from powerml.config.claims import Cited

if TYPE_CHECKING:
    from collections.abc import Iterable

    from powerml.config.base import Source

ClaimVerdict = Literal["contradiction", "consistent", "cannot be checked"]


@dataclass(frozen=True)
class Check:
    """A claim against what follows from the same document's other numbers.

    `figures` holds the numbers in the sentences, by name, unrounded. `sources` are the places in the document.
    """

    code: str
    claimed: str
    implied: str
    verdict: ClaimVerdict
    figures: dict[str, float] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()

    @property
    def section(self) -> str:
        """The sections quoted, joined."""
        return "; ".join(dict.fromkeys(s.section for s in self.sources if s.section))

    @property
    def quote(self) -> str:
        """The document's words, joined."""
        return " / ".join(s.quote for s in self.sources if s.quote)


def sources_of(*blocks: Cited | Iterable[Cited] | None) -> tuple[Source, ...]:
    """The places that several blocks were read from, each once."""
    found: list[Source] = []
    for block in blocks:
        for item in () if block is None else (block,) if isinstance(block, Cited) else block:
            found += [source for source in item.sources if source not in found]
    return tuple(found)


def contradicts(wrong: bool) -> ClaimVerdict:
    """The verdict of a check that could be made."""
    return "contradiction" if wrong else "consistent"


def percent(rate: float, digits: int = 1) -> str:
    """A rate for people.

    >>> percent(0.84621), percent(0.15, 0)
    ('84.6 %', '15 %')
    """
    return f"{100 * rate:.{digits}f} %"


def span(ends: tuple[float, float], *, rate: bool = False) -> str:
    """A printed range for people.

    >>> span((3, 5)), span((4.7, 4.7)), span((0.5, 0.7), rate=True)
    ('3 to 5', '4.7', '50 to 70 %')
    """
    low, high = (100 * end for end in ends) if rate else ends
    return (f"{low:g}" if low == high else f"{low:g} to {high:g}") + (" %" if rate else "")
