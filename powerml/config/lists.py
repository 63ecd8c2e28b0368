"""Lists: who is to be called, in what order, for which team. Files of `configs/lists/` and a project's own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from powerml.config import shipped
from powerml.config.bands import Team
from powerml.config.base import Source, Spec
from powerml.config.clauses import Clause
from powerml.config.conditions import Metric
from powerml.config.project import Entity, ProjectSpec, expand
from powerml.config.reading import load
from powerml.errors import UsageError

_KEY = re.compile(r"(-?)([a-z]\w*)")


class OrderKey(Spec):
    """What a list is sorted by: a column, falling or rising, or a condition whose rows come first."""

    column: Metric | None = None
    falling: bool = True
    first: Clause | None = None

    def __str__(self) -> str:
        if self.first is not None:
            return f"{self.first} first"
        return f"{self.column}, {'largest' if self.falling else 'smallest'} first"


def _key(value: Any) -> Any:
    if isinstance(value, str) and (parts := _KEY.fullmatch(value.strip())):
        return OrderKey(column=parts[2], falling=parts[1] == "-")
    return {"first": value} if isinstance(value, str) else value


class ListSpec(Spec):
    """A list: who stands on it (all conditions hold), in which order, and what it is about.

    `of`: the weight set whose score, band and reasons it speaks of; by default the night's main one. `came`: the
    outcome it is about (`none`: no outcome, and nothing is judged). `beside`: each is set beside the one of most
    similar use among those.
    """

    name: Metric
    team: Team
    entity: Entity = "account"
    of: str | None = None
    who: Annotated[tuple[Clause, ...], Field(min_length=1)]
    order: Annotated[tuple[Annotated[OrderKey, BeforeValidator(_key)], ...], Field(min_length=1)]
    came: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = "none"
    beside: tuple[Clause, ...] = ()
    why: str | None = None
    source: Source | None = None


class ListsSpec(Spec):
    """A file of lists."""

    lists: Annotated[tuple[ListSpec, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [one.name for one in self.lists]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the list {twice[0]!r} stands twice; name each once")
        return self


def load_lists(path: Path | str) -> tuple[ListSpec, ...]:
    """Reads a file of lists; raises ConfigError with all its problems, DataError if there is no such file."""
    return load(ListsSpec, path).lists


def project_lists(project: ProjectSpec) -> dict[str, ListSpec]:
    """The shipped lists and the project's own (`lists:` paths) by name; of two of a name the project's counts."""
    own = [Path(project.base, expand(path, file=project.file)) for path in project.lists]
    return _by_name(load_lists(path) for path in (*shipped.names("lists").values(), *own))


def _by_name(files: Iterable[tuple[ListSpec, ...]]) -> dict[str, ListSpec]:
    return {one.name: one for file in files for one in file}


def named_lists(known: dict[str, ListSpec], name: str | None, team: str | None) -> list[ListSpec]:
    """The one list of a name, or all of a team, or all; raises UsageError with the names there are."""
    from powerml.errors import did_you_mean

    if name is not None:
        if name not in known:
            hint = did_you_mean(name, known)
            raise UsageError(f"no list named {name!r}{hint or '; there are ' + ', '.join(known)}")
        return [known[name]]
    return [one for one in known.values() if team in (None, one.team)]
