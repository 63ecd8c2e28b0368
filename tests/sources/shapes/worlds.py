"""One small product as clean tables, and the same as the exports of five services with every trap they have."""

from __future__ import annotations

import gzip
import json
import uuid
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml

from powerml.config.project import load_project
from powerml.workflows.project import open_project

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 9, 1, tzinfo=UTC)
CUTOFFS = [datetime(2026, 3, 1).date(), datetime(2026, 4, 1).date()]
_PACKED = {"1": "gz", "2": "br"}
NAMES = ("report_generated", "signed_in", "comment_added")
VOCABULARY = {"signed_in": {"roles": ["login"]}, "report_generated": {"roles": ["report"], "tier": "core"}}


def clean() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events (some came in days late) and users of six people in two companies."""
    rng = np.random.default_rng(22)
    rows = []
    for n in range(400):
        user = f"p{n % 6}"
        at = pd.Timestamp("2026-01-05", tz="UTC") + pd.Timedelta(seconds=int(rng.integers(0, 86 * 86_400)))
        late = pd.Timedelta(days=40) if n % 10 == 0 else pd.Timedelta(seconds=3)
        rows.append(
            (
                str(uuid.UUID(int=n)),
                user,
                f"c{n % 2}",
                NAMES[n % 3],
                at,
                at + late,
                f"s{user}-{at.date()}",
                float(n % 7),
            )
        )
    events = pd.DataFrame(
        rows, columns=["event_id", "user_id", "account_id", "event", "time", "known_at", "session_id", "value"]
    )
    made = pd.date_range("2026-01-01", periods=6, freq="D", tz="UTC")
    users = pd.DataFrame(
        {
            "user_id": [f"p{n}" for n in range(6)],
            "created_at": made,
            "name": [f"N{n}" for n in range(6)],
            "email": [f"n{n}@example.com" for n in range(6)],
            "account_id": [f"c{n % 2}" for n in range(6)],
        }
    )
    return events, users


def snapshot(folder: Path, tables: dict[str, Any]) -> pd.DataFrame:
    """Every metric of every user at two dates, of a project with these tables."""
    declared = {"tables": tables, "vocabulary": VOCABULARY, "outcome": {"kind": "behavioural"}}
    (folder / "powerml.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))
    frame = open_project(load_project(folder / "powerml.yaml"), now=NOW).build(CUTOFFS).frame
    return frame.sort_values(["as_of", "user_id"], ignore_index=True)


def expected(folder: Path, *, without: tuple[str, ...] = (), users: bool = True) -> pd.DataFrame:
    """The snapshot of the clean tables."""
    events, people = clean()
    folder.mkdir(parents=True)
    events.drop(columns=list(without)).to_parquet(folder / "events.parquet")
    people.to_parquet(folder / "users.parquet")
    tables = {"events": {"files": "events.parquet"}} | ({"users": {"files": "users.parquet"}} if users else {})
    return snapshot(folder, tables)


def lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Writes JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def stamp(at: pd.Timestamp) -> str:
    return at.isoformat().replace("+00:00", "Z")


def posthog(folder: Path, *, parquet: bool, warehouse: bool = False) -> None:
    """Events and persons: repeats by uuid, late merges, versions, a deleted row, unknown columns, manifests."""
    events, users = clean()
    rows = []
    for n, e in enumerate(events.itertuples()):
        before = e.user_id if n % 4 else f"old-{e.user_id}"  # who it was when the event came in
        properties = {
            "$session_id": e.session_id,
            "value": e.value,
            "$groups": {"company": e.account_id},
            "$lib": "web",
        }
        row = {
            "uuid": e.event_id,
            "event": e.event,
            "distinct_id": f"d{n % 2}-{e.user_id}",
            "person_id": before,
            "properties": json.dumps(properties) if parquet else properties,
            "person_properties": "{}",
            "elements_chain": None,
            "timestamp": e.time if parquet else stamp(e.time),
            "created_at": e.known_at if parquet else stamp(e.known_at),
            "_inserted_at": e.known_at if parquet else stamp(e.known_at),
            "brand_new_column": 7,
        }
        if warehouse:
            for gone in ("person_id", "person_properties", "elements_chain"):
                del row[gone]
            row |= {"team_id": 3, "ip": "10.0.0.1", "set": "{}"}
        rows.append(row)
    rows += rows[::9]  # sent twice
    persons = []
    for u in users.itertuples():
        for d in range(2):
            told = {"name": u.name, "email": u.email, "company_id": u.account_id}
            base = {
                "team_id": 3,
                "distinct_id": f"d{d}-{u.user_id}",
                "is_deleted": False,
                "created_at": u.created_at if parquet else stamp(u.created_at),
            }
            version = "versions" if warehouse else "person_distinct_id_version"
            properties = json.dumps(told) if parquet else told
            stale = json.dumps({"name": "before"}) if parquet else {"name": "before"}
            persons.append(
                {**base, "person_id": f"old-{u.user_id}", version: 1, "properties": stale, "is_deleted": d == 1}
            )
            persons.append({**base, "person_id": u.user_id, version: 2, "properties": properties})
    persons = [p for p in persons if not (p["person_id"].startswith("old-") and not p["is_deleted"])] + [
        p | {"is_deleted": True} for p in persons if p["person_id"].startswith("old-")
    ]
    halves = {"1": rows[:200], "2": rows[200:]}
    for part, some in halves.items():
        place = folder / "events" / part
        place.mkdir(parents=True)
        if parquet:
            pd.DataFrame(some).to_parquet(place / "a.parquet.zst", compression="zstd")
        else:
            text = "".join(json.dumps(r) + "\n" for r in some).encode()
            packed = gzip.compress(text) if part == "1" else pa.compress(text, codec="brotli", asbytes=True)
            (place / f"a.jsonl.{_PACKED[part]}").write_bytes(packed)
        name = "a.parquet.zst" if parquet else f"a.jsonl.{_PACKED[part]}"
        (place / "manifest.json").write_text(json.dumps({"files": [f"exports/{part}/{name}"]}))
    if parquet:
        pd.DataFrame(persons).to_parquet(folder / "persons.parquet")
    else:
        lines(folder / "persons.jsonl", persons)


def segment(folder: Path, *, raw: bool) -> None:
    """Tracks, identifies and groups, as calls in JSON lines or as warehouse tables; the first events are anonymous."""
    events, users = clean()
    tracks = []
    for n, e in enumerate(events.itertuples()):
        who = e.user_id if n % 4 else None
        if raw:
            tracks.append(
                {
                    "type": "track",
                    "messageId": e.event_id,
                    "userId": who,
                    "anonymousId": f"anon-{e.user_id}",
                    "event": e.event,
                    "timestamp": stamp(e.time),
                    "receivedAt": stamp(e.known_at),
                    "properties": {"value": e.value},
                    "context": {"groupId": e.account_id},
                }
            )
        else:
            tracks.append(
                {
                    "id": e.event_id,
                    "user_id": who,
                    "anonymous_id": f"anon-{e.user_id}",
                    "event": e.event,
                    "event_text": e.event.replace("_", " "),
                    "timestamp": stamp(e.time),
                    "received_at": stamp(e.known_at),
                    "value": e.value,
                    "context_group_id": e.account_id,
                }
            )
    tracks += tracks[::7]
    if raw:
        tracks += [
            {
                "type": "identify",
                "messageId": "i1",
                "userId": "p1",
                "anonymousId": "anon-p1",
                "timestamp": stamp(events["time"].min()),
                "receivedAt": stamp(events["time"].min()),
            }
        ]
    lines(folder / "tracks.jsonl", tracks)
    identifies = [
        {
            "id": f"i{n}",
            "user_id": u.user_id,
            "anonymous_id": f"anon-{u.user_id}",
            "name": u.name,
            "email": u.email,
            "timestamp": stamp(u.created_at),
            "received_at": stamp(u.created_at),
        }
        for n, u in enumerate(users.itertuples())
    ]
    lines(folder / "identifies.jsonl", identifies)
    groups = [
        {
            "id": f"g{n}",
            "user_id": u.user_id,
            "group_id": u.account_id,
            "name": f"Company {u.account_id}",
            "timestamp": stamp(u.created_at),
            "received_at": stamp(u.created_at),
        }
        for n, u in enumerate(users.itertuples())
    ]
    lines(folder / "groups.jsonl", groups)


def amplitude(folder: Path) -> None:
    """A zip of gzipped JSON lines: naive UTC, sessions of -1, users known later, repeats."""
    rows = []
    for n, e in enumerate(clean()[0].itertuples()):
        rows.append(
            {
                "uuid": e.event_id,
                "event_type": e.event,
                "amplitude_id": 1000 + int(e.user_id[1]),
                "user_id": e.user_id if n % 4 else None,
                "device_id": f"dev{n % 2}",
                "event_time": f"{e.time.tz_localize(None):%Y-%m-%d %H:%M:%S.%f}",
                "server_upload_time": f"{e.known_at.tz_localize(None):%Y-%m-%d %H:%M:%S.%f}",
                "session_id": -1,
                "event_properties": {"value": e.value},
                "user_properties": {"plan": "pro"},
                "groups": {"company": [e.account_id]},
                "$schema": 12,
            }
        )
    rows += rows[::8]
    with zipfile.ZipFile(folder / "export.zip", "w") as archive:
        for part, some in (("1", rows[:250]), ("2", rows[250:])):
            packed = gzip.compress("".join(json.dumps(r) + "\n" for r in some).encode())
            archive.writestr(f"2001/2001_2026-01-0{part}_5#1.json.gz", packed)


def mixpanel(folder: Path, *, zone: str = "UTC") -> None:
    """JSON lines with everything in properties; repeats; devices before persons; seconds of the project's zone."""
    rows = []
    for n, e in enumerate(clean()[0].itertuples()):
        local = e.time.tz_convert(zone).tz_localize(None).timestamp() if zone != "UTC" else e.time.timestamp()
        told = {
            "time": int(local),
            "distinct_id": e.user_id if n % 4 else f"$device:dev-{e.user_id}",
            "$device_id": f"dev-{e.user_id}",
            "$insert_id": e.event_id[-12:],
            "company_id": e.account_id,
            "value": e.value,
            "mp_processing_time_ms": int(e.known_at.timestamp() * 1000),
        }
        if n % 4:
            told["$user_id"] = e.user_id
        rows.append({"event": e.event, "properties": told})
    lines(folder / "mixpanel.jsonl", rows + rows[::6])
