"""Metrics as data: what is counted, over which window, in what unit, who says so. Built-in and a user's own alike.

The shape of a file is shown in configs/README.md, the catalogue is configs/metrics/catalogue.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from powerml.config.base import ColumnName, Source, Spec
from powerml.config.reading import Document, read_document, validated
from powerml.config.shipped import configs
from powerml.config.vocabulary import Depth, Role, Tier
from powerml.errors import ConfigError, Problem, did_you_mean
from powerml.tables import LONGEST_DAYS

MetricSource = Literal[
    "events", "sessions", "users", "accounts", "subscriptions", "usage_limits", "tickets", "surveys", "treatments"
]
Measure = Literal["count", "sum", "mean", "max", "distinct", "new_distinct", "days", "days_since_last", "latest"]
Direction = Literal["up", "down", "none"]
MetricGroup = Literal["usage", "activity", "adoption", "team", "plan", "support"]
Calculation = Literal[
    "account_age", "active_week_ratio", "active_week_streak", "team_size", "active_team_members",
    "team_members_added", "team_members_deactivated", "plan_tier", "limit_utilisation", "seats", "mrr",
    "tickets_unresolved", "vocabulary_core_features",
]  # fmt: skip

EVENT_WORDS = ("role", "feature", "category", "tier", "depth", "event")  # what the vocabulary says of an event

Values = Annotated[tuple[str, ...], BeforeValidator(lambda v: tuple(map(_text, v if isinstance(v, list) else [v])))]
Where = dict[str, Values]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def booleans_among(values: Iterable[str]) -> list[str]:
    """Those of a `where`'s values that are `true` or `false`: they also stand for `True` and `TRUE`, as tables say."""
    return [value for value in values if value in ("true", "false")]


def _window(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    older, newer = value if isinstance(value, (list, tuple)) and len(value) == 2 else (value, 0)
    if not (type(older) is int and type(newer) is int) or not older > newer >= 0:
        raise ValueError(f"expected days such as 30, or [60, 30] for from 60 to 30 days back, got {value}")
    if older > LONGEST_DAYS:
        raise ValueError(f"{older} days are more than ten years ({LONGEST_DAYS}); leave 'window_days' out for ever")
    return (older, newer)


Window = Annotated[tuple[int, int], BeforeValidator(_window)]


class MetricPart(Spec):
    """A measure over one table: what a metric counts, or one side of a ratio."""

    table: MetricSource | None = None
    where: Where = {}
    measure: Measure | None = None
    of: str | None = None
    time: str | None = None
    window_days: Window | None = None
    calculation: Calculation | None = None


class Change(Spec):
    """Relative change of the measure from one window to a later one; null where the two together are too little."""

    model_config = Spec.model_config | {"populate_by_name": True}

    from_: Annotated[Window, Field(alias="from")]
    to: Window
    min_total: float = 1


class Ratio(Spec):
    """One metric (or measure) over another; null where the lower one is 0 or null."""

    of: str | MetricPart
    over: str | MetricPart


class MetricSpec(MetricPart):
    """One column of a snapshot."""

    name: ColumnName
    minus: Where | None = None
    per: Literal["week"] | None = None
    empty: float | None = None
    min_age_days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] | None = None
    change: Change | None = None
    ratio: Ratio | None = None
    unit: str
    direction: Direction = "none"
    actionable: bool = False
    group: MetricGroup = "usage"
    definition: str | None = None
    source: Source = Source()

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        forms = [self.measure is not None, self.ratio is not None, self.calculation is not None]
        if sum(forms) != 1:
            raise ValueError("needs one of 'measure' (with 'table'), 'ratio' or 'calculation'")
        if self.measure is not None:
            _check_measure(self)
        for side in (self.ratio.of, self.ratio.over) if self.ratio else ():
            if isinstance(side, MetricPart) and side.measure is not None:
                _check_measure(side)
        if self.change and self.window_days:
            raise ValueError("'change' carries its own windows; remove 'window_days'")
        if self.minus is not None and self.measure != "count":
            raise ValueError("'minus' goes with measure: count")
        if self.per and not self.window_days:
            raise ValueError("'per: week' needs 'window_days'")
        return self


def _check_measure(part: MetricPart) -> None:
    if part.table is None:
        raise ValueError("'measure' needs a 'table'; name one of the canonical tables")
    needs_column = part.measure in ("sum", "mean", "max", "distinct", "new_distinct", "latest")
    if needs_column and not part.of:
        raise ValueError(f"measure: {part.measure} needs 'of'; name the column")
    if not needs_column and part.of:
        raise ValueError(f"measure: {part.measure} takes no 'of'; remove it")
    if part.measure == "new_distinct" and part.table != "events":
        raise ValueError(f"measure: {part.measure} goes with table: events")
    if part.measure == "days_since_last" and part.window_days:
        raise ValueError("'days_since_last' looks back for ever; remove 'window_days'")
    if part.table == "sessions" and (part.where or part.of not in (None, "minutes")):
        raise ValueError("sessions have no 'where', and only 'minutes' to sum or average")


