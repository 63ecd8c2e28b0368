"""Who: how scores are spread, who moved, who stands at the top, on which list, and what rang."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml import charts
from powerml.monitoring.band_movement import transitions
from powerml.monitoring.gaming import gaming_sentence
from powerml.reports.document.blocks import PageTable, Picture, Section, Told, missing, printed
from powerml.reports.sections.facts import in_brief

if TYPE_CHECKING:
    from powerml.reports.document.blocks import Piece
    from powerml.reports.sections.facts import Facts, SeenNight

TOP, MOVERS, LISTED = 20, 30, 25
EARLIER = "'powerml night' keeps one each night, 'powerml night --from D --to D' fills them in"
DIMENSIONS_LEFT_OUT = frozenset({
    "as_of", "status", "percentile", "coverage", "reasons", "model", "model_version", "scored_at", "because", "mrr",
    "raw_score", "document_score", "account_id", "user_id", "score", "band",
})  # fmt: skip


def spread_section(facts: Facts) -> Section:
    """The section `distribution`."""
    scored = facts.scored
    edges = {} if facts.bands is None else dict(zip(facts.bands.edges, facts.bands.names, strict=True))
    blocks: list[Piece] = []
    if scored.empty:
        blocks.append(missing("Nobody is scored at this date", "see 'powerml check'"))
        return Section("distribution", "How are the scores spread?", "Spread", tuple(blocks))
    counts, ends = np.histogram(scored["score"].clip(0, 100), bins=25, range=(0, 100))
    table = pd.DataFrame({"from": ends[:-1], "to": ends[1:], "n": counts})
    title = f"The {len(scored):,} scores of {facts.night.as_of}"
    blocks.append(Picture(charts.distribution(scored["score"], edges, title=title), PageTable(table, "distribution")))
    status = facts.night.scores["status"].value_counts().rename_axis("status").rename("n").reset_index()
    if len(facts.over_time) > 1:
        blocks.append(Picture(charts.trend(facts.over_time), PageTable(facts.over_time, "trend")))
        if facts.bands is not None and len(facts.shares):
            shown = facts.shares[["as_of", "band", "n", "share"]]
            blocks.append(Picture(charts.band_shares(shown, facts.bands.names), PageTable(shown, "shares over time")))
    else:
        blocks.append(missing("There is no earlier night, so no trend", EARLIER))
    blocks += _tiers(facts)
    blocks.append(PageTable(status, "status", "Who is scored and who is not", first=0))
    return Section("distribution", "How are the scores spread, and is that changing?", "Spread", tuple(blocks))


def _tiers(facts: Facts) -> list[Piece]:
    """Document A's tiers beside the shares that it expects."""
    if facts.tiers is None:
        how = "they need the metrics of 'powerml score --weights power_user'; 'powerml night' scores that set, too"
        return [missing("Document A's tiers are not known", how)]
    shown = facts.tiers.rename(columns={"tier": "band"})
    chart = charts.share_beside(shown, title="Document A's tiers beside what it expects")
    return [Picture(chart, PageTable(facts.tiers, "tiers", first=0))]


def _why_they_left(facts: Facts) -> list[Piece]:
    """Reasons given by those who stopped paying in the year before."""
    leaving = facts.usage.leaving
    if leaving is None:
        how = "give subscriptions a column 'reason' (why a contract ended); 'powerml night' keeps a count of them"
        return [missing("Why customers left is not known", how)]
    if leaving.empty:
        return [Told(f"Nobody stopped paying in the year before {facts.night.as_of}.")]
    n = int(leaving["accounts"].sum())
    silent = int(leaving.loc[leaving["reason"].isna(), "accounts"].sum())
    shown = leaving.dropna(subset=["reason"]).assign(share=lambda rows: rows["accounts"] / n)
    told = f"{n - silent:,} of {n:,} accounts that stopped paying in the year before said why."
    about = {"share": "Of all accounts that stopped paying in the year before, with or without a reason."}
    return [Told(told), PageTable(shown, "leaving", "Why they left, as they said", about=about)]


