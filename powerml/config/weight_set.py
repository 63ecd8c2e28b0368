"""What every weight set declares: its name and version, the document it follows, its bands."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from powerml.config.bands import BandsSpec
from powerml.config.base import Source, Spec


class WeightSetSpec(Spec):
    """The head of a weight set; `kind` decides what else stands in it.

    `based_on` names the set it was copied from, as `name@version`; `exceptions` the metrics of which more can score
    less although more is good, with the document's words.
    """

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

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics it reads, each once, in the order of the file."""
        raise NotImplementedError
