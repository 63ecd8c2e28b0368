"""What a training session reports: its parts in the order in which they are read.

A part is one function of the session and one place in `PARTS`; the terminal, `--json`, the run's files and figures take
what it gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from powerml.reports.band_page import band_table
from powerml.reports.part import Part, ends, nothing, share
from powerml.snapshots.labels import QUIET_DAYS
from powerml.training.beside_the_verdict import (
    CAPACITIES,
    call_list,
    call_sentences,
    drifts,
    said_earlier,
    totals,
    untreated_verdict,
)
from powerml.training.churners_path import churners_path
from powerml.training.screen_cost import screen_cost
from powerml.validation.early_warning import early_sentence, early_warning
from powerml.validation.months import by_month, worst_month
from powerml.validation.reliability import accuracy_beside_majority, calibration, proper_scores, score_calibration

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from powerml.training.judged import Judged
    from powerml.training.session import Session

PROXY = (
    "Outcomes are behavioural proxies: churn is 90 days without an event, expansion half as many events again. "
    "They say nothing of contracts or money."
)
NOT_JUDGED = "nothing could be held out, so nothing is judged"


def report(session: Session) -> tuple[Part, ...]:
    """Every part of the report, those that do not apply too."""
    return tuple(part(session) for part in PARTS)


def headline(session: Session) -> str:
    """The verdict on the challenger in a sentence."""
    its, data = session.its, session.data
    if its is not None:
        return f"Verdict on {session.best.name}: {its.verdict.told}"
    if len(seen := set(data.labelled.y)) < 2:
        return f"Verdict on {session.best.name}: cannot tell: of every row that is ripe the outcome is {seen.pop()}."
    days = data.labelled.horizon_days + data.grace_days
    why = f"history is too short to hold out a snapshot {days} days after another"
    return f"Verdict on {session.best.name}: cannot tell: {why}."


def proxies(session: Session) -> tuple[str, ...]:
    """The sentence on outcomes that are proxies or of the user's own, where they are."""
    custom = session.data.custom
    if custom is not None:
        score = f"100 P({custom.name})" if custom.good else f"100 (1 - P({custom.name}))"
        among = f", among those with an event in the {QUIET_DAYS} days before it. It says nothing of contracts or money"
        if not session.data.has_later:
            among = ""  # a table's rows are whoever stands in it
        return (f"Outcome {custom.name}: {custom.words}{among}. Fitted scores are {score}, so that higher is better.",)
    return (PROXY,) if session.data.population.outcome_kind == "behavioural" else ()


def _suspects(session: Session) -> Part:
    """Suspected leaks, first of all."""
    screening = session.screening
    told = [("left out of fits", *each) for each in screening.leaks.items()]
    told += [("kept by force_keep", *each) for each in screening.forced.items()]
    if not told:
        return nothing("suspects", "no metric is suspected")
    table = pd.DataFrame(told, columns=["what", "metric", "reason"])
    return Part("suspects", tuple(f"Suspected leak, {what}: {metric}: {why}." for what, metric, why in told), table)


def _verdict(session: Session) -> Part:
    """The verdict on the challenger, overall and per outcome."""
    its = session.its
    if its is None:
        return Part("verdicts", (headline(session),))
    return Part("verdicts", (headline(session), *(one.sentence for one in its.verdict.outcomes)), its.verdict.table())


def _choice(session: Session) -> Part:
    """How many scorers were tried, and by what the challenger was taken."""
    chosen = session.choice
    if not chosen.rows:
        return nothing("choice", "nothing was fitted or judged, so nothing was chosen")
    return Part("choice", (chosen.sentence,), chosen.table)


def _both_ways(session: Session) -> Part:
    """The verdict with the suspected leaks and without them."""
    other, twin = session.other_way, session.twin
    if other is None or twin is None:
        return nothing("both_ways", "no metric is suspected, or nothing fitted could be judged")
    names = ", ".join(session.screening.suspected)
    with_them, without = (other, twin) if session.screening.leaks else (twin, other)
    told = [
        f"{words} {names}: {one.verdict.overall.told[:-1]}"
        for words, one in (("without", without), ("with", with_them))
    ]
    return Part("both_ways", (f"{twin.name} both ways: {'. '.join(told)}.",))


