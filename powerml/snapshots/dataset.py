"""The snapshot table: every metric of every entity at every cutoff, and what happened afterwards.

The plan: roll the events up once; find who is there at each cutoff; make one wide aggregate per kind of window; join.
Several cutoffs share one plan where what was known at one of them does not depend on another: where events carry
`known_at`, or an event's account differs between cutoffs, each cutoff gets a plan of its own over the same roll-ups.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from powerml.progress import Note, silent
from powerml.snapshots import aggregations, custom_labels, labels, placing, sessions, weeks
from powerml.snapshots.aggregations import EVERY_EVENT, attribute
from powerml.snapshots.cache.history import recall
from powerml.snapshots.derived import prepare
from powerml.snapshots.engine.base import Engine, planning
from powerml.snapshots.entities import People, people
from powerml.snapshots.metrics import Compiled, Compiler
from powerml.snapshots.needs import sums_of_amounts
from powerml.snapshots.records import Records
from powerml.snapshots.windows import Cutoffs, day_date

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from powerml.config.metrics import MetricSpec
    from powerml.config.project import ProjectSpec
    from powerml.snapshots.rollup import Inputs, Rollups

_Made = TypeVar("_Made")
ACTIVE_DAYS = 30  # "active": an event in the last 30 days


@dataclass(frozen=True)
class Snapshots:
    """The snapshot frame (STYLE: ordered by `as_of`, id) and, per metric that is not available, why."""

    frame: pd.DataFrame
    unavailable: Mapping[str, str]


def snapshots(
    inputs: Inputs,
    rollups: Rollups,
    project: ProjectSpec,
    metrics: Mapping[str, MetricSpec],
    cutoffs: Cutoffs,
    *,
    with_labels: bool = False,
    note: Note = silent,
) -> Snapshots:
    """Every metric of every entity at every cutoff.

    Returns columns as_of, the id (and account_id beside a user), enough_history, active, every metric (float64, null
    where not available) and, with labels, label and treated.
    """
    parts = _each(inputs, rollups, project, metrics, cutoffs, _framed, with_labels=with_labels, note=note)
    frames = parts.made
    whole = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    for name in sums_of_amounts(metrics):
        whole[name] = settled(whole[name].to_numpy(float))
    _check_unique(whole, project.id_column)
    return Snapshots(whole, parts.unavailable)


def write_rows(
    inputs: Inputs,
    rollups: Rollups,
    project: ProjectSpec,
    metrics: Mapping[str, MetricSpec],
    cutoffs: Cutoffs,
    write: Callable[[ir.Table], None],
    *,
    with_labels: bool = False,
    note: Note = silent,
) -> Mapping[str, str]:
    """As `snapshots`, but the rows stay with the engine: `write` gets them as a table that it keeps, in any order.

    Where cutoffs cannot share a plan, `write` is called for each of them in turn. Gives why metrics are not available.
    """
    sums = sums_of_amounts(metrics)

    def use(rows: _Rows) -> int:
        table = inputs.engine.keep(_as_files_have_it(rows, sums), "snapshot")
        key = project.id_column
        twins = table.group_by("as_of", key).aggregate(n=_.count()).filter(_.n > 1).limit(1)
        for twin in inputs.engine.rows(twins):
            raise AssertionError(f"{key} {twin[key]!r} stands twice at {twin['as_of']}")
        write(table)
        return int(inputs.engine.rows(table.aggregate(n=_.count()))[0]["n"])

    return _each(inputs, rollups, project, metrics, cutoffs, use, with_labels=with_labels, note=note).unavailable


@dataclass(frozen=True)
class _Rows:
    """The rows of a plan: c, entity_id (and account_id beside a user), enough_history, active, metrics, labels."""

    table: ir.Table
    plan: _Planned
    with_labels: bool

    @property
    def dates(self) -> pd.Series:
        """The date of each cutoff."""
        dates = pd.Series([day_date(d) for d in self.plan.cutoffs.days])
        return pd.to_datetime(dates).astype("datetime64[us]")

    @property
    def order(self) -> list[str]:
        """The columns of a snapshot as it is given out."""
        project = self.plan.project
        beside = ["account_id"] if project.entity == "user" else []
        extras = ["label", "treated"] if self.with_labels else []
        named = ["as_of", project.id_column, *beside, "enough_history", "active"]
        return [*named, *self.plan.compiled.expressions, *extras]


@dataclass(frozen=True)
class _Parts(Generic[_Made]):
    made: list[_Made]
    unavailable: Mapping[str, str]


def _each(
    inputs: Inputs,
    rollups: Rollups,
    project: ProjectSpec,
    metrics: Mapping[str, MetricSpec],
    cutoffs: Cutoffs,
    use: Callable[[_Rows], _Made],
    *,
    with_labels: bool,
    note: Note,
) -> _Parts[_Made]:
    """What `use` makes of the rows of each group of cutoffs that may share a plan."""
    with planning():
        compiled = Compiler(metrics, inputs, rollups, project).compile()
    compiled.cells.cell(EVERY_EVENT, (ACTIVE_DAYS, 0))
    if with_labels and project.custom_outcome is not None:
        custom_labels.prepare_custom(compiled.cells, project.custom_outcome)
    rollups = prepare(inputs.engine, rollups, compiled.cells, sessions=compiled.needs_sessions)
    made: list[_Made] = []
    for group in _groups(inputs, rollups, project, cutoffs):
        known = rollups.known_before(group.days[-1]) if rollups.has_known else rollups
        known = replace(known, history=recall(inputs.engine, known, compiled.cells, group, project))
        with inputs.engine.scratch(), planning():
            one = use(_plan(inputs, known, rollups, project, compiled, group, with_labels))
        made.append(one)
        rows = one if isinstance(one, int) else len(one)  # type: ignore[arg-type]
        note(f"{rows:,} rows at {', '.join(map(str, _few([day_date(d) for d in group.days])))}")
    return _Parts(made, compiled.unavailable)


def settled(values: np.ndarray) -> np.ndarray:
    """Numbers to 13 significant digits, so that the order in which threads add amounts up cannot be seen.

    >>> bool(settled(np.array([0.1 + 0.2]))[0] == 0.3)
    True
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        scale = 10.0 ** (12 - np.floor(np.log10(np.abs(values))))
        rounded = np.rint(values * scale) / scale
    return np.where(np.isfinite(rounded), rounded, values)


