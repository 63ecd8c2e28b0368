"""Random nights: clocks that move, files late, changed and gone, rows not yet or never true; cached equals cold."""

from __future__ import annotations

import os
import random
from datetime import UTC, date, datetime, timedelta

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from powerml.config.project import load_project
from powerml.workflows.project import open_project

EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "2"))
FEW = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)
START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("signed_in", "made", "made:x", "shared", "pulse")
VOCABULARIES = (
    {
        "signed_in": {"roles": ["login"]},
        "made*": {"tier": "core", "roles": ["key_action"]},
        "pulse": {"roles": ["ignore"]},
    },
    {"made": {"tier": "advanced"}, "pulse": {}},
)
TIMES = ("time", "known_at")
# One of each kind of plan; all sixty take five times as long.
METRICS = (
    "events_30d", "logins_30d", "days_since_last_active", "account_age_days", "active_week_ratio", "active_week_streak",
    "distinct_features_30d", "session_minutes_mean_30d", "data_processed_30d", "team_size", "new_categories_30d",
    "core_features_30d", "core_feature_share_30d", "advanced_feature_days_ever",
)  # fmt: skip


class Nights:
    """A project in a folder whose files come, change and go."""

    def __init__(self, folder, seed: int) -> None:
        self.folder, self.chance = folder, random.Random(seed)
        chance = self.chance
        optional = [c for c in ("account_id", "session_id", "event_id", "value", "known_at") if chance.random() < 0.5]
        self.columns = ["user_id", "event", "time", *optional]
        self.spec = {
            "project": "nights",
            "timezone": chance.choice(("UTC", "Europe/Berlin", "Asia/Tokyo")),
            "entity": chance.choice(("user", "user", "account")),
            "outcome": {"kind": "behavioural"},
            "tables": {"events": {"files": "events", "max_bad_rows": 1}, "users": {"files": "users.csv"}},
            "vocabulary": VOCABULARIES[0],
        }
        self.naive = chance.random() < 0.3
        self.minted = 0
        (folder / "events").mkdir()
        (folder / "users.csv").write_text("user_id,account_id\n" + "".join(f"u{i},a{i % 3}\n" for i in range(6)))

    def write(self, name: str, night: datetime, rows: int) -> None:
        """A file of events: most of the days before the night, some late, some not yet true, some never."""
        schema = pa.schema([(c, self._kind(c)) for c in self.columns])
        made = [{c: row[c] for c in self.columns} for row in (self.row(night) for _ in range(rows))]
        pq.write_table(pa.Table.from_pylist(made, schema=schema), self.folder / "events" / f"{name}.parquet")

    def _kind(self, column: str) -> pa.DataType:
        if column in TIMES:
            return pa.timestamp("us", tz=None if self.naive else "UTC")
        return pa.float64() if column == "value" else pa.string()

    def row(self, night: datetime) -> dict:
        chance = self.chance
        self.minted += 1
        back = chance.choice((1, 1, 1, 1, 3, 20, 45)) * chance.random()
        time = night - timedelta(days=back)
        if chance.random() < 0.12:
            time = night + timedelta(hours=chance.choice((1, 5, 30, 24 * 9)))
        elif chance.random() < 0.04:
            time = datetime(1970, 1, 1, tzinfo=UTC)
        known = chance.choice((None, time, time + timedelta(days=chance.choice((1, 4)))))
        if self.naive:
            time, known = time.replace(tzinfo=None), known and known.replace(tzinfo=None)
        return {
            "user_id": chance.choice(("u0", "u1", "u2", "u3", " u1", "u2 ", "17", "17.0", "NULL")),
            "event": chance.choice((*NAMES, f"new {self.minted}") if chance.random() < 0.1 else NAMES),
            "time": time,
            "account_id": chance.choice((None, "a0", "a1", "None")),
            "session_id": chance.choice((None, "s1", f"v{self.minted // 4}")),
            "event_id": f"e{chance.randrange(self.minted) if chance.random() < 0.1 else self.minted}",
            "value": chance.choice((None, 1.5, float("inf"))) if chance.random() < 0.1 else 2.0,
            "known_at": known,
        }

    def happen(self, number: int, night: datetime) -> None:
        """What befalls the files before a night."""
        self.write(f"{number:03}", night, self.chance.randrange(5, 40))
        there = sorted(path.stem for path in (self.folder / "events").iterdir())
        kind = self.chance.random()
        if kind < 0.2:
            self.write(self.chance.choice(there), night, self.chance.randrange(1, 30))
        elif kind < 0.35 and len(there) > 1:
            (self.folder / "events" / f"{self.chance.choice(there)}.parquet").unlink()
        elif kind < 0.45:
            self.write("000 earlier", night - timedelta(days=30), 12)
        elif kind < 0.5:
            self.spec["vocabulary"] = self.chance.choice(VOCABULARIES)
        elif kind < 0.55:
            self.spec["earliest"] = self.chance.choice((date(1965, 1, 1), date(2025, 12, 30))).isoformat()
        elif kind < 0.6:
            self.spec["ids"] = self.chance.choice(("exact", "casefold"))
        (self.folder / "powerml.yaml").write_text(yaml.safe_dump(self.spec))


