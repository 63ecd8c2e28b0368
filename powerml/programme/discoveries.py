"""What power features, a growing team and a single user went with here, beside what document D says of its product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from powerml.programme.kpis import net_promoter_score
from powerml.programme.segments import account_of
from powerml.statistics.intervals import effective_n, normal_quantile, ratio_of_sums, wilson_by_account
from powerml.tables import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from powerml.config.claims import Discovery

DISCOVERY_COLUMNS = (
    *("group", "measure", "n", "inside", "low", "high", "n_others", "others", "low_others", "high_others"),
    *("times", "low_times", "high_times", "document", "document_others", "document_times", "note"),
)
NO_ANSWER = (np.nan, np.nan, np.nan, 0)


@dataclass(frozen=True)
class ClaimedGroup:
    """A group that a discovery is about: the metric that tells who is in it, and from (or up to) which value."""

    words: str
    metric: str
    least: float = -np.inf
    most: float = np.inf

    def inside(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Whether each row is in it."""
        value = frame[self.metric].to_numpy(dtype=float)
        return (value >= self.least) & (value <= self.most)


CLAIMED_GROUPS = {
    "adopters": ClaimedGroup("used advanced features in 30 days", "advanced_features_30d", least=1),
    "team_growth": ClaimedGroup("added two or more teammates in 90 days", "team_members_added_90d", least=2),
    "single_user": ClaimedGroup("accounts of a single user", "team_size", most=1),
}


def discoveries(
    last: pd.DataFrame, claims: Sequence[Discovery], *, year_before: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One row per claim: its measure inside the group and among the others, how many times, and what is printed.

    `last`: a snapshot with `label`; rates are of rows with a ripe one, with intervals by account. `year_before`: the
    snapshot twelve months earlier, for how usage grew (the group's events then and now, people who were there then).
    A claim that cannot be seen has nulls and a `note` that says why.
    """
    rows = []
    for claim in claims:
        group = CLAIMED_GROUPS[claim.group]
        told = (claim.inside, claim.outside, claim.times)
        row: list[object] = [group.words, claim.measure]
        if group.metric not in last or last[group.metric].isna().all():
            found: tuple[object, ...] = (0, *[np.nan] * 3, 0, *[np.nan] * 6)
            note = f"{group.metric} is not known"
        else:
            known = last[last[group.metric].notna()]
            found, note = _measured(known, group.inside(known), claim.measure, year_before)
        rows.append([*row, *found, *(np.nan if each is None else each for each in told), note])
    return pd.DataFrame(rows, columns=list(DISCOVERY_COLUMNS))


def _measured(
    frame: pd.DataFrame, inside: NDArray[np.bool_], measure: str, year_before: pd.DataFrame | None
) -> tuple[tuple[object, ...], str]:
    if measure == "usage":
        return _growth(frame, inside, year_before)
    if measure == "nps":
        if "nps_latest" not in frame or frame["nps_latest"].isna().all():
            return (0, *[np.nan] * 3, 0, *[np.nan] * 6), "no survey answer is known"
        return _side_by_side(_nps(frame[inside]), _nps(frame[~inside]), (np.nan,) * 3), ""
    label = frame["label"].to_numpy(dtype=object)
    ripe, groups = np.isin(label, OUTCOMES), account_of(frame)
    hit = (label != "churn" if measure == "retention" else label == measure).astype(float)
    parts = []
    for rows in (inside & ripe, ~inside & ripe):
        who = None if groups is None else groups[rows]
        parts.append((*wilson_by_account(hit[rows], who), int(rows.sum()), effective_n(hit[rows], who)))
    note = "" if parts[0][3] and parts[1][3] else "nobody to compare" if not parts[0][3] else "there are no others"
    return _side_by_side(parts[0][:4], parts[1][:4], _ratio(parts[0], parts[1])), note


def _side_by_side(
    one: tuple[float, float, float, int], other: tuple[float, float, float, int], times: tuple[float, ...]
) -> tuple[object, ...]:
    return (one[3], *one[:3], other[3], *other[:3], *times)


def _ratio(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, float, float]:
    """How many times the rate, with an interval on the log scale by effective n; nulls where a rate is 0."""
    (p, *_, n), (q, *_, m) = one, other
    if not (p > 0 and q > 0):
        return np.nan, np.nan, np.nan
    half = normal_quantile(0.95) * np.sqrt((1 - p) / (n * p) + (1 - q) / (m * q))
    return p / q, float(p / q * np.exp(-half)), float(p / q * np.exp(half))


def _nps(rows: pd.DataFrame) -> tuple[float, float, float, int]:
    asked = rows[rows["nps_latest"].notna()]
    return NO_ANSWER if asked.empty else net_promoter_score(asked["nps_latest"], account_of(asked))


def _growth(
    frame: pd.DataFrame, inside: NDArray[np.bool_], year_before: pd.DataFrame | None
) -> tuple[tuple[object, ...], str]:
    """Events now over events twelve months before, of those who were there then."""
    if year_before is None or "events_30d" not in frame:
        return (0, *[np.nan] * 3, 0, *[np.nan] * 6), "needs a snapshot twelve months earlier"
    own = "user_id" if "user_id" in frame else "account_id"
    then = year_before.drop_duplicates(own).set_index(own)["events_30d"].reindex(frame[own]).to_numpy(dtype=float)
    now, groups = frame["events_30d"].to_numpy(dtype=float), account_of(frame)
    there = ~np.isnan(then) & ~np.isnan(now)

    def grown(rows: NDArray[np.bool_]) -> tuple[float, float, float, int]:
        who = None if groups is None else groups[rows]
        return (*ratio_of_sums(now[rows], then[rows], who), int(rows.sum()))

    note = "events now over those of the same people twelve months before"
    return _side_by_side(grown(inside & there), grown(~inside & there), (np.nan,) * 3), note