def _check_unique(frame: pd.DataFrame, key: str) -> None:
    """Raises AssertionError where an entity stands twice at a cutoff; in an ordered frame twins are neighbours."""
    same = (frame[key] == frame[key].shift()) & (frame["as_of"] == frame["as_of"].shift())
    if same.any():
        twin = frame.loc[same.to_numpy(dtype=bool)].iloc[0]
        raise AssertionError(f"{key} {twin[key]!r} stands twice at {twin['as_of']:%Y-%m-%d}")


def _few(dates: list[object]) -> list[object]:
    return dates if len(dates) <= 3 else [dates[0], "…", dates[-1]]


def _groups(inputs: Inputs, rollups: Rollups, project: ProjectSpec, cutoffs: Cutoffs) -> list[Cutoffs]:
    """The cutoffs that may share a plan."""
    single = [Cutoffs(cutoffs.calendar, (day,)) for day in cutoffs.days]
    if len(single) == 1 or rollups.has_known:
        return single
    if project.entity == "account" and _homes_move(inputs, rollups, project, cutoffs):
        return single
    return [cutoffs]


def _homes_move(inputs: Inputs, rollups: Rollups, project: ProjectSpec, cutoffs: Cutoffs) -> bool:
    """Whether an event that names no account would belong to different accounts at different cutoffs."""
    engine = inputs.engine
    found = people(engine, inputs, rollups, project, cutoffs)
    moved = _homes(rollups, found).group_by("uid").aggregate(homes=_.aid.nunique()).filter(_.homes > 1)
    return bool(engine.rows(moved.aggregate(n=_.count()))[0]["n"])


