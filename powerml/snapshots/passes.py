"""Work cut into passes that fit into memory: some users at a time, with all that their metrics are told of.

Nothing that is counted for one user or account reads the events of another, but for those that share an account or a
ticket: who is connected so goes into one pass. Kinds of event, days and what was seen when are found over all events
first. What comes of a pass waits in a file for the others, so that the answers are those of one pass.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from ibis import _
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from powerml.progress import Note, per_second, silent
from powerml.snapshots.dataset import Snapshots, snapshots
from powerml.snapshots.engine.duckdb import DuckDBEngine
from powerml.snapshots.engine.memory import memory_limit
from powerml.snapshots.engine.words import hash64
from powerml.snapshots.rollup import Inputs, roll_up
from powerml.writing import not_writable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import ibis.expr.types as ir

    from powerml.config.metrics import MetricSpec
    from powerml.config.project import ProjectSpec
    from powerml.snapshots.engine.base import Engine
    from powerml.snapshots.rollup import Overall
    from powerml.snapshots.windows import Cutoffs

EVENT_BYTES = 87  # memory that an event takes while snapshots are made, as measured from 24 to 100 million events
ROW_BYTES = 1800  # and a row of the snapshots, in the engine and as a frame
OURS_BYTES = 500_000_000  # Python with its libraries
FOR_ENGINE = 0.7  # the share of the limit that the engine may take in a pass; the rest is for the frame that it gives
KEPT_WITHIN = 1.1  # one pass may need so many times the limit: what it lacks the engine writes to disk
FEW_EVENTS = 100_000  # so few are never cut unless the limit says so


@dataclass(frozen=True)
class Passes:
    """How many passes, and why, in words; the engine's limit in bytes while they run; how many events there are.

    extra: event columns that tell kinds of event apart, see `roll_up`.
    users, accounts: (user_id, part) and (account_id, part); None where users stand alone and are told apart by hash.
    """

    number: int
    why: str
    limit_bytes: int
    events: int
    extra: tuple[str, ...] = ()
    users: ir.Table | None = None
    accounts: ir.Table | None = None

    def part(self, inputs: Inputs, number: int) -> Inputs:
        """The tables of the users (and accounts) of one pass."""
        tables = {name: self._of(table, inputs.columns[name], number) for name, table in inputs.tables.items()}
        return Inputs(inputs.engine, tables, inputs.columns)

    def _of(self, table: ir.Table, columns: Sequence[str], number: int) -> ir.Table:
        by = [column for column in ("user_id", "account_id") if column in columns]
        if self.users is None or self.accounts is None:
            return table.filter(hash64(table.user_id) % self.number == number) if "user_id" in by else table
        homes = {"user_id": self.users.filter(_.part == number), "account_id": self.accounts.filter(_.part == number)}
        if not by:
            return table
        there = table.semi_join(homes[by[0]], by[0])
        if len(by) == 1 or "ticket_id" not in columns:  # only a ticket may name an account and no user
            return there
        return there.union(table.filter(table.user_id.isnull()).semi_join(homes["account_id"], "account_id"))


def passes_for(
    inputs: Inputs, project: ProjectSpec, *, events: int, dates: int, users: ir.Table | None = None
) -> Passes | None:
    """The passes that snapshots of some `events` at some `dates` need to stay within memory; None where one will do.

    Users are counted by their table where they are numbered already, else about.
    """
    engine = inputs.engine
    if not isinstance(engine, DuckDBEngine):  # others cut their work themselves
        return None
    limit = memory_limit(engine.run)
    if not project.memory_limit and (events < FEW_EVENTS or events * (EVENT_BYTES + ROW_BYTES * dates) <= limit):
        return None
    if users is None:
        ((many,),) = engine.run("select approx_count_distinct(user_id) from events")
    else:
        many = engine.rows(users.aggregate(n=_.count()))[0]["n"]
    need = OURS_BYTES + events * EVENT_BYTES + many * dates * ROW_BYTES
    if need <= KEPT_WITHIN * limit:
        return None
    room = max(FOR_ENGINE * limit - OURS_BYTES, 0.1 * limit)
    number = min(int(np.ceil((need - OURS_BYTES) / room)), max(many, 1))
    why = (
        f"{events:,} events of some {many:,} users at {dates} date{'s'[: dates != 1]} need about {_gb(need)}, and "
        f"{'memory_limit' if project.memory_limit else 'the machine'} gives {_gb(limit)}"
    )
    return cut_by_user(inputs, project, number, why, limit, events) if number > 1 else None


def cut_by_user(inputs: Inputs, project: ProjectSpec, number: int, why: str, limit: int, events: int) -> Passes:
    """Users and accounts in a number of parts of about as many events; who is connected is in one."""
    linked = [name for name in ("events", "users", "tickets") if inputs.has(name, "account_id")]
    held = round(FOR_ENGINE * limit)
    if not linked and project.entity == "user":
        return Passes(number, f"{number} passes by user: {why}", held, events)
    engine, tables = inputs.engine, inputs.tables
    counted = tables["events"].group_by([c for c in ("user_id", "account_id") if inputs.has("events", c)])
    found = [engine.frame(counted.aggregate(n=_.count()))]
    for name in tables:
        columns = [c for c in ("user_id", "account_id") if inputs.has(name, c)]
        if name != "events" and columns:
            found.append(engine.frame(tables[name].select(columns).distinct()))
    pairs = pd.concat(found, ignore_index=True).reindex(columns=["user_id", "account_id", "n"])
    pairs = pairs.dropna(subset=["user_id", "account_id"], how="all")
    users, user_ids = pd.factorize(pairs["user_id"])
    accounts, account_ids = pd.factorize(pairs["account_id"])
    parts, largest = balanced(users, accounts, pairs["n"].fillna(0).to_numpy(float), number)
    said = f"{number} passes by user and account: {why}"
    if largest > 1.5 / number:
        said += f"; {largest:.0%} of the events are of users that share accounts, which no pass can part"
    return Passes(
        number,
        said,
        held,
        events,
        users=_brought(engine, "user_id", user_ids, parts[: len(user_ids)]),
        accounts=_brought(engine, "account_id", account_ids, parts[len(user_ids) :]),
    )


def balanced(users: np.ndarray, accounts: np.ndarray, weights: np.ndarray, number: int) -> tuple[np.ndarray, float]:
    """The part (from 0) of each user and then each account, and the share of the weight that hangs together most.

    `users`, `accounts`: their numbers by row, -1 for none; `weights`: events by row.
    """
    many_users, many = int(users.max(initial=-1)) + 1, int(accounts.max(initial=-1)) + 1
    both = (users >= 0) & (accounts >= 0)
    ones = np.ones(int(both.sum()), dtype=np.int8)
    nodes = many_users + many
    graph = sparse.coo_matrix((ones, (users[both], many_users + accounts[both])), shape=(nodes, nodes))
    count, component = connected_components(graph, directed=False)
    anyone = np.where(users >= 0, users, many_users + accounts)
    weight = np.bincount(component[anyone], weights=weights, minlength=count)
    place = np.empty(count, dtype=np.int64)
    place[np.argsort(-weight, kind="stable")] = np.arange(count)
    turn, step = np.divmod(place, number)  # the heaviest first, forth and back over the parts
    part = np.where(turn % 2 == 0, step, number - 1 - step)
    total = weight.sum()
    return part[component], float(weight.max(initial=0) / total) if total else 0.0


def _brought(engine: Engine, column: str, ids: pd.Index, parts: np.ndarray) -> ir.Table:
    table = pa.table({column: pa.array(ids, pa.string()), "part": pa.array(parts, pa.int32())})
    return engine.bring(table, "parts")


def in_passes(
    inputs: Inputs,
    whole: Overall,
    project: ProjectSpec,
    metrics: Mapping[str, MetricSpec],
    cutoffs: Cutoffs,
    passes: Passes,
    *,
    with_labels: bool = False,
    note: Note = silent,
) -> Snapshots:
    """As `snapshots`, in passes: each rolls its users' events up, and what comes of it waits in a file."""
    engine, unavailable, files = inputs.engine, dict[str, str](), list[Path]()
    assert isinstance(engine, DuckDBEngine)
    engine.run(f"set memory_limit = '{passes.limit_bytes}B'")
    with tempfile.TemporaryDirectory(prefix="powerml-passes-") as folder:
        begun, kinds = time.monotonic(), None
        for number in range(passes.number):
            done = f", events: {per_second(passes.events * number / passes.number, begun)}" if number else ""
            note(f"pass {number + 1} of {passes.number}{done}")
            with engine.scratch():
                some = passes.part(inputs, number)
                rollups = roll_up(some, project, extra=passes.extra, amounts=whole.amounts, whole_of=whole)
                made = snapshots(some, rollups, project, metrics, cutoffs, with_labels=with_labels)
            unavailable |= made.unavailable
            kinds = made.frame.dtypes
            files.append(_put(made.frame, Path(folder, f"{number}.parquet")))
            del made, rollups, some
        assert kinds is not None
        note(f"putting {passes.number} passes together")
        return Snapshots(_together(files, kinds, project.id_column), unavailable)


def _put(frame: pd.DataFrame, target: Path) -> Path:
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        pq.write_table(table, target, compression="lz4", use_dictionary=False)
    except OSError as error:
        raise not_writable(target, error) from None
    return target


def _together(files: Sequence[Path], kinds: pd.Series, key: str) -> pd.DataFrame:
    """The rows of all files in the order of a snapshot, a column at a time, so that no second copy is held."""
    order = pc.sort_indices(_read(files, ["as_of", key]), sort_keys=[("as_of", "ascending"), (key, "ascending")])
    columns = {}
    for column, kind in kinds.items():
        values = _read(files, [str(column)]).column(0).take(order)
        columns[column] = values.to_pandas().astype(kind)
    return pd.DataFrame(columns, copy=False)


def _read(files: Sequence[Path], columns: list[str]) -> pa.Table:
    return pa.concat_tables([pq.read_table(file, columns=columns) for file in files])


def _gb(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"
