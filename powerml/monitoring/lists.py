"""Who stands on a list, in its order: by account, money once, nobody who has left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from powerml.errors import MissingColumns
from powerml.monitoring.conditions import column_numbers, met
from powerml.statistics.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from powerml.config.lists import ListSpec, OrderKey
    from powerml.monitoring.conditions import View

LIST_COLUMNS = (
    *("list", "rank", "account_id", "user_id", "name", "owner", "score", "band", "change_7d", "change_30d"),
    *("p_churn", "p_expand", "churn_lift", "mrr", "mrr_at_risk", "playbook", "because", "on_list_since"),
    *("last_treated", "arm"),
)
SPOKEN_OF = ("score", "band", "change_7d", "change_30d", "p_churn", "p_expand", "churn_lift", "mrr", "reasons")
MEANS = ("p_churn", "p_expand", "churn_lift")  # of an account with several scored users: the mean of theirs
OF_MEANS = ("mrr_at_risk", "mrr_to_gain")  # made of them and of money


@dataclass(frozen=True)
class Listed:
    """A list of a night.

    `rows`: `account_id`, `user_id` and `SPOKEN_OF`, in order, and `p` (the probability of what the list is about, null
    where there is none). `remarks`: what it lacks, in a sentence each; with `empty` it cannot be made at all.
    """

    spec: ListSpec
    rows: pd.DataFrame
    remarks: tuple[str, ...] = ()
    empty: bool = False


def make_list(spec: ListSpec, view: View, *, untold: Sequence[str] = ()) -> Listed:
    """The list of a night.

    A user list has a row per user, an account list one per account: of its users that meet the conditions the one that
    stands first speaks for it (the lowest score of a list about churn, the highest of others, where the order does not
    tell them apart); probabilities are the mean over all its scored users. `untold`: outcomes of which the model was
    found to tell nothing; no list is built on them.
    """
    if spec.came in untold and _built_on(spec):
        said = f"{spec.came}: the model tells nothing of it on held-out rows, so no list is built on it"
        return Listed(spec, pd.DataFrame(), (said,), empty=True)
    if spec.entity == "user" and not has_users(view):
        return Listed(spec, pd.DataFrame(), ("it lists users, and this project scores accounts",), empty=True)
    try:
        chosen = np.all([met(each, view) for each in spec.who], axis=0) & ~_left(view)
        frame = _table(spec, view)
        keys, remarks = _order(spec, view)
    except MissingColumns as error:
        return Listed(spec, pd.DataFrame(), (str(error),), empty=True)
    if keys is None:
        return Listed(spec, pd.DataFrame(), remarks, empty=True)
    if spec.entity == "account":
        frame = _of_accounts(frame)
        keys = {name: _of_account(name, key, frame) for name, key in keys.items()}
    toward = 1.0 if spec.came in ("churn", "none") else -1.0
    sorting = pd.DataFrame({f"key_{i}": sign * of for i, (sign, of) in enumerate(keys.values())}, index=frame.index)
    sorting["extreme"] = toward * frame["score"].astype(float)
    sorting["entity"] = frame.index.astype(str)
    order = sorting[chosen].sort_values(list(sorting), kind="stable", na_position="last").index
    rows = frame.loc[order]
    if spec.entity == "account":
        rows = rows[rows["account_id"].notna()].drop_duplicates("account_id")
    return Listed(spec, rows.reset_index(drop=True), remarks)


def has_users(view: View) -> bool:
    """Whether the entities of a night are users."""
    try:
        return view.column("user_id") is not None
    except MissingColumns:
        return False


def _built_on(spec: ListSpec) -> bool:
    """Whether a list is sorted by the probability of what it is about."""
    built = {f"p_{spec.came}", "mrr_at_risk", "mrr_to_gain"}
    return any(key.column in built for key in spec.order)


def _left(view: View) -> np.ndarray[Any, np.dtype[np.bool_]]:
    found: np.ndarray[Any, np.dtype[np.bool_]] = view.column("status").eq("left").to_numpy(dtype=bool)
    return found


def _table(spec: ListSpec, view: View) -> pd.DataFrame:
    """The columns that a list tells, per entity of the view; what a night has not is null."""
    frame = pd.DataFrame(index=view.ids)
    for name in ("account_id", "user_id", "status", *SPOKEN_OF):
        try:
            frame[name] = view.column(name)
        except MissingColumns:
            frame[name] = None if name in ("account_id", "user_id", "reasons", "band") else np.nan
    try:
        frame["p"] = view.column(f"p_{spec.came}")
    except MissingColumns:
        frame["p"] = np.nan
    return frame


def _of_accounts(frame: pd.DataFrame) -> pd.DataFrame:
    """Probabilities of each row as the mean over its account's scored users."""
    scored = frame.where(frame["status"].eq("scored"))
    means = {
        name: scored.groupby(frame["account_id"])[name].transform("mean") for name in (*MEANS, "p") if name in frame
    }
    return frame.assign(
        **{name: values.where(frame["account_id"].notna(), frame[name]) for name, values in means.items()}
    )


