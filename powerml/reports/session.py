"""What a training session says: the suspects, the verdict, and what stands beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from powerml.snapshots.labels import ACTIVE_DAYS

if TYPE_CHECKING:
    from powerml.config.outcome import EventOutcome
    from powerml.training.beside_the_verdict import CloserLook
    from powerml.training.judging import Judged
    from powerml.training.session import Session

PROXY = (
    "Outcomes are behavioural proxies: churn is 90 days without an event, expansion half as many events again. "
    "They say nothing of contracts or money."
)


def proxies(session: Session) -> tuple[str, ...]:
    """The sentence on outcomes that are proxies or of the user's own, where they are."""
    custom = session.data.custom
    if custom is not None:
        score = f"100 P({custom.name})" if custom.good else f"100 (1 - P({custom.name}))"
        return (
            f"Outcome {custom.name}: {custom.words}, among those with an event in the {ACTIVE_DAYS} days before it. "
            f"It says nothing of contracts or money. Fitted scores are {score}, so that higher is better.",
        )
    return (PROXY,) if session.data.population.outcome_kind == "behavioural" else ()


def headline(session: Session) -> str:
    """The verdict on the challenger in a sentence."""
    its, data = session.its, session.data
    if its is not None:
        return f"Verdict on {session.best.name}: {its.verdict.sentence.removeprefix('Overall: ')}"
    if len(seen := set(data.labelled.y)) < 2:
        return f"Verdict on {session.best.name}: cannot tell: of every row that is ripe the outcome is {seen.pop()}."
    days = data.labelled.horizon_days + data.grace_days
    why = f"history is too short to hold out a snapshot {days} days after another"
    return f"Verdict on {session.best.name}: cannot tell: {why}."


def sentences(session: Session) -> tuple[str, ...]:
    """All sentences of the report: suspected leaks first, then the verdict, then what stands beside it."""
    its, few = session.its, [session.few] if session.few else []
    leaks = [note for note in session.screening.notes if note.startswith("Suspected leak")]
    others = [note for note in session.screening.notes if note not in leaks]
    verdicts = [headline(session)]
    if its is not None:
        verdicts += [*its.verdict.sentences[1:], *_both_ways(session), *_two_numbers(its)]
    return (*leaks, *verdicts, *session.look.sentences, *few, *others, *session.notes, *proxies(session))


def _both_ways(session: Session) -> list[str]:
    """The verdict with the suspected leaks and without them, in a sentence."""
    other, twin = session.other_way, session.twin
    if other is None or twin is None:
        return []
    names = ", ".join(session.screening.suspected)
    with_them, without = (other, twin) if session.screening.leaks else (twin, other)
    told = [
        f"{words} {names}: {one.verdict.overall.sentence.removeprefix('Overall: ').rstrip('.')}"
        for words, one in (("without", without), ("with", with_them))
    ]
    return [f"{twin.name} both ways: {'. '.join(told)}."]


def _two_numbers(one: Judged) -> list[str]:
    """The skill on accounts that training saw, and on those it never saw."""
    figures = one.figures
    if "skill/unseen_accounts" not in figures:
        return []
    parts = [
        f"{100 * figures[f'skill/{name}']:.1f} % ({100 * figures[f'skill/{name}_low']:.1f} to "
        f"{100 * figures[f'skill/{name}_high']:.1f}) on {words}"
        for name, words in (("seen_accounts", "accounts seen in training"), ("unseen_accounts", "accounts never seen"))
        if f"skill/{name}" in figures
    ]
    return [f"Log-loss skill {', '.join(parts)}."]


def scorer_table(session: Session) -> pd.DataFrame:
    """One row per scorer: verdict, skill and AUROC with intervals, log loss, order of its bands, its probabilities."""
    rows = []
    for one in (*session.judged, *([] if session.other_way is None else [session.other_way])):
        overall, figures = one.verdict.overall, one.figures
        row: dict[str, Any] = {
            "scorer": one.name,
            "verdict": overall.verdict,
            "skill": f"{100 * overall.skill:.1f} % ({100 * overall.skill_low:.1f} to {100 * overall.skill_high:.1f})",
        }
        for outcome in one.verdict.outcomes:
            row[f"{outcome.outcome} AUROC"] = f"{outcome.auroc:.3f} ({outcome.auroc_low:.3f}-{outcome.auroc_high:.3f})"
        row |= {"log loss": figures["skill/log_loss"], "bands": one.bands.verdict}
        row["probabilities"] = "own" if one.candidate.is_fitted else "Platt link of the fold"
        rows.append(row)
    return pd.DataFrame(rows)


def look_tables(look: CloserLook, name: str, *, custom: EventOutcome | None = None) -> dict[str, pd.DataFrame]:
    """The closer look's tables for reading, by their titles; those without rows are left out."""
    sought, found = ("churn", "churners expected") if custom is None else (custom.name, f"{custom.name} expected")
    months, early, calls = pd.DataFrame(), look.early, look.calls
    if len(look.months):
        months = look.months[["as_of", "rows"]].copy()
        for outcome in (str(c).removeprefix("rate_") for c in look.months if str(c).startswith("rate_")):
            part = look.months
            months[outcome] = [f"{100 * rate:.1f} %" for rate in part[f"rate_{outcome}"]]
            months[f"{outcome} said"] = [f"{100 * rate:.1f} %" for rate in part[f"predicted_{outcome}"]]
            ends = zip(*(part[f"auroc{end}_{outcome}"] for end in ("", "_low", "_high")), strict=True)
            months[f"{outcome} AUROC"] = [_ends(*each) for each in ends]
        months["log loss"] = look.months["log_loss"]
    if len(early):
        ends = zip(early["auroc"], early["low"], early["high"], strict=True)
        early = early[["outcome", "days", "rows", "events", "auroc_at_cutoff"]].assign(
            earlier=[_ends(*e) for e in ends]
        )
        early = early.rename(columns={"days": "days earlier", "auroc_at_cutoff": "AUROC at the cutoff"})
        early = early.rename(columns={"earlier": "AUROC of the earlier score"})
    if len(calls):
        caught = [f"{row['expected']:.1f} ({row['low']}-{row['high']})" for row in calls.to_dict("records")]
        calls = calls[["capacity", "list", "n", "cut"]].assign(
            caught=caught, of_all=[f"{100 * share:.0f} %" for share in calls["share_caught"]], lift=calls["lift"],
            held_out=calls["held_out"],
        )  # fmt: skip
        calls = calls.rename(columns={"caught": f"{found} (95 %)", "of_all": "of all expected"})
        calls = calls.rename(columns={"held_out": "came, per held-out cutoff", "cut": f"p_{sought} from"})
    list_words = "Calling the accounts likeliest to churn"
    if custom is not None:
        list_words = f"Choosing the accounts in which {sought} is likeliest"
    titles = {
        f"Month by month, {name} on the held-out cutoffs (95 % intervals, by account)": months,
        f"Early warning: {name} on earlier snapshots of the same entities": early,
        f"{list_words}, by {name}": calls,
    }
    return {title: table for title, table in titles.items() if len(table)}


def _ends(value: float, low: float, high: float) -> str:
    return "" if value != value else f"{value:.3f} ({low:.3f}-{high:.3f})"
