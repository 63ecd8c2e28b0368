"""The two export tables in a PostgreSQL: upserted in one transaction, so that who reads sees one night or the next."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from powerml.errors import UsageError
from powerml.history.exports import CHANGED, CURRENT
from powerml.postgres import EXTRA, NoDatabase, enter_database, has_driver, reason_without
from powerml.progress import Note, silent
from powerml.sinks.http import ServiceDown, ServiceError
from powerml.sinks.plans import (
    Applied,
    Aside,
    SinkPlan,
    Write,
    WriteAction,
    digest_of,
    from_the_ledger,
    id_problem,
    unset,
    utc_now,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from powerml.config.sinks import ExportsSpec, PostgresSpec
    from powerml.history.sent import SinkLedger
    from powerml.history.standing import Standing

TABLES_THERE = {CURRENT: "scores_current", CHANGED: "scores_changed"}
_MARK = "Written by powerml"
_DIGEST = "powerml_digest"
_NUMBERS = {"score", "score_before", "change"}  # also where there is no row to tell it by
LOCK_SECONDS = 60  # that a table is waited for; then the night goes on, and the next one writes it


def database_type(series: pd.Series) -> str:
    """What a column is in the database.

    >>> database_type(pd.Series([1.5])), database_type(pd.Series(["a"])), database_type(pd.Series([True]))
    ('double precision', 'text', 'boolean')
    """
    if pd.api.types.is_bool_dtype(series):
        return "boolean"
    if pd.api.types.is_datetime64_any_dtype(series):
        return "date"
    return "double precision" if pd.api.types.is_numeric_dtype(series) else "text"


@dataclass
class PostgresSink:
    """Writes to the database whose address `url` is; `adopt` takes over tables of that name that others made."""

    schema: str
    variable: str
    url: str = field(default="", repr=False)
    adopt: bool = False
    name: str = "postgres"
    _shapes: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)  # of both tables, also of an empty one

    @classmethod
    def connected(cls, spec: PostgresSpec | ExportsSpec, *, adopt: bool = False, **_: Any) -> Self:
        """The sink with the address that the environment holds; without it a plan is made from the ledger alone."""
        return cls(spec.schema_, spec.url_env, os.environ.get(spec.url_env, ""), adopt)

    def plan(self, standing: Standing, ledger: SinkLedger) -> SinkPlan:
        """Rows that differ from those that stand there, and those that are to go."""
        as_of = standing.as_of.isoformat()
        writes, stays, aside, remarks = [], 0, {}, []
        if not self.url:
            remarks.append(from_the_ledger(unset(self.variable)))
            known = {
                table: {r.key.partition(" ")[2]: r.digest for r in ledger.rows(table).values()}
                for table in TABLES_THERE.values()
            }
        else:
            with self._open() as con:
                for table in TABLES_THERE.values():
                    if self._is_foreign(con, table) and not self.adopt:
                        told = f"a table {self.schema}.{table} is there that powerml did not make"
                        return SinkPlan(self.name, as_of, refusal=f"{told}; name another schema, or give --adopt")
                known = {table: self._known(con, table, standing.id_column) for table in TABLES_THERE.values()}
        for file, frame in ((CURRENT, standing.current()), (CHANGED, standing.changed())):
            table = TABLES_THERE[file]
            types = {str(name): database_type(frame[name]) for name in frame} | {"as_of": "date"}
            types |= dict.fromkeys(_NUMBERS & set(types), "double precision")
            self._shapes[table] = {"types": types, "id_column": standing.id_column, "project": standing.project}
            here = set()
            for row in database_rows(frame):
                id_ = str(row[standing.id_column])
                here.add(id_)
                problem = id_problem(id_, longest=10_000)
                if problem:
                    aside[id_] = problem
                    continue
                digest = digest_of(row)
                if known[table].get(id_) == digest:
                    stays += 1
                    continue
                action: WriteAction = "update" if id_ in known[table] else "create"
                body = {"row": row, **self._shapes[table]}
                writes.append(Write(action, table, id_, id_, digest, body, id_, as_of=as_of))
            gone = [id_ for id_ in known[table] if id_ not in here]
            body = {"id_column": standing.id_column}
            writes += [Write("remove", table, id_, id_, "", body, id_, as_of=as_of) for id_ in gone]
        named = tuple(Aside(id_, why) for id_, why in sorted(aside.items()))
        return SinkPlan(self.name, as_of, tuple(writes), stays, named, tuple(remarks))

    def apply(self, plan: SinkPlan, ledger: SinkLedger, *, note: Note = silent) -> Applied:
        """Writes both tables in one transaction, which is there as a whole or not at all."""
        done = Applied(self.name, failed=plan.failed)
        if not self.url:
            done.failed = unset(self.variable)
            return done
        if not plan.writes:
            return done
        note(f"postgres: {len(plan.writes):,} rows")
        try:
            with self._open() as con:
                self._write(con, plan.writes)
        except ServiceError as error:
            done.failed = str(error)
            return done
        kept = [w.row("sent") for w in plan.writes if w.action != "remove"]
        ledger.write(kept, now=utc_now())
        for table in TABLES_THERE.values():
            ledger.drop(table, [w.key for w in plan.writes if w.kind == table and w.action == "remove"])
        done.written = len(plan.writes)
        return done

    # -- the database

    def _open(self) -> _Connection:
        if not has_driver():
            raise UsageError(f"postgres: needs psycopg; {EXTRA}")
        return _Connection(self.url, self.variable)

    def _is_foreign(self, con: Any, table: str) -> bool:
        found = con.execute(
            "SELECT coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s",
            (self.schema, table),
        ).fetchone()
        return found is not None and not found[0].startswith(_MARK)

    def _columns(self, con: Any, table: str) -> dict[str, str]:
        found = con.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s",
            (self.schema, table),
        )
        return dict(found.fetchall())

    def _known(self, con: Any, table: str, id_column: str) -> dict[str, str]:
        from psycopg import sql

        columns = self._columns(con, table)
        if not columns:
            return {}
        if id_column not in columns or _DIGEST not in columns:
            return {}
        query = sql.SQL("SELECT {}, {} FROM {}").format(
            sql.Identifier(id_column), sql.Identifier(_DIGEST), sql.Identifier(self.schema, table)
        )
        return {str(id_): str(digest) for id_, digest in con.execute(query).fetchall()}

    def _write(self, con: Any, writes: Sequence[Write]) -> None:
        from psycopg import sql

        con.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"powerml {self.schema}",))  # one writer at a time
        for table in TABLES_THERE.values():
            rows = [w for w in writes if w.kind == table and w.action != "remove"]
            gone = [w.key for w in writes if w.kind == table and w.action == "remove"]
            place = sql.Identifier(self.schema, table)
            if (body := rows[0].body if rows else self._shapes.get(table)) is not None:
                self._prepare(con, table, body["types"], body["id_column"], body["project"])
            if rows:
                body = rows[0].body
                names = [*body["types"], _DIGEST]
                columns = sql.SQL(", ").join(map(sql.Identifier, names))
                key = sql.Identifier(body["id_column"])
                fresh = sql.SQL(", ").join(
                    sql.SQL("{0} = excluded.{0}").format(sql.Identifier(n)) for n in names if n != body["id_column"]
                )
                marks = sql.SQL(", ").join(sql.Placeholder() * len(names))
                upsert = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}").format(
                    place, columns, marks, key, fresh
                )
                with con.cursor() as cursor:
                    cursor.executemany(upsert, [[*(w.body["row"][n] for n in names[:-1]), w.digest] for w in rows])
            if gone:
                key = sql.Identifier(next(w.body["id_column"] for w in writes if w.kind == table))
                con.execute(sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)").format(place, key), (gone,))

    def _prepare(self, con: Any, table: str, types: Mapping[str, str], id_column: str, project: str) -> None:
        """Makes the table, or the columns that it lacks."""
        from psycopg import sql

        place, there = sql.Identifier(self.schema, table), self._columns(con, table)
        wanted = {**types, _DIGEST: "text"}
        if not there:
            con.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(self.schema)))
            columns = [sql.SQL("{} " + kind).format(sql.Identifier(name)) for name, kind in wanted.items()]
            columns.append(sql.SQL("PRIMARY KEY ({})").format(sql.Identifier(id_column)))
            con.execute(sql.SQL("CREATE TABLE {} ({})").format(place, sql.SQL(", ").join(columns)))
        else:
            for name, kind in wanted.items():
                if name not in there:
                    con.execute(sql.SQL("ALTER TABLE {} ADD COLUMN {} " + kind).format(place, sql.Identifier(name)))
            index = sql.Identifier(f"{table}_{id_column}_powerml")
            con.execute(
                sql.SQL("CREATE UNIQUE INDEX IF NOT EXISTS {} ON {} ({})").format(
                    index, place, sql.Identifier(id_column)
                )
            )
        told = f"{_MARK}, project {project}: a row per {id_column.removesuffix('_id')}, brought up to date each night"
        con.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(place, sql.Literal(told)))


class _Connection:
    """A transaction on a connection of its own; what goes wrong is told without the address."""

    def __init__(self, url: str, variable: str) -> None:
        self.url, self.variable = url, variable
        self.con: Any = None

    def __enter__(self) -> Any:
        from psycopg import Error

        try:
            self.con = enter_database(self.url)
        except NoDatabase as error:
            if error.address:
                raise ServiceDown(f"what {self.variable} holds {error}", unclear=False) from None
            told = f"the database in {self.variable} does not let us in ({error}); check address, password and server"
            raise ServiceDown(told, unclear=False) from None
        try:
            self.con.execute("SELECT set_config('lock_timeout', %s, false)", (f"{LOCK_SECONDS}s",))
        except Error as error:
            self.con.close()
            raise self._told(error) from None
        return self.con

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        from psycopg import Error

        try:
            if kind is None:
                self.con.commit()
        except Error as failed:
            raise self._told(failed) from None
        finally:
            self.con.close()
        if isinstance(error, Error):
            raise self._told(error) from None

    def _told(self, error: Exception) -> ServiceDown:
        reason = reason_without(self.url, error)
        return ServiceDown(f"the database in {self.variable} did not take the tables ({reason})", unclear=True)


def database_rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of an export table as the database takes them: no NaN, no character that it cannot hold."""
    plain = frame.assign(as_of=pd.to_datetime(frame["as_of"]).dt.date)
    for row in plain.astype(object).where(plain.notna(), None).to_dict("records"):
        yield {str(n): v.replace("\x00", "") if isinstance(v, str) else _number(v) for n, v in row.items()}


def _number(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.date()
    return value.item() if hasattr(value, "item") else value