def _two_numbers(session: Session) -> Part:
    """The skill on accounts that training saw, and on those it never saw."""
    figures = {} if session.its is None else session.its.figures
    if "skill/unseen_accounts" not in figures:
        return nothing(
            "seen_and_unseen", "all held-out rows are of accounts that training never saw, or none are held out"
        )
    parts = [
        f"{share(*(figures[f'skill/{name}{end}'] for end in ('', '_low', '_high')))} on {words}"
        for name, words in (("seen_accounts", "accounts seen in training"), ("unseen_accounts", "accounts never seen"))
        if f"skill/{name}" in figures
    ]
    return Part("seen_and_unseen", (f"Log-loss skill {', '.join(parts)}.",))


def _scorers(session: Session) -> Part:
    """Every scorer that was judged: verdict, skill twice, log loss, order of its bands."""
    if not session.every:
        return nothing("scorers", NOT_JUDGED)
    rows, shown = [], []
    for one in session.every:
        overall, figures = one.verdict.overall, one.figures
        row = {"scorer": one.name, "verdict": overall.verdict}
        numbers = {name: getattr(overall, name) for name in _SKILLS}
        last = {"log_loss": figures["skill/log_loss"], "bands": one.bands.verdict}
        rows.append(
            row | numbers | last | {"probabilities": "own" if one.candidate.is_fitted else "Platt link of the fold"}
        )
        both = {"skill": share(*(numbers[name] for name in _SKILLS[:3]))}
        both |= {"over a constant in hindsight": share(*(numbers[name] for name in _SKILLS[3:]))}
        shown.append(row | both | {"log loss": last["log_loss"], "bands": last["bands"]})
    title = "Scorers on the held-out rows (95 % intervals, by account)"
    return Part("scorers", (), pd.DataFrame(rows), title, pd.DataFrame(shown))


def _outcomes(session: Session) -> Part:
    """Per scorer and outcome: verdict, AUROC, observed over expected, slope."""
    if not session.every:
        return nothing("outcomes", NOT_JUDGED)
    table = pd.concat([_of_outcomes(one, session.seed) for one in session.every], ignore_index=True)
    shown = table[["scorer", "outcome", "verdict", "events"]].copy()
    for words, name in (("AUROC", "auroc"), ("observed/expected", "observed_expected"), ("slope", "slope")):
        columns, digits = (table[f"{name}{end}"] for end in ("", "_low", "_high")), 3 if name == "auroc" else 2
        shown[words] = [ends(a, low, high, digits) for a, low, high in zip(*columns, strict=True)]
    return Part("outcomes", (), table, "Outcome by outcome (95 % intervals, by account)", shown)


def _of_outcomes(one: Judged, seed: int) -> pd.DataFrame:
    """A scorer's verdicts by outcome with the calibration of each."""
    found = one.verdict.table().query("outcome != 'overall'")
    line = calibration(one.test.rows.y, one.said.probabilities, groups=one.test.rows.accounts, repeats=300, seed=seed)
    return found.merge(line.drop(columns=["n", "n_events"]), on="outcome", how="left").assign(scorer=one.name)


def _calibrated(session: Session) -> Part:
    """Whether the challenger's probabilities are right, and its score."""
    its = session.its
    if its is None or session.word == "cannot tell":
        return nothing("calibration", "too few events, or nothing held out")
    y, accounts = its.test.rows.y, its.test.rows.accounts
    table = calibration(y, its.said.probabilities, groups=accounts, seed=session.seed)
    told = [
        f"Calibration of {row['outcome']}: observed/expected {_spoken(row, 'observed_expected')}, slope "
        f"{_spoken(row, 'slope')}."
        for row in table.to_dict("records")
        if row["n_events"]
    ]
    line, curve = score_calibration(
        its.predictions.score, y, outcomes=its.predictions.outcomes, stay_value=its.stay_value, groups=accounts,
        repeats=300, seed=session.seed,
    )  # fmt: skip
    row = line.to_dict("records")[0]
    told.append(
        f"Score: outcomes (0 to 100) average {row['mean_gap']:+.1f} points beside it ({row['mean_gap_low']:+.1f} to "
        f"{row['mean_gap_high']:+.1f}), slope {_spoken(row, 'slope')}."
    )
    figures = {"calibration/score_curve_farthest": float((curve["mean_outcome"] - curve["mean_score"]).abs().max())}
    return Part("calibration", tuple(told), table, figures=figures)


def _losses(session: Session) -> Part:
    """Log loss, Brier and ranked probability score with skill over the training rates; for files."""
    its = session.its
    if its is None:
        return nothing("proper_scores", NOT_JUDGED)
    rows = its.test.rows
    table = proper_scores(rows.y, its.said.probabilities, base=its.said.base, groups=rows.accounts, seed=session.seed)
    return Part("proper_scores", (), table)


