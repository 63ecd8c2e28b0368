"""What people do with the product: the curve, segments, the programme, the metric tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml import charts
from powerml.config import shipped
from powerml.config.claims import load_claims
from powerml.config.metrics import catalogue
from powerml.errors import MissingColumns
from powerml.monitoring.emerging import emerging_users
from powerml.programme.archetypes import archetypes
from powerml.programme.concentration import concentration, gini, lorenz, power_user_curve, share_of_top_interval
from powerml.programme.kpis import KPIS
from powerml.programme.segments import account_of
from powerml.reports.document.blocks import PageTable, Picture, Section, Told, missing, printed
from powerml.reports.sections.people import EARLIER
from powerml.scoring.contributions import by_group, change
from powerml.scoring.explain.tree import branch_changes, branches, metric_tree, owned_branches

if TYPE_CHECKING:
    from powerml.reports.document.blocks import Piece
    from powerml.reports.sections.facts import Facts, SeenNight

ENOUGH_POWER_USERS = 10
DONE = "key_actions_30d"
SIGNALS = "power_user_signals"
DAYS = "active_days_30d"
OUTCOMES_NEEDED = "'powerml train' keeps it with the champion; it needs labels that are ripe and document B's metrics"


def curve_section(facts: Facts) -> Section:
    """The section `curve`."""
    rows = facts.night.snapshot
    blocks: list[Piece] = []
    if DAYS in rows and rows[DAYS].ge(1).any():
        days = power_user_curve(rows)
        habit = days.loc[days["days"] >= 20, "share"].sum()
        blocks.append(
            Told(
                f"{100 * habit:.0f} % of the {int(days['users'].sum()):,} active in 30 days were so on 20 days or more."
            )
        )
        blocks.append(Picture(charts.day_curve(days), PageTable(days, "curve")))
    else:
        blocks.append(missing("Active days are not known", "map 'events' in powerml.yaml"))
    claim = next(c for c in load_claims(shipped.find("claims", SIGNALS)).concentration if c.metric == DONE)
    if DONE not in rows or not rows[DONE].fillna(0).gt(0).any():
        blocks.append(
            missing("Key actions are not known", "give the events that are ones the role key_action in the vocabulary")
        )
        return Section("curve", "How much do a few do?", "Curve", tuple(blocks))
    amounts = rows[DONE]
    table = concentration(amounts, claim=claim)
    groups = account_of(rows)
    if groups is not None:
        table["low"], table["high"] = share_of_top_interval(amounts, table["top"].tolist(), groups=groups)
    ends = table[table["top"].isin(claim.top)]
    told = " and ".join(
        f"the top {100 * top:.0f} % make {100 * share:.0f} %"
        for top, share in zip(ends["top"], ends["share"], strict=True)
    )
    blocks.append(Told(
        f"Of key actions in 30 days {told}; document C says the top {100 * claim.top[0]:.0f} to "
        f"{100 * claim.top[1]:.0f} % make {100 * claim.share[0]:.0f} to {100 * claim.share[1]:.0f} %. "
        f"Gini coefficient {gini(amounts):.2f}."
    ))  # fmt: skip
    box = (*claim.top, *claim.share)
    kinds = printed(percent=("top", "share", "low", "high", "expected_low", "expected_high"))
    blocks.append(
        Picture(charts.lorenz_curve(lorenz(amounts), box), PageTable(table, "concentration", kinds=kinds, first=0))
    )
    return Section("curve", "How much do a few do?", "Curve", tuple(blocks))


def segments_section(facts: Facts) -> Section:
    """The section `segments`."""
    blocks: list[Piece] = []
    table = facts.kept_table("programme/segments")
    if table is None:
        blocks.append(missing("What came of each segment is not known", OUTCOMES_NEEDED))
    else:
        blocks.append(
            Told("Document B's segments on the last snapshot whose outcomes are known, beside its own table.", "small")
        )
        long = pd.concat([
            table.assign(name=table["segment"], series=outcome, value=table[f"rate_{outcome}"],
                         low=table[f"low_{outcome}"], high=table[f"high_{outcome}"],
                         reference=table[f"document_{outcome}"], n=table["n_labelled"])
            for outcome in ("expand", "churn")
        ], ignore_index=True)[["name", "series", "value", "low", "high", "reference", "n"]]  # fmt: skip
        chart = charts.estimates(
            long,
            title="Expansion and churn by segment",
            told="Points with 95 % intervals by account; diamonds: document B's.",
        )
        blocks.append(Picture(chart, PageTable(table, "segments", first=0)))
    blocks += _apart(facts)
    blocks += _archetypes(facts)
    return Section("segments", "What do power users do that others do not?", "Segments", tuple(blocks))


def _apart(facts: Facts) -> list[Piece]:
    """Metrics by power users and the rest, those apart most first."""
    if facts.power is None:
        return [
            missing(
                "Who is a power user is not known",
                "document B's rule needs active days, feature categories, and integrations or collaboration",
            )
        ]
    rows = facts.night.snapshot[facts.night.snapshot["enough_history"].astype(bool)]
    power = facts.power[rows.index].astype(bool)
    names = [
        name for name in rows.select_dtypes("number").columns if name in facts.metrics and rows[name].notna().any()
    ]
    found = []
    for name in names:
        values = rows[name].astype(float)
        mine, rest, spread = values[power], values[~power], values.std()
        if mine.notna().sum() and rest.notna().sum() and spread > 0:
            found.append(
                (name, mine.mean(), rest.mean(), (mine.mean() - rest.mean()) / spread, int(mine.notna().sum()))
            )
    if 0 < power.sum() < ENOUGH_POWER_USERS:
        told = f"Only {int(power.sum())} power users at this date: too few to say what they do otherwise"
        return [missing(told, f"{ENOUGH_POWER_USERS} are needed; 'powerml score --weights power_user_rule' names them")]
    if not found or not power.any():
        return [
            missing(
                "Nobody is a power user by document B's rule at this date",
                "see 'powerml score --weights power_user_rule'",
            )
        ]
    table = pd.DataFrame(found, columns=["metric", "power_users", "others", "apart", "n_power_users"])
    table = table.sort_values("apart", key=lambda apart: apart.abs(), ascending=False, kind="stable").head(25)
    about = {"apart": "Difference of the means over the standard deviation of all: what goes with power use."}
    title = f"What {int(power.sum()):,} power users have more of than {int((~power).sum()):,} others"
    return [PageTable(table, "differentiators", title, about=about, first=10)]


def _archetypes(facts: Facts) -> list[Piece]:
    if facts.power is None:
        return []
    try:
        found = archetypes(facts.night.snapshot, power_user=facts.power)["archetype"].dropna()
    except MissingColumns as error:
        return [
            missing(
                f"Archetypes are not known ({error.columns[0]} is absent)"
                if hasattr(error, "columns")
                else "Archetypes are not known",
                "map referrals, invites, beta features and requests",
            )
        ]
    if found.empty:
        return []
    counts = found.value_counts().rename_axis("archetype").rename("n").reset_index()
    counts["share"] = counts["n"] / len(found)
    return [PageTable(counts, "archetypes", "Archetypes of power users (document C)", first=0)]


def programme_section(facts: Facts) -> Section:
    """The section `programme`."""
    blocks: list[Piece] = []
    kpis, accounts = facts.kept_table("programme/kpis"), facts.kept_table("programme/accounts")
    if kpis is None:
        blocks.append(missing(f"The programme's {len(KPIS)} figures are not known", OUTCOMES_NEEDED))
    else:
        blocks.append(
            PageTable(
                kpis,
                "kpis",
                "The programme's figures: baseline and target are the document's, current is here",
                first=0,
            )
        )
    if accounts is None:
        blocks.append(missing("Accounts with and without a power user are not compared", OUTCOMES_NEEDED))
    else:
        blocks.append(
            PageTable(accounts, "accounts", "Accounts with and without a power user: what came of them", first=0)
        )
    try:
        young = emerging_users(facts.night.snapshot)
        n = int(young["emerging"].sum())
        blocks.append(
            Told(
                f"Of {len(young):,} in their first 30 days {n:,} do at least twice as much as the median "
                f"of their age (document B, phase 1)."
            )
        )
    except MissingColumns:
        blocks.append(missing("Who is emerging is not known", "give users a column 'created_at'"))
    return Section("programme", "Is the power-user programme working?", "Programme", tuple(blocks))


def tree_section(facts: Facts) -> Section:
    """The section `tree`."""
    rows = _rows(facts, facts.night)
    if rows.empty:
        return Section(
            "tree", "What is the mean score made of?", "Tree", (missing("Nobody is scored", "see 'powerml check'"),)
        )
    given = facts.scorer.model.contributions(rows)
    document = facts.scorer.model.scorer.document
    known = catalogue()
    branch_of = branches(document) if document is not None else {
        str(name): str(known[name].group) if name in known else "own metrics" for name in given.values.columns
    }  # fmt: skip
    owners = {
        **({} if document is None else {b: g.owner for b, g in owned_branches(document).items()}),
        **facts.project.accountable,
    }
    table = metric_tree(given, branch_of)
    table["owner"] = [owners.get(str(branch), "") for branch in table["branch"]]
    blocks: list[Piece] = [
        PageTable(
            table,
            "tree",
            f"The mean score of {facts.night.as_of} (n = {len(rows):,}), branch by branch",
            kinds={"contribution": "signed"},
            first=12,
        )
    ]
    before = facts.month or facts.week
    if before is None:
        blocks.append(missing("What changed the mean is not known", EARLIER))
    else:
        then = _rows(facts, before)
        if len(then):
            groups = {} if document is None else owned_branches(document)
            earlier = facts.scorer.model.contributions(then)
            moved = branch_changes(earlier, given, branch_of, groups)
            both = change(by_group(earlier, branch_of), by_group(given, branch_of))
            blocks.append(
                Told(
                    f"The mean score changed by {both['change'].sum():+.2f} points since {before.as_of}; "
                    "the changes of the branches add up to that."
                )
            )
            kinds = printed(signed=("before", "after", "change"))
            blocks.append(
                PageTable(moved, "tree change", f"What changed it since {before.as_of}", kinds=kinds, first=0)
            )
    if not owners:
        blocks.append(missing("No branch has an owner", "add 'owners: {branch: name}' to powerml.yaml"))
    return Section("tree", "What is the mean score made of, and who answers for it?", "Tree", tuple(blocks))


def _rows(facts: Facts, night: SeenNight) -> pd.DataFrame:
    scored = night.scores.loc[night.scores["status"].eq("scored"), facts.id_column]
    return night.snapshot[night.snapshot[facts.id_column].isin(scored)].reset_index(drop=True)
