"""PostHog's batch exports: events and persons, in today's shape or the older one of warehouses.

A row names the person as known when it came in, and is never written again: later merges are in the export of persons
(the latest version of a `distinct_id` counts), or, without one, in later events of the same `distinct_id`. Repeats have
one `uuid`. `timestamp` says when it happened, `created_at` when it could be known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.sources.shapes.raw import Raw, customer_key, customers, key, number, parsed

if TYPE_CHECKING:
    from powerml.config.project import ShapeSpec


def posthog_events(raw: Raw, beside: dict[str, Raw], spec: ShapeSpec) -> str:
    """SQL of the events; `beside` may hold the export of persons."""
    team = raw.first("team_id")
    persons = (
        _newest(beside["persons"])
        if "persons" in beside
        else "SELECT NULL AS team, NULL AS did, NULL AS pid WHERE false"
    )
    later = "SELECT NULL AS did, NULL AS pid WHERE false"
    if raw.has("person_id"):
        seen = raw.instant("created_at", "timestamp")
        later = (
            f"SELECT r.distinct_id AS did, arg_max(r.person_id, {seen}) AS pid FROM raw r WHERE r.person_id"
            f" <> '' GROUP BY 1"
        )
    groups = customers(spec)
    customer = f"COALESCE({key('g', *groups)}, {key('p', '$group_0')})"
    known = f", {raw.instant('created_at')} AS known_at" if raw.has("created_at") else ""
    return (
        f"WITH raw AS ({raw.sql}), persons AS ({persons}), later AS ({later}) SELECT event_id,"
        f" user_id, {customer} AS account_id, event, time{', known_at' if known else ''},"
        f" {key('p', '$session_id')} AS session_id, {number(key('p', 'value'))} AS value FROM ("
        f"SELECT *, json_extract(p, '$.\"$groups\"') AS g FROM ("
        f"SELECT {raw.first('uuid')} AS event_id, {raw.first('event')} AS event,"
        f" {raw.instant('timestamp')} AS time{known},"
        f" COALESCE(persons.pid, later.pid, {raw.first('person_id', 'distinct_id')}) AS user_id,"
        f" {parsed(raw.first('properties'))} AS p FROM raw r"
        f" LEFT JOIN persons ON persons.did = r.distinct_id AND (persons.team IS NULL OR {team} IS NULL"
        f" OR persons.team = {team})"
        f" LEFT JOIN later ON later.did = r.distinct_id))"
    )


def posthog_users(raw: Raw, beside: dict[str, Raw], spec: ShapeSpec) -> str:
    """SQL of the people: a row per person with its latest properties, made when its first row was."""
    assert not beside
    groups = customers(spec)
    return (
        f"WITH raw AS ({raw.sql}) SELECT person_id AS user_id, min(made) AS created_at,"
        f" arg_max({key('p', 'name')}, version) AS name, arg_max({key('p', 'email')}, version) AS email,"
        f" arg_max({customer_key('p', groups)}, version) AS account_id FROM ("
        f"SELECT {raw.first('person_id')} AS person_id, {raw.instant('created_at')} AS made,"
        f" {parsed(raw.first('properties'))} AS p,"
        f" COALESCE(TRY_CAST({raw.first('person_version', 'versions')} AS BIGINT), 0) AS version"
        f" FROM raw r WHERE NOT {_deleted(raw)}) GROUP BY 1"
    )


def _newest(raw: Raw) -> str:
    version = f"COALESCE(TRY_CAST({raw.first('person_distinct_id_version', 'versions')} AS BIGINT), 0)"
    return (
        f"SELECT {raw.first('team_id')} AS team, r.distinct_id AS did, arg_max(r.person_id, {version}) AS pid"
        f" FROM ({raw.sql}) r WHERE NOT {_deleted(raw)} GROUP BY 1, 2"
    )


def _deleted(raw: Raw) -> str:
    return f"COALESCE(TRY_CAST({raw.first('is_deleted')} AS BOOLEAN), false)"
