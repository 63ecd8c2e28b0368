"""What PostHog has of the events that it took: a 200 does not say that they arrived, so an hour later it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from powerml.sinks.http import ServiceDown, ServiceError

if TYPE_CHECKING:
    from datetime import datetime

    from powerml.history.sent import SinkLedger
    from powerml.sinks.posthog_views import Fixtures

SETTLES_WITHIN = timedelta(hours=1)  # in which what was taken is there
READ_PAGE = 50_000  # that the service gives at most


@dataclass(frozen=True)
class ReadBack:
    """The ids of events that were taken and are not there, and a sentence about them, or on why nothing is read."""

    lost: frozenset[str] = frozenset()
    remark: str = ""


def what_arrived(fixtures: Fixtures, ledger: SinkLedger, event: str, *, now: datetime) -> ReadBack:
    """Asks for the ids of the events of those nights of which all was sent more than an hour ago."""
    taken: dict[str, set[str]] = {}
    for row in ledger.older("event", now - SETTLES_WITHIN):
        if row.state == "sent":
            taken.setdefault(row.as_of, set()).add(row.key)
    lost: set[str] = set()
    try:
        for as_of, ids in sorted(taken.items()):
            lost |= ids - _there(fixtures, event, as_of)
    except ServiceError as error:
        return ReadBack(remark=f"what arrived cannot be read back: {error}")
    if not lost:
        return ReadBack()
    of = sum(len(ids) for ids in taken.values())
    return ReadBack(frozenset(lost), f"{len(lost):,} of {of:,} events that PostHog took are not there, and go again")


def _there(fixtures: Fixtures, event: str, as_of: str) -> set[str]:
    assert fixtures.service is not None
    found: set[str] = set()
    last = ""
    while True:
        query = (
            f"SELECT toString(uuid) AS id FROM events WHERE event = '{event}'"
            f" AND timestamp > toDateTime('{as_of} 00:00:00') - INTERVAL 1 DAY"  # whatever the zone of either project
            f" AND timestamp < toDateTime('{as_of} 00:00:00') + INTERVAL 1 DAY"
            f" AND id > '{last}' ORDER BY id LIMIT {READ_PAGE}"
        )
        body = {
            "query": {"kind": "HogQLQuery", "query": query},
            "refresh": "force_blocking",
            "name": "powerml: arrived",
        }
        answer = fixtures.service.call("POST", f"/api/projects/{fixtures.project_id}/query/", body=body)
        rows = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, list) and row for row in rows):
            raise ServiceDown("PostHog: what it answers is no result of a query", unclear=False)
        found |= {str(row[0]) for row in rows}
        if len(rows) < READ_PAGE:
            return found
        last = str(rows[-1][0])