def seen(folder, now: datetime, as_of: date, *, cache: bool) -> dict:
    opened = open_project(load_project(folder / "powerml.yaml"), now=now, cache=cache)
    opened.metrics = {name: opened.metrics[name] for name in METRICS}
    made = opened.build([as_of], labels=True)
    found = {
        "frame": made.frame,
        "loads": made.loads,
        "unmapped": made.unmapped,
        "counts": dict(made.vocabulary_counts),
        "days": (opened.first_day, opened.last_day),
    }
    opened.inputs.engine.backend.con.close()
    return found


def same(warm: dict, cold: dict) -> None:
    pd.testing.assert_frame_equal(warm.pop("frame"), cold.pop("frame"), rtol=1e-12)
    pd.testing.assert_frame_equal(warm.pop("loads"), cold.pop("loads"))
    assert warm == cold


@pytest.mark.slow
@FEW
@given(seed=st.integers(0, 2**32 - 1))
def test_cached_equals_cold_whatever_the_clock_and_the_files_do(seed, tmp_path_factory):
    nights = Nights(tmp_path_factory.mktemp("nights"), seed)
    for number in range(6):
        night = START + timedelta(days=7 * number)
        nights.happen(number, night)
        now = night + timedelta(hours=nights.chance.choice((0, 2, 2, 12, 26, 24 * 12, -24 * 8)))
        as_of = (night + timedelta(days=nights.chance.choice((0, 0, 1, -3)))).date()
        same(seen(nights.folder, now, as_of, cache=True), seen(nights.folder, now, as_of, cache=False))
    assert (nights.folder / ".powerml" / "cache" / "rollups.duckdb").exists()


