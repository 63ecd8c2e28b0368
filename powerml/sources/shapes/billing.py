"""Items of subscriptions as billing services tell them: periods, quantities, unit amounts and intervals.

An amount per interval becomes one per month: a yearly price is a twelfth. Discounts and currencies are named in the
project, not guessed: a discount is taken off only where its column is named, and of several currencies one is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.errors import DataError
from powerml.sources.shapes.raw import Raw, number
from powerml.sources.sql import name, text
from powerml.sources.times import zone_or_utc

if TYPE_CHECKING:
    from powerml.config.project import ShapeSpec

_ACCOUNT = ("customer", "customer_id", "account_id")
_START = ("start", "period_start", "current_period_start", "start_date", "started_at")
_END = ("end", "ended_at", "canceled_at", "cancelled_at", "period_end", "cancel_at")
_PLAN = (
    "plan",
    "product",
    "product_name",
    "price_nickname",
    "nickname",
    "plan_nickname",
    "plan_id",
    "price_id",
    "price",
)
_CENTS = ("unit_amount", "plan_amount", "price_unit_amount")
_INTERVAL = ("interval", "recurring_interval", "plan_interval", "price_interval")
_COUNT = ("interval_count", "recurring_interval_count", "plan_interval_count", "price_interval_count")
_MONTHS = {"day": "12.0 / 365.0", "week": "12.0 / 52.0", "month": "1.0", "quarter": "3.0", "year": "12.0"}


def subscriptions(raw: Raw, beside: dict[str, Raw], spec: ShapeSpec) -> str:
    """SQL of the periods: items of one customer that begin together are added up, the dearest one names the plan.

    Raises DataError where a column that the project names is not there.
    """
    assert not beside
    for column in filter(None, (spec.discount,)):
        if not raw.has(column):
            have = ", ".join(raw.columns)
            raise DataError(f"subscriptions: no column {column!r}, which 'shape' gives for discount (there are {have})")
    cases = " ".join(f"WHEN {text(unit)} THEN {months}" for unit, months in _MONTHS.items())
    months = f"(CASE lower(regexp_replace({raw.first(*_INTERVAL)}, '(ly|s)$', '')) {cases} END)"
    months = f"({months} * COALESCE({number(raw.first(*_COUNT))}, 1))" if any(map(raw.has, _COUNT)) else months
    quantity = f"COALESCE({number(raw.first('quantity', 'seats'))}, 1)"
    kept = f"(1 - COALESCE({number(f'r.{name(spec.discount)}')}, 0) / 100)" if spec.discount else "1"
    amount = f"{number(raw.first(*_CENTS, 'amount'))} / {100 if spec.cents else 1}"
    where = f"WHERE lower({raw.first('currency')}) = {text(spec.currency.lower())}" if spec.currency else ""
    return (
        f'SELECT account_id, start, CASE WHEN count(until) = count(*) THEN max(until) END AS "end",'
        f" arg_max(plan, mrr) AS plan, sum(mrr) AS mrr, max(seats) AS seats FROM ("
        f"SELECT {raw.first(*_ACCOUNT)} AS account_id, {_when(raw, _START)} AS start, {_when(raw, _END)} AS until,"
        f" {raw.first(*_PLAN)} AS plan, {amount} * {quantity} * {kept} / {months} AS mrr, {quantity} AS seats"
        f" FROM ({raw.sql}) r {where}) GROUP BY 1, 2"
    )


def currencies(raw: Raw) -> str:
    """SQL: the currencies of the items with their counts, the commonest first."""
    return (
        f"SELECT lower({raw.first('currency')}) AS c, count(*) FROM ({raw.sql}) r GROUP BY 1 HAVING c <>"
        f" '' ORDER BY 2 DESC"
    )


def _when(raw: Raw, columns: tuple[str, ...]) -> str:
    """An instant, written in ISO 8601 or in seconds since 1970."""
    field = raw.first(*columns)
    seconds = f"make_timestamp(CAST(round(TRY_CAST({field} AS DOUBLE) * 1e6) AS BIGINT)) AT TIME ZONE 'UTC'"
    return f"COALESCE({zone_or_utc(field)}, {seconds})"
