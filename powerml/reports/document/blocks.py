"""What a page is made of: sections, and in them sentences, figures, tables, pictures and what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from powerml.charts.theme import AnyChart

ColumnKind = Literal["text", "number", "percent", "points", "signed", "money", "date"]
"""How a column is printed: a share as %, `points` with one digit, `signed` with one digit and its sign."""


@dataclass(frozen=True, eq=False)
class PageTable:
    """Rows for reading. `key`: by which it is found on the page; `kinds`: how columns are printed, else by their type.

    `about`: how a column was made, in words, above what is known of its name anyway. `first`: so many rows are seen
    before one asks for the rest; 0: all.
    """

    frame: pd.DataFrame
    key: str
    title: str = ""
    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    first: int = 20


@dataclass(frozen=True, eq=False)
class Picture:
    """A chart, and the table of its numbers, which is one click behind it."""

    chart: AnyChart
    table: PageTable


@dataclass(frozen=True)
class Told:
    """A sentence; `kind`: `verdict` stands out, `missing` says what is not there and how to supply it."""

    text: str
    kind: Literal["plain", "verdict", "missing", "small"] = "plain"


@dataclass(frozen=True)
class Figure:
    """A number that stands by itself, what it is, and how it was made."""

    label: str
    value: str
    about: str


@dataclass(frozen=True)
class Figures:
    """Numbers beside each other."""

    each: tuple[Figure, ...]


@dataclass(frozen=True)
class Links:
    """Buttons to other places of the page: (id of a section or, by `render.anchor`, of a table; words)."""

    each: tuple[tuple[str, str], ...]


Piece = PageTable | Picture | Told | Figures | Links


@dataclass(frozen=True, eq=False)
class Section:
    """A part of the page: its id, a heading that is a question or a statement, its word in the menu, its blocks."""

    id: str
    heading: str
    menu: str
    blocks: tuple[Piece, ...]


@dataclass(frozen=True, eq=False)
class Page:
    """A whole page. `facts`: what it was made of, in a line below the title."""

    title: str
    facts: tuple[str, ...]
    sections: tuple[Section, ...]


def printed(
    *,
    percent: Iterable[str] = (),
    points: Iterable[str] = (),
    signed: Iterable[str] = (),
    money: Iterable[str] = (),
    number: Iterable[str] = (),
) -> dict[str, ColumnKind]:
    """How columns are printed, by kind.

    >>> printed(points=["score"], signed=["change"])
    {'score': 'points', 'change': 'signed'}
    """
    said: tuple[tuple[ColumnKind, Iterable[str]], ...] = (
        ("percent", percent), ("points", points), ("signed", signed), ("money", money), ("number", number)
    )  # fmt: skip
    return {name: kind for kind, names in said for name in names}


def missing(what: str, supply: str) -> Told:
    """What is not there, and how it is supplied.

    >>> missing("No owner is known", "add 'owners' to powerml.yaml").text
    "No owner is known: add 'owners' to powerml.yaml."
    """
    return Told(f"{what}: {supply}.", "missing")
