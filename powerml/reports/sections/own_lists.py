"""The two lists that the page makes of a night by itself: whom to call, who is ready for more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from powerml.reports.sections.facts import ListTold

if TYPE_CHECKING:
    from powerml.reports.sections.facts import Facts

LONGEST = 50
WELL = 2  # the bands from the top that need no call


def own_lists(facts: Facts) -> tuple[ListTold, ...]:
    """Accounts at risk by `mrr_at_risk` (by p_churn without money, by the score without probabilities), and expanding.

    Of an account with several scored entities probabilities are the mean of theirs, score and reasons those of the
    lowest (of the highest for expansion).
    """
    scored = facts.scored
    if scored.empty:
        return ()
    low = scored
    if facts.bands is not None and len(facts.bands.names) > WELL:
        low = scored[~scored["band"].isin(facts.bands.names[:WELL])]
    risk = _accounts(facts, low, sought="p_churn", lowest=True)
    made = [
        ListTold("at_risk", "cs", "accounts by money at risk, not Healthy or better", risk, _worth(facts, "p_churn"))
    ]
    if "p_expand" in scored and scored["p_expand"].notna().any():
        gain = _accounts(facts, scored, sought="p_expand", lowest=False)
        made.append(ListTold("expansion", "sales", "accounts by p_expand times money", gain, _worth(facts, "p_expand")))
    return tuple(made)


def _accounts(facts: Facts, rows: pd.DataFrame, *, sought: str, lowest: bool) -> pd.DataFrame:
    """One row per account, most pressing first."""
    key = "account_id" if "account_id" in rows and rows["account_id"].notna().any() else facts.id_column
    rows = rows[rows[key].notna()].sort_values(["score", facts.id_column], ascending=[lowest, True], kind="stable")
    means = {name: facts.scored.groupby(key)[name].mean() for name in ("p_churn", "p_expand") if name in rows}
    first = rows.drop_duplicates(key).set_index(key, drop=False).rename_axis(None)
    for name, values in means.items():
        first[name] = values
    column = {"p_churn": "mrr_at_risk", "p_expand": "mrr_to_gain"}[sought]
    if sought in first and "mrr" in first and first["mrr"].notna().any():
        first[column] = first[sought] * first["mrr"]
    order = [name for name in (column, sought) if name in first and first[name].notna().any()] or ["score"]
    rising = [order == ["score"] and lowest] * len(order)
    first = first.sort_values([*order, key], ascending=[*rising, True], kind="stable").head(LONGEST)
    change = facts.moves(facts.month)
    if len(change):
        moved = (change["score_after"] - change["score_before"]).to_dict()
        first["change_30d"] = [moved.get(str(each)) for each in first[facts.id_column]]
    first["because"] = facts.because(first[facts.id_column])
    named = facts.named(first[facts.id_column])
    wanted = [key, *(["user_id"] if facts.id_column == "user_id" and key != "user_id" else []), *named.columns]
    wanted += ["score", "band", "change_30d", "p_churn", "p_expand", "mrr", column, "because"]
    table = pd.concat([first, named], axis=1)
    table = table[[name for name in wanted if name in table]].reset_index(drop=True)
    table.insert(0, "rank", range(1, len(table) + 1))
    return table


def _worth(facts: Facts, sought: str) -> tuple[str, ...]:
    """What calling the first so many should catch, as the session found it on held-out cutoffs."""
    if sought != "p_churn":
        return ()
    return facts.said("calls")[:2]
