"""Amplitude's and Mixpanel's raw exports: both hold repeats, and name a device before a person is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.sources.shapes.raw import Raw, customer_key, customers, key, number, parsed

if TYPE_CHECKING:
    from powerml.config.project import ShapeSpec


def amplitude(raw: Raw, beside: dict[str, Raw], spec: ShapeSpec) -> str:
    """SQL of Amplitude's events: times in UTC; one `amplitude_id` is one person, whose `user_id` may come later.

    A session of -1 is none. The export is by `server_upload_time`, which says when an event could be known.
    """
    assert not beside
    groups = customers(spec)
    group = ", ".join(
        f"json_extract_string(g, '$.\"{one}\"[0]'), json_extract_string(g, '$.\"{one}\"')" for one in groups
    )
    late = raw.instant("server_upload_time", "server_received_time")
    return (
        f"WITH raw AS ({raw.sql}), known AS (SELECT {raw.first('amplitude_id')} AS a,"
        f" arg_max(r.user_id, {raw.instant('event_time')}) AS who FROM raw r WHERE {raw.first('user_id')} IS NOT NULL"
        f" GROUP BY 1) SELECT event_id, user_id, COALESCE({group}, {customer_key('u', groups)})"
        f" AS account_id, event, time, known_at, session_id, {number(key('p', 'value'))} AS value FROM ("
        f"SELECT {raw.first('uuid', '$insert_id', 'insert_id')} AS event_id, {raw.first('event_type')} AS event,"
        f" COALESCE({raw.first('user_id')}, known.who, {raw.first('amplitude_id', 'device_id')}) AS user_id,"
        f" {raw.instant('event_time', 'client_event_time')} AS time, {late} AS known_at,"
        f" NULLIF({raw.first('session_id')}, '-1') AS session_id, {parsed(raw.first('event_properties'))} AS p,"
        f" {parsed(raw.first('user_properties'))} AS u, {parsed(raw.first('groups'))} AS g"
        f" FROM raw r LEFT JOIN known ON known.a = {raw.first('amplitude_id')})"
    )


def mixpanel(raw: Raw, beside: dict[str, Raw], spec: ShapeSpec) -> str:
    """SQL of Mixpanel's events: everything but the name stands in `properties`; `time` is in seconds.

    Older projects write local seconds there: the table's `timezone` then says whose. One event is told by name, person,
    time and `$insert_id`. `mp_processing_time_ms` says when it could be known.
    """
    assert not beside
    groups = customers(spec)
    return (
        f"WITH raw AS (SELECT event, {parsed(raw.first('properties'))} AS p FROM ({raw.sql}) r), named"
        f" AS (SELECT event, p,"
        f" {key('p', 'distinct_id')} AS did, {key('p', '$device_id')} AS device, {key('p', '$user_id')} AS who,"
        f" {number(key('p', 'time'))} AS moment FROM raw), known AS (SELECT device AS d, arg_max(who,"
        f" moment) AS person FROM named"
        f" WHERE device IS NOT NULL AND who IS NOT NULL GROUP BY 1)"
        f" SELECT concat_ws('|', event, did, {key('p', 'time')}, {key('p', '$insert_id')}) AS event_id, event,"
        f" COALESCE(who, person, did) AS user_id, {customer_key('p', groups)} AS account_id,"
        f" make_timestamp(CAST(round(moment * 1e6) AS BIGINT)){{zone}} AS time,"
        f" make_timestamp(CAST({key('p', 'mp_processing_time_ms')} AS BIGINT) * 1000) AT TIME ZONE 'UTC' AS known_at,"
        f" {key('p', '$session_id')} AS session_id, {number(key('p', 'value'))} AS value"
        f" FROM named LEFT JOIN known ON known.d = COALESCE(device, replace(did, '$device:', ''))"
    ).replace("{zone}", "" if spec.local else " AT TIME ZONE 'UTC'")