def described(spec: MetricSpec) -> str:
    """The definition in words: the written one, or what the declaration says."""
    if spec.definition:
        return spec.definition
    if spec.ratio:
        sides = [side if isinstance(side, str) else _part_words(side) for side in (spec.ratio.of, spec.ratio.over)]
        return " over ".join(sides)
    words = _part_words(spec)
    if spec.minus:
        words += f", minus those with {where_words(spec.minus)}, at least 0"
    if spec.change:
        older, newer = spec.change.from_, spec.change.to
        words = f"relative change of {words} from days {older[0]}-{older[1]} to days {newer[0]}-{newer[1]} back"
    if spec.per and spec.window_days:
        words += f", over {(spec.window_days[0] - spec.window_days[1]) / 7:g}"
    return words


def where_words(where: Where) -> str:
    """A `where` in words."""
    return " and ".join(f"{key} {' or '.join(values)}" for key, values in where.items())


def _part_words(part: MetricPart) -> str:
    if part.calculation:
        return part.calculation.replace("_", " ")
    table, of = part.table, part.of
    what = {
        "count": f"{table}", "sum": f"sum of {of} over {table}", "mean": f"mean {of} of {table}",
        "max": f"largest {of} of {table}", "distinct": f"distinct {of} of {table}",
        "new_distinct": f"{of} used for the first time, of {table}", "days": f"distinct days with {table}",
        "days_since_last": f"days since the last of {table}", "latest": f"latest {of} of {table}",
    }[str(part.measure)]  # fmt: skip
    if part.where:
        what += f" with {where_words(part.where)}"
    if part.window_days:
        older, newer = part.window_days
        what += f" in {older} d" if newer == 0 else f" from {older} to {newer} days back"
    return what


def catalogue() -> dict[str, MetricSpec]:
    """The shipped metrics by name, in the order of the catalogue; the file is read once."""
    return dict(_read_once(configs() / "metrics" / "catalogue.yaml"))


@cache
def _read_once(path: Path) -> dict[str, MetricSpec]:
    return metrics_from([path])


def metrics_from(paths: Iterable[Path], known: Mapping[str, MetricSpec] | None = None) -> dict[str, MetricSpec]:
    """The metrics of YAML files (each a list) added to `known`; raises ConfigError on a name that stands twice."""
    metrics = dict(known or {})
    for path in paths:
        document = read_document(path)
        specs: list[MetricSpec] = validated(list[MetricSpec], document) if document.data else []
        problems: list[Problem] = _unknown_words(specs, document)
        for i, spec in enumerate(specs):
            if spec.name in metrics:
                what = f"there is a metric {spec.name!r} already; rename this one"
                problems.append(document.problem((i, "name"), what))
            metrics[spec.name] = spec
        for i, spec in enumerate(specs):
            for side in (spec.ratio.of, spec.ratio.over) if spec.ratio else ():
                if isinstance(side, str) and side not in metrics:
                    hint = did_you_mean(side, metrics) or "; declare it first"
                    problems.append(document.problem((i, "ratio"), f"no metric named {side!r}{hint}"))
            if spec.name in _below(spec.name, metrics):
                problems.append(document.problem((i, "ratio"), "leads back to itself; divide by another metric"))
        if problems:
            raise ConfigError(problems)
    return metrics


def _below(name: str, metrics: Mapping[str, MetricSpec]) -> set[str]:
    """The metrics that a ratio is made of, those of its sides included."""
    below: set[str] = set()
    waiting = [name]
    while waiting:
        spec = metrics.get(waiting.pop())
        sides = (spec.ratio.of, spec.ratio.over) if spec and spec.ratio else ()
        new = {side for side in sides if isinstance(side, str)} - below
        below |= new
        waiting += new
    return below


def _unknown_words(specs: list[MetricSpec], document: Document) -> list[Problem]:
    """A role, tier or depth that no vocabulary can give would count nothing for ever."""
    words = {"role": get_args(Role), "tier": get_args(Tier), "depth": get_args(Depth)}
    problems = []
    for i, spec in enumerate(specs):
        places: list[tuple[tuple[str | int, ...], MetricPart]] = [
            ((i, "where"), spec),
            ((i, "minus"), spec.model_copy(update={"where": spec.minus or {}})),
        ]
        if spec.ratio:
            places += [
                ((i, "ratio", side), part)
                for side, part in (("of", spec.ratio.of), ("over", spec.ratio.over))
                if isinstance(part, MetricPart)
            ]
        for place, part in places:
            for key, known in words.items():
                for value in part.where.get(key, ()) if part.table == "events" else ():
                    if value not in known:
                        hint = did_you_mean(value, known) or "; there are " + ", ".join(known)
                        problems.append(document.problem((*place, key), f"no {key} named {value!r}{hint}"))
    return problems
