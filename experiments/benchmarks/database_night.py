"""What a night costs whose events are in a PostgreSQL: by way of the weeks that are kept, beside reading all.

    python experiments/benchmarks/database_night.py [--events 2] [--rounds 1]

Starts a server of its own, fills a table of so many million events over 364 days, and takes one snapshot without a
cache, a first one that keeps the events by week, one with nothing new, and one with a day more, which must equal the
snapshot of a run without a cache. Seconds by the clock hold the server's work, CPU seconds only ours.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import psycopg
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))
from powerml.config.project import load_project
from powerml.workflows.project import open_project
from tests.tracking.servers import postgres

NOW = datetime(2026, 2, 1, tzinfo=UTC)
LAST, NEXT = date(2025, 12, 31), date(2026, 1, 1)
TABLE = """CREATE TABLE events AS SELECT g::text AS event_id, 'u' || (hashint4(g) & 16383) AS user_id,
  (ARRAY['signed_in', 'made', 'shared', 'seen'])[1 + (hashint4(g + 7) & 3)] AS event,
  timestamptz '2025-01-01Z' + g * (interval '364 days' / {n}) AS time FROM generate_series(1, {n}) g"""
MORE = """INSERT INTO events SELECT 'n' || g, 'u' || (hashint4(g) & 16383), 'made',
  timestamptz '2025-12-31Z' + g * (interval '1 day' / ({n} / 364 + 1)) FROM generate_series(0, {n} / 364) g"""
SPEC = {
    "project": "warehouse",
    "tables": {"events": {"database": {"url_env": "WAREHOUSE"}, "table": "events"}},
    "vocabulary": {"signed_in": {"roles": ["login"]}, "made": {"tier": "core", "roles": ["key_action"]}},
}


def spent() -> float:
    """CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def snapshot(folder: Path, day: date, *, cache: bool, what: str) -> pd.DataFrame:
    """A snapshot, and its cost in a line."""
    said: list[str] = []
    cpu, clock = spent(), time.monotonic()
    opened = open_project(load_project(folder / "powerml.yaml"), now=NOW, cache=cache, dates=1, note=said.append)
    frame = opened.build([day]).frame
    opened.inputs.engine.wait()
    weeks = "; ".join(one for one in said if "weeks" in one)
    print(f"{what:<24}{time.monotonic() - clock:8.1f} s{spent() - cpu:8.1f} CPU s  {weeks}", flush=True)
    opened.loaded.con.close()
    return frame


def one_round(events: int) -> None:
    """One server, one table, five snapshots."""
    with tempfile.TemporaryDirectory() as place, postgres() as address:
        os.environ["WAREHOUSE"] = address
        folder = Path(place)
        (folder / "powerml.yaml").write_text(yaml.safe_dump(SPEC))
        with psycopg.connect(address, autocommit=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            con.execute(TABLE.format(n=events).encode())
            con.execute("VACUUM ANALYZE events")
            snapshot(folder, LAST, cache=False, what="without a cache")
            snapshot(folder, LAST, cache=True, what="the first that keeps")
            snapshot(folder, LAST, cache=True, what="nothing new")
            con.execute(MORE.format(n=events).encode())
            warm = snapshot(folder, NEXT, cache=True, what="a day more")
            cold = snapshot(folder, NEXT, cache=False, what="the same, without a cache")
            pd.testing.assert_frame_equal(warm, cold, rtol=1e-12)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=float, default=2, help="millions")
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    for _ in range(asked.rounds):
        one_round(round(asked.events * 1e6))
