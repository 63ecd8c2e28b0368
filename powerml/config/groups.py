"""Branches of the metric tree: who answers for them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from powerml.config.base import Source, Spec


class Group(Spec):
    """A branch of the metric tree: who answers for it, and how far it may pull the mean down before they hear of it."""

    owner: str
    alert_below: Annotated[float, Field(gt=0)] = 1.0
    source: Source | None = None
