"""Segment's tables (and RudderStack's): tracks, identifies, groups; as a warehouse or as raw calls in JSON lines.

Who is anonymous becomes known by a later `identify`, or by a call that names both; a repeat has the same message id.
`timestamp` says when it happened, `received_at` when it could be known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.sources.shapes.raw import Raw, customers, key, number, parsed
from powerml.sources.times import zone_or_utc

if TYPE_CHECKING:
    from powerml.config.project import ShapeSpec

_USER, _NOBODY = ("user_id", "userId"), ("anonymous_id", "anonymousId")
_TIME = ("timestamp", "originalTimestamp", "original_timestamp", "sent_at", "sentAt")
_RECEIVED = ("received_at", "receivedAt")


def segment_events(raw: Raw, beside: dict[str, Raw], spec: ShapeSpec) -> str:
    """SQL of the events: tracks by name, pages and screens by kind; `beside` may hold identifies and groups."""
    known = [_pairs(raw), *(_pairs(beside[b]) for b in ("identifies",) if b in beside)]
    groups = customers(spec)
    kind = raw.first("type")
    named = f"COALESCE({raw.first('event')}, {kind})"
    wanted = f"COALESCE({kind}, 'track') IN ('track', 'page', 'screen')"
    customer = (
        f"COALESCE({raw.first('group_id', 'groupId', 'context_group_id')}, {key('c', 'groupId')}, {key('p', *groups)})"
    )
    late = f", {raw.instant(*_RECEIVED)} AS known_at" if any(map(raw.has, _RECEIVED)) else ""
    return (
        f"WITH raw AS ({raw.sql}), known AS (SELECT nobody, arg_max(who, moment) AS who FROM"
        f" ({' UNION ALL '.join(known)})"
        f" GROUP BY 1) SELECT event_id, COALESCE(r_user, known.who, r_nobody) AS user_id, account_id, event, time"
        f"{', known_at' if late else ''}, value FROM (SELECT {raw.first('messageId', 'message_id', 'id')} AS event_id,"
        f" {raw.first(*_USER)} AS r_user, {raw.first(*_NOBODY)} AS r_nobody, {customer} AS account_id,"
        f" {named} AS event, {raw.instant(*_TIME)} AS time{late},"
        f" COALESCE({number(raw.first('value'))}, {number(key('p', 'value'))}) AS value"
        f" FROM (SELECT *, {parsed(raw.first('properties'))} AS p, {parsed(raw.first('context'))} AS c FROM raw r"
        f" WHERE {wanted}) r) LEFT JOIN known ON known.nobody = r_nobody"
    )


def people_of_segment(raw: Raw, beside: dict[str, Raw], spec: ShapeSpec) -> str:
    """SQL of the people, from identifies: made at the first, with the latest traits; `beside` may hold groups."""
    groups = customers(spec)
    member = "SELECT NULL AS u, NULL AS g WHERE false"
    if "groups" in beside:
        other = beside["groups"]
        member = (
            f"SELECT {other.first(*_USER)} AS u, arg_max({other.first('group_id', 'groupId')},"
            f" {other.instant(*_TIME)}) AS g"
            f" FROM ({other.sql}) r GROUP BY 1"
        )
    made = raw.instant("created_at", "createdAt", *_TIME)
    return (
        f"WITH raw AS ({raw.sql}), member AS ({member}) SELECT user_id, min(made) AS created_at,"
        f" arg_max(name, moment) AS name,"
        f" arg_max(email, moment) AS email, COALESCE(any_value(member.g), arg_max(trait, moment)) AS account_id FROM ("
        f"SELECT {raw.first(*_USER)} AS user_id, COALESCE({zone_or_utc(key('t', 'created_at', 'createdAt'))},"
        f" {made}) AS made, COALESCE({raw.first('name')}, {key('t', 'name')}) AS name,"
        f" COALESCE({raw.first('email')}, {key('t', 'email')}) AS email,"
        f" COALESCE({raw.first(*(f'{g}_id' for g in groups))}, {key('t', *(f'{g}_id' for g in groups))}) AS trait,"
        f" {raw.instant(*_TIME)} AS moment FROM (SELECT *, {parsed(raw.first('traits'))} AS t FROM raw r) r"
        f" WHERE {raw.first(*_USER)} IS NOT NULL) LEFT JOIN member ON member.u = user_id GROUP BY 1"
    )


def segment_accounts(raw: Raw, beside: dict[str, Raw], spec: ShapeSpec) -> str:
    """SQL of the customers, from groups: made at the first call, called as the latest says."""
    assert not beside, spec
    made = raw.instant("created_at", "createdAt", *_TIME)
    return (
        f"SELECT account_id, min(made) AS created_at, arg_max(name, moment) AS name FROM ("
        f"SELECT {raw.first('group_id', 'groupId')} AS account_id, {made} AS made, {raw.instant(*_TIME)} AS moment,"
        f" COALESCE({raw.first('name')}, {key('t', 'name')}) AS name"
        f" FROM (SELECT *, {parsed(raw.first('traits'))} AS t FROM ({raw.sql}) r) r) GROUP BY 1"
    )


def _pairs(raw: Raw) -> str:
    if not (any(map(raw.has, _USER)) and any(map(raw.has, _NOBODY))):
        return "SELECT NULL AS nobody, NULL AS who, NULL::TIMESTAMPTZ AS moment WHERE false"
    who, nobody = raw.first(*_USER), raw.first(*_NOBODY)
    return (
        f"SELECT {nobody} AS nobody, {who} AS who, {raw.instant(*_TIME)} AS moment FROM ({raw.sql}) r"
        f" WHERE {who} IS NOT NULL AND {nobody} IS NOT NULL"
    )
