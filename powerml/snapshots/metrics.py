"""Metric declarations into expressions over cells: what each column of a snapshot is.

The declarations are configs/metrics/catalogue.yaml and a project's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
from ibis import _

from powerml.snapshots.aggregations import Atom, Cells, Distinct, distinct_count, frozen
from powerml.snapshots.records import needs
from powerml.snapshots.vocabulary import is_event_word
from powerml.snapshots.windows import DAY_US
from powerml.tables import as_written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.config.metrics import MetricPart, MetricSpec, Where, Window
    from powerml.config.project import ProjectSpec
    from powerml.snapshots.rollup import Inputs, Rollups

MINUTE_US = 60_000_000
TEAM = ("team_size", "active_team_members", "team_members_added", "team_members_deactivated")


@dataclass
class Compiled:
    """The columns of a snapshot as expressions, and what they need computed first."""

    cells: Cells = field(default_factory=Cells)
    expressions: dict[str, ir.Value] = field(default_factory=dict)
    records: dict[str, MetricPart] = field(default_factory=dict)  # cell -> a measure over another table
    young: set[int] = field(default_factory=set)  # ages in days at which a metric of a young entity is null
    wants: set[str] = field(default_factory=set)  # weeks, streak, team, plan, limits, unresolved
    unavailable: dict[str, str] = field(default_factory=dict)  # metric -> reason

    @property
    def needs_sessions(self) -> bool:
        """Whether a metric asks for sessions."""
        return bool(self.cells.sessions) or "streak" in self.wants


class Compiler:
    """Turns declarations into expressions; what the sources lack becomes a null column with a reason."""

    def __init__(self, metrics: Mapping[str, MetricSpec], inputs: Inputs, rollups: Rollups, project: ProjectSpec):
        self.metrics = metrics
        self.inputs = inputs
        self.rollups = rollups
        self.project = project
        self.out = Compiled()

    def compile(self) -> Compiled:
        """All metrics, in their order."""
        for name, spec in self.metrics.items():
            value = self._metric(spec, name)
            if isinstance(value, str):
                self.out.unavailable[name] = value
                self.out.expressions[name] = ibis.null("float64")
            else:
                self.out.expressions[name] = value.cast("float64")
        return self.out

    def _metric(self, spec: MetricSpec, name: str) -> ir.Value | str:
        if spec.ratio:
            return self._ratio(spec)
        if spec.change:
            return self._change(spec)
        value = self._part(spec, spec.window_days, name)
        if isinstance(value, str):
            return value
        if spec.minus is not None:
            less = self._count(spec.minus, spec.window_days)
            value = ibis.greatest(value - less, 0)
        if spec.empty is not None:
            value = ibis.coalesce(value, spec.empty)
        if spec.per == "week" and spec.window_days:
            value = value / ((spec.window_days[0] - spec.window_days[1]) / 7)
        if spec.min_age_days:
            value = self._old_enough(value, spec.min_age_days)
        return value

    def _ratio(self, spec: MetricSpec) -> ir.Value | str:
        assert spec.ratio is not None
        sides = []
        for position, side in enumerate((spec.ratio.of, spec.ratio.over)):
            if isinstance(side, str):
                value = self._metric(self.metrics[side], side)
            else:
                value = self._part(side, side.window_days, f"{spec.name}_{position}")
            if isinstance(value, str):
                return value
            sides.append(value)
        of, over = sides
        return ibis.ifelse(over.cast("float64") != 0, of.cast("float64") / over, ibis.null("float64"))

    def _change(self, spec: MetricSpec) -> ir.Value | str:
        assert spec.change is not None
        before = self._part(spec, spec.change.from_, f"{spec.name}_before")
        after = self._part(spec, spec.change.to, f"{spec.name}_after")
        if isinstance(before, str) or isinstance(after, str):
            return before if isinstance(before, str) else str(after)
        a, b = before.cast("float64"), after.cast("float64")
        change = ibis.cases(
            (a + b < spec.change.min_total, ibis.null("float64")), (a == 0, ibis.literal(1.0)), else_=(b - a) / a
        )
        return self._old_enough(change, spec.change.from_[0])

    def _old_enough(self, value: ir.Value, days: int) -> ir.Value:
        self.out.young.add(days)
        return ibis.ifelse(_.created > _[f"back_{days}"], ibis.null("float64"), value.cast("float64"))

    def _part(self, part: MetricPart, window: Window | None, name: str) -> ir.Value | str:
        if part.calculation:
            return self._calculation(part.calculation)
        if part.table == "events":
            return self._events(part, window)
        if part.table == "sessions":
            return self._sessions(part, window)
        if reason := needs(part, self.inputs):
            return reason
        cell = f"x_{name}"
        self.out.records[cell] = part.model_copy(update={"window_days": window})
        return _[cell].fill_null(0) if part.measure in ("count", "sum", "distinct") else _[cell]

    def _events(self, part: MetricPart, window: Window | None) -> ir.Value | str:
        where, measure, of = part.where, part.measure, part.of
        adds_up = measure in ("sum", "mean", "max") and of != "depth"
        for column in [*where, *([of] if of and not adds_up and of != "depth" else [])]:
            if not is_event_word(column) and column not in self.rollups.kinds.frame:
                return f"no column {as_written(column)!r} in events"
        if adds_up and of not in self.rollups.amounts:
            return f"no column {as_written(str(of))!r} in events"
        cell = self.out.cells.cell
        key = frozen(where)
        if measure == "count":
            return self._count(where, window)
        if measure == "days":
            return _[cell(Atom("any", key), window)].fill_null(0)
        if measure == "sum":
            return _[cell(Atom("sum", key, of), window)].fill_null(0)
        if measure == "mean":
            n = _[cell(Atom("values", key, of), window)]
            return ibis.ifelse(n > 0, _[cell(Atom("sum", key, of), window)] / n, ibis.null("float64"))
        if measure == "max":
            return _[cell(Atom("level" if of == "depth" else "high", key, of), window)]
        if measure == "distinct":
            return distinct_count(self.out.cells, self.rollups, str(of), where, window)
        if measure == "new_distinct":
            return _[self.out.cells.distinct_cell(Distinct(str(of), key, window, first_only=True))].fill_null(0)
        if self._is_login(where) and not self.rollups.kinds.has_login:
            last = _[self.out.cells.session_cell("start_t", None)]
        else:
            last = _[cell(Atom("last", key), None)]
        return (_["at"] - last) / DAY_US

    def _is_login(self, where: Where) -> bool:
        return dict(where) == {"role": ("login",)}

    def _count(self, where: Where, window: Window | None) -> ir.Value:
        if self._is_login(where) and not self.rollups.kinds.has_login:
            return _[self.out.cells.session_cell("n", window)].fill_null(0)
        return _[self.out.cells.cell(Atom("count", frozen(where)), window)].fill_null(0)

    def _sessions(self, part: MetricPart, window: Window | None) -> ir.Value | str:
        n = _[self.out.cells.session_cell("n", window)]
        if part.measure == "count":
            return n.fill_null(0)
        length = _[self.out.cells.session_cell("length_us", window)] / MINUTE_US
        if part.measure == "sum":
            return length.fill_null(0)
        if part.measure == "mean":
            return ibis.ifelse(n > 0, length / n, ibis.null("float64"))
        return f"sessions have no measure {part.measure!r}"

    def _calculation(self, name: str) -> ir.Value | str:
        wants = self.out.wants
        if name == "account_age":
            return (_["at"] - _.created) / DAY_US
        if name == "active_week_ratio":
            wants.add("weeks")
            return _.weeks.fill_null(0) / ((_.day - 1 - _.born) // 7 + 1)
        if name == "active_week_streak":
            wants.add("streak")
            return _.streak.fill_null(0)
        if name == "vocabulary_core_features":
            return _.core_features
        if name == "tickets_unresolved":
            if not self.inputs.has("tickets"):
                return "no table 'tickets'"
            wants.add("unresolved")
            return _.unresolved.fill_null(0)
        if name in TEAM:
            if not self.inputs.has("users"):
                return "no table 'users'"
            wants.add("team")
            return self._account_fact(_[name], 0)
        if name == "limit_utilisation":
            if not self.inputs.has("usage_limits"):
                return "no table 'usage_limits'"
            wants.add("limits")
            return _.limit_value
        if not self.inputs.has("subscriptions"):
            return "no table 'subscriptions'"
        column = {"plan_tier": "plan", "seats": "seats", "mrr": "mrr"}[name]
        if not self.inputs.has("subscriptions", column):
            return f"no column {column!r} in subscriptions"
        wants.add("plan")
        value = _.plan / max(len(self.project.plans) - 1, 1) if name == "plan_tier" else _[column]
        return self._account_fact(value, 0)

    def _account_fact(self, value: ir.Value, without: float) -> ir.Value:
        """A fact of the account: null for somebody without one, `without` where the account has none."""
        return ibis.ifelse(_.aid.isnull(), ibis.null("float64"), ibis.coalesce(value.cast("float64"), without))