def _homes(rollups: Rollups, found: People) -> ir.Table:
    """(c, uid, aid): the account (-1 for none) to which a user's events that name none belong, where there are any."""
    assert rollups.atoms is not None
    homeless = rollups.atoms.filter(_.aid.isnull()).group_by("uid").aggregate(since=_.day.min())
    days = found.cutoffs.select("c", cut=_.day)
    rows = homeless.join(days, homeless.since < days.cut).select(homeless.uid, days.c)
    return rows.left_join(found.state, ["c", "uid"]).select(
        rows.c, rows.uid, aid=ibis.coalesce(found.state.aid, ibis.literal(-1))
    )


@dataclass(frozen=True)
class _Planned:
    """What one plan is made of: cutoffs that may share it, who there is, and what metrics ask for.

    `everything` are the roll-ups with what was written later.
    """

    inputs: Inputs
    rollups: Rollups
    everything: Rollups
    project: ProjectSpec
    compiled: Compiled
    cutoffs: Cutoffs
    found: People

    @property
    def engine(self) -> Engine:
        """Where it runs."""
        return self.inputs.engine


def _plan(
    inputs: Inputs,
    rollups: Rollups,
    everything: Rollups,
    project: ProjectSpec,
    compiled: Compiled,
    cutoffs: Cutoffs,
    with_labels: bool,
) -> _Rows:
    """One plan for cutoffs that may share it; `everything` are the roll-ups with what was written later."""
    found = people(inputs.engine, inputs, rollups, project, cutoffs)
    plan = _Planned(inputs, rollups, everything, project, compiled, cutoffs, found)
    spine = _spine(inputs, found, rollups, project, cutoffs, compiled)
    # each part is made by the engine while the next one is planned
    parts = [
        (inputs.engine.keep(part, "part"), key)
        for part, key in (*_from_events(plan, spine), *_from_records(plan))
        if part is not None
    ]
    rows = _beside(spine, parts, one=len(cutoffs.days) == 1)
    return _Rows(_finished(plan, rows, with_labels), plan, with_labels)


def _from_events(plan: _Planned, spine: ir.Table) -> Iterator[tuple[ir.Table | None, str]]:
    """The parts that are told of events, each with the key it is matched on."""
    engine, rollups, compiled, cutoffs = plan.engine, plan.rollups, plan.compiled, plan.cutoffs
    homes = None
    if plan.project.entity == "account":
        homes = _homes(rollups, plan.found).filter(_.aid >= 0).group_by("uid").aggregate(aid=_.aid.max())
        homes, rollups = engine.keep(homes, "homes"), replace(rollups, most=None)
    past = rollups.history
    since = None if past is None else min(past.day, cutoffs.days[0] - compiled.cells.longest_window)
    table = aggregations.day_table(rollups, homes, compiled.cells, since=since)
    if homes is not None or not rollups.one_row:
        table = engine.keep(table, "day_table")
    for part in aggregations.windowed(engine, table, compiled.cells, cutoffs, rollups):
        yield part, "ent"
    yield aggregations.ever(engine, table, compiled.cells, cutoffs, rollups), "ent"
    for part in aggregations.distincts(engine, rollups, homes, compiled.cells, cutoffs):
        yield part, "ent"
    if compiled.needs_sessions:
        by_day = rollups.sessions
        if by_day is None or homes is not None:
            pieces = attribute(rollups.pieces, homes)
            by_day = sessions.session_days(pieces, rollups.gap_us, apart=rollups.one_row)
            by_day = engine.keep(by_day, "sessions")
        for part in aggregations.session_cells(engine, by_day, compiled.cells, cutoffs, rollups):
            yield part, "ent"
        if "streak" in compiled.wants:
            yield weeks.streaks(engine, by_day, cutoffs, past), "ent"
    if "weeks" in compiled.wants:
        active_weeks = weeks.active_weeks(engine, table, cutoffs, rollups)
        if plan.project.entity == "account":
            active_weeks = weeks.weeks_since_creation(engine, table, active_weeks, spine)
        yield active_weeks, "ent"


