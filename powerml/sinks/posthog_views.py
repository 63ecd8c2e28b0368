"""Cohorts, dashboard and insights in PostHog, as code: made once, found again, updated in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from powerml.history.standing import TIER_WORDS
from powerml.sinks.http import EntryRefused, RowRefused, ServiceDown
from powerml.sinks.plans import Write, digest_of, from_the_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from powerml.history.sent import SinkLedger
    from powerml.sinks.http import Service
    from powerml.sinks.plans import WriteAction

POSTHOG_PAGE = 100
COHORTS = {
    "Champions": ("Champion", "score >= 80: deepest users, highest advocacy potential"),
    "Power Users": ("Power User", "score 60-79: strong candidates for program recruitment"),
    "Rising Stars": ("Rising Star", "score 40-59: users trending upward, worth nurturing toward power-user status"),
    "Standard Users": ("Standard", "score < 40: not yet candidates"),
}
"""Name, the tier whose persons it holds, and the document's words."""
DASHBOARD = "Power user scores"
_MADE_BY = "Made by powerml."
_ABOUT = f"{_MADE_BY} Composite power-user score, computed daily for all active users."
_SCORE = "toFloat(properties.composite_score)"
_EVENTS = "FROM events WHERE event = 'power_user_score_computed'"
_TIER = "argMax(properties.power_user_tier, timestamp) AS tier"
"""As it was sent: the score of an event is rounded, so that 79.6 would pass for a Champion's."""
_LATEST = (
    f"SELECT distinct_id, argMax({_SCORE}, timestamp) AS score, {_TIER} {_EVENTS}"
    " AND timestamp > now() - INTERVAL 3 DAY GROUP BY distinct_id"
)
_IN_ORDER = ", ".join(f"'{word}'" for word in TIER_WORDS.values())
_PARTS = ", ".join(
    f"argMax(toFloat(properties.{name}_score), timestamp) AS {name}"
    for name in ("depth", "tenure", "collaboration", "expansion", "sentiment")
)


def _tile(query: str, display: str = "ActionsTable", x: str = "", *y: str) -> dict[str, Any]:
    """A query of SQL with how it is drawn; a picture without axes would be an empty box."""
    told: dict[str, Any] = {
        "kind": "DataVisualizationNode",
        "source": {"kind": "HogQLQuery", "query": query},
        "display": display,
    }
    if x:
        told["chartSettings"] = {"xAxis": {"column": x}, "yAxis": [{"column": name} for name in y]}
    return told


INSIGHTS = {
    "Power user scores: distribution": (
        "Distribution histogram of power user scores: are they normally distributed or bimodal?",
        _tile(
            f"SELECT floor(score / 10) * 10 AS score_from, count() AS users FROM ({_LATEST})"
            " GROUP BY score_from ORDER BY score_from",
            "ActionsBar",
            "score_from",
            "users",
        ),
    ),
    "Power user scores: tiers": (
        "Tier breakdown: count and percentage in each tier.",
        _tile(
            "SELECT tier, count() AS users, round(100 * count() / sum(count()) OVER (), 1) AS percentage"
            f" FROM ({_LATEST}) WHERE tier != '' GROUP BY tier ORDER BY indexOf([{_IN_ORDER}], tier)"
        ),
    ),
    "Power user scores: trend": (
        "Score trend over time: is the population getting more or less engaged?",
        _tile(
            f"SELECT toDate(timestamp) AS day, round(avg({_SCORE}), 1) AS mean_score {_EVENTS}"
            " AND timestamp > now() - INTERVAL 180 DAY GROUP BY day ORDER BY day",
            "ActionsLineGraph",
            "day",
            "mean_score",
        ),
    ),
    "Power user scores: top 20": (
        "Top 20 power users ranked by composite score with dimension breakdown.",
        _tile(
            f"SELECT distinct_id, argMax({_SCORE}, timestamp) AS composite, {_PARTS} {_EVENTS}"
            " AND timestamp > now() - INTERVAL 3 DAY GROUP BY distinct_id ORDER BY composite DESC LIMIT 20"
        ),
    ),
    "Power user scores: rising stars": (
        "Rising Stars with highest month-over-month score increase: these are your acceleration targets.",
        _tile(
            f"SELECT distinct_id, argMax({_SCORE}, timestamp) AS score, argMin({_SCORE}, timestamp) AS month_ago,"
            f" score - month_ago AS increase, {_TIER} {_EVENTS} AND timestamp > now() - INTERVAL 31 DAY"
            " GROUP BY distinct_id HAVING tier = 'Rising Star' AND increase > 0 ORDER BY increase DESC LIMIT 20"
        ),
    ),
}
"""The tiles of the dashboard: name, the document's words, the query."""


