"""Alerts: conditions that ring once when they become true, for a team or an owner, and name what to do.

Files of `configs/alerts/` and a project's own (`alerts:`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from powerml.config import shipped
from powerml.config.bands import Team
from powerml.config.base import Source, Spec
from powerml.config.clauses import BranchPull, Clause
from powerml.config.conditions import Metric
from powerml.config.project import ProjectSpec, expand
from powerml.config.reading import load


class AlertSpec(Spec):
    """A rule: its conditions, how many must hold (`needed`), whom it is about, who hears of it and what to do.

    `owner`: a person who hears of it in place of the account's owner. `of`: the weight set whose score, band and tier
    it reads; by default the night's main one. `came`: what it warns of or promises, by which `--judge` judges it,
    within `within_days` (by default the horizon). It rings again only after it was false for `rearm_days`. `entity:
    branch` is a rule on branches of the metric tree, told to their owners.
    """

    name: Metric
    when: Annotated[
        tuple[Clause, ...], Field(min_length=1), BeforeValidator(lambda v: v if isinstance(v, list) else [v])
    ]
    needed: Literal["all"] | PositiveInt = "all"
    entity: Literal["user", "account", "branch"] = "account"
    of: str | None = None
    team: Team | None = None
    owner: Annotated[str, Field(min_length=1)] | None = None
    action: Annotated[str, Field(min_length=1)]
    came: Literal["churn", "expand"] = "churn"
    rearm_days: Annotated[int, Field(ge=1)] = 14
    within_days: PositiveInt | None = None
    source: Source | None = None

    @model_validator(mode="after")
    def _can_ring(self) -> Self:
        if isinstance(self.needed, int) and self.needed > len(self.when):
            raise ValueError(f"needs {self.needed} of {len(self.when)} conditions; at most all can hold")
        if (self.entity == "branch") != any(isinstance(each, BranchPull) for each in self.when):
            raise ValueError("a condition on a branch and 'entity: branch' go together; give both, or none")
        return self

    @property
    def least(self) -> int:
        """How many conditions must hold."""
        return len(self.when) if self.needed == "all" else self.needed


class AlertsSpec(Spec):
    """A file of alerts."""

    alerts: Annotated[tuple[AlertSpec, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _one_alone(cls, value: Any) -> Any:
        return {"alerts": [value]} if isinstance(value, dict) and "when" in value else value

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [one.name for one in self.alerts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the alert {twice[0]!r} stands twice; name each once")
        return self


def load_alerts(path: Path | str) -> tuple[AlertSpec, ...]:
    """Reads a file of alerts, or of one; raises ConfigError with all its problems, DataError if there is no file."""
    return load(AlertsSpec, path).alerts


def project_alerts(project: ProjectSpec) -> dict[str, AlertSpec]:
    """The shipped alerts and the project's own (`alerts:` paths) by name; of two of a name the project's counts."""
    own = [Path(project.base, expand(path, file=project.file)) for path in project.alerts]
    files = [load_alerts(path) for path in (*shipped.names("alerts").values(), *own)]
    return {one.name: one for file in files for one in file}