def _from_records(plan: _Planned) -> Iterator[tuple[ir.Table | None, str]]:
    """The parts that are told of other tables, each with the key it is matched on."""
    compiled = plan.compiled
    records = Records(plan.engine, plan.inputs, plan.rollups, plan.found, plan.project, plan.cutoffs)
    for cell, measure in compiled.records.items():
        yield records.measured(measure, cell), "ent"
    if "unresolved" in compiled.wants:
        yield records.unresolved("unresolved"), "ent"
    if "limits" in compiled.wants:
        yield records.limits().rename(limit_value="value"), "aid"
    if "plan" in compiled.wants:
        yield records.subscribed(), "aid"
    if "team" in compiled.wants:
        yield records.team(_active_users(plan.engine, plan.rollups, plan.cutoffs)), "aid"


def _spine(
    inputs: Inputs, found: People, rollups: Rollups, project: ProjectSpec, cutoffs: Cutoffs, compiled: Compiled
) -> ir.Table:
    """The entities of the snapshot with what the metric expressions read of a cutoff."""
    engine = inputs.engine
    ages = sorted({project.min_history_days, *compiled.young})
    frame = cutoffs.frame(back=ages)[["c", *(f"back_{n}" for n in ages)]]
    frame["core_features"] = [rollups.kinds.declared("core", rollups.seen_before(day)) for day in cutoffs.days]
    rows = found.entities.select("c", "ent", "created", "aid", "at", "day")
    rows = placing.beside(engine, rows, frame)
    low, high = _created_span(engine, rows, inputs, rollups)
    rows = rows.mutate(born=rollups.calendar.day_expression(rows.created, low, high))
    return engine.keep(rows, "spine") if len(cutoffs.days) > 1 else rows


def _created_span(engine: Engine, rows: ir.Table, inputs: Inputs, rollups: Rollups) -> tuple[int, int]:
    """Instants between which all entities were created."""
    if not inputs.has("users", "created_at") and not inputs.has("accounts", "created_at"):
        midnight = rollups.calendar.midnight
        return midnight(rollups.first_day), midnight(rollups.last_day + 1)
    span = engine.rows(rows.aggregate(low=_.created.min(), high=_.created.max()))[0]
    return (span["low"] or 0, span["high"] or 0)


def _active_users(engine: Engine, rollups: Rollups, cutoffs: Cutoffs) -> ir.Table:
    """(c, uid) of users with an event in the last 30 days."""
    assert rollups.atoms is not None
    rows = placing.in_window(engine, rollups.atoms.select("uid", "day"), cutoffs, rollups, (ACTIVE_DAYS, 0))
    return rows.select("c", "uid").distinct()


def _beside(spine: ir.Table, parts: Sequence[tuple[ir.Table, str]], *, one: bool) -> ir.Table:
    """The columns of all parts beside the spine, each matched on the cutoff and its key, in one chain of joins.

    With `one` cutoff the key alone is a denser, faster match.
    """
    chain, columns = spine, [spine[n] for n in spine.columns]
    for i, (part, key) in enumerate(parts):
        same = [spine[key] == part[key]] if one else [spine.c == part.c, spine[key] == part[key]]
        chain = chain.left_join(part, same, rname=f"{{name}}_of_{i}")
        columns += [part[n] for n in part.columns if n not in ("c", key)]
    return chain.select(*columns)


