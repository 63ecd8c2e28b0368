"""What every weight set declares: its name and version, the document it follows, its bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field

from powerml.config.bands import BandsSpec
from powerml.config.base import Source, Spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from powerml.config.card_lines import Line
    from powerml.config.groups import Group


class WeightSetSpec(Spec):
    """The head of a weight set; `kind` decides what else stands in it.

    `based_on` names the set it was copied from, as `name@version`; `exceptions` the metrics of which more can score
    less although more is good, with the document's words.
    """

    learnt: ClassVar[bool] = False
    """Whether its numbers were learnt from outcomes, so that opinions must not replace them."""

    scored_by: ClassVar[str]
    """Where the scorer of this kind stands, as `module:class`: declarations are below scoring and only name it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    version: int | str = 1
    kind: str
    title: str = ""
    based_on: str | None = None
    source: Source | None = None
    bands: BandsSpec | None = None
    exceptions: dict[str, Source] = {}

    @property
    def label(self) -> str:
        """`name@version`, as scores carry it."""
        return f"{self.name}@{self.version}"

    def lines(self) -> Iterator[Line]:
        """Its lines to read beside the document, from the top; see `card_lines`."""
        raise NotImplementedError

    @property
    def side_notes(self) -> Mapping[str, Source]:
        """Notes beside numbers that are no part of their own; none unless the kind declares them."""
        return {}

    def moved(self, factors: Mapping[str, float]) -> Self | None:  # noqa: ARG002  most kinds have weights, some none
        """The same with the weight of each reviewed part times its factor, scaled back and rounded.

        None for a kind without weights of its own to move.
        """
        return None

    def counted(self, vocabulary: Mapping[str, float]) -> Self:  # noqa: ARG002  most kinds count nothing
        """The same with parameters that are counted from a project's vocabulary filled in; most kinds have none.

        `vocabulary` says how many `features`, `advanced` and `core` features there are.
        """
        return self

    @property
    def owned(self) -> Mapping[str, Group]:
        """The branches of the metric tree that have an owner; none unless the kind declares them."""
        return {}

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics it reads, each once, in the order of the file."""
        raise NotImplementedError
