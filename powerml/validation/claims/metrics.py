"""Checks of what a scorecard says about its metrics and subgroups: correlations, multiples, shares of users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powerml.validation.claims.arithmetic import (
    Range,
    largest_phi,
    meet,
    mixture_share,
    over_corners,
    phi_of_shares,
    printed_range,
    rate_ratio,
    spread_for_correlation,
)
from powerml.validation.claims.card import BandTable, labelled_rates
from powerml.validation.claims.check import Check, contradicts, percent, sources_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from powerml.config.claims import Association, ClaimsSpec, Subgroup

BaseRates = dict[str, dict[str, Range]]
NO_BASE = "no base rate is printed: neither outcome counts nor a whole band table"


def metric_checks(claims: ClaimsSpec) -> Iterator[Check]:
    """Every check of metrics and subgroups that the file has numbers for."""
    bases = implied_rates(claims)
    for association in claims.associations:
        yield _correlation(claims, association, bases)
        if association.times_the_rate is not None:
            yield _multiple(claims, association, bases)
    yield from _named(claims)
    for subgroup in claims.subgroups:
        yield _subgroup(claims, subgroup, bases)


def implied_rates(claims: ClaimsSpec) -> BaseRates:
    """What the document gives as outcome rates, as ranges: its `labelled` users first, then its band `table`."""
    bases: BaseRates = {}
    if claims.outcomes is not None:
        bases["labelled"] = {o: (rate, rate) for o, rate in labelled_rates(claims.outcomes).items()}
    table, half = BandTable.of(claims), claims.rates_printed_to / 2
    if table is not None:
        bases["table"] = {o: (max(rate - half, 0.0), min(rate + half, 1.0)) for o, rate in table.rates.items()}
    return bases


def _middle(ends: Range) -> float:
    return (ends[0] + ends[1]) / 2


def _correlation(claims: ClaimsSpec, association: Association, bases: BaseRates) -> Check:
    """Correlations are judged at the labelled base rate, for it is on labelled users that they were computed."""
    code, outcome = "correlation_attainable", association.outcome
    claimed = f"{association.metric} correlates {association.correlation:.2f} with {outcome}"
    sources = sources_of(association, claims.outcomes)
    bare = association.share_in is None and association.mean_in is None
    if not bases or bare or association.correlation == 0:
        why = "neither shares nor means by outcome are printed" if bare else NO_BASE
        why = why if bare or not bases else "no relation is claimed, and none is ruled out"
        return Check(code, claimed, why, "cannot be checked", {"claimed": association.correlation}, sources)
    prevalence = _middle(next(iter(bases.values()))[outcome])
    if association.share_in is None or association.share_out is None:
        assert association.mean_in is not None
        assert association.mean_out is not None
        difference = association.mean_in - association.mean_out
        spread = spread_for_correlation(prevalence, difference, association.correlation)
        return Check(
            code,
            claimed,
            f"the means {association.mean_in:g} and {association.mean_out:g} give it at an overall standard deviation "
            f"of {spread:.2g}, which is not printed",
            "cannot be checked",
            {"claimed": association.correlation, "standard_deviation": spread},
            sources,
        )
    inside, outside = association.share_in, association.share_out
    half = claims.rates_printed_to / 2
    margins = over_corners(
        lambda i, o: prevalence * i + (1 - prevalence) * o,
        (inside - half, inside + half),
        (outside - half, outside + half),
    )
    towards = inside >= outside  # a metric rarer among the event is bounded like its opposite
    bound = largest_phi(prevalence, _middle(margins) if towards else 1 - _middle(margins))
    ends = [largest_phi(prevalence, m if towards else 1 - m) for m in margins]
    reachable = (
        1.0 if margins[0] <= (prevalence if towards else 1 - prevalence) <= margins[1] else float(np.nanmax(ends))
    )
    own = abs(phi_of_shares(prevalence, inside, outside))
    balanced = abs(phi_of_shares(0.5, inside, outside))
    least = printed_range(abs(association.correlation), 0.01)[0]
    return Check(
        code,
        claimed,
        f"with {percent(inside, 0)} against {percent(outside, 0)} at a base rate of {percent(prevalence)}, no "
        f"correlation of two yes/no variables exceeds {bound:.3f}; these shares give {own:.3f} "
        f"({balanced:.3f} on balanced groups)",
        contradicts(least > reachable),
        {"claimed": association.correlation, "largest": bound, "of_shares": own, "of_shares_balanced": balanced},
        sources,
    )


def _multiple(claims: ClaimsSpec, association: Association, bases: BaseRates) -> Check:
    assert association.times_the_rate is not None
    assert association.share_in is not None
    assert association.share_out is not None
    times, outcome, half = association.times_the_rate.value, association.outcome, claims.rates_printed_to / 2
    inside, outside = association.share_in, association.share_out
    claimed = f"users with {association.metric} {outcome} at {times:g}x the rate of those without"
    sources = sources_of(association.times_the_rate, association, claims.outcomes, claims.bands)
    if not bases:
        return Check("times_the_rate", claimed, NO_BASE, "cannot be checked", {"claimed": times}, sources)
    parts, figures, holds = [], {"claimed": times}, []
    for name, rates in bases.items():
        prevalence = _middle(rates[outcome])
        ratio = rate_ratio(prevalence, inside, outside)
        ends = over_corners(
            rate_ratio,
            rates[outcome],
            (max(inside - half, 0.0), min(inside + half, 1.0)),
            (max(outside - half, 0.0), min(outside + half, 1.0)),
        )
        holds.append(meet(printed_range(times), ends))
        figures[name] = ratio
        parts.append(
            f"{ratio:.1f}x at the {'band table' if name == 'table' else name} base rate ({percent(prevalence)})"
            f"{'' if holds[-1] else ', where it does not hold'}"
        )
    implied = f"{percent(inside, 0)} against {percent(outside, 0)} imply " + ", and ".join(parts)
    # the shares are those of the labelled users where there are any, so the first base rate decides
    return Check("times_the_rate", claimed, implied, contradicts(not holds[0]), figures, sources)


def _named(claims: ClaimsSpec) -> Iterator[Check]:
    if claims.metrics is None:
        return
    tested, kept, named = claims.metrics.tested, claims.metrics.kept, claims.metrics.named
    if kept > tested or named > kept:
        implied, wrong = f"{named} named, {kept} kept and {tested} tested cannot be", True
    elif named < kept:
        implied, wrong = f"{named} of the {kept} are named with a correlation; {kept - named} cannot be traced", False
    else:
        implied, wrong = f"all {kept} are named", False
    yield Check(
        "metrics_named",
        f"{kept} of {tested} metrics passed the screen",
        implied,
        "cannot be checked" if named < kept <= tested else contradicts(wrong),
        {"tested": tested, "kept": kept, "named": named},
        claims.metrics.sources,
    )


def _subgroup(claims: ClaimsSpec, subgroup: Subgroup, bases: BaseRates) -> Check:
    """Churn and expansion rates inside and outside must give the subgroup one and the same share of users."""
    claimed = (
        f"{subgroup.name}: churn {percent(subgroup.churn_in, 0)} (others {percent(subgroup.churn_out, 0)}), "
        f"expand {percent(subgroup.expand_in, 0)} (others {percent(subgroup.expand_out, 0)})"
    )
    sources = sources_of(subgroup, claims.outcomes, claims.bands)
    if not bases:
        return Check("subgroup_share", claimed, NO_BASE, "cannot be checked", {}, sources)
    half = claims.rates_printed_to / 2
    parts, agree = [], []
    figures: dict[str, float] = {}
    for name, rates in reversed(bases.items()):
        shares, ends = {}, {}
        for outcome, inside, outside in (
            ("churn", subgroup.churn_in, subgroup.churn_out),
            ("expand", subgroup.expand_in, subgroup.expand_out),
        ):
            shares[outcome] = mixture_share(_middle(rates[outcome]), inside, outside)
            if np.isnan(shares[outcome]) or abs(inside - outside) <= 2 * half:
                ends[outcome] = (0.0, 1.0)  # equal rates say nothing about the share
                continue
            low, high = over_corners(
                mixture_share, rates[outcome], (inside - half, inside + half), (outside - half, outside + half)
            )
            ends[outcome] = (max(low, 0.0), min(high, 1.0))
        possible = all(low <= high for low, high in ends.values())
        agree.append(possible and meet(ends["churn"], ends["expand"]))
        where = "band table's" if name == "table" else f"{name}"
        told = [
            f"{percent(share, 0)} by the {outcome} rates"
            if 0 <= share <= 1
            else f"no possible share by the {outcome} rates"
            for outcome, share in shares.items()
            if not np.isnan(share)
        ]
        parts.append(f"at the {where} base rates their share is {(' and ' if agree[-1] else ' but ').join(told)}")
        figures |= {f"{name}_{outcome}": share for outcome, share in shares.items() if not np.isnan(share)}
    # one base rate at which both agree is enough: the text does not say whose rates these are
    return Check("subgroup_share", claimed, "; ".join(parts), contradicts(not any(agree)), figures, sources)