def _finished(plan: _Planned, rows: ir.Table, with_labels: bool) -> ir.Table:
    """Expressions into columns, ids back, labels beside."""
    engine, inputs, rollups, everything = plan.engine, plan.inputs, plan.rollups, plan.everything
    project, cutoffs, compiled, found = plan.project, plan.cutoffs, plan.compiled, plan.found
    active = compiled.cells.cell(EVERY_EVENT, (ACTIVE_DAYS, 0))
    columns: dict[str, ir.Value] = {
        "enough_history": _.created <= _[f"back_{project.min_history_days}"],
        "active": _[active].fill_null(0) > 0,
    }
    there = {name: value for name, value in compiled.expressions.items() if name not in compiled.unavailable}
    result = rows.select("c", "ent", "aid", **columns, **there)
    if with_labels:
        if project.custom_outcome is not None:
            labelled = custom_labels.custom_labels(engine, inputs, everything, found, project, cutoffs)
        elif project.outcome_kind == "contract":
            labelled = labels.contract_labels(engine, inputs, everything, found, project, cutoffs)
        else:
            labelled = labels.behavioural_labels(engine, inputs, everything, found, project, cutoffs)
        labelled = engine.keep(labelled, "labels")
        result = result.left_join(labelled, ["c", "ent"]).select(result, labelled.label)
        touched = labels.treated(engine, inputs, everything, found, project, cutoffs)
        if touched is None:
            result = result.mutate(treated=False)
        else:
            touched = engine.keep(touched, "treated")
            result = result.left_join(touched, ["c", "ent"]).select(result, treated=touched.treated.fill_null(False))
    ids = rollups.users if project.entity == "user" else rollups.accounts
    number = "uid" if project.entity == "user" else "aid"
    entity_ids = ids.select(entity_number=ids[number], entity_id=ids[project.id_column])
    result = result.join(entity_ids, result.ent == entity_ids.entity_number).select(result, entity_ids.entity_id)
    if project.entity == "user":
        named = rollups.accounts.select(account_number=_.aid, account_id=_.account_id)
        result = result.left_join(named, result.aid == named.account_number).select(result, named.account_id)
    return result.drop("ent", "aid")


def _framed(rows: _Rows) -> pd.DataFrame:
    """The rows as a frame, in the order of cutoffs and ids."""
    frame = rows.plan.engine.frame(rows.table, order=("c", "entity_id"))
    compiled = rows.plan.compiled
    absent = [name for name in compiled.expressions if name in compiled.unavailable]  # nulls need no engine
    as_of = pd.DataFrame({"as_of": rows.dates.to_numpy()[frame["c"].to_numpy()]}, index=frame.index)
    frame = pd.concat([as_of, frame, pd.DataFrame(np.nan, index=frame.index, columns=absent)], axis=1)
    return frame.rename(columns={"entity_id": rows.plan.project.id_column})[rows.order]


def _as_files_have_it(rows: _Rows, sums: Sequence[str]) -> ir.Table:
    """The rows with all columns of a snapshot, `as_of` a date; `sums` are settled as in frames."""
    compiled, table = rows.plan.compiled, rows.table
    dates = rows.plan.engine.bring(
        pd.DataFrame({"c": np.arange(len(rows.dates), dtype="int32"), "as_of": rows.dates.dt.date}), "dates"
    )
    columns: dict[str, ir.Value] = {name: ibis.null("float64") for name in compiled.unavailable}
    columns |= {name: _settled(table[name]) for name in sums if name not in compiled.unavailable}
    whole = table.mutate(**columns).rename({rows.plan.project.id_column: "entity_id"})
    return whole.join(dates, "c").select(*rows.order)


def _settled(value: ir.FloatingValue) -> ir.Value:
    """`settled`, of a column."""
    scale = ibis.literal(10.0).pow(12 - value.abs().log10().floor())
    return ibis.ifelse(value.abs() > 0, (value * scale).round(0).cast("float64") / scale, value)
