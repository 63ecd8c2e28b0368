"""What a null metric is missing, in words: nothing that a customer did or failed to do, but something not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from powerml.config.metrics import MetricPart, MetricSpec

UNKNOWN = "not known"
OF_TICKETS = {"csat": "rated ticket", "resolution_hours": "resolved ticket", "positive": "ticket with a known mood"}
OF_CALCULATIONS = {
    "account_age": "no first day known",
    "team_size": "no team known",
    "active_team_members": "no team known",
    "plan_tier": "no plan known",
    "limit_utilisation": "no usage limit known",
    "seats": "no seats known",
    "mrr": "no contract known",
}


def what_is_missing(metric: MetricSpec | None) -> str:
    """What would have to be there for a value of the metric to be known.

    >>> from powerml.config.metrics import catalogue
    >>> what_is_missing(catalogue()["nps_latest"]), what_is_missing(catalogue()["days_since_last_login"])
    ('no survey answer in 365 days', 'no login yet')
    """
    if metric is None:
        return UNKNOWN
    if metric.calculation:
        return OF_CALCULATIONS.get(metric.calculation, UNKNOWN)
    if metric.change:
        return "too little use to compare"
    if metric.ratio:
        over = metric.ratio.over
        return "nothing to measure it by" if isinstance(over, str) or over.calculation else _none_of(over)
    if metric.min_age_days:
        return f"here for less than {metric.min_age_days} days"
    return _none_of(metric)


def _none_of(part: MetricPart) -> str:
    if part.window_days is None:
        return f"no {_thing(part)} yet"
    older, newer = part.window_days
    return f"no {_thing(part)} in {older} days" if newer == 0 else f"no {_thing(part)} {older} to {newer} days back"


def _thing(part: MetricPart) -> str:
    """One of what is counted: `survey answer`, `login`, `core feature`, `rated ticket`."""
    if part.table == "events":
        kind = {"role": "{}", "feature": "{}", "event": "{}", "tier": "{} feature", "depth": "{} use", "category": "{}"}
        words = [kind[k].format(" or ".join(v).replace("_", " ")) for k, v in part.where.items() if k in kind]
        return " ".join(words) or "event"
    if part.table == "tickets":
        return OF_TICKETS.get(str(part.of), "ticket")
    return {"surveys": "survey answer", "usage_limits": "usage limit"}.get(str(part.table), str(part.table)[:-1])