def _bands(session: Session) -> Part:
    """The challenger's bands, beside the document's own table where they are its bands."""
    its = session.its
    if its is None:
        return nothing("bands", NOT_JUDGED)
    beside = ", beside the document's own table" if "reference" in its.bands.rates else ""
    astray = tuple(its.bands.where_they_are) if its.bands.astray else ()
    return Part("bands", astray, its.bands.table, f"Bands of {session.best.name}{beside}", band_table(its.bands))


def _months(session: Session) -> Part:
    """Month by month, and the worst one."""
    its = session.its
    if its is None or len(set(session.data.labelled.times)) < 2:
        return nothing("months", "there is one cutoff, or nothing held out")
    rows, ours = its.test.rows, its.predictions
    table = by_month(ours, times=its.test.times, groups=rows.accounts, seed=session.seed)
    told = tuple(filter(None, (worst_month(table, outcome) for outcome in ours.judged)))
    overall = table[table["outcome"] == "overall"].reset_index(drop=True)
    shown = overall[["as_of", "rows"]].copy()
    for outcome in ours.judged:
        part = table[table["outcome"] == outcome].reset_index(drop=True)
        shown[outcome] = [f"{100 * rate:.1f} %" for rate in part["rate"]]
        shown[f"{outcome} said"] = [f"{100 * rate:.1f} %" for rate in part["predicted"]]
        shown[f"{outcome} AUROC"] = [ends(*each) for each in part[["auroc", "low", "high"]].itertuples(index=False)]
    shown["log loss"] = overall["log_loss"]
    title = f"Month by month, {session.best.name} on the held-out cutoffs (95 % intervals, by account)"
    return Part("months", told, table, title, shown)


def _drift(session: Session) -> Part:
    """What changed over the cutoffs, and between what was said and what came."""
    if session.its is None or len(set(session.data.labelled.times)) < 2:
        return nothing("drift", "there is one cutoff, or nothing held out")
    told = drifts(session.its, session.data, seed=session.seed)
    return Part("drift", told, figures={"time/drift_shown": float(len(told))})


def _early(session: Session) -> Part:
    """How well the score of 30, 60, 90 and 120 days before tells the outcome."""
    its = session.its
    if its is None:
        return nothing("early_warning", NOT_JUDGED)
    said = said_earlier(its.models, its.test, session.data)
    table = early_warning(its.predictions, said, groups=its.test.rows.accounts, seed=session.seed)
    table = table[table["rows"] > 0].reset_index(drop=True)
    if table.empty:
        return nothing("early_warning", "no held-out row has an earlier snapshot")
    figures = dict[str, float]()
    for row in table.to_dict("records"):
        name = f"time/{row['outcome']}_auroc_{row['days']}d_earlier"  # its value is on every run, see `early_figures`
        figures |= {f"{name}_low": row["low"], f"{name}_high": row["high"]}
    shown = table[["outcome", "days", "rows", "events"]].rename(columns={"days": "days earlier"})
    shown["AUROC at the cutoff"] = table["auroc_at_cutoff"]
    shown["AUROC of the earlier score"] = [ends(*e) for e in table[["auroc", "low", "high"]].itertuples(index=False)]
    title = f"Early warning: {session.best.name} on earlier snapshots of the same entities"
    return Part("early_warning", tuple(filter(None, [early_sentence(table)])), table, title, shown, figures)


def _path(session: Session) -> Part:
    """The score of churners in the six months before they left."""
    if session.its is None:
        return nothing("churners_path", NOT_JUDGED)
    table, told = churners_path(session.its, session.data, split=session.split)
    return (
        Part("churners_path", (told,), table)
        if told
        else nothing("churners_path", "there are no monthly scores of churners")
    )


def _untreated(session: Session) -> Part:
    """The verdict on rows that no treatment touched."""
    if session.its is None:
        return nothing("untreated", NOT_JUDGED)
    found, told = untreated_verdict(session.its.said, session.test, seed=session.seed)
    if not told:
        return nothing("untreated", "no held-out row was treated")
    if found is None:
        return Part("untreated", (told,))
    skill = {"skill/untreated": found.overall.skill, "skill/untreated_low": found.overall.skill_low}
    return Part("untreated", (told,), found.table(), figures=skill | {"skill/untreated_high": found.overall.skill_high})


