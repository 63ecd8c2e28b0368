"""Claims about shares of users, held against users of one's own: tiers of a score, concentration of a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powerml.bands.ladder import assign
from powerml.config.bands import Band, BandsSpec
from powerml.programme.concentration import gini, share_of_top, share_of_top_interval
from powerml.programme.segments import account_of, tier_shares
from powerml.statistics.ranks import active_rows
from powerml.validation.claims.check import Check, ClaimVerdict, contradicts, percent, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from powerml.config.claims import ClaimsSpec, Concentration


def columns_to_see(claims: ClaimsSpec) -> tuple[str, ...]:
    """The columns that the claims could be held against: `score` for tiers, the metric of each concentration."""
    tiers = ("score",) if any(tier.share is not None for tier in claims.tiers) else ()
    return tuple(dict.fromkeys([*tiers, *(c.metric for c in claims.concentration if c.metric is not None)]))


def seen_checks(claims: ClaimsSpec, seen: pd.DataFrame, *, seed: int = 0) -> Iterator[Check]:
    """One check per claim that `seen` (active users count) has a column for."""
    users = seen[active_rows(seen)]
    if any(tier.share is not None for tier in claims.tiers) and "score" in users:
        yield from _tiers(claims, users)
    for concentration in claims.concentration:
        if concentration.metric is not None and concentration.metric in users:
            yield _concentration(concentration, users, seed=seed)


def _tiers(claims: ClaimsSpec, users: pd.DataFrame) -> Iterator[Check]:
    rungs = [Band(from_=tier.from_, name=tier.name, expected_share=tier.share) for tier in reversed(claims.tiers)]
    if rungs[-1].from_ > 0:
        rungs.append(Band(from_=0, name="below all tiers"))
    bands = BandsSpec(bands=tuple(rungs))
    table = tier_shares(assign(users["score"], bands), bands, groups=account_of(users))
    for row in table[table["expected_share"].notna()].to_dict("records"):
        known = not np.isnan(row["share"])
        yield Check(
            "tier_share_seen",
            f"{row['tier']} are {percent(row['expected_share'], 0)} of users",
            f"among yours {percent(row['share'])} (n = {len(users):,}, {percent(row['low'])} to {percent(row['high'])})"
            if known
            else "none of yours has a score",
            contradicts(row["against"] != "as expected") if known else "cannot be checked",
            {"share": row["share"], "low": row["low"], "high": row["high"], "n": float(len(users))} if known else {},
            next(tier for tier in claims.tiers if tier.name == row["tier"]).sources,
        )


def _concentration(claim: Concentration, users: pd.DataFrame, *, seed: int) -> Check:
    """The Lorenz curve, with its interval, must pass through the box of the claimed ranges."""
    assert claim.metric is not None
    amounts = users[claim.metric].to_numpy(dtype=float, na_value=np.nan)
    few, many = share_of_top(amounts, claim.top)
    groups = account_of(users)
    who = np.arange(len(users)) if groups is None else groups
    low, high = share_of_top_interval(amounts, claim.top, groups=who, seed=seed)
    claimed = f"{span(claim.top, rate=True)} of users make {span(claim.share, rate=True)} of {claim.what}"
    n = int((~np.isnan(amounts)).sum())
    if np.isnan(low).any() or np.isnan(few):
        implied = f"yours (n = {n:,}) made too little of {claim.metric} to tell"
        return Check("concentration_seen", claimed, implied, "cannot be checked", {}, claim.sources)
    verdict: ClaimVerdict = contradicts(high[1] < claim.share[0] or low[0] > claim.share[1])
    tops = [percent(top, 0) for top in claim.top]
    told = [
        f"the top {top} make {percent(share, 0)} ({percent(a, 0)} to {percent(b, 0)})"
        for top, share, a, b in zip(tops, (few, many), low, high, strict=True)
    ]
    implied = f"among yours (n = {n:,}) {' and '.join(dict.fromkeys(told))}; Gini {gini(amounts):.2f}"
    figures = {"share_of_few": few, "share_of_many": many, "gini": gini(amounts), "n": float(n)}
    return Check("concentration_seen", claimed, implied, verdict, figures, claim.sources)
