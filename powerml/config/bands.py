"""Bands: a ladder of inclusive lower edges over the 0-100 score, each with the document's words and playbook.

Declared as a file of `configs/bands/`, or in place as `{90: Champions, 70: Healthy, 0: Rest}`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from powerml.config.base import Source, Spec

Team = Literal["cs", "product", "sales", "marketing"]


class Band(Spec):
    """A stretch of scores from `from_` upwards: its name, what it means, what each team does about it."""

    from_: Annotated[float, Field(alias="from", ge=0, le=100)]
    name: Annotated[str, Field(min_length=1)]
    meaning: str | None = None
    quote: str | None = None
    reading: str | None = None
    expected_share: Annotated[float | None, Field(gt=0, lt=1)] = None
    playbook: dict[Team, tuple[str, ...]] = {}


class BandsSpec(Spec):
    """A ladder of bands read from the top: a score is in the first band whose edge it reaches.

    >>> BandsSpec.model_validate({50: "High", 0: "Low"}).names
    ('High', 'Low')
    """

    name: str = "own"
    source: Source | None = None
    bands: Annotated[tuple[Band, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _from_mapping(cls, value: Any) -> Any:
        if isinstance(value, dict) and value and not {"bands", "name"} & set(value):
            rungs = [{"from": edge, "name": name} for edge, name in value.items()]
            return {"bands": sorted(rungs, key=_edge, reverse=True)}
        return value

    @model_validator(mode="after")
    def _is_a_ladder(self) -> Self:
        edges = [band.from_ for band in self.bands]
        if sorted(set(edges), reverse=True) != edges:
            raise ValueError(f"'from' must fall from band to band, got {[f'{e:g}' for e in edges]}")
        if edges[-1] != 0:
            raise ValueError(f"the lowest band starts at {edges[-1]:g}; start it at 0, so that every score has a band")
        if len(set(self.names)) != len(edges):
            raise ValueError(f"a band stands twice in {list(self.names)}; name each once")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Band names, highest first."""
        return tuple(band.name for band in self.bands)

    @property
    def edges(self) -> tuple[float, ...]:
        """Lower edges, highest first; the last is 0."""
        return tuple(band.from_ for band in self.bands)


def _edge(rung: dict[str, Any]) -> float:
    try:
        return float(rung["from"])
    except (TypeError, ValueError):
        raise ValueError(f"{rung['from']!r} is no score; write bands like {{70: Healthy, 0: Rest}}") from None
