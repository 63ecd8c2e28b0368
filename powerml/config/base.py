"""What every declaration shares: frozen, strict about keys, and able to say which document it follows."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """Anything read from a YAML or JSON file: frozen, a misspelt key is an error, numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


class Source(Spec):
    """Where a number comes from: the document, its section, its words, and our reading where it leaves a choice."""

    document: str | None = None
    section: str | None = None
    quote: str | None = None
    reading: str | None = None
