"""May one believe the score: verdict, bands, calibration, and the last list with what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml import charts
from powerml.reports.document.blocks import Links, PageTable, Picture, Section, Told, missing, printed
from powerml.reports.sections.monday import NO_CHAMPION, verdict_sentence
from powerml.training.last_list import MOST_MISSED

if TYPE_CHECKING:
    from powerml.reports.document.blocks import Piece
    from powerml.reports.sections.facts import Facts

SKILL = {"skill": "value", "skill_low": "low", "skill_high": "high"}
BY_ACCOUNT = "With 95 % intervals by account."


def verdict_section(facts: Facts) -> Section:
    """The section `verdict`."""
    blocks: list[Piece] = [Told(verdict_sentence(facts), "verdict"), *_plain(facts.said("verdicts")[1:])]
    blocks += _plain((*facts.said("choice"), *facts.said("both_ways"), *facts.said("seen_and_unseen")))
    if facts.session is None:
        blocks.append(
            missing("No training session is behind these scores, so nothing says whether they predict", NO_CHAMPION)
        )
    scorers, outcomes = facts.kept_table("scorers"), facts.kept_table("outcomes")
    if scorers is not None:
        lines = scorers.rename(columns={"scorer": "name", **SKILL})
        chart = charts.estimates(lines, title="Skill over the base rate, on held-out rows", told=BY_ACCOUNT, zero=0.0)
        blocks.append(Picture(chart, PageTable(scorers, "scorers", kinds=printed(percent=SKILL))))
    if outcomes is not None:
        lines = outcomes.rename(columns={"scorer": "name", "auroc": "value", "auroc_low": "low", "auroc_high": "high"})
        chart = charts.estimates(
            lines.assign(series=outcomes["outcome"])[["name", "series", "value", "low", "high"]],
            title="How well each ranks (AUROC)", told=f"{BY_ACCOUNT} 0.5 is a coin.", number_format=".2f", zero=0.5,
        )  # fmt: skip
        blocks.append(Picture(chart, PageTable(outcomes, "outcomes")))
    months, early = facts.kept_table("months"), facts.kept_table("early_warning")
    if months is not None:
        dated = months[months["outcome"] != "overall"].assign(as_of=pd.to_datetime(months["as_of"]))
        blocks.append(Picture(charts.months(dated), PageTable(months, "months")))
    if early is not None:
        lines = early.assign(
            name=[f"{days} days before" for days in early["days"]], series=early["outcome"], value=early["auroc"]
        )
        chart = charts.estimates(
            lines[["name", "series", "value", "low", "high"]], title="Early warning: the score of so many days before",
            told=f"AUROC, {BY_ACCOUNT[0].lower()}{BY_ACCOUNT[1:]}", number_format=".2f", zero=0.5,
        )  # fmt: skip
        blocks.append(Picture(chart, PageTable(early, "early_warning")))
    blocks += _plain(
        (*facts.said("months"), *facts.said("early_warning"), *facts.said("drift"), *facts.said("accuracy"))
    )
    if facts.session is not None:
        blocks.append(Told(f"Session of {facts.session.when}; all its files: powerml ui.", "small"))
    return Section("verdict", "Does this score predict?", "Verdict", tuple(blocks))


def bands_section(facts: Facts) -> Section:
    """The section `bands`."""
    blocks: list[Piece] = list(_plain(facts.said("bands")))
    report, rates = facts.kept_table("bands"), facts.kept_table("bands/rates", of_scorer=True)
    if report is None:
        blocks.append(missing("What came of the bands is not known", NO_CHAMPION))
    elif rates is not None:
        blocks.append(Picture(charts.bands(rates), PageTable(report, "bands", first=0)))
    else:
        blocks.append(PageTable(report, "bands", "What came of each band", first=0))
    if facts.bands is not None:
        from powerml.bands.ladder import shares

        now = shares(facts.scored["score"], facts.bands)
        title = f"How many stand in each band at {facts.night.as_of}"
        blocks.append(Picture(charts.share_beside(now, title=title), PageTable(now, "shares", first=0)))
    else:
        blocks.append(missing(f"{facts.scorer.shown} has no bands", "add 'bands' to its weight set"))
    return Section("bands", "What came of each band?", "Bands", tuple(blocks))


def calibration_section(facts: Facts) -> Section:
    """The section `calibration`."""
    blocks: list[Piece] = list(_plain(facts.said("calibration")))
    curve, score = (facts.kept_table(f"calibration/{name}", of_scorer=True) for name in ("reliability", "score"))
    if score is not None:
        blocks.append(Picture(charts.score_against_outcome(score), PageTable(score, "score_curve", first=0)))
    if curve is not None:
        blocks.append(Picture(charts.reliability(curve), PageTable(curve, "reliability", first=0)))
    if (line := facts.kept_table("calibration")) is not None:
        blocks.append(PageTable(line, "calibration", "Observed over expected, and the calibration line", first=0))
    if (losses := facts.kept_table("proper_scores")) is not None:
        blocks.append(PageTable(losses, "proper_scores", "Losses, and how much of them is saved", first=0))
    if score is None and curve is None:
        why = (
            "The score is its document's number, not a calibrated one"
            if not facts.tells
            else "Its calibration was not kept"
        )
        blocks.append(missing(why, NO_CHAMPION if not facts.tells else "train again with this version"))
    return Section("calibration", "Does 70 mean 70?", "Calibration", tuple(blocks))


def backtest_section(facts: Facts) -> Section:
    """The section `backtest`."""
    blocks: list[Piece] = list(_plain(facts.said("last_list")))
    listed = facts.kept_table("last_list")
    if listed is None:
        blocks.append(
            missing(
                "No list of a month whose outcomes are known was kept",
                "'powerml train' keeps one; 'powerml backtest --as-of D' makes one of any date",
            )
        )
        return Section("backtest", "What would the list have caught?", "Backtest", tuple(blocks))
    ids = facts.id_column
    shown = listed.assign(**{ids: [facts.ids.get(str(word), str(word)) for word in listed[ids]]})
    blocks.append(
        Told(
            "The list of the last held-out cutoff, by the scorer as fitted before it, which knew nothing of what came; "
            "'powerml backtest --as-of' that day, with --model, gives it at any length, and what was expected.",
            "small",
        )
    )
    for result, title in (("hit", "Hits"), ("false alarm", "False alarms"), ("missed", "Missed")):
        rows = shown[shown["result"] == result].drop(columns="result").reset_index(drop=True)
        many = f"the first {len(rows)}" if result == "missed" and len(rows) == MOST_MISSED else len(rows)
        blocks.append(PageTable(rows, f"backtest {result}", f"{title} ({many})", first=10))
    if any(str(word).startswith("e-") and str(word) not in facts.ids for word in listed[ids]):
        blocks.append(Told("Those who are no longer here stand under pseudonyms.", "small"))
    blocks.append(Links((("calibration", "Does 70 mean 70?"),)))
    return Section("backtest", "What would the list have caught?", "Backtest", tuple(blocks))


def _plain(sentences: tuple[str, ...]) -> list[Piece]:
    return [Told(sentence) for sentence in sentences]