def _accuracy(session: Session) -> Part:
    """Accuracy, never without that of the majority class."""
    its = session.its
    if its is None or not its.verdict.overall.told_by_rows:
        return nothing("accuracy", "the held-out rows hold one outcome only, or there are none")
    ours = its.predictions
    said = np.array(ours.outcomes, dtype=object)[ours.probabilities.argmax(axis=1)]
    table = accuracy_beside_majority(its.test.rows.y, said)
    ours_, theirs = table[["accuracy", "majority_accuracy"]].iloc[0]
    told = f"Accuracy {100 * ours_:.1f} %; always naming the majority class gives {100 * theirs:.1f} %."
    return Part("accuracy", (told,), table)


def _expected(session: Session) -> Part:
    """How many of the latest snapshot each outcome is expected of, with the interval of the rate learned from."""
    model = session.models.get(session.best.name)
    table = pd.DataFrame() if model is None else totals(model, session.data, seed=session.seed)
    if table.empty:
        return nothing("totals", "there are no probabilities, or no snapshot later than those learned from")
    told = [f"{row['expected']:.0f} {row['outcome']} ({_span(row)})" for row in table.to_dict("records")]
    at = session.data.latest["as_of"].max()
    sentence = f"Expected of the {table['n'].iloc[0]:,} at {at:%Y-%m-%d}: {', '.join(told)}."
    return Part("totals", (sentence,), table)


def _span(row: dict[Hashable, Any]) -> str:
    """The interval of what is expected, and how many events tell it; without any there is none."""
    n = row["events"]
    return f"{row['low']:.0f} to {row['high']:.0f}, from {n:,} event{'s'[: n != 1]}" if n else "none was seen yet"


def _calls(session: Session) -> Part:
    """What calling so many accounts a week should catch."""
    model, stated = session.models.get(session.best.name), session.experiment.capacity
    custom = None if session.data.custom is None else session.data.custom.name
    sought = session.data.judged[0] if session.data.judged else "churn"
    if model is None:
        return nothing("calls", "no scorer was fitted")
    if session.its is not None and sought in session.its.verdict.telling_nothing:
        word = session.its.verdict.telling_nothing[sought]
        refused = f"No list is made of {sought}: the held-out verdict on it is {word!r}."
        return Part("calls", (refused,), not_applicable=f"the verdict on {sought} is {word!r}")
    table = call_list(model, session.data, session.its, capacities=stated or CAPACITIES)
    if table.empty:
        return nothing("calls", "there are no probabilities, or nobody to call")
    told = call_sentences(table, stated=bool(stated), custom=custom)
    caught = [f"{row['expected']:.1f} ({row['low']}-{row['high']})" for row in table.to_dict("records")]
    shown = table[["capacity", "list", "n", "cut"]].rename(columns={"cut": f"p_{sought} from"})
    shown[f"{'churners' if custom is None else custom} expected (95 %)"] = caught
    shown["of all expected"] = [f"{100 * each:.0f} %" for each in table["share_caught"]]
    shown = shown.assign(lift=table["lift"]).join(table["held_out"].rename("came, per held-out cutoff"))
    words = "Calling the accounts likeliest to churn"
    if custom is not None:
        words = f"Choosing the accounts in which {sought} is likeliest"
    return Part("calls", told, table, f"{words}, by {session.best.name}", shown)


def _nothing_fitted(session: Session) -> Part:
    """Why nothing could be fitted."""
    return Part("few", (session.few,)) if session.few else nothing("few", "there are events enough to fit")


def _screen(session: Session) -> Part:
    """What the screen keeps, and what it has to say loudly."""
    return Part("screen", session.screening.notes)


def _audit(session: Session) -> Part:
    """What the document's rule |r| >= 0.45 keeps, and what it would cost in held-out skill."""
    cost = None if session.few else screen_cost(session.data, session.screening, session.split, seed=session.seed)
    if cost is None:
        return nothing("screen_audit", "nothing is fitted or held out, or every column is a category")
    return Part("screen_audit", (cost.sentence,), cost.table)


def _remarks(session: Session) -> Part:
    """What else a reader must know of the rows and the outcomes."""
    return Part("remarks", (*session.notes, *proxies(session)))


def _spoken(row: dict[Hashable, Any], name: str) -> str:
    return f"{row[name]:.2f} ({row[f'{name}_low']:.2f} to {row[f'{name}_high']:.2f})"


_SKILLS = ("skill", "skill_low", "skill_high", "hindsight", "hindsight_low", "hindsight_high")

PARTS: tuple[Callable[[Session], Part], ...] = (
    _suspects, _verdict, _choice, _both_ways, _two_numbers, _calibrated, _scorers, _outcomes, _losses, _bands, _months,
    _drift, _early, _path, _untreated, _accuracy, _expected, _calls, _nothing_fitted, _screen, _audit, _remarks,
)  # fmt: skip