def cohort_body(name: str) -> dict[str, Any]:
    """A dynamic cohort: it follows the tier that every night sets, so nobody has to keep its members."""
    tier, words = COHORTS[name]
    condition = {"type": "person", "key": "power_user_tier", "operator": "exact", "value": tier, "negation": False}
    filters = {"properties": {"type": "AND", "values": [condition]}}
    return {"name": name, "description": f"{_MADE_BY} {words}", "is_static": False, "filters": filters}


@dataclass
class Fixtures:
    """What is made once in a project of PostHog; without `service`, for what `lacking` says, the ledger alone tells.

    `adopt` takes over a dashboard or an insight of ours by name that somebody else made.
    """

    service: Service | None
    project_id: int
    lacking: str = ""
    adopt: bool = False

    def plan(self, ledger: SinkLedger, id_column: str) -> tuple[list[Write], list[str], int]:
        """What is to be made or brought up to date, remarks, and how many things are right."""
        remarks = [from_the_ledger(self.lacking)] if self.service is None else []
        board: dict[str, Any] = {"name": DASHBOARD, "description": _ABOUT, "tags": ["powerml"]}
        wanted = [("dashboard", DASHBOARD, board)]
        for name, (words, query) in INSIGHTS.items():
            body: dict[str, Any] = {"name": name, "description": f"{_MADE_BY} {words}", "query": query, "saved": True}
            wanted.append(("insight", name, body))
        if id_column == "account_id":
            remarks.append("accounts are scored, and PostHog's cohorts hold persons, so none are made")
        else:
            wanted = [*(("cohort", name, cohort_body(name)) for name in COHORTS), *wanted]
        there = {kind: self._there(kind) for kind in dict.fromkeys(kind for kind, *_ in wanted)}
        writes: list[Write] = []
        right = 0
        for kind, name, body in wanted:
            anew = kind == "insight" and any(w.kind == "dashboard" and w.action == "create" for w in writes)
            write, told = self._wanted(ledger, kind, name, body, there[kind], again=anew)
            writes += [write] if write else []
            remarks += [told] if told else []
            right += not write and not told
        return writes, remarks, right

    def _there(self, kind: str) -> list[dict[str, Any]] | None:
        return None if self.service is None else list(self._all(f"{kind}s"))

    def _wanted(
        self,
        ledger: SinkLedger,
        kind: str,
        name: str,
        body: dict[str, Any],
        there: Sequence[dict[str, Any]] | None,
        *,
        again: bool = False,
    ) -> tuple[Write | None, str]:
        """What has to be done for one thing, or a sentence where it is somebody else's.

        `there`: what is there of its kind, None where nobody can look. `again`: also where it is right.
        """
        digest, row = digest_of(body), ledger.row(kind, name)
        known = row.remote if row is not None else ""
        right = row is not None and row.state == "sent" and row.digest == digest and not again
        if there is None:
            action: WriteAction = "update" if known else "create"
            return (None if right else Write(action, kind, name, f"{kind} {name!r}", digest, body, remote=known)), ""
        found = next((item for item in there if known and str(item["id"]) == known), None) or _named(there, name)
        if found is None:
            return Write("create", kind, name, f"{kind} {name!r}", digest, body), ""
        remote = str(found["id"])
        if right and known == remote:
            return None, ""
        ours = row is not None or str(found.get("description") or "").startswith(_MADE_BY)
        if kind == "cohort" and row is None and _alike(found.get("filters"), body["filters"]):
            return None, ""
        if not ours and not self.adopt:
            return None, f"a {kind} {name!r} is there that powerml did not make, and is left as it is"
        if boards := [board for board in found.get("dashboards") or () if isinstance(board, int)]:
            body = {**body, "dashboards": boards}  # it stays on the boards where somebody has put it
        return Write("update", kind, name, f"{kind} {name!r}", digest, body, remote=remote), ""

    def apply(self, writes: Sequence[Write], ledger: SinkLedger, *, now: Callable[[], datetime]) -> int:
        """Makes and updates things in their order; gives how many."""
        if self.service is None:
            raise EntryRefused(self.lacking)
        for write in writes:
            path, body = f"{write.kind}s", dict(write.body)
            if write.kind == "insight" and (board := ledger.row("dashboard", DASHBOARD)) is not None and board.remote:
                body["dashboards"] = sorted({*body.get("dashboards", ()), int(board.remote)})
            ledger.write([write.row("in flight")], now=now())
            made = self._update(path, write, body) if write.remote else None
            if made is None:
                made = self.service.call("POST", self._path(path), body=body, find=self._finder(path, write.key))
            if not isinstance(made, dict) or "id" not in made:
                raise ServiceDown(f"PostHog: takes the {write.kind} and does not say what it is called", unclear=True)
            ledger.write([write.row("sent", remote=str(made["id"]))], now=now())
        return len(writes)

    def _update(self, path: str, write: Write, body: dict[str, Any]) -> Any:
        """Brings a thing up to date; None where it has gone meanwhile."""
        assert self.service is not None
        try:
            return self.service.call("PATCH", self._path(path, write.remote), body=body)
        except RowRefused as error:
            if error.status != 404:
                raise
            return None

    def _finder(self, path: str, name: str) -> Callable[[], Any]:
        return lambda: _named(list(self._all(path)), name)

    def _path(self, path: str, id_: str = "") -> str:
        return f"/api/projects/{self.project_id}/{path}/" + (f"{id_}/" if id_ else "")

    def _all(self, path: str) -> Iterator[dict[str, Any]]:
        """Everything of a kind that is not deleted, page by page."""
        assert self.service is not None
        params: dict[str, Any] = {"limit": POSTHOG_PAGE}
        if path == "insights":
            params["saved"] = "true"
        seen: set[str] = set()
        while True:
            answer = self.service.call("GET", self._path(path), params=params)
            items = answer.get("results") if isinstance(answer, dict) else answer
            if not isinstance(items, list) or not all(isinstance(item, dict) and "id" in item for item in items):
                raise ServiceDown(f"PostHog: what it answers is no list of {path}", unclear=False)
            fresh = [item for item in items if str(item["id"]) not in seen]
            seen |= {str(item["id"]) for item in fresh}
            yield from (item for item in fresh if not item.get("deleted"))
            following = answer.get("next") if isinstance(answer, dict) else None
            if not following or not fresh:
                return
            told = parse_qs(urlsplit(str(following)).query)
            params = {**params, **{name: values[-1] for name, values in told.items()}}


def _named(there: Sequence[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((item for item in there if item.get("name") == name), None)


def _alike(filters: Any, wanted: Any) -> bool:
    """Whether two filters say the same, however they are nested."""
    return _conditions(filters) == _conditions(wanted)


def _conditions(value: Any) -> list[tuple[str, ...]]:
    if isinstance(value, dict) and "key" in value:
        told = value.get("value")
        values = sorted(map(str, told)) if isinstance(told, list) else [str(told)]
        return [(str(value["key"]), str(value.get("operator") or "exact"), str(bool(value.get("negation"))), *values)]
    inside = value.get("properties", value.get("values")) if isinstance(value, dict) else value
    return (
        sorted(c for one in inside for c in _conditions(one))
        if isinstance(inside, list)
        else (_conditions(inside) if isinstance(inside, dict) else [])
    )
