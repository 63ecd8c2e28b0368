"""The golden project's tables as a PostgreSQL server and a DuckDB file have them: with types, under the same names."""

from __future__ import annotations

from pathlib import Path

import duckdb

GOLDEN = Path(__file__).parents[1] / "golden" / "raw"
TABLES = {
    "events": "event_id text, user_id text, account_id text, event varchar(80), time timestamptz, session_id text,"
    " value numeric",
    "users": "user_id text, account_id text, created_at timestamptz, deactivated_at timestamptz",
    "accounts": "account_id text, created_at timestamptz, name text",
    "subscriptions": 'account_id text, start timestamptz, "end" timestamptz, plan text, mrr numeric(12,2), seats int',
    "usage_limits": 'account_id text, time timestamptz, resource text, used float8, "limit" int',
    "tickets": "ticket_id text, account_id text, user_id text, opened_at timestamptz, resolved_at timestamptz,"
    " sentiment text, csat smallint",
    "surveys": "user_id text, time timestamptz, nps smallint",
}


def fill_postgres(con) -> None:
    """Makes the tables on a server and copies the golden files in."""
    for table, columns in TABLES.items():
        con.execute(f"CREATE TABLE {table} ({columns})")
        header = (GOLDEN / f"{table}.csv").open().readline().strip()
        names = ", ".join(f'"{column}"' for column in header.split(","))
        with con.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT csv, HEADER)") as copy:
            copy.write((GOLDEN / f"{table}.csv").read_bytes())
    con.commit()


def fill_duckdb(path: Path) -> None:
    """Makes a DuckDB file of the golden files, with the types that DuckDB finds."""
    with duckdb.connect(str(path)) as con:
        for table in TABLES:
            con.execute(f"CREATE TABLE {table} AS FROM read_csv('{GOLDEN / table}.csv', nullstr='')")