def movement_section(facts: Facts) -> Section:
    """The section `movement`."""
    blocks: list[Piece] = []
    for before, days in ((facts.week, "a week"), (facts.month, "a month")):
        if before is None:
            blocks.append(missing(f"There is no night {days} before {facts.night.as_of} by this scorer", EARLIER))
            continue
        blocks += _moved(facts, before)
    path = facts.kept_table("churners_path")
    if path is not None:
        blocks += [Told(sentence) for sentence in facts.said("churners_path")]
        blocks.append(Picture(charts.path(path), PageTable(path, "churners_path", first=0)))
    else:
        blocks.append(
            missing(
                "The path of churners over six months is not known", "it needs monthly snapshots in 'powerml train'"
            )
        )
    reasons = at_risk_reasons(facts)
    if reasons is not None:
        blocks.append(
            PageTable(
                reasons,
                "risk_reasons",
                "Why those in the two lowest bands score as they do (mean points against the usual)",
                printed(signed=("points",)),
            )
        )
    blocks += _why_they_left(facts)
    return Section("movement", "Who moved, and why?", "Movement", tuple(blocks))


def _moved(facts: Facts, before: SeenNight) -> list[Piece]:
    """Flows and the movers, down first, since one earlier night."""
    if facts.bands is None:
        return [missing(f"{facts.scorer.shown} has no bands to move between", "add 'bands' to its weight set")]
    moves = facts.moves(before)
    counts = transitions(moves, facts.bands)
    flows = counts.rename_axis(index="from_band").reset_index().melt("from_band", var_name="to_band", value_name="n")
    key = f"since {before.as_of}"
    chart = charts.flows(flows, facts.bands.names, title=f"Between bands, {before.as_of} to {facts.night.as_of}")
    changed = moves[moves["steps"] != 0].copy()
    changed["change"] = changed["score_after"] - changed["score_before"]
    changed = changed.sort_values(["steps", "change"], kind="stable")
    ends = pd.concat([changed[changed["steps"] < 0].head(MOVERS), changed[changed["steps"] > 0].tail(MOVERS)])
    shown = ends.rename_axis(facts.id_column).reset_index()
    shown["because"] = [in_brief(told) for told in facts.because(shown[facts.id_column])]
    title = f"Who changed band {key} (down first; {len(changed):,} in all)"
    kinds = printed(points=("score_before", "score_after"), signed=("change",))
    columns = [facts.id_column, "from_band", "to_band", "score_before", "score_after", "change", "because"]
    return [
        Picture(chart, PageTable(flows[flows["n"] > 0], f"flows {key}")),
        PageTable(shown[columns], f"moved {key}", title, kinds=kinds, first=10),
    ]


def at_risk_reasons(facts: Facts) -> pd.DataFrame | None:
    """The mean contribution of each metric among those in the two lowest bands, most costly first; None without."""
    if facts.bands is None or len(facts.bands.names) < 3 or facts.scored.empty:
        return None
    low = facts.scored["band"].isin(facts.bands.names[-2:]).to_numpy()
    if not low.any():
        return None
    points = facts.given.values
    apart = (points[low].mean() - points.mean()).sort_values(kind="stable")
    table = apart[apart.abs() > 0.05].head(12).rename("points").rename_axis("metric").reset_index()
    return table.assign(n=int(low.sum())) if len(table) else None


def top_section(facts: Facts) -> Section:
    """The section `top`."""
    scored = facts.scored
    parts = [
        name for name in scored.columns
        if name not in DIMENSIONS_LEFT_OUT and pd.api.types.is_numeric_dtype(scored[name]) and not name.startswith("p_")
        and not name.endswith("_lift")
    ]  # fmt: skip
    best = scored.sort_values(["score", facts.id_column], ascending=[False, True], kind="stable").head(TOP)
    ids = [name for name in ("user_id", "account_id") if name in best]
    probabilities = [name for name in best.columns if name.startswith("p_")]
    best = best.assign(because=facts.because(best[facts.id_column]))
    shown = best[[*ids, "score", "band", *parts, *probabilities, *(["mrr"] if "mrr" in best else []), "because"]]
    shown = shown.dropna(axis=1, how="all").reset_index(drop=True)
    kinds = printed(points=("score", *parts), money=("mrr",), percent=probabilities)
    blocks: list[Piece] = [
        PageTable(
            shown,
            "top",
            f"The {len(shown)} highest scores of {facts.night.as_of}",
            kinds=kinds,
            about=dict.fromkeys(parts, "Points of this part of the score."),
            first=0,
        )
    ]
    before = facts.month or facts.week
    if before is None:
        blocks.append(missing("Rising stars and largest drops need an earlier night", EARLIER))
        return Section("top", "Who stands at the top, and who is on the way?", "Top", tuple(blocks))
    moves = facts.moves(before)
    moves["change"] = moves["score_after"] - moves["score_before"]
    for key, title, rows in (
        ("rising", "Rising stars: the largest rises", moves.sort_values("change", ascending=False, kind="stable")),
        ("drops", "The largest drops", moves.sort_values("change", kind="stable")),
    ):
        some = rows[rows["change"] > 0.05 if key == "rising" else rows["change"] < -0.05].head(TOP)
        table = some[["score_before", "score_after", "change"]].rename_axis(facts.id_column).reset_index()
        table["because"] = [in_brief(told) for told in facts.because(table[facts.id_column])]
        signs = printed(points=("score_before", "score_after"), signed=("change",))
        blocks.append(PageTable(table, key, f"{title} since {before.as_of}", kinds=signs, first=10))
    return Section("top", "Who stands at the top, and who is on the way?", "Top", tuple(blocks))


