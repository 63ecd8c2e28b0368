"""`powerml explain ID --html`: one entity on one page: its score over time, why, what changed, the way up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml import charts
from powerml.charts.reasons import falls
from powerml.reports.document.blocks import (
    Figure,
    Figures,
    Page,
    PageTable,
    Picture,
    Section,
    Told,
    missing,
    printed,
)
from powerml.reports.document.render import render

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from datetime import date

    from powerml.reports.document.blocks import Piece
    from powerml.scoring.explain.explanation import Explanation

DRAWN = 9  # reasons in the waterfall; the rest together


@dataclass(frozen=True, eq=False)
class Beside:
    """What nights know around one entity.

    `alerts`: what rang for it or its account, None where no rule was looked at yet. `account`: its account's id.
    `members`: all who are scored in the account, itself included, None where accounts are not known. `facts`: what is
    known of the account, by name.
    """

    as_of: date
    alerts: pd.DataFrame | None = None
    account: str | None = None
    members: pd.DataFrame | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def person_page(who: Explanation, record: pd.DataFrame | None, beside: Beside | None = None) -> str:
    """The page as HTML; `record`: its nights (`as_of`, `score`, `band`, `because`), None where none is kept."""
    facts = (who.scorer, *(() if who.as_of is None else (f"at {who.as_of}",)))
    sections = (_why(who), _changed(who), _over_time(record), _way_up(who), _rang(beside), _account(who, beside))
    return render(Page(who.entity, facts, sections))


def _why(who: Explanation) -> Section:
    row = who.row
    shown = [Figure("score", f"{row['score']:.1f}", "0 to 100, by the scorer named above.")]
    ladder = [name for name in ("band", "tier") if name in row]
    shown += [Figure(name, str(row[name]), "Where the score lies in the ladder.") for name in ladder]
    for name, words in (("p_churn", "probability of leaving"), ("p_expand", "probability of expanding")):
        if name in row and pd.notna(row[name]):
            shown.append(Figure(words, f"{100 * row[name]:.1f} %", "Within the horizon that it was trained on."))
    told = who.reasons[who.reasons["contribution"] != 0]
    steps = [(_named(reason), float(reason["contribution"])) for reason in told.head(DRAWN).to_dict("records")]
    rest = float(told["contribution"].iloc[DRAWN:].sum())
    if len(told) > DRAWN:
        steps.append((f"{len(told) - DRAWN} others", rest))
    inside = [", ".join(member["metric"] for member in members) for members in told["with"]]
    table = told.assign(value=told["said"], **{"with": inside}).drop(columns="said")
    chart = falls(who.baseline, steps, title=f"From {who.baseline:.1f} to {row['score']:.1f}")
    numbers = PageTable(table, "reasons", kinds=printed(signed=("contribution",)))
    blocks: list[Piece] = [Figures(tuple(shown)), Picture(chart, numbers)]
    if who.caution:
        blocks.append(Told(who.caution, "small"))
    return Section("why", "Why this score?", "Why", tuple(blocks))


def _changed(who: Explanation) -> Section:
    heading = "What changed since the snapshot before?"
    if who.changes is None or who.score_before is None:
        lack = missing("There is no snapshot before", "it comes with the next date")
        return Section("changed", heading, "Changed", (lack,))
    moved = who.changes[who.changes["change"].abs() > 0].reset_index(drop=True)
    moved = moved.assign(**{name: moved[name].map(_plain) for name in ("value_before", "value")})
    difference = float(who.row["score"]) - who.score_before
    said = Told(f"Since {who.before}: {who.score_before:.1f} to {who.row['score']:.1f} ({difference:+.1f}).")
    table = PageTable(moved, "changes", kinds=printed(signed=("before", "after", "change")))
    return Section("changed", heading, "Changed", (said, table))


def _over_time(record: pd.DataFrame | None) -> Section:
    if record is None or record["score"].notna().sum() < 1:
        lack = missing("No night is kept of this one", "'powerml night' keeps one; --from and --to fill in")
        return Section("time", "How did the score go?", "Time", (lack,))
    dated = record.assign(as_of=pd.to_datetime(record["as_of"]))
    drawn = dated[["as_of", "score"]].dropna().rename(columns={"score": "mean_score"})
    chart = charts.trend(drawn, title="The score, night by night")
    return Section("time", "How did the score go?", "Time", (Picture(chart, PageTable(dated, "record", first=0)),))


def _way_up(who: Explanation) -> Section:
    heading = "What is the nearest way to the next band?"
    if who.recipe is None:
        lack = missing("No way is named", "a documented set names one: 'powerml explain ID --weights engagement'")
        return Section("next", heading, "Way up", (lack,))
    return Section("next", heading, "Way up", (Told(who.recipe.text),))


def _rang(beside: Beside | None) -> Section:
    heading = "What rang for this one?"
    if beside is None or beside.alerts is None:
        lack = missing("No alert was looked at", "'powerml night' looks at all rules each night")
        return Section("alerts", heading, "Alerts", (lack,))
    if beside.alerts.empty:
        return Section("alerts", heading, "Alerts", (Told(f"Nothing rang up to {beside.as_of}."),))
    return Section("alerts", heading, "Alerts", (PageTable(beside.alerts, "alerts", first=10),))


def _account(who: Explanation, beside: Beside | None) -> Section:
    heading = "Who stands beside, in the account?"
    if beside is None or beside.members is None or beside.account is None:
        lack = missing("The account is not known", "give events or users a column 'account_id', and keep a night")
        return Section("account", heading, "Account", (lack,))
    shown = [
        Figure(name, value, f"Of account {beside.account} at {beside.as_of}.") for name, value in beside.facts.items()
    ]
    n = len(beside.members)
    told = f"{beside.account} has {n:,} scored {'person' if n == 1 else 'people'} at {beside.as_of}."
    blocks: list[Piece] = [Told(told), *([Figures(tuple(shown))] if shown else [])]
    blocks.append(PageTable(beside.members, "members", f"Beside {who.entity}", first=10))
    return Section("account", heading, "Account", tuple(blocks))


def _named(reason: Mapping[Hashable, Any]) -> str:
    said = str(reason["said"])
    return f"{reason['metric']}: {said}" if said else str(reason["metric"])


def _plain(value: object) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