_Key = tuple[float, pd.Series]  # 1 for the smallest first, -1 for the largest; and the values


def _of_account(name: str, key: _Key, frame: pd.DataFrame) -> _Key:
    """What a list is sorted by, where that is or holds a probability: by the account's mean, not a user's own."""
    if name in MEANS:
        return key[0], frame[name].astype(float)
    if name in OF_MEANS:
        of = frame["p_churn"] if name == "mrr_at_risk" else frame["p_expand"]
        return key[0], of.astype(float) * frame["mrr"].astype(float)
    return key


def _order(spec: ListSpec, view: View) -> tuple[dict[str, _Key] | None, tuple[str, ...]]:
    """What the rows are sorted by; keys without a value are left out with a sentence."""
    keys, lacks = {}, []
    for key in spec.order:
        name = str(key)
        try:
            made = _key_values(key, view)
        except MissingColumns:
            made = None
        if made is None or made[1].notna().sum() == 0:
            lacks.append(key.column or name)
            continue
        keys[key.column or name] = made
    if not keys:
        how = "; nights of a champion know them" if {*MEANS, *OF_MEANS} & set(lacks) else ""
        return None, (f"{' and '.join(lacks)}: not known here, and the list is sorted by nothing else{how}",)
    first = next(iter(keys))
    remarks = (f"{' and '.join(lacks)}: not known here, so the list is sorted by {first}",) if lacks else ()
    return keys, remarks


def _key_values(key: OrderKey, view: View) -> _Key:
    if key.first is not None:
        return 1.0, pd.Series(np.where(met(key.first, view), 0.0, 1.0), index=view.ids)
    assert key.column is not None
    return -1.0 if key.falling else 1.0, pd.Series(column_numbers(view, key.column), index=view.ids)


@dataclass(frozen=True)
class Worth:
    """What a list was worth one horizon ago: how many of it came, against a random list of its length.

    `share`, `low`, `high`: of the list, with Wilson's interval. `base`: of all that might have stood on a list.
    """

    listed: int
    came: int
    share: float
    low: float
    high: float
    base: float
    at_random: float

    def sentence(self, spec: ListSpec, as_of: object) -> str:
        """One sentence for the end of the list."""
        word = {"churn": "churned", "expand": "expanded"}.get(spec.came, f"came to {spec.came}")
        rate, low, high = (f"{100 * value:.0f}" for value in (self.share, self.low, self.high))
        return (
            f"The list of {as_of}, made in the same way: {self.came} of {self.listed} {word} "
            f"({rate} %, {low} to {high} %); of {self.listed} at random {self.at_random:.1f} would have "
            f"({100 * self.base:.0f} %)."
        )


def worth(listed: Listed, outcomes: pd.Series, *, capacity: int | None = None) -> Worth | None:
    """What a list of an earlier night came to; None where nobody on it has a known outcome.

    `outcomes`: `churn`, `stay`, `expand` as they came, by account where the list is one of accounts, else by user.
    """
    column = "account_id" if listed.spec.entity == "account" else "user_id"
    ids = listed.rows[column].astype(str).head(capacity or len(listed.rows))
    came = ids.map(outcomes).dropna()
    if came.empty:
        return None
    n, hits = len(came), int((came == listed.spec.came).sum())
    base = float(outcomes.eq(listed.spec.came).mean())
    low, high = wilson(hits, n)
    return Worth(n, hits, hits / n, float(low), float(high), base, base * n)