def lists_section(facts: Facts) -> Section:
    """The section `lists`."""
    blocks: list[Piece] = []
    if not facts.lists:
        blocks.append(missing("No list can be made of this night", "a list needs scores of a night: 'powerml night'"))
    elif facts.people is None or "owner" not in facts.people or facts.people["owner"].isna().all():
        how = "give accounts a column 'owner'; 'powerml night' keeps names and owners beside each night"
        blocks.append(missing("Who owns which account is not known", how))
    for one in facts.lists:
        title = f"{one.name} ({one.team}): {one.about}"
        if one.rows.empty:
            why = " ".join(one.sentences).rstrip(".") or "Nobody stands on it"
            blocks.append(missing(f"{one.name}: {why}", f"see 'powerml list {one.name}'"))
            continue
        shown = one.rows.head(LISTED).dropna(axis=1, how="all")
        blocks.append(PageTable(shown, f"list {one.name}", title, first=5))
        blocks += [Told(sentence, "small") for sentence in one.sentences]
    for sentence in facts.said("calls"):
        blocks.append(Told(sentence))
    if (calls := facts.kept_table("calls")) is not None:
        blocks.append(
            PageTable(
                calls, "calls", "What calling so many accounts should catch, and what came on held-out cutoffs", first=0
            )
        )
    return Section("lists", "Which lists are there, and what are they worth?", "Lists", tuple(blocks))


def alerts_section(facts: Facts) -> Section:
    """The section `alerts`."""
    blocks: list[Piece] = []
    if facts.alerts is None:
        blocks.append(missing("Triggers tell what became true since an earlier night, and there is none", EARLIER))
    elif facts.alerts.empty:
        blocks.append(Told("Nothing rang in the week before this night."))
    else:
        blocks.append(PageTable(facts.alerts, "alerts", f"What rang ({len(facts.alerts):,})", first=15))
    blocks += _judged(facts)
    return Section("alerts", "What rang this week, and does it tell anything?", "Alerts", tuple(blocks))


def _judged(facts: Facts) -> list[Piece]:
    """Each rule's scorecard, the newest that was made."""
    if facts.judged is None:
        how = "'powerml alerts --judge' replays the kept nights whose outcomes are known and keeps the result"
        return [missing("Whether the rules tell anything is not known", how)]
    rules = facts.judged.rules
    lines = rules[rules["lift"].notna()].assign(name=rules["alert"], value=rules["lift"], n=rules["fired"])
    title = f"Does each rule tell anything? Judged on the nights up to {facts.judged.as_of}"
    about = {
        "fired": "How often it rang at nights whose outcomes are known.",
        "base_rate": "How often that outcome came to everybody of those nights.",
        "lift": "The rate after a ring over the base rate; 1 tells nothing.",
        "lead_days": "Median days from the ring to the leaving.",
        "share_warned": "Of all who left, those of whom it had rung.",
    }
    table = PageTable(rules, "alert_card", title, kinds=printed(percent=("base_rate", "share_warned")), about=about,
                      first=0)  # fmt: skip
    monitor = _monitored(facts.judged.metrics)
    if lines.empty:
        return [table, *monitor]
    chart = charts.estimates(
        lines[["name", "value", "low", "high", "n"]], title="What each rule is worth", number_format=".1f", zero=1.0,
        told="Lift over the base rate with its 95 % interval by account; at 1 a rule tells nothing.",
    )  # fmt: skip
    return [Picture(chart, table), *monitor]


def _monitored(metrics: pd.DataFrame | None) -> list[Piece]:
    """The gaming monitor: whether what each metric gives still goes with the outcome."""
    if metrics is None or metrics.empty:
        return []
    about = {
        "share": "Its part of what moves the score, in per cent.",
        "auroc_before": "The chance that one who stayed got more points of it than one who left.",
        "auroc_now": "The same in the three newest months whose outcomes are known.",
    }
    title = "Does each metric's part of the score still go with the outcome?"
    return [Told(gaming_sentence(metrics)), PageTable(metrics, "gaming", title, about=about, first=10)]
