"""The power-user programme: its figures, accounts with a power user, first value, phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml import charts
from powerml.errors import MissingColumns
from powerml.monitoring.emerging import emerging_users
from powerml.programme.beginnings import activation, phases
from powerml.programme.kpis import KPIS
from powerml.reports.document.blocks import PageTable, Picture, Section, Told, missing, printed
from powerml.reports.sections.segments import OUTCOMES_NEEDED

if TYPE_CHECKING:
    from powerml.reports.document.blocks import Piece
    from powerml.reports.sections.facts import Facts

MONTHS_SHOWN = 6
CLAIMED = "document B claims 3 to 5 times the retention and 8 to 12 times the net revenue retention"


def programme_section(facts: Facts) -> Section:
    """The section `programme`."""
    blocks: list[Piece] = []
    if facts.session is None:
        what = f"The programme's {len(KPIS)} figures, and accounts with and without a power user beside each other,"
        blocks.append(missing(f"{what} are not known", OUTCOMES_NEEDED))
    else:
        blocks += [*_figures(facts), *_accounts(facts)]
    blocks += [*_activation(facts), *_phases(facts), *_emerging(facts)]
    return Section("programme", "Is the power-user programme working?", "Programme", tuple(blocks))


def _figures(facts: Facts) -> list[Piece]:
    kpis = facts.kept_table("programme/kpis")
    if kpis is None:
        return [missing(f"The programme's {len(KPIS)} figures are not known", OUTCOMES_NEEDED)]
    title = "The programme's figures: baseline and target are document B's, current is here"
    return [PageTable(_readable(kpis), "kpis", title, first=0)]


def _readable(kpis: pd.DataFrame) -> pd.DataFrame:
    """The figures as people read them: shares in per cent, beside days and points."""
    shown = kpis.assign(kpi=kpis["kpi"].str.replace("_", " "))
    for name in ("baseline", "target", "current", "low", "high"):
        shown[name] = [
            "" if value != value else f"{100 * value:.0f} %" if unit == "share" else f"{value:.0f}"
            for value, unit in zip(kpis[name].astype(float), kpis["unit"], strict=True)
        ]
    return shown


def _accounts(facts: Facts) -> list[Piece]:
    accounts = facts.kept_table("programme/accounts")
    if accounts is None:
        return [missing("Accounts with and without a power user are not compared", OUTCOMES_NEEDED)]
    about = {"nrr": "Money of those who paid a horizon later, over theirs now; who pays no longer counts nothing."}
    kinds = printed(percent=("nrr", "low_nrr", "high_nrr"))
    title = f"Accounts with and without a power user: what came of them ({CLAIMED})"
    blocks: list[Piece] = [PageTable(accounts, "accounts", title, kinds=kinds, about=about, first=0)]
    if "nrr" not in accounts or accounts["nrr"].isna().all():
        why = "Net revenue retention is not known"
        blocks.append(missing(why, "it needs 'mrr' of subscriptions, and a snapshot a horizon before the latest"))
    return blocks


def _activation(facts: Facts) -> list[Piece]:
    """Who did a first key action within 7 and 14 days of their beginning, by month."""
    rows = facts.first_actions
    if rows is None:
        how = "give an event the role key_action in the vocabulary; 'powerml night' keeps first key actions"
        return [missing("Who came to a first key action within 7 and 14 days is not known", how)]
    table = activation(rows, pd.Timestamp(facts.night.as_of))
    if table.empty:
        return [missing("Nobody began in the year before", "give users a column 'created_at', or wait")]
    whole = table[table["began"] == "all"]
    told = " and ".join(
        f"{100 * row['share']:.0f} % within {row['within_days']} days (n = {row['n']:,}, {100 * row['low']:.0f} to "
        f"{100 * row['high']:.0f})"
        for row in whole.to_dict("records")
    )
    months = table[table["began"] != "all"]
    months = months[months["began"].isin(sorted(months["began"].unique())[-MONTHS_SHOWN:])]
    lines = months.assign(name=months["began"], value=months["share"],
                          series=[f"within {days} days" for days in months["within_days"]])  # fmt: skip
    said = Told(f"Of those who began in the year before {facts.night.as_of}, a first key action came for {told}.")
    if lines.empty:
        return [said]
    chart = charts.estimates(
        lines[["name", "series", "value", "low", "high", "n"]],
        title="A first key action within 7 and 14 days, by month of beginning",
        told="With 95 % intervals; who began too lately to tell is not counted.",
    )
    return [said, Picture(chart, PageTable(table, "activation", first=0))]


def _phases(facts: Facts) -> list[Piece]:
    """The phases of the programme: where people stand now, what came of those of the last known outcomes."""
    kept = facts.kept_table("programme/phases")
    about = {"power_share": "Power users by document B's rule, of those of that age."}
    kinds = printed(percent=("power_share",))
    if kept is not None:
        title = "By age, on the last snapshot whose outcomes are known (document B's phases)"
        return [PageTable(kept, "phases", title, kinds=kinds, about=about, first=0)]
    if facts.power is None:
        return [missing("How many reach power use by day 30 and 90 is not known", "document B's rule lacks metrics")]
    try:
        now = phases(facts.night.snapshot.drop(columns="label", errors="ignore").assign(power_user=facts.power))
    except MissingColumns:
        return [missing("Ages are not known", "give users a column 'created_at'")]
    title = f"By age at {facts.night.as_of} (document B's phases)"
    return [PageTable(now, "phases", title, kinds=kinds, about=about, first=0)]


def _emerging(facts: Facts) -> list[Piece]:
    try:
        young = emerging_users(facts.night.snapshot)
    except MissingColumns:
        return [missing("Who is emerging is not known", "give users a column 'created_at'")]
    n = int(young["emerging"].sum())
    return [
        Told(
            f"Of {len(young):,} in their first 30 days {n:,} do at least twice as much as the median "
            "of their age (document B, phase 1)."
        )
    ]
