"""A table read from an export of a known shape, and exports recognised by their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from powerml.errors import DataError
from powerml.sources.files import files_of
from powerml.sources.readers import SourcePart, read_files
from powerml.sources.shapes import analytics, billing, posthog, segment
from powerml.sources.shapes.raw import Raw, raw_of
from powerml.sources.sql import first_line, name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from powerml.config.project import ProjectSpec, ShapeSpec
    from powerml.sources.files import DataFile

_READERS: dict[tuple[str, str], Callable[[Raw, dict[str, Raw], ShapeSpec], str]] = {
    ("posthog", "events"): posthog.posthog_events,
    ("posthog", "users"): posthog.posthog_users,
    ("segment", "events"): segment.segment_events,
    ("segment", "users"): segment.people_of_segment,
    ("segment", "accounts"): segment.segment_accounts,
    ("amplitude", "events"): analytics.amplitude,
    ("mixpanel", "events"): analytics.mixpanel,
    ("stripe", "subscriptions"): billing.subscriptions,
}
_SIGNS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("posthog", "events", frozenset({"uuid", "event", "distinct_id", "properties", "timestamp"})),
    ("posthog", "users", frozenset({"distinct_id", "person_id", "properties", "created_at"})),
    ("amplitude", "events", frozenset({"event_type", "amplitude_id", "event_time"})),
    ("segment", "events", frozenset({"anonymous_id", "event", "timestamp", "received_at"})),
    ("segment", "events", frozenset({"anonymousId", "event", "messageId", "receivedAt"})),
    ("segment", "accounts", frozenset({"group_id", "received_at"})),
    ("segment", "users", frozenset({"anonymous_id", "user_id", "received_at"})),
)


def read_shape(
    con: duckdb.DuckDBPyConnection, project: ProjectSpec, table: str, files: Sequence[DataFile], shape: ShapeSpec
) -> SourcePart:
    """A table of an export as one part; raises DataError where the shape gives no such table."""
    where = f"{project.file}: tables.{table}.shape"
    reader = _READERS.get((shape.name, table))
    if reader is None:
        given = ", ".join(t for s, t in _READERS if s == shape.name)
        raise DataError.in_file(where, f"{shape.name} gives no {table}", f"it gives {given}")
    raw = raw_of(read_files(con, files, table=table))
    beside = {
        kind: raw_of(read_files(con, files_of(project, table, beside=kind), table=f"{table}_{kind}"))
        for kind, patterns in shape.beside.items()
        if patterns
    }
    if shape.name == "stripe" and shape.currency is None and raw.has("currency"):
        found = con.execute(billing.currencies(raw)).fetchall()
        if len(found) > 1:
            told = ", ".join(f"{currency} ({n:,} items)" for currency, n in found)
            raise DataError.in_file(where, f"the items are in several currencies: {told}", "name one with 'currency'")
    relation = f"(\n{reader(raw, beside, shape)}\n)"
    try:
        described = con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except duckdb.Error as error:
        raise DataError.in_file(
            where, f"cannot be read as {shape.name} ({first_line(error)})", "check the files"
        ) from None
    shown = files[0].shown if len(files) == 1 else f"{files[0].shown} and {len(files) - 1} more"
    return SourcePart("query", (shown,), 0, {row[0]: (row[1], name(row[0])) for row in described}, relation)


def recognised(columns: Collection[str]) -> tuple[str, str] | None:
    """The shape and the table that an export with these columns is; None for one that is not known.

    >>> recognised(["uuid", "event", "distinct_id", "properties", "timestamp", "ip"]), recognised(["user", "time"])
    (('posthog', 'events'), None)
    """
    there = set(columns)
    if there == {"event", "properties"}:
        return "mixpanel", "events"
    for shape, table, signs in _SIGNS:
        if signs <= there:
            return shape, table
    if "customer" in there and {"quantity", "interval"} <= there and there & {"unit_amount", "amount"}:
        return "stripe", "subscriptions"
    return None
