"""The first screen: the verdict, what changed since last week, whom to call first, what the list is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powerml.reports.document.blocks import Figure, Figures, Links, PageTable, Section, Told, missing
from powerml.reports.document.render import anchor
from powerml.reports.sections.facts import in_brief

if TYPE_CHECKING:
    import pandas as pd

    from powerml.reports.document.blocks import Piece
    from powerml.reports.sections.facts import Facts, SeenNight

CALLED_FIRST = 10
BRIEFLY = ("owner", "score", "band", "change_7d", "change_30d", "p_churn", "mrr", "mrr_at_risk", "because")
NO_CHAMPION = "run 'powerml train', then 'powerml report' without --weights"


def monday_section(facts: Facts) -> Section:
    """The section `monday`."""
    short, _, _ = verdict_sentence(facts).partition(";")
    blocks: list[Piece] = [Told(f"{short.rstrip('.')}.", "verdict")]
    blocks += [Told(sentence) for sentence in what_changed(facts)]
    blocks.append(_figures(facts))
    if facts.tells and at_risk_money(facts.scored) is None:
        blocks.append(missing("What is at risk in money is not known", "give subscriptions a column 'mrr'"))
    first = next((one for one in facts.lists if one.name == "at_risk"), None)
    if first is None or first.rows.empty:
        why = " ".join(() if first is None else first.sentences) or "Nobody is at risk by this score"
        blocks.append(missing(f"No list of whom to call: {why.rstrip('.')}", "see the lists below"))
    else:
        rows = first.rows.head(CALLED_FIRST).dropna(axis=1, how="all")
        who = [name for name in ("name", "account_name") if name in rows][:1] or ["account_id", "user_id"]
        rows = rows[[name for name in ("rank", *who, *BRIEFLY) if name in rows]]
        if "because" in rows:
            rows = rows.assign(because=rows["because"].map(in_brief))
        blocks.append(PageTable(rows, "call_first", f"The {len(rows)} to call first", first=0))
        blocks += [Told(sentence, "small") for sentence in first.sentences]
    blocks.append(Links(_buttons(facts)))
    return Section("monday", "What changed, and whom do we call first?", "Monday", tuple(blocks))


def _buttons(facts: Facts) -> tuple[tuple[str, str], ...]:
    """From the first screen to every reader's question, one click each."""
    ready = next((one for one in facts.lists if one.name == "expansion" and len(one.rows)), None)
    return (
        ("lists", "All lists"),
        *(() if ready is None else ((anchor("list expansion"), "Who is ready for more?"),)),
        ("verdict", "May I believe it?"),
        ("movement", "Who moved"),
        ("segments", "What do the best do?"),
        ("impact", "Did our playbooks work?"),
        ("top", "Top 20"),
    )


def verdict_sentence(facts: Facts) -> str:
    """The verdict on the scorer, or why there is none."""
    said = facts.said("verdicts")
    if said:
        return said[0]
    if facts.session is None and not facts.tells:
        return (
            f"{facts.scorer.shown} is a documented set: its numbers are its document's, and nothing here says "
            "what they predict."
        )
    return f"{facts.scorer.shown}: the session that made it is not here, so its verdict is not known."


def what_changed(facts: Facts) -> tuple[str, ...]:
    """Three sentences: moves, the longest falls, what is expected."""
    before, days = (facts.week, "a week") if facts.week is not None else (facts.month, "a month")
    if before is None:
        since = f"Nothing is compared: there is no earlier night by {facts.scorer.shown}; 'powerml night' keeps one."
        return (since, *_expected(facts))
    moves = facts.moves(before)
    if moves.empty:
        return (f"Nobody was scored both at {before.as_of} and at {facts.night.as_of}.", *_expected(facts))
    change = moves["score_after"] - moves["score_before"]
    up, down = int((moves["steps"] > 0).sum()), int((moves["steps"] < 0).sum())
    first = (
        f"Since {before.as_of} ({days} before) {up:,} of {len(moves):,} {facts.entities} moved up a band and "
        f"{down:,} down; the mean score changed by {change.mean():+.1f}."
    )
    return (first, _falls(moves, before), *_expected(facts))


def _falls(moves: pd.DataFrame, before: SeenNight) -> str:
    down = moves[moves["steps"] < 0]
    if down.empty:
        return f"Nobody fell a band since {before.as_of}."
    fall = (down["score_after"] - down["score_before"]).sort_values(kind="stable")
    told = [
        f"{who} ({down.loc[who, 'score_before']:.0f} to {down.loc[who, 'score_after']:.0f})" for who in fall.index[:3]
    ]
    return f"The longest falls: {', '.join(told)}."


def _expected(facts: Facts) -> tuple[str, ...]:
    scored = facts.scored
    if "p_churn" not in scored or scored["p_churn"].isna().all():
        return ()
    days = facts.project.outcome.horizon_days
    told = f"Of {len(scored):,} scored {scored['p_churn'].sum():.0f} are expected to leave within {days} days"
    if "p_expand" in scored and scored["p_expand"].notna().any():
        told += f" and {scored['p_expand'].sum():.0f} to expand"
    money = at_risk_money(scored)
    return (f"{told}{'' if money is None else f'; {money:,.0f} of revenue a month are at risk (p_churn times mrr)'}.",)


def at_risk_money(scored: pd.DataFrame) -> float | None:
    """The money a month expected to be lost, each account's counted once; None where money is not known."""
    if "mrr" not in scored or "p_churn" not in scored or (scored["p_churn"] * scored["mrr"]).isna().all():
        return None
    by = scored["account_id"] if "account_id" in scored else scored.index.to_series()
    accounts = scored.assign(by=by).groupby("by").agg(p=("p_churn", "mean"), mrr=("mrr", "max"))
    return float((accounts["p"] * accounts["mrr"]).sum())


def _figures(facts: Facts) -> Figures:
    """A handful of numbers, each with how it was made."""
    scored, at = facts.scored, f"At {facts.night.as_of}, by {facts.scorer.shown}"
    told = [
        Figure("scored", f"{len(scored):,}", f"{at}: {facts.entities} with enough history who are in the population.")
    ]
    if len(scored):
        told.append(Figure("mean score", f"{scored['score'].mean():.1f}", f"{at}, n = {len(scored):,}."))
    if facts.bands is not None and len(facts.bands.names) > 1:
        low = facts.bands.names[-2:]
        n = int(scored["band"].isin(low).sum())
        told.append(Figure(" or ".join(low), f"{n:,}", f"{at}: n = {n:,} of {len(scored):,} in the two lowest bands."))
    if "p_churn" in scored and scored["p_churn"].notna().any():
        days = facts.project.outcome.horizon_days
        told.append(Figure("expected to leave", f"{scored['p_churn'].sum():.0f}",
                           f"{at}: sum of p_churn over {len(scored):,}, within {days} days."))  # fmt: skip
    if (money := at_risk_money(scored)) is not None:
        told.append(Figure("a month at risk", f"{money:,.0f}", f"{at}: sum over accounts of p_churn times mrr."))
    return Figures(tuple(told))
