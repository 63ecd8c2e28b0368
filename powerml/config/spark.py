"""Spark, for a project that runs there."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from powerml.config.base import Spec


class SparkSpec(Spec):
    """Where Spark runs (on this machine, unless told otherwise), its settings, and a folder that its workers reach.

    What is put aside while it runs lies in `scratch`, by default in `.powerml` of the project.
    """

    master: Annotated[str, Field(min_length=1)] = "local[*]"
    config: dict[str, str | bool | int | float] = {}
    scratch: str | None = None

    @property
    def settings(self) -> dict[str, str]:
        """The settings as Spark takes them."""
        return {
            key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in self.config.items()
        }
