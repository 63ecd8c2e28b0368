"""The file in which roll-ups are kept between runs: its tables, and what is remembered of them."""

from __future__ import annotations

import contextlib
import json
import logging
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from ibis.backends.sql.datatypes import DuckDBType

from powerml.errors import DataError
from powerml.snapshots.aggregations import Atom
from powerml.snapshots.engine.duckdb import DuckDBEngine, literal
from powerml.writing import is_held, private_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DATABASE = "rollups"
ROLLUPS_FILE = "rollups.duckdb"
_OURS = "powerml"  # what our files remember from the beginning
_LOG = logging.getLogger(__name__)


class _Held(Exception):
    """Another run has the cache open."""


def is_damaged(folder: Path) -> bool:
    """Whether the cache in a folder, which nobody may have open, cannot be read to its end."""
    path = folder / ROLLUPS_FILE
    if not path.exists():
        return False
    try:
        with duckdb.connect(path) as con:
            for (table,) in con.execute("select table_name from duckdb_tables()").fetchall():
                con.execute(f'select count(*), bit_xor(hash(t)) from "{table}" t').fetchall()
    except duckdb.Error as error:
        return not is_held(error)
    return False


def throw_away(folder: Path) -> None:
    """Removes the cache in a folder and says so; what it held is made anew."""
    for name in (ROLLUPS_FILE, f"{ROLLUPS_FILE}.wal"):
        (folder / name).unlink(missing_ok=True)
    _LOG.warning("%s: is damaged or no cache of this version; thrown away and made anew", folder / ROLLUPS_FILE)


@dataclass
class RollupStore:
    """The open cache: keeps what is made of the roll-ups under a name, and finds it again.

    What it holds and remembers is read once; what is changed is written by the engine's worker.
    """

    engine: DuckDBEngine
    path: Path
    _values: dict[str, str] = field(default_factory=dict)
    _schemas: dict[str, ibis.Schema] = field(default_factory=dict)

    @classmethod
    def open(cls, engine: DuckDBEngine, folder: Path) -> RollupStore | None:
        """The cache in a folder; None where another run holds it (this run then goes without).

        One that is damaged, or none of ours, is thrown away with a sentence and begun afresh.
        """
        path = folder / ROLLUPS_FILE
        try:
            private_folder(folder)
            found = cls._attached(engine, path)
            if found is None:
                throw_away(folder)
                found = cls._attached(engine, path)
        except OSError as error:
            raise DataError.in_file(folder, f"cannot be used ({error.strerror})", "check space and rights") from None
        except _Held:
            return None
        if found is None:
            raise DataError.in_file(path, "cannot be made", "check space and rights")
        return found

    @classmethod
    def _attached(cls, engine: DuckDBEngine, path: Path) -> RollupStore | None:
        """The file attached; None where it holds something else than this cache."""
        try:
            engine.run(f"attach {literal(str(path))} as {DATABASE}")
        except duckdb.Error as error:
            if is_held(error):
                raise _Held from None
            return None
        try:
            columns: dict[str, dict[str, dt.DataType]] = {}
            for table, column, kind in engine.run(
                f"select table_name, column_name, data_type from duckdb_columns() where database_name = '{DATABASE}'"
                " order by table_name, column_index"
            ):
                columns.setdefault(table, {})[column] = _type_of(kind)
            if not columns:
                engine.run(f"create table {DATABASE}.meta (name varchar primary key, value varchar)")
                engine.run(f"insert into {DATABASE}.meta values ('{_OURS}', 'true')")
            else:
                del columns["meta"]
            values = dict(engine.run(f"select name, value from {DATABASE}.meta"))
            if _OURS in values and _readable(values):
                return cls(engine, path, values, {name: ibis.schema(kinds) for name, kinds in columns.items()})
        except (duckdb.Error, KeyError, TypeError, ValueError):  # damaged, or of another making
            engine.give_up()
        with contextlib.suppress(duckdb.Error):
            engine.run(f"detach {DATABASE}")
        return None

    def get(self, name: str) -> Any:
        """A remembered value, or None."""
        return json.loads(self._values[name]) if name in self._values else None

    def put(self, name: str, value: object) -> None:
        """Remembers a value."""
        self._values[name] = json.dumps(value)
        self.later(f"insert or replace into {DATABASE}.meta values ({literal(name)}, {literal(self._values[name])})")

    def forget_all(self) -> None:
        """Drops everything kept and remembered."""
        for name in self.tables():
            self.drop(name)
        self._values = {_OURS: "true"}
        self.later(f"delete from {DATABASE}.meta where name <> '{_OURS}'")

    def tables(self) -> set[str]:
        """Names of the tables kept."""
        return set(self._schemas)

    def table(self, name: str) -> ir.Table:
        """A kept table."""
        return self.engine.made(name, self._schemas[name], database=DATABASE)

    def later(self, *statements: str) -> None:
        """Has the engine's worker run SQL."""
        self.engine.later(*statements)

    def keep(self, expression: ir.Table, name: str, *, order: str | None = None) -> ir.Table:
        """Replaces a kept table by the rows of an expression."""
        sql = self.engine.backend.compile(expression)
        ordered = f" order by {order}" if order else ""
        self.later(f'create or replace table {DATABASE}."{name}" as select * from ({sql}){ordered}')
        self._schemas[name] = expression.schema()
        return self.table(name)

    def add(self, expression: ir.Table, name: str) -> None:
        """Adds the rows of an expression to a kept table."""
        self.later(f'insert into {DATABASE}."{name}" by name {self.engine.backend.compile(expression)}')

    def drop(self, name: str) -> None:
        """Drops a kept table, if it is there."""
        self._schemas.pop(name, None)
        self.later(f'drop table if exists {DATABASE}."{name}"')

    def remember_atoms(self, atoms: Sequence[Atom]) -> None:
        """Remembers what the columns of the kept atoms are."""
        self.put("atoms", [asdict(atom) for atom in atoms])

    def atoms(self) -> list[Atom]:
        """What the columns of the kept atoms are."""
        return [
            Atom(a["kind"], tuple((k, tuple(v)) for k, v in a["where"]), a["of"], a["word"])
            for a in self.get("atoms") or []
        ]


def _readable(values: Mapping[str, str]) -> bool:
    """Whether all that is remembered can be read; raises ValueError or TypeError where not."""
    for value in values.values():
        json.loads(value)
    return True


@lru_cache
def _type_of(kind: str) -> dt.DataType:
    return DuckDBType.from_string(kind)
