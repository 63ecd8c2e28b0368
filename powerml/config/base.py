"""What every declaration shares: frozen, strict about keys, and able to say which document it follows."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from powerml.tables import RESERVED


class Spec(BaseModel):
    """Anything read from a YAML or JSON file: frozen, a misspelt key is an error, numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


def _unreserved(name: str) -> str:
    """Raises ValueError for the name of a column that snapshots and scores have, by itself or as `NAME_score`."""
    if taken := {name, f"{name}_score"} & RESERVED:
        raise ValueError(f"{min(taken)!r} is a column of snapshots or scores; choose another name")
    return name


ColumnName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$"), AfterValidator(_unreserved)]
"""What a declaration calls a column of its own: a metric, or a part of a score."""


class Source(Spec):
    """Where a number comes from: the document, its section, its words, and our reading where it leaves a choice."""

    document: str | None = None
    section: str | None = None
    quote: str | None = None
    reading: str | None = None