def small(folder, days: int = 40) -> datetime:
    """A project of two files of events; gives the night after."""
    (folder / "events").mkdir(exist_ok=True)
    times = pd.date_range("2026-01-01 09:00", periods=days, freq="D", tz="UTC")
    for half, some in enumerate((times[: days // 2], times[days // 2 :])):
        frame = pd.DataFrame({"user_id": "ada", "event": "seen", "time": some, "event_id": [f"{t:%j}" for t in some]})
        frame.to_parquet(folder / "events" / f"{half}.parquet", index=False)
    (folder / "powerml.yaml").write_text("project: small\ntables: {events: {files: events}}\nvocabulary: {}\n")
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)


def test_rows_of_the_future_count_once_the_clock_has_passed_them(tmp_path):
    night = small(tmp_path)
    early = night - timedelta(days=8)
    spec = yaml.safe_load((tmp_path / "powerml.yaml").read_text())
    spec["tables"]["events"]["max_bad_rows"] = 1
    (tmp_path / "powerml.yaml").write_text(yaml.safe_dump(spec))
    first = seen(tmp_path, early, night.date(), cache=True)
    assert first["frame"]["events_30d"].tolist() == [22]
    assert first["days"][1] == early.date() - timedelta(days=1)
    later = seen(tmp_path, night, night.date(), cache=True)
    assert later["frame"]["events_30d"].tolist() == [30]
    same(later, seen(tmp_path, night, night.date(), cache=False))


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def flipped(data: bytes, chance: random.Random) -> bytes:
    places = [chance.randrange(len(data)) for _ in range(chance.choice((1, 8, 64)))]
    changed = bytearray(data)
    for place in places:
        changed[place] ^= 1 << chance.randrange(8)
    return bytes(changed)


def foreign(data: bytes, chance: random.Random) -> bytes:
    return chance.choice((b"", b"hello", b"PAR1 and no more", b"SQLite format 3\0" * 400, data[::-1]))


@pytest.mark.parametrize(
    "damage", [cut, *(pytest.param(damage, marks=pytest.mark.slow) for damage in (flipped, foreign))]
)
def test_a_damaged_cache_is_thrown_away_with_a_sentence(damage, tmp_path, caplog):
    night, chance = small(tmp_path), random.Random(7)
    cold = seen(tmp_path, night, night.date(), cache=False)
    folder = tmp_path / ".powerml" / "cache"
    for _ in range(max(EXAMPLES // 2, 1)):
        seen(tmp_path, night, night.date(), cache=True)
        victims = sorted(path for path in folder.iterdir() if path.is_file())
        assert len(victims) >= 4
        for path in victims:
            data = path.read_bytes()
            path.write_bytes(damage(data, chance))
            caplog.clear()
            warm = seen(tmp_path, night, night.date(), cache=True)
            same(warm, dict(cold))
            assert all("thrown away and made anew" in record.getMessage() for record in caplog.records)
            if damage is foreign:
                assert caplog.records, path


def test_a_database_of_another_making_is_no_cache(tmp_path, caplog):
    night = small(tmp_path)
    folder = tmp_path / ".powerml" / "cache"
    folder.mkdir(parents=True)
    with duckdb.connect(folder / "rollups.duckdb") as con:
        con.execute("create table meta (a int); create view days as select 1 as uid; create table pieces (x int)")
    warm = seen(tmp_path, night, night.date(), cache=True)
    assert "thrown away" in caplog.text
    same(warm, seen(tmp_path, night, night.date(), cache=False))


def test_a_block_that_only_a_snapshot_reads_is_found_there(tmp_path, caplog):
    """The roll-ups are opened, and damage comes up while a snapshot is made of them."""
    night = small(tmp_path)
    seen(tmp_path, night, night.date(), cache=True)
    opened = open_project(load_project(tmp_path / "powerml.yaml"), now=night, cache=True)
    broken = opened.inputs.engine.backend.con
    broken.execute("attach ':memory:' as aside")

    def refuse(*_args, **_more):
        raise duckdb.IOException("Corrupt database file: computed checksum 1 does not match stored checksum 2")

    path = tmp_path / ".powerml" / "cache" / "rollups.duckdb"
    opened.rollups.store.engine.wait()
    opened.inputs.engine._arrow = refuse
    real = path.read_bytes
    close, size = opened.loaded.con.close, len(real())

    class Closing:
        def close(self) -> None:
            close()
            path.write_bytes(b"x" * size)

    object.__setattr__(opened.loaded, "con", Closing())
    frame = opened.build([night.date()], labels=True).frame
    assert "thrown away" in caplog.text
    cold = seen(tmp_path, night, night.date(), cache=False)["frame"]
    pd.testing.assert_frame_equal(frame[cold.columns], cold, rtol=1e-12)
