"""`powerml impact`: whether a playbook did anything, against its holdout or else against untouched alike ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.errors import UsageError, did_you_mean
from powerml.history.store import NightHistory
from powerml.history.treatments import with_drawn
from powerml.monitoring.impact import playbook_effects
from powerml.statistics.accounts import accounts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powerml.config.project import ProjectSpec
    from powerml.history.nights import Night
    from powerml.monitoring.impact import OutcomeEffect

IMPACT_COLUMNS = (
    *("playbook", "design", "outcome", "treated", "held", "effect", "low", "high", "smallest_visible", "verdict"),
)
AFTER_DAYS = 30


@dataclass(frozen=True, eq=False)
class Impact:
    """Per playbook and outcome the effect (IMPACT_COLUMNS), and a sentence for each playbook."""

    rows: pd.DataFrame
    sentences: tuple[str, ...]


def impact(project: ProjectSpec, playbook: str | None = None) -> Impact:
    """What each playbook (or one) did to churn, expansion and the score, from the history.

    With a holdout it compares the arms; without one, treated against untouched ones of the same band and trend, and
    what the score did in the month before is the placebo: where that differs already, nobody can tell. Raises
    UsageError where nobody was treated, or no night was kept before.
    """
    history = NightHistory.of(project)
    newest = history.newest()
    if newest is None:
        raise UsageError(f"{history.folder}: holds no night; run 'powerml night' first")
    table = _treatments(project, history, newest)
    names = sorted(set(table["playbook"]))
    if playbook is not None and playbook not in names:
        hint = did_you_mean(playbook, names) or (f"; there are {', '.join(names)}" if names else "")
        raise UsageError(f"nobody was treated by {playbook!r}{hint}")
    if not names:
        raise UsageError("nobody was treated yet: 'powerml treat LIST.csv --playbook NAME' draws who is")
    rows, said = [], []
    for name in names if playbook is None else [playbook]:
        told = playbook_effects(_told(history, newest, table[table["playbook"] == name]))
        rows += [_row(name, one) for one in told]
        said.append(_sentence(name, told))
    return Impact(pd.DataFrame(rows, columns=list(IMPACT_COLUMNS)), tuple(said))


def _treatments(project: ProjectSpec, history: NightHistory, newest: Night) -> pd.DataFrame:
    """Everyone who was treated or held out: entity_id, time (a date), playbook, arm; the first time of each counts."""
    both = with_drawn(history.table(newest, "treatments"), project.state, project.timezone)
    return both.drop_duplicates(["playbook", "entity_id"])


def _told(history: NightHistory, newest: Night, table: pd.DataFrame) -> pd.DataFrame:
    """A row per account and night of treatment: arm (`none`: untouched), band, what was before and what came.

    Columns `account`, `arm`, `band`, `score` (the night before), `trend` (its change in the month before), `later` (its
    change in the month after), `churn`, `expand` (1, 0, null where not known yet).
    """
    nights = history.nights(scorer=newest.scorer)
    parts = []
    for when, mine in table.groupby("time"):
        day = date.fromisoformat(str(when))
        then = next((n for n in reversed(nights) if n.as_of <= day), None)
        if then is not None:
            parts.append(_at(history, nights, then, dict(zip(mine["entity_id"].astype(str), mine["arm"], strict=True))))
    columns = ["account", "arm", "band", "score", "trend", "later", "churn", "expand"]
    if not parts:
        return pd.DataFrame(columns=columns)
    whole = pd.concat(parts, ignore_index=True)
    touched = set(whole.loc[whole["arm"] != "none", "account"])
    return whole[(whole["arm"] != "none") | ~whole["account"].isin(touched)].drop_duplicates("account")[columns]


def _at(history: NightHistory, nights: list[Night], then: Night, arms: Mapping[str, str]) -> pd.DataFrame:
    scores = history.scores(then)
    scores = scores[scores["status"] == "scored"]
    ids = scores[then.id_column].astype(str)
    rows = pd.DataFrame({"id": ids, "account": accounts_of(scores, then.id_column), "score": scores["score"]})
    rows["band"] = scores[then.band_column].astype(object)
    rows["arm"] = ids.map(arms).fillna(rows["account"].map(arms)).fillna("none")
    for name, other in (("trend", history.before(then, AFTER_DAYS)), ("later", _after(nights, then))):
        rows[name] = np.nan
        if other is not None:
            there = history.scores(other, [then.id_column, "score"]).set_index(then.id_column)["score"]
            change = rows["id"].map(there) - rows["score"]
            rows[name] = change if name == "later" else -change
    labels = history.table(then, "labels")
    told = {} if labels is None else dict(zip(labels[then.id_column].astype(str), labels["label"], strict=True))
    label = rows["id"].map(told)
    for outcome in ("churn", "expand"):
        rows[outcome] = label.eq(outcome).astype(float).where(label.isin(["churn", "stay", "expand"]))
    grouped = rows.groupby("account", as_index=False)
    how = {name: "first" if name in ("band", "arm", "id") else "mean" for name in rows if name != "account"}
    return grouped.agg(how)


def _after(nights: list[Night], then: Night) -> Night | None:
    """The first night a month or more after another, but not two months."""
    span = [n for n in nights if timedelta(AFTER_DAYS) <= n.as_of - then.as_of < timedelta(2 * AFTER_DAYS)]
    return span[0] if span else None


def _row(name: str, told: OutcomeEffect) -> tuple[object, ...]:
    of = told.effect
    return (
        name, told.design, told.outcome, of.treated, of.held, of.effect, of.low, of.high, of.smallest_visible,
        told.verdict,
    )  # fmt: skip


def _sentence(name: str, told: list[OutcomeEffect]) -> str:
    words = {one.outcome: one.verdict for one in told}
    trial = told[0].design == "holdout"
    design = "against its holdout" if trial else "against untouched ones of the same band and trend"
    if words["score"] == "works" and words["churn"] == "no effect seen" and words["expand"] == "no effect seen":
        return f"{name}, {design}: the score rose, the outcome did not."
    return f"{name}, {design}: {'; '.join(f'{one.outcome} {one.verdict}{_read(one)}' for one in told)}."


def _read(told: OutcomeEffect) -> str:
    """In brackets: the effect with its interval, and why nobody can tell."""
    of = told.effect
    scale, unit = (1, "points") if told.outcome == "score" else (100, "%")
    span = f"{scale * of.effect:+.1f} {unit}, {scale * of.low:+.1f} to {scale * of.high:+.1f}"
    read = [part for part in ("" if of.low != of.low else span, told.why) if part]
    return f" ({'; '.join(read)})" if read else ""
