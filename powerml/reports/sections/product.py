"""What people do with the product: the curve, the metric tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml import charts
from powerml.config import shipped
from powerml.config.claims import load_claims
from powerml.programme.concentration import concentration, gini, lorenz, power_user_curve, share_of_top_interval
from powerml.programme.segments import account_of
from powerml.reports.document.blocks import PageTable, Picture, Section, Told, missing, printed
from powerml.reports.sections.people import EARLIER
from powerml.scoring.contributions import Contributions
from powerml.scoring.explain.moved_tree import moved_tree
from powerml.scoring.explain.tree import branches_of, owned_branches

if TYPE_CHECKING:
    from powerml.reports.document.blocks import Piece
    from powerml.reports.sections.facts import Facts, SeenNight

DONE = "key_actions_30d"
SIGNALS = "power_user_signals"
DAYS = "active_days_30d"


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


def tree_section(facts: Facts) -> Section:
    """The section `tree`: the rows of `powerml tree`."""
    heading = "What is the mean score made of, and who answers for it?"
    after = _contributions(facts, facts.night)
    if after.values.empty:
        return Section("tree", heading, "Tree", (missing("Nobody is scored", "see 'powerml check'"),))
    earlier = facts.month
    before = None if earlier is None else _contributions(facts, earlier)
    before = None if before is None or before.values.empty else before
    document = facts.scorer.model.scorer.document
    own = {} if document is None else {branch: group.owner for branch, group in owned_branches(document).items()}
    owners = {name: str(owner) for name, owner in own.items() if owner}
    owners |= {name: str(owner) for name, owner in facts.project.owners.items()}
    rows = moved_tree(after, before, branches_of(facts.scorer.model, facts.metrics), owners)
    kinds = printed(signed=("contribution", "change", "from_movers"), points=("before",))
    about = {
        "contribution": f"Points of the mean score of {facts.night.as_of}, n = {len(after.values):,} scored.",
        "from_movers": "The part of the change that is due to who came and went.",
    }
    blocks: list[Piece] = []
    if before is None or earlier is None:
        blocks.append(missing("What changed the mean is not known", EARLIER))
    else:
        whole = rows.iloc[0]
        blocks.append(
            Told(
                f"The mean score changed by {whole['change']:+.2f} points since {earlier.as_of}, "
                f"{whole['from_movers']:+.2f} of it from who came and went; branches and metrics add up to that."
            )
        )
        about["before"] = f"The same at {earlier.as_of}, n = {len(before.values):,}."
    title = f"The mean score of {facts.night.as_of} (n = {len(after.values):,}), branch by branch"
    shown = rows.dropna(axis=1, how="all")
    blocks.append(PageTable(shown, "tree", title, kinds=kinds, about=about, first=12))
    if not owners:
        blocks.append(missing("No branch has an owner", "add 'owners: {branch: name}' to powerml.yaml"))
    return Section("tree", heading, "Tree", tuple(blocks))


def _contributions(facts: Facts, night: SeenNight) -> Contributions:
    """What each metric adds to the score of each who is scored, indexed by entity."""
    there = night.rows
    if there.empty:
        return Contributions(pd.DataFrame(), 0.0)
    made = facts.scorer.model.referenced(there).contributions(there)
    return Contributions(made.values.set_axis(there[facts.id_column].astype(str), axis=0), made.baseline)
