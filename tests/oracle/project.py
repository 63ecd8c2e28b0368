"""A project as the oracle sees it: canonical tables as plain rows, with the settings that give them meaning.

`read_project` and `write_project` go between this and the files of a project folder (`powerml.yaml`, CSV, JSON).
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

if TYPE_CHECKING:
    from pathlib import Path

Row = dict[str, Any]

TIMES = {"time", "created_at", "deactivated_at", "start", "end", "opened_at", "resolved_at", "known_at"}
NUMBERS = {"value", "mrr", "seats", "used", "limit", "csat", "nps"}
HAPPENED = {
    "events": "time",
    "users": "created_at",
    "accounts": "created_at",
    "subscriptions": "start",
    "usage_limits": "time",
    "tickets": "opened_at",
    "surveys": "time",
    "treatments": "time",
}
KEYS = {
    "users": ("user_id",),
    "accounts": ("account_id",),
    "subscriptions": ("account_id", "start"),
    "usage_limits": ("account_id", "resource", "time"),
    "tickets": ("ticket_id",),
    "surveys": ("user_id", "time"),
}
COLUMNS = {
    "events": ("event_id", "user_id", "account_id", "event", "time", "session_id", "value"),
    "users": ("user_id", "account_id", "created_at", "deactivated_at"),
    "accounts": ("account_id", "created_at"),
    "subscriptions": ("account_id", "start", "end", "plan", "mrr", "seats"),
    "usage_limits": ("account_id", "time", "resource", "used", "limit"),
    "tickets": ("ticket_id", "account_id", "user_id", "opened_at", "resolved_at", "sentiment", "csat"),
    "surveys": ("user_id", "time", "nps"),
    "treatments": ("entity_id", "time", "playbook"),
}


@dataclass(frozen=True)
class Settings:
    timezone: str = "UTC"
    plans: tuple[str, ...] = ("free", "starter", "pro", "enterprise")
    outcome: str = "contract"
    horizon_days: int = 90
    grace_days: int = 30
    min_rise: float = 0.02
    observed_until: datetime | None = None
    session_gap_minutes: float = 30
    min_history_days: int = 14

    def midnight(self, day: date) -> datetime:
        """The first instant of a calendar day, in UTC."""
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.timezone)).astimezone(UTC)

    def day(self, time: datetime) -> date:
        """The calendar day an instant falls on."""
        return time.astimezone(ZoneInfo(self.timezone)).date()


@dataclass(frozen=True)
class Meaning:
    feature: str
    category: str
    tier: str | None
    depth: int
    roles: frozenset[str]


@dataclass(frozen=True)
class Project:
    """`columns` names, per table that exists, the columns its source has (a table may exist and be empty)."""

    settings: Settings
    vocabulary: dict[str, Row]
    tables: dict[str, list[Row]]
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def has(self, table: str, column: str | None = None) -> bool:
        return table in self.tables and (column is None or column in self.columns[table])

    def rows(self, table: str) -> list[Row]:
        return self.tables.get(table, [])

    def meaning(self, event: str) -> Meaning:
        """What an event name means: its own rule, else the first glob that matches, else itself."""
        rule = self.vocabulary.get(event)
        if rule is None:
            rule = next((r for name, r in self.vocabulary.items() if fnmatchcase(event, name)), {})
        feature = rule.get("feature") or event
        return Meaning(
            feature=feature,
            category=rule.get("category") or feature,
            tier=rule.get("tier"),
            depth=("basic", "intermediate", "advanced").index(rule.get("depth") or "basic"),
            roles=frozenset(rule.get("roles") or ()),
        )

    def core_features(self) -> int:
        """How many features of tier core the vocabulary declares."""
        return len(
            {rule.get("feature") or name for name, rule in self.vocabulary.items() if rule.get("tier") == "core"}
        )

    def declares_login(self) -> bool:
        return any("login" in (rule.get("roles") or ()) for rule in self.vocabulary.values())


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def write_time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").replace(".000000Z", "Z")


def _cell(column: str, text: str) -> Any:
    if text == "":
        return None
    if column in TIMES:
        return parse_time(text)
    return float(text) if column in NUMBERS else text


def read_rows(path: Path) -> tuple[list[Row], tuple[str, ...]]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = [{column: _cell(column, text) for column, text in row.items()} for row in reader]
        return rows, tuple(reader.fieldnames or ())


def read_project(folder: Path) -> Project:
    """The project of a folder whose tables are one CSV file each."""
    spec = yaml.safe_load((folder / "powerml.yaml").read_text(encoding="utf-8"))
    read = {name: read_rows(folder / entry["files"]) for name, entry in spec["tables"].items()}
    outcome = spec["outcome"]
    settings = Settings(
        timezone=spec["timezone"],
        plans=tuple(spec["plans"]),
        outcome=outcome["kind"],
        horizon_days=outcome["horizon_days"],
        grace_days=outcome["grace_days"],
        min_rise=outcome["min_rise"],
        observed_until=spec["observed_until"],
        session_gap_minutes=spec.get("session_gap_minutes", 30),
        min_history_days=spec.get("min_history_days", 14),
    )
    return Project(
        settings,
        json.loads((folder / spec["vocabulary"]).read_text(encoding="utf-8")),
        {name: rows for name, (rows, _) in read.items()},
        {name: columns for name, (_, columns) in read.items()},
    )


def write_project(project: Project, folder: Path, *, entity: str, parquet: bool = False) -> Path:
    """Writes the project as files; gives the path of its `powerml.yaml`. `parquet`: events as a folder of months."""
    folder.mkdir(parents=True, exist_ok=True)
    if parquet:
        write_months(project, folder / "events")
    for name, rows in project.tables.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(project.columns[name])
            for row in rows:
                cells = [row.get(column) for column in project.columns[name]]
                writer.writerow([write_time(c) if isinstance(c, datetime) else "" if c is None else c for c in cells])
    (folder / "vocabulary.json").write_text(json.dumps(project.vocabulary), encoding="utf-8")
    s = project.settings
    outcome = {
        "kind": s.outcome,
        "horizon_days": s.horizon_days,
        "grace_days": s.grace_days,
        "min_rise": s.min_rise,
    }
    spec = {
        "project": "world",
        "timezone": s.timezone,
        "entity": entity,
        "plans": list(s.plans),
        "outcome": outcome,
        "session_gap_minutes": s.session_gap_minutes,
        "min_history_days": s.min_history_days,
        "tables": {name: {"files": f"{name}.csv"} for name in project.tables}
        | ({"events": {"files": "events"}} if parquet else {}),
        "vocabulary": "vocabulary.json",
    }
    if s.observed_until is not None:
        spec["observed_until"] = write_time(s.observed_until)
    path = folder / "powerml.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return path


def write_months(project: Project, folder: Path) -> None:
    """The events as Parquet, a file for each month, in place of whatever files are there."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    kinds = {name: pa.timestamp("us", tz="UTC") for name in TIMES} | {name: pa.float64() for name in NUMBERS}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in project.columns["events"]])
    months: dict[str, list[Row]] = {}
    for row in project.rows("events"):
        months.setdefault(f"{row['time']:%Y-%m}", []).append(row)
    for month, rows in months.items():
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{month}.parquet")
